package datasets

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A rowDecoder makes prompts of rows. It keeps buffers between rows and must
// not be used by two goroutines.
type rowDecoder struct {
	checker checker
	members []member
	scratch []byte
}

// A member is one member of a row, as it stands there.
type member struct {
	name, value jsontext.Value
	known       bool // it has a field of its own and is not carried in Extra
}

func newRowDecoder() *rowDecoder { return new(rowDecoder) }

// prompt decodes one row of JSON. The members that it knows are those that the
// package documentation lists; the others go to Extra.
func (d *rowDecoder) prompt(line []byte, pos Pos, label string) (Prompt, error) {
	if err := d.checker.check(line); err != nil {
		return Prompt{}, err
	}
	d.members = d.members[:0]
	for name, value := range members(line) {
		d.members = append(d.members, member{name: name, value: value})
	}

	p := Prompt{Pos: pos}
	if err := cmp.Or(d.id(&p), d.turns(&p), d.labels(&p), d.recorded(&p)); err != nil {
		return Prompt{}, err
	}
	if p.ID == "" {
		p.ID = fmt.Sprintf("%s:%d", label, pos.Row)
	}
	if strings.TrimSpace(p.Query()) == "" {
		return Prompt{}, errors.New("empty prompt: there is no text to route on")
	}
	p.Extra = d.extra()
	return p, nil
}

// take returns the value of a member and marks it as known; nil where the row
// has none or null.
func (d *rowDecoder) take(name string) jsontext.Value {
	m := d.find(name)
	if m == nil {
		return nil
	}
	m.known = true
	if m.value.Kind() == 'n' {
		return nil
	}
	return m.value
}

func (d *rowDecoder) find(name string) *member {
	for i := range d.members {
		if d.is(d.members[i].name, name) {
			return &d.members[i]
		}
	}
	return nil
}

// is reports whether a quoted name is name, however it is escaped.
func (d *rowDecoder) is(quoted jsontext.Value, name string) bool {
	if plain := quoted[1 : len(quoted)-1]; len(plain) == len(name) {
		return string(plain) == name
	} else if len(plain) < len(name) {
		return false
	}
	return bytes.IndexByte(quoted, '\\') >= 0 && string(d.unquote(quoted)) == name
}

// text returns the text of a JSON string.
func (d *rowDecoder) text(quoted jsontext.Value) string { return string(d.unquote(quoted)) }

// unquote returns the text of a JSON string, valid until the next call.
func (d *rowDecoder) unquote(quoted jsontext.Value) []byte {
	d.scratch, _ = jsontext.AppendUnquote(d.scratch[:0], quoted)
	return d.scratch
}

// label returns the text of a string or a number, as it stands.
func (d *rowDecoder) label(what string, v jsontext.Value) (string, error) {
	switch k := v.Kind(); k {
	case '"':
		return d.text(v), nil
	case '0':
		return string(v), nil
	default:
		if v == nil {
			return "", nil
		}
		return "", wrongKind(what, "a string or a number", k)
	}
}

// id takes "id", or "custom_id" where there is no id.
func (d *rowDecoder) id(p *Prompt) (err error) {
	if p.ID, err = d.label("id", d.take("id")); err != nil || p.ID != "" {
		return err
	}
	p.ID, err = d.label("custom_id", d.take("custom_id"))
	return err
}

// turns takes what is asked: "messages", else "prompt", else the "body" of an
// OpenAI batch row. What stands beside the one that is taken is carried.
func (d *rowDecoder) turns(p *Prompt) (err error) {
	if v := d.take("messages"); v != nil {
		p.Messages, err = d.messages("messages", v)
		return err
	}
	if v := d.take("prompt"); v != nil {
		switch k := v.Kind(); k {
		case '"':
			p.Messages = []Message{{Role: "user", Content: d.text(v)}}
		case '[':
			p.Messages, err = d.messages("prompt", v)
		default:
			err = wrongKind("prompt", "a string or a list of messages", k)
		}
		return err
	}
	if m := d.find("body"); m != nil && m.value.Kind() == '{' {
		m.known = true
		return d.batch(p, m.value)
	}
	return errors.New(`no prompt: the row has neither "prompt" nor "messages" nor the "body" of an OpenAI batch row`)
}

// batch takes an OpenAI batch row. Its method and URL are checked and carried.
func (d *rowDecoder) batch(p *Prompt, body jsontext.Value) (err error) {
	if m := d.find("method"); m != nil && d.textOf(m.value) != "POST" {
		return fmt.Errorf("method: want POST, have %s", m.value)
	}
	if m := d.find("url"); m != nil && !strings.HasSuffix(d.textOf(m.value), "/chat/completions") {
		return fmt.Errorf("url: want /v1/chat/completions, have %s: only chat rows can be routed", m.value)
	}
	for name, v := range members(body) {
		switch {
		case d.is(name, "stream") && v.Kind() == 't':
			return errors.New("body.stream: an answer in a batch cannot be streamed: take the member out or set it to false")
		case d.is(name, "messages"):
			if p.Messages, err = d.messages("body.messages", v); err != nil {
				return err
			}
		}
	}
	if p.Messages == nil {
		return errors.New("body.messages: missing")
	}
	p.Request = body.Clone()
	return nil
}

// textOf is the text of a string, "" of anything else.
func (d *rowDecoder) textOf(v jsontext.Value) string {
	if v.Kind() != '"' {
		return ""
	}
	return d.text(v)
}

func (d *rowDecoder) labels(p *Prompt) (err error) {
	if p.Reference, err = d.label("reference", d.take("reference")); err != nil {
		return err
	}
	p.Category, err = d.label("category", d.take("category"))
	return err
}

// extra is the object of the members that are not known; nil if there are none.
func (d *rowDecoder) extra() jsontext.Value {
	size := 0
	for _, m := range d.members {
		if !m.known {
			size += len(m.name) + len(m.value) + len(",:")
		}
	}
	if size == 0 {
		return nil
	}
	extra := append(make(jsontext.Value, 0, size+len("}")), '{')
	for _, m := range d.members {
		if !m.known {
			extra = appendMember(extra, m.name, m.value)
		}
	}
	return append(extra, '}')
}

// appendMember appends a member to an object that is still open.
func appendMember(object, name, value []byte) []byte {
	if object[len(object)-1] != '{' {
		object = append(object, ',')
	}
	object = append(object, name...)
	object = append(object, ':')
	return append(object, value...)
}
