package providers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// ownBody is a row's own request body with its model replaced, and with bound added
// where the row bounds its answer by neither name. All other bytes stay as they
// are. A body that asks for a stream, for no answer or for an endless one is refused.
func ownBody(body jsontext.Value, model string, bound member) ([]byte, error) {
	name, err := jsontext.AppendQuote(nil, model)
	if err != nil {
		return nil, err
	}
	found, err := scanBody(body)
	if err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	if found.messages == (span{}) {
		return nil, errors.New("request body: no messages")
	}
	var insert []byte
	if found.model == (span{}) {
		insert = fmt.Appendf(insert, `"model":%s,`, name)
	}
	if !found.bounded && found.openBound == (span{}) {
		insert = fmt.Appendf(insert, `"%s":%s,`, bound.name, bound.value)
	}
	edits := []edit{{span{found.start, found.start}, insert}}
	if found.model != (span{}) {
		edits = append(edits, edit{found.model, name})
	}
	if !found.bounded && found.openBound != (span{}) {
		edits = append(edits, edit{found.openBound, bound.value})
	}
	return apply(body, edits), nil
}

// span is a place in a body: from a byte up to another.
type span struct{ from, to int64 }

// edit puts bytes in a span's place.
type edit struct {
	at  span
	new []byte
}

// bodyPlaces are the places of a body that matter here.
type bodyPlaces struct {
	start           int64 // of the first member
	model, messages span  // of the value
	bounded         bool  // the answer's tokens have a bound
	openBound       span  // of a bound that is null
}

// scanBody finds them, and refuses what cannot be passed on.
func scanBody(body jsontext.Value) (found bodyPlaces, err error) {
	dec := jsontext.NewDecoder(bytes.NewReader(body))
	if dec.PeekKind() != '{' {
		return found, errors.New("not a JSON object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return found, err
	}
	found.start = dec.InputOffset()
	for dec.PeekKind() == '"' {
		quoted, err := dec.ReadValue()
		if err != nil {
			return found, err
		}
		name := plain(quoted)
		value, err := dec.ReadValue()
		if err != nil {
			return found, err
		}
		at := span{dec.InputOffset() - int64(len(value)), dec.InputOffset()}
		switch name {
		case "model":
			found.model = at
		case "messages":
			found.messages = at
		case "stream":
			if string(value) != "false" && string(value) != "null" {
				return found, errors.New("stream must be false: whole answers are recorded")
			}
		case "max_tokens", "max_completion_tokens":
			switch {
			case string(value) == "null":
				found.openBound = at
			case !isCount(value):
				return found, fmt.Errorf("%s is %s, not a whole number above 0", name, value)
			default:
				found.bounded = true
			}
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return found, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return found, errors.New("more than one JSON value")
	}
	return found, nil
}

// apply makes edits that do not overlap.
func apply(body []byte, edits []edit) []byte {
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.at.from, b.at.from) })
	var out []byte
	var done int64
	for _, e := range edits {
		out = append(out, body[done:e.at.from]...)
		out = append(out, e.new...)
		done = e.at.to
	}
	return append(out, body[done:]...)
}
