package datasets

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An importer makes prompts with recorded outcomes of the files of another tool.
type importer struct {
	name    string
	formats func() []format
	prompts func(rows iter.Seq2[record, error]) iter.Seq2[Prompt, error]
}

// A record is one row of such a file, valid until the next is asked for.
type record struct {
	json []byte
	pos  Pos
}

// importers is the table of importers, sorted by name.
func importers() []importer {
	return []importer{
		{"llmrouterbench", documents, importLLMRouterBench},
		{"mt-bench", tables, importMTBench},
		{"routellm", tables, importRouteLLM},
		{"routerarena", tables, importRouterArena},
	}
}

// Importers lists the names that [Import] knows, sorted.
func Importers() []string {
	var names []string
	for _, i := range importers() {
		names = append(names, i.name)
	}
	return names
}

// Import is the prompts of some files of another tool, with what its models did
// as recorded outcomes, by the stream rule of this package:
//
//	llmrouterbench  results/bench/<dataset>/<split>/<model>/<time>.json, of any
//	                number of models: each has a list of records (index,
//	                origin_query, prompt, prediction, ground_truth, score, …).
//	                Of two files of one model the last one named counts.
//	mt-bench        questions (question_id, category, turns) and single-answer
//	                judgements (question_id, model, score, turn). A quality is the
//	                mean score of the turns over 10, the prompt is the first turn.
//	routellm        evaluation tables: prompt, a column of True and False for each
//	                model, and perhaps its answers in <model>_response
//	routerarena     predictions (global_index, prompt, prediction, generated_result,
//	                cost, accuracy), of any number of models
//
// All but routellm keep the prompts in memory until the last file is read: the
// outcomes of one prompt are in different rows.
func Import(name string, paths []string, opts Options) iter.Seq2[Prompt, error] {
	for _, i := range importers() {
		if i.name == name {
			opts.formats = i.formats()
			return i.prompts(stream(paths, opts, func(_ *rowDecoder, line []byte, pos Pos, _ string) (record, error) {
				return record{line, pos}, nil
			}))
		}
	}
	return func(yield func(Prompt, error) bool) {
		yield(Prompt{}, fmt.Errorf("unknown source %q (have %s)", name, strings.Join(Importers(), ", ")))
	}
}

// each makes a prompt of every row.
func each(rows iter.Seq2[record, error], decode func(record) (Prompt, error)) iter.Seq2[Prompt, error] {
	return func(yield func(Prompt, error) bool) {
		for r, err := range rows {
			var p Prompt
			if err == nil {
				if p, err = decode(r); err != nil {
					p, err = Prompt{}, r.bad(err)
				}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

func (r record) bad(err error) *RowError {
	return &RowError{Pos: r.pos, Err: err, Raw: clip(r.json)}
}

// A collector puts together prompts whose outcomes are in different rows.
type collector struct {
	order []string
	byKey map[string]*Prompt
}

// prompt is the prompt of a key, made if there is none yet.
func (c *collector) prompt(key string) (p *Prompt, isNew bool) {
	p, ok := c.byKey[key]
	if !ok {
		p = &Prompt{ID: key}
		c.byKey[key] = p
		c.order = append(c.order, key)
	}
	return p, !ok
}

// collect has every row added to a collector, yielding bad rows as they come, and
// then yields the prompts in the order in which they were first met. finish may
// be nil.
func collect(rows iter.Seq2[record, error], add func(*collector, record) error, finish func(*Prompt) error) iter.Seq2[Prompt, error] {
	return func(yield func(Prompt, error) bool) {
		c := &collector{byKey: map[string]*Prompt{}}
		for r, err := range rows {
			if err == nil {
				if err = add(c, r); err != nil {
					err = r.bad(err)
				}
			}
			if err == nil {
				continue
			}
			if !yield(Prompt{}, err) {
				return
			}
			if _, ok := errors.AsType[*RowError](err); !ok {
				return
			}
		}
		for _, key := range c.order {
			p := c.byKey[key]
			var err error
			if finish != nil {
				if err = finish(p); err != nil {
					err = &RowError{Pos: p.Pos, Err: err}
				}
			}
			if err != nil {
				if !yield(Prompt{}, err) {
					return
				}
				continue
			}
			if !yield(*p, nil) {
				return
			}
		}
	}
}

// record puts an outcome beside those that the prompt has.
func (p *Prompt) record(model string, o Outcome) error {
	if model == "" {
		return errors.New("the model has no name")
	}
	if err := checkOutcome(&o); err != nil {
		return fmt.Errorf("%s: %w", model, err)
	}
	if p.Recorded == nil {
		p.Recorded = map[string]Outcome{}
	}
	o.Recorded = true
	p.Recorded[model] = o
	return nil
}

// ask sets the text of a prompt that has none yet, and reports whether one that
// it has is the same.
func (p *Prompt) ask(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return errors.New("empty prompt: there is no text to route on")
	case p.Messages == nil:
		p.Messages = []Message{{Role: "user", Content: text}}
	case p.Messages[0].Content != text:
		return fmt.Errorf("prompt %s: another row of it asks another question", p.ID)
	}
	return nil
}

// carry adds a member to what the prompt carries.
func (p *Prompt) carry(name string, value jsontext.Value) {
	if value == nil || value.Kind() == 'n' {
		return
	}
	object := []byte{'{'}
	if p.Extra != nil {
		object = p.Extra[:len(p.Extra)-1]
	}
	p.Extra = append(appendMember(object, appendString(nil, name), value), '}')
}
