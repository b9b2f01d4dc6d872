package reports

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"routeval/datasets"
)

// groups numbers the values of a field in the order in which they are first met.
type groups struct {
	numbers map[string]uint32
	names   []string
}

func newGroups() groups { return groups{numbers: make(map[string]uint32)} }

// index is the number of the result's value of the field; 0 without a field.
func (g *groups) index(field string, r *datasets.Result) uint32 {
	if field == "" {
		return 0
	}
	value := fieldOf(r, field)
	n, ok := g.numbers[value]
	if !ok {
		n = uint32(len(g.names))
		g.numbers[value] = n
		g.names = append(g.names, value)
	}
	return n
}

// fieldOf is the value of a field of the prompt: its category, or a member of
// the object of carried fields. A text is itself, any other value is its JSON;
// "" stands for null and for a member that is not there.
func fieldOf(r *datasets.Result, field string) string {
	if field == "category" {
		return r.Category
	}
	return member(r.Extra, field)
}

func member(object jsontext.Value, name string) string {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return ""
	}
	for d.PeekKind() == '"' {
		key, err := d.ReadToken()
		if err != nil {
			return ""
		}
		if key.String() != name {
			if d.SkipValue() != nil {
				return ""
			}
			continue
		}
		value, err := d.ReadValue()
		switch {
		case err != nil || value.Kind() == 'n':
			return ""
		case value.Kind() == '"':
			text, err := jsontext.AppendUnquote(nil, value)
			if err != nil {
				return ""
			}
			return string(text)
		}
		return string(value)
	}
	return ""
}
