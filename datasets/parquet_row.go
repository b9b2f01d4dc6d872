package datasets

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"
)

// appendRow appends one row as a JSON object. A bad row is a *RowError; any
// other error says that the file is damaged.
func (s *parquetSchema) appendRow(dst []byte, row parquet.Row, limit int) ([]byte, error) {
	clear(s.values)
	for _, v := range row {
		if c := v.Column(); c < 0 || c >= s.leaves {
			return dst, errDamaged
		}
	}
	row.Range(func(column int, values []parquet.Value) bool {
		s.values[column] = values
		return true
	})
	s.limit, s.bad = limit, nil
	dst, err := s.appendGroup(dst, s.root)
	if err != nil {
		return dst, err
	}
	for _, left := range s.values {
		if len(left) > 0 {
			return dst, errDamaged
		}
	}
	if s.bad != nil {
		return dst, &RowError{Err: s.bad}
	}
	return dst, nil
}

var errDamaged = errors.New("damaged Parquet file: the columns of a row do not fit together")

// next returns the definition level that the next value of a leaf has, and its
// repetition level; -1 where the row has none left.
func (s *parquetSchema) next(leaf int) (def, rep int) {
	if len(s.values[leaf]) == 0 {
		return -1, -1
	}
	v := s.values[leaf][0]
	return v.DefinitionLevel(), v.RepetitionLevel()
}

// skip takes the one value that each leaf of a field has where the field is
// null or empty.
func (s *parquetSchema) skip(n *node) error {
	for leaf := n.first; leaf < n.last; leaf++ {
		if len(s.values[leaf]) == 0 {
			return errDamaged
		}
		s.values[leaf] = s.values[leaf][1:]
	}
	return nil
}

// appendField appends the value of a field, which may be null.
func (s *parquetSchema) appendField(dst []byte, n *node) ([]byte, error) {
	if s.isNull(n) {
		return append(dst, "null"...), s.skip(n)
	}
	switch n.shape {
	case groupShape:
		return s.appendGroup(dst, n)
	case listShape, objectShape:
		return s.appendRepeated(dst, n)
	}
	values := s.values[n.first]
	if len(values) == 0 {
		return dst, errDamaged
	}
	s.values[n.first] = values[1:]
	if s.bad != nil {
		return dst, nil
	}
	dst, s.bad = n.append(dst, values[0])
	if len(dst) > s.limit {
		s.bad = fmt.Errorf("row is longer than %d bytes of JSON", s.limit)
	}
	return dst, nil
}

// isNull reports whether the field is null at this place. A list is null one
// level earlier than it is empty.
func (s *parquetSchema) isNull(n *node) bool {
	if !n.optional {
		return false
	}
	def, _ := s.next(n.first)
	if n.shape == listShape || n.shape == objectShape {
		return def < n.def-1
	}
	return def < n.def
}

// appendGroup appends the fields of a group as an object. A null is left out.
func (s *parquetSchema) appendGroup(dst []byte, n *node) ([]byte, error) {
	if n.whole != nil && !s.isNull(n.whole) {
		return s.appendWhole(dst, n)
	}
	dst = append(dst, '{')
	for _, c := range n.children {
		if s.isNull(c) {
			if err := s.skip(c); err != nil {
				return dst, err
			}
			continue
		}
		var err error
		if c.splice {
			dst, err = s.appendSpliced(dst, c)
		} else {
			if dst[len(dst)-1] != '{' {
				dst = append(dst, ',')
			}
			dst, err = s.appendField(append(dst, c.name...), c)
		}
		if err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendRepeated appends a list, or an object by key.
func (s *parquetSchema) appendRepeated(dst []byte, n *node) ([]byte, error) {
	opening, closing := byte('['), byte(']')
	if n.shape == objectShape {
		opening, closing = '{', '}'
	}
	dst = append(dst, opening)
	if def, _ := s.next(n.first); def < n.def {
		return append(dst, closing), s.skip(n)
	}
	for more := true; more; {
		var err error
		if dst, err = s.appendElement(dst, n); err != nil {
			return dst, err
		}
		_, rep := s.next(n.first)
		if more = rep == n.rep; more {
			dst = append(dst, ',')
		}
	}
	return append(dst, closing), nil
}

func (s *parquetSchema) appendElement(dst []byte, n *node) ([]byte, error) {
	if n.shape == listShape {
		return s.appendField(dst, n.children[0])
	}
	dst, err := s.appendField(dst, n.children[0])
	if err != nil {
		return dst, err
	}
	return s.appendField(append(dst, ':'), n.children[1])
}

// appendSpliced appends the members of a JSON object to the object around it.
func (s *parquetSchema) appendSpliced(dst []byte, n *node) ([]byte, error) {
	start := len(dst)
	dst, err := s.appendField(dst, n)
	if err != nil || s.bad != nil {
		return dst, err
	}
	object := jsontext.Value(dst[start:]).Clone()
	dst = dst[:start]
	if object.Kind() != '{' {
		s.bad = errors.New("extra: not a JSON object")
		return dst, nil
	}
	for name, value := range members(object) {
		dst = appendMember(dst, name, value)
	}
	return dst, nil
}

// appendWhole appends the one field that stands for its whole group.
func (s *parquetSchema) appendWhole(dst []byte, n *node) ([]byte, error) {
	for _, c := range n.children {
		var err error
		if c == n.whole {
			dst, err = s.appendField(dst, c)
		} else {
			err = s.skip(c)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}
