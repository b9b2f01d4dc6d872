package datasets

import (
	"cmp"
	"errors"
	"iter"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// routerArenaRecord is what one model did with one prompt. The index has a blank
// in its name in most files.
type routerArenaRecord struct {
	GlobalIndex  string   `json:"global_index"`
	GlobalIndex2 string   `json:"global index"`
	Prompt       string   `json:"prompt"`
	Prediction   string   `json:"prediction"` // the model
	Cost         *float64 `json:"cost"`
	Accuracy     *float64 `json:"accuracy"`
	Result       *struct {
		Answer  jsontext.Value `json:"generated_answer"`
		Success *bool          `json:"success"`
		Error   jsontext.Value `json:"error"`
		Tokens  struct {
			Input  *float64 `json:"input_tokens"`
			Output *float64 `json:"output_tokens"`
		} `json:"token_usage"`
	} `json:"generated_result"`
}

// importRouterArena joins predictions by index. A call that was not successful
// is a failure; a cost of an answer that is not graded yet stays unknown.
func importRouterArena(rows iter.Seq2[record, error]) iter.Seq2[Prompt, error] {
	return collect(rows, addRouterArena, nil)
}

func addRouterArena(c *collector, r record) error {
	var row routerArenaRecord
	if err := json.Unmarshal(r.json, &row); err != nil {
		return describeField(err)
	}
	index := cmp.Or(row.GlobalIndex, row.GlobalIndex2)
	if index == "" {
		return errors.New("global_index: missing")
	}
	p, isNew := c.prompt(index)
	if isNew {
		p.Pos = r.pos
		p.Category = index[:max(0, strings.LastIndexByte(index, '_'))] // of "AIME_12", the data set
	}
	if err := p.ask(row.Prompt); err != nil {
		return err
	}
	o := Outcome{Quality: row.Accuracy, CostUSD: row.Cost}
	if g := row.Result; g != nil {
		var err1, err2 error
		o.PromptTokens, err1 = tokens("input_tokens", g.Tokens.Input)
		o.CompletionTokens, err2 = tokens("output_tokens", g.Tokens.Output)
		if err := cmp.Or(err1, err2); err != nil {
			return err
		}
		o.Answer = labelOf(g.Answer)
		if g.Success != nil && !*g.Success {
			o.Quality = nil // of no answer
			o.Failure = &Failure{Class: "rejected", Message: cmp.Or(labelOf(g.Error), "no answer was generated")}
		}
	}
	return p.record(row.Prediction, o)
}
