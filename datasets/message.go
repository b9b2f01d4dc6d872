package datasets

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// messages decodes a conversation; what is its name in errors.
func (d *rowDecoder) messages(what string, v jsontext.Value) ([]Message, error) {
	if k := v.Kind(); k != '[' {
		return nil, wrongKind(what, "a list of messages", k)
	}
	var turns []Message
	for element := range elements(v) {
		m, err := d.message(element)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]%w", what, len(turns), err)
		}
		turns = append(turns, m)
	}
	if len(turns) == 0 {
		return nil, fmt.Errorf("%s: empty", what)
	}
	return turns, nil
}

// message decodes one turn. Its errors go on after the turn's index.
func (d *rowDecoder) message(v jsontext.Value) (m Message, err error) {
	if k := v.Kind(); k != '{' {
		return m, wrongKind("", "an object", k)
	}
	more, content := false, false
	for name, value := range members(v) {
		switch k := value.Kind(); {
		case k == 'n':
		case d.is(name, "role"):
			if m.Role = d.textOf(value); m.Role == "" {
				return m, fmt.Errorf(".role: want a name, have %s", clip(value))
			}
		case d.is(name, "content"):
			content = true
			more = more || k != '"'
			if m.Content, err = d.content(value); err != nil {
				return m, err
			}
		default:
			more = true
		}
	}
	switch {
	case m.Role == "":
		return m, fmt.Errorf(".role: missing")
	case !content && !more:
		return m, fmt.Errorf(": neither content nor anything else is said")
	case more:
		m.Raw = v.Clone()
	}
	return m, nil
}

// content is the text of a message: the string, or the text parts of a list
// joined by newlines.
func (d *rowDecoder) content(v jsontext.Value) (string, error) {
	switch k := v.Kind(); k {
	case '"':
		return d.text(v), nil
	case '[':
	default:
		return "", wrongKind(".content", "a string or a list of parts", k)
	}
	var parts []string
	n := 0
	for part := range elements(v) {
		if k := part.Kind(); k != '{' {
			return "", wrongKind(fmt.Sprintf(".content[%d]", n), "an object", k)
		}
		for name, value := range members(part) {
			if d.is(name, "text") && value.Kind() == '"' {
				parts = append(parts, d.text(value))
			}
		}
		n++
	}
	return strings.Join(parts, "\n"), nil
}
