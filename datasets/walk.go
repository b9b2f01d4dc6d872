package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep a row may nest. It is far below what the JSON library
// reads, so that a row still can be read where it has become part of a result.
const maxDepth = 1000

// A checker proves rows to be JSON objects.
type checker struct {
	buf bytes.Buffer
	dec jsontext.Decoder
}

// check reports why line is not one JSON object, nil if it is: with no key
// twice at any depth, in valid UTF-8, with nothing after it. What has passed
// may be walked with members and elements, which check nothing.
func (c *checker) check(line []byte) error {
	c.buf = *bytes.NewBuffer(line)
	c.dec.Reset(&c.buf)
	value, err := c.dec.ReadValue()
	if err != nil {
		return describe(err)
	}
	if k := value.Kind(); k != '{' {
		return wrongKind("the row", "an object", k)
	}
	if _, err := c.dec.ReadToken(); err != io.EOF {
		return errors.New("something stands after the row's object")
	}
	if tooDeep(value) {
		return fmt.Errorf("nested more than %d deep", maxDepth)
	}
	return nil
}

// tooDeep reports whether a valid value nests deeper than maxDepth. Nearly
// every value has too few brackets for that, which is seen at memory speed.
func tooDeep(v jsontext.Value) bool {
	if bytes.Count(v, []byte("{"))+bytes.Count(v, []byte("[")) <= maxDepth {
		return false
	}
	depth := 0
	for i := 0; i < len(v) && depth <= maxDepth; i++ {
		switch v[i] {
		case '"':
			i = stringEnd(v, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	return depth > maxDepth
}

// describe puts an error of the JSON library into words for the owner of the
// row.
func describe(err error) error {
	serr, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		return err
	}
	switch {
	case errors.Is(serr.Err, io.ErrUnexpectedEOF):
		return fmt.Errorf("torn row: it ends in the middle of a value, after %d bytes", serr.ByteOffset)
	case errors.Is(serr.Err, jsontext.ErrDuplicateName):
		return fmt.Errorf("duplicate key %q", serr.JSONPointer.LastToken())
	}
	return fmt.Errorf("invalid JSON after %d bytes: %w", serr.ByteOffset, serr.Err)
}

// wrongKind is the error of a member that has the wrong JSON type.
func wrongKind(what, want string, have jsontext.Kind) error {
	err := fmt.Errorf("%s: want %s, have %s", what, want, kindName(have))
	if what == "the row" && have == '[' {
		return fmt.Errorf("%w: write one object a line (jq -c '.[]' does)", err)
	}
	return err
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return "nothing"
}

// members yields the names (quoted, as they stand) and values of an object
// that is known to be valid. Walking again what was checked once costs a tenth
// of decoding it again.
func members(object jsontext.Value) iter.Seq2[jsontext.Value, jsontext.Value] {
	return func(yield func(name, value jsontext.Value) bool) {
		i := skipSpace(object, skipSpace(object, 0)+1)
		for object[i] != '}' {
			nameEnd := valueEnd(object, i)
			start := skipSpace(object, skipSpace(object, nameEnd)+1)
			end := valueEnd(object, start)
			if !yield(object[i:nameEnd:nameEnd], object[start:end:end]) {
				return
			}
			i = skipComma(object, end)
		}
	}
}

// elements yields the values of a list that is known to be valid.
func elements(list jsontext.Value) iter.Seq[jsontext.Value] {
	return func(yield func(jsontext.Value) bool) {
		i := skipSpace(list, skipSpace(list, 0)+1)
		for list[i] != ']' {
			end := valueEnd(list, i)
			if !yield(list[i:end:end]) {
				return
			}
			i = skipComma(list, end)
		}
	}
}

func skipSpace(v []byte, i int) int {
	for v[i] == ' ' || v[i] == '\t' || v[i] == '\n' || v[i] == '\r' {
		i++
	}
	return i
}

func skipComma(v []byte, i int) int {
	i = skipSpace(v, i)
	if v[i] == ',' {
		i = skipSpace(v, i+1)
	}
	return i
}

// valueEnd returns where the value that begins at i ends.
func valueEnd(v []byte, i int) int {
	switch v[i] {
	case '"':
		return stringEnd(v, i)
	case '{', '[':
		return nestedEnd(v, i)
	}
	for i < len(v) && bytes.IndexByte([]byte(",]} \t\r\n"), v[i]) < 0 {
		i++
	}
	return i
}

// stringEnd returns where the string that begins at i ends: after the first
// quote that an even number of backslashes stands before.
func stringEnd(v []byte, i int) int {
	for j := i + 1; ; j++ {
		j += bytes.IndexByte(v[j:], '"')
		backslashes := 0
		for v[j-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return j + 1
		}
	}
}

// nestedEnd returns where the object or list that begins at i ends.
func nestedEnd(v []byte, i int) int {
	for depth := 0; ; {
		switch v[i] {
		case '"':
			i = stringEnd(v, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
}
