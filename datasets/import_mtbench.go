package datasets

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// mtBenchRow is a question or a judgement; which of the two its members tell.
type mtBenchRow struct {
	QuestionID jsontext.Value `json:"question_id"`

	Category  string         `json:"category"`
	Turns     []string       `json:"turns"`
	Reference jsontext.Value `json:"reference"`

	Model string   `json:"model"`
	Score *float64 `json:"score"`
	Turn  int      `json:"turn"`
}

// importMTBench joins questions and judgements by question.
func importMTBench(rows iter.Seq2[record, error]) iter.Seq2[Prompt, error] {
	return func(yield func(Prompt, error) bool) {
		b := mtBench{scores: map[string]map[string]map[int]float64{}}
		collect(rows, b.add, b.finish)(yield)
	}
}

// mtBench holds scores by question, model and turn.
type mtBench struct {
	scores map[string]map[string]map[int]float64
}

func (b *mtBench) add(c *collector, r record) error {
	var row mtBenchRow
	if err := json.Unmarshal(r.json, &row); err != nil {
		return describeField(err)
	}
	id := labelOf(row.QuestionID)
	if id == "" {
		return errors.New("question_id: missing")
	}
	switch {
	case len(row.Turns) > 0:
		return addQuestion(c, id, &row, r)
	case row.Model != "" && row.Score != nil:
		return b.addJudgement(c, id, &row, r)
	}
	return errors.New("neither a question (turns) nor a judgement of one answer (model, score, turn)")
}

func addQuestion(c *collector, id string, row *mtBenchRow, r record) error {
	p, _ := c.prompt(id)
	if p.Messages != nil {
		return fmt.Errorf("question %s comes twice", id)
	}
	if err := p.ask(row.Turns[0]); err != nil {
		return err
	}
	turns, err := json.Marshal(row.Turns)
	if err != nil {
		return err
	}
	p.Category, p.Pos = row.Category, r.pos
	p.carry("turns", turns)
	p.carry("references", row.Reference.Clone())
	return nil
}

// addJudgement notes a score from 1 to 10. A score of −1 is that of a judge who
// gave none, and stays unknown.
func (b *mtBench) addJudgement(c *collector, id string, row *mtBenchRow, r record) error {
	if *row.Score == -1 {
		return nil
	}
	if !(*row.Score >= 0 && *row.Score <= 10) {
		return fmt.Errorf("score: want 1 to 10, have %v", *row.Score)
	}
	p, isNew := c.prompt(id)
	if isNew {
		p.Pos = r.pos
	}
	if b.scores[id] == nil {
		b.scores[id] = map[string]map[int]float64{}
	}
	if b.scores[id][row.Model] == nil {
		b.scores[id][row.Model] = map[int]float64{}
	}
	b.scores[id][row.Model][row.Turn] = *row.Score
	return nil
}

// finish makes a quality of the scores of all turns, each with the same weight.
func (b *mtBench) finish(p *Prompt) error {
	if p.Messages == nil {
		return fmt.Errorf("question %s has judgements and no text: name the file of questions too", p.ID)
	}
	for model, turns := range b.scores[p.ID] {
		sum := 0.0
		for _, turn := range slices.Sorted(maps.Keys(turns)) {
			sum += turns[turn]
		}
		quality := sum / float64(len(turns)) / 10
		if err := p.record(model, Outcome{Quality: &quality}); err != nil {
			return err
		}
	}
	return nil
}
