package datasets

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Slots are the calls that a role may have in flight: a number, or {min, start, max}
// between which they adapt to the service. All zero is for the service's usual ones.
type Slots struct {
	Min   int `json:"min,omitzero"`
	Start int `json:"start,omitzero"`
	Max   int `json:"max,omitzero"`
}

// adapting is Slots as an object.
type adapting Slots

// UnmarshalYAML reads either form.
func (s *Slots) UnmarshalYAML(node ast.Node) error {
	switch node.Type() {
	case ast.MappingType, ast.MappingValueType:
		return yaml.NodeToValue(node, (*adapting)(s), yaml.Strict())
	}
	var n int
	err := yaml.NodeToValue(node, &n)
	*s = Slots{n, n, n}
	return err
}

// UnmarshalJSONFrom reads either form.
func (s *Slots) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '{' {
		return json.UnmarshalDecode(d, (*adapting)(s))
	}
	var n int
	err := json.UnmarshalDecode(d, &n)
	*s = Slots{n, n, n}
	return err
}

// MarshalJSONTo writes the shorter form.
func (s Slots) MarshalJSONTo(e *jsontext.Encoder) error {
	if s.Min == s.Start && s.Start == s.Max {
		return json.MarshalEncode(e, s.Max)
	}
	return json.MarshalEncode(e, adapting(s))
}
