package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Preference is one pairwise judgement: which of two models answered a prompt
// better.
type Preference struct {
	// ID says which embedding is the prompt's: idx, id or question_id of the row,
	// else the number of the row among those of its file, from 0.
	ID     string
	Prompt string // the text; "" where the file has none
	ModelA string
	ModelB string
	Winner Winner
	Pos    Pos // for messages
}

// Winner says which model did better.
type Winner string

const (
	WinnerA  Winner = "model_a"
	WinnerB  Winner = "model_b"
	NoWinner Winner = "tie"
)

// Preferences is the preferences of some files, by the stream rule of this
// package. A file is CSV, JSON Lines, Parquet or one JSON list, and its rows
// have one of these shapes:
//
//	idx, model_a, model_b, winner         as RouteLLM trains on; winner is model_a,
//	                                      model_b, tie or "tie (bothbad)"
//	model_a, model_b, prompt, winner_model_a, winner_model_b, winner_tie
//	                                      as Chatbot Arena publishes: one of the
//	                                      three is 1; prompt is a text, or a list of
//	                                      the user's turns, of which the first counts
//	conversation_a                        in place of prompt: a list of messages
//
// What else a row has is passed over.
func Preferences(paths []string, opts Options) iter.Seq2[Preference, error] {
	opts.formats = tables()
	rows := stream(paths, opts, func(_ *rowDecoder, line []byte, pos Pos, _ string) (Preference, error) {
		return decodePreference(line, pos)
	})
	return func(yield func(Preference, error) bool) {
		file, n := "", 0
		for p, err := range rows {
			pos := p.Pos
			if bad, ok := errors.AsType[*RowError](err); ok {
				pos = bad.Pos
			}
			if n++; pos.File != file {
				file, n = pos.File, 0
			}
			if err == nil && p.ID == "" {
				p.ID = strconv.Itoa(n)
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// preferenceRow is a row of any of the shapes.
type preferenceRow struct {
	Index      jsontext.Value `json:"idx"`
	ID         jsontext.Value `json:"id"`
	QuestionID jsontext.Value `json:"question_id"`

	ModelA string         `json:"model_a"`
	ModelB string         `json:"model_b"`
	Winner string         `json:"winner"`
	WonA   jsontext.Value `json:"winner_model_a"`
	WonB   jsontext.Value `json:"winner_model_b"`
	Tied   jsontext.Value `json:"winner_tie"`

	Prompt       jsontext.Value `json:"prompt"`
	Conversation []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"conversation_a"`
}

func decodePreference(line []byte, pos Pos) (Preference, error) {
	p := Preference{Pos: pos}
	var r preferenceRow
	err := json.Unmarshal(line, &r)
	if err != nil {
		return p, describeField(err)
	}
	if r.ModelA == "" || r.ModelB == "" {
		return p, errors.New("model_a and model_b: both must be named")
	}
	p.ModelA, p.ModelB, p.ID = r.ModelA, r.ModelB, labelOf(r.Index, r.ID, r.QuestionID)
	if p.Winner, err = r.winner(); err != nil {
		return p, err
	}
	p.Prompt, err = r.text()
	return p, err
}

func (r *preferenceRow) winner() (Winner, error) {
	switch r.Winner {
	case "model_a", "model_b", "tie":
		return Winner(r.Winner), nil
	case "tie (bothbad)":
		return NoWinner, nil
	case "":
	default:
		return "", fmt.Errorf("winner: want model_a, model_b or tie, have %q", r.Winner)
	}
	var won []Winner
	for _, c := range []struct {
		flag   jsontext.Value
		winner Winner
	}{{r.WonA, WinnerA}, {r.WonB, WinnerB}, {r.Tied, NoWinner}} {
		if isOne(c.flag) {
			won = append(won, c.winner)
		}
	}
	if len(won) != 1 {
		return "", errors.New("no winner: want winner, or one of winner_model_a, winner_model_b and winner_tie to be 1")
	}
	return won[0], nil
}

// isOne reports whether a flag is set: 1, true, or either as text.
func isOne(v jsontext.Value) bool {
	switch string(bytes.Trim(v, `"`)) {
	case "1", "1.0", "true", "True":
		return true
	}
	return false
}

// text is what the user asked first.
func (r *preferenceRow) text() (string, error) {
	for _, m := range r.Conversation {
		if m.Role == "user" {
			return m.Content, nil
		}
	}
	if r.Prompt == nil || r.Prompt.Kind() == 'n' {
		return "", nil
	}
	var text string
	turns := r.Prompt
	if r.Prompt.Kind() == '"' {
		if err := json.Unmarshal(r.Prompt, &text); err != nil {
			return "", fmt.Errorf("prompt: %w", err)
		}
		if !isList([]byte(text)) || !jsontext.Value(text).IsValid() {
			return text, nil
		}
		turns = jsontext.Value(text)
	}
	var list []*string
	if err := json.Unmarshal(turns, &list); err != nil {
		if text != "" {
			return text, nil // a text that happens to be a list of something else
		}
		return "", fmt.Errorf("prompt: want a text or a list of texts, have %s", kindName(turns.Kind()))
	}
	if len(list) == 0 || list[0] == nil {
		return "", errors.New("prompt: the first turn is missing")
	}
	return *list[0], nil
}

// describeField puts an error of decoding a struct into words for the owner of
// the row.
func describeField(err error) error {
	if wrong, ok := errors.AsType[*json.SemanticError](err); ok && wrong.JSONPointer != "" {
		return fmt.Errorf("%s: not of the right type, have %s", wrong.JSONPointer.LastToken(), kindName(wrong.JSONKind))
	}
	return describe(err)
}

// labelOf is the first of some values that is a text or a number, as text.
func labelOf(values ...jsontext.Value) string {
	for _, v := range values {
		switch v.Kind() {
		case '"':
			var text string
			if json.Unmarshal(v, &text) == nil {
				return text
			}
		case '0':
			return string(v)
		}
	}
	return ""
}
