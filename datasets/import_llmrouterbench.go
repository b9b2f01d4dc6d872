package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// documents is the one format of LLMRouterBench: an object with a list of records.
func documents() []format {
	return []format{{name: "json", suffixes: []string{".json"}, is: isJSONL, rows: documentRows}}
}

// documentRows yields the elements of the member records of one object.
func documentRows(in *input, opts Options) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		l := newListReader(in, opts)
		if err := l.open('{'); err != nil {
			yield(row{}, err)
			return
		}
		for l.dec.PeekKind() == '"' {
			l.source.fill()
			name, err := l.dec.ReadToken()
			if err != nil {
				yield(row{}, describe(err))
				return
			}
			if name.String() == "records" {
				if err := l.open('['); err != nil {
					yield(row{}, fmt.Errorf("records: %w", err))
					return
				}
				if !l.elements(yield) {
					return
				}
				continue
			}
			if err := l.dec.SkipValue(); err != nil {
				yield(row{}, describe(err))
				return
			}
		}
		if _, err := l.dec.ReadToken(); err != nil {
			yield(row{}, describe(err))
		}
	}
}

// llmRouterBenchRecord is what one model did with one prompt. Prompt may be a
// text, or what an agent was given.
type llmRouterBenchRecord struct {
	Index            jsontext.Value `json:"index"`
	OriginQuery      string         `json:"origin_query"`
	Prompt           jsontext.Value `json:"prompt"`
	Prediction       jsontext.Value `json:"prediction"`
	GroundTruth      jsontext.Value `json:"ground_truth"`
	Score            *float64       `json:"score"`
	PromptTokens     *float64       `json:"prompt_tokens"`
	CompletionTokens *float64       `json:"completion_tokens"`
	Cost             *float64       `json:"cost"`
	RawOutput        jsontext.Value `json:"raw_output"`
}

// importLLMRouterBench joins the files of several models by data set, split and
// index. The three names are those of the directories.
func importLLMRouterBench(rows iter.Seq2[record, error]) iter.Seq2[Prompt, error] {
	return collect(rows, addLLMRouterBench, nil)
}

func addLLMRouterBench(c *collector, r record) error {
	var row llmRouterBenchRecord
	if err := json.Unmarshal(r.json, &row); err != nil {
		return describeField(err)
	}
	model, split, dataset := above(r.pos.File, 1), above(r.pos.File, 2), above(r.pos.File, 3)
	index := labelOf(row.Index)
	if index == "" || model == "" {
		return errors.New("want an index, and a path such as DATASET/SPLIT/MODEL/TIME.json")
	}
	p, isNew := c.prompt(fmt.Sprintf("%s/%s/%s", dataset, split, index))
	if isNew {
		p.Pos, p.Category, p.Reference = r.pos, dataset, labelOf(row.GroundTruth)
	}
	if err := p.ask(cmp.Or(row.OriginQuery, labelOf(row.Prompt))); err != nil {
		return err
	}
	o := Outcome{Answer: labelOf(row.RawOutput, row.Prediction), Quality: row.Score, CostUSD: row.Cost}
	var err1, err2 error
	o.PromptTokens, err1 = tokens("prompt_tokens", row.PromptTokens)
	o.CompletionTokens, err2 = tokens("completion_tokens", row.CompletionTokens)
	if err := cmp.Or(err1, err2); err != nil {
		return err
	}
	return p.record(model, o)
}

// above is the name of the n-th directory above a file; "" if there is none.
func above(path string, n int) string {
	for range n {
		path = filepath.Dir(path)
	}
	if base := filepath.Base(path); base != "." && base != string(filepath.Separator) {
		return base
	}
	return ""
}

// tokens checks a count that may be written with a fraction of zero.
func tokens(name string, x *float64) (*int64, error) {
	if x == nil {
		return nil, nil
	}
	n := int64(*x)
	if float64(n) != *x || n < 0 {
		return nil, fmt.Errorf("%s: %v is not a count", name, *x)
	}
	return &n, nil
}
