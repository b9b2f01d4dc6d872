package datasets

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// importRouteLLM reads RouteLLM's evaluation tables. Any column of True and
// False is a model's; a cell that is empty is an outcome that is not known. The
// columns id, category and reference are what they are in a prompt, any other is
// carried.
func importRouteLLM(rows iter.Seq2[record, error]) iter.Seq2[Prompt, error] {
	d := newRowDecoder()
	return each(rows, func(r record) (Prompt, error) { return d.evaluation(r) })
}

const responseSuffix = "_response"

func (d *rowDecoder) evaluation(r record) (Prompt, error) {
	if err := d.checker.check(r.json); err != nil {
		return Prompt{}, err
	}
	p := Prompt{ID: fmt.Sprintf("%s:%d", filepath.Base(r.pos.File), r.pos.Row), Pos: r.pos}
	answers := map[string]string{}
	outcomes := map[string]Outcome{}
	for quoted, value := range members(r.json) {
		name, cell := d.text(quoted), d.textOf(value)
		quality, graded := truth(value, cell)
		answered, isAnswer := strings.CutSuffix(name, responseSuffix)
		switch {
		case name == "prompt":
			if err := p.ask(cell); err != nil {
				return Prompt{}, err
			}
		case name == "id" && cell != "":
			p.ID = cell
		case name == "category":
			p.Category = cell
		case name == "reference":
			p.Reference = cell
		case name == "messages" || name == "outcomes":
			return Prompt{}, fmt.Errorf("column %s: is a field of a prompt", name)
		case graded:
			outcomes[name] = Outcome{Quality: &quality}
		case isAnswer:
			answers[answered] = cell
		case cell != "" || value.Kind() != '"':
			p.carry(name, value.Clone())
		}
	}
	if p.Messages == nil {
		return Prompt{}, errors.New("no column prompt")
	}
	if len(outcomes) == 0 {
		return Prompt{}, errors.New("no model: want columns of True and False")
	}
	for model, o := range outcomes {
		o.Answer = answers[model]
		if err := p.record(model, o); err != nil {
			return Prompt{}, err
		}
	}
	return p, nil
}

// truth reads a cell of True or False, which a Parquet file has as a boolean.
func truth(value jsontext.Value, cell string) (quality float64, ok bool) {
	switch {
	case cell == "True" || cell == "true" || value.Kind() == 't':
		return 1, true
	case cell == "False" || cell == "false" || value.Kind() == 'f':
		return 0, true
	}
	return 0, false
}
