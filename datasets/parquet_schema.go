package datasets

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"
	pq "github.com/parquet-go/parquet-go/format"
)

// A parquetSchema maps the rows of one file to JSON objects.
type parquetSchema struct {
	root   *node
	leaves int

	// values are the values of each leaf column that the row at hand has left.
	values [][]parquet.Value
	limit  int   // longest row, in bytes
	bad    error // why the row at hand is bad
}

// A node is one field of a schema. The levels are those of Dremel's shredding:
// a value whose definition level is below def says that this field, or one
// around it, is null; a value whose repetition level is rep goes on with the
// list that this field is.
type node struct {
	name     string // as the member of a JSON object: `"name":`
	shape    shape
	optional bool
	def, rep int
	first    int // the leaf columns of this field are first ≤ i < last
	last     int
	children []*node
	append   appendLeaf // of a leaf

	splice bool  // a JSON object whose members stand in place of this one
	whole  *node // of a message: the child that, where not null, stands for all
}

// A shape says what JSON a field becomes.
type shape int

const (
	leafShape   shape = iota // a scalar
	groupShape               // an object of the children, nulls left out
	listShape                // a list; the only child is the repeated element
	objectShape              // an object by key; the children are key and value
)

// formatKey is the metadata key that says that a file was written here and
// what its rows are. Only such a file has columns that are unfolded again.
const formatKey = "routeval"

// textColumns are the columns that are text all the way down even where their
// writer annotated bytes as nothing at all, as old writers did.
var textColumns = []string{"id", "custom_id", "prompt", "messages", "reference", "category", "outcomes"}

func newParquetSchema(file *parquet.File) (*parquetSchema, error) {
	b := schemaBuilder{}
	root, err := b.group(file.Root(), level{})
	if err != nil {
		return nil, err
	}
	if kind, _ := file.Lookup(formatKey); kind == string(prompts) {
		unfold(root)
	}
	return &parquetSchema{root: root, leaves: b.leaves, values: make([][]parquet.Value, b.leaves)}, nil
}

// level is where in the schema a field stands.
type level struct {
	def, rep int
	text     bool // bytes without annotation are text
}

// A schemaBuilder walks a schema and numbers its leaves.
type schemaBuilder struct{ leaves int }

// field maps one field, its repetition included.
func (b *schemaBuilder) field(c *parquet.Column, at level) (*node, error) {
	if !c.Repeated() {
		return b.single(c, at)
	}
	list := &node{shape: listShape, name: memberName(c.Name()), first: b.leaves}
	element, err := b.element(c, at)
	if err != nil {
		return nil, err
	}
	list.def, list.rep = at.def+1, at.rep+1
	list.children, list.last = []*node{element}, b.leaves
	return list, nil
}

// element maps what a repeated field repeats.
func (b *schemaBuilder) element(c *parquet.Column, at level) (*node, error) {
	at.def++
	at.rep++
	return b.single(c, at)
}

// single maps a field that is optional or required, or one element of a
// repeated one.
func (b *schemaBuilder) single(c *parquet.Column, at level) (n *node, err error) {
	if c.Optional() {
		at.def++
	}
	first := b.leaves
	switch {
	case c.Leaf():
		n, err = b.leaf(c, at), nil
	case isLogical[*pq.ListType](c) && repeatsOnly(c):
		n, err = b.list(c, at)
	case isLogical[*pq.MapType](c) && repeatsOnly(c):
		n, err = b.keyed(c, at)
	default:
		n, err = b.group(c, at)
	}
	if err != nil {
		return nil, err
	}
	if n.first == n.last {
		return nil, fmt.Errorf("column %s: a group without columns", c.Name())
	}
	n.name, n.optional, n.first = memberName(c.Name()), c.Optional(), first
	return n, nil
}

func isLogical[T any](c *parquet.Column) bool {
	lt := c.Type().LogicalType()
	if lt == nil {
		return false
	}
	_, ok := any(lt.Value).(T)
	return ok
}

// repeatsOnly reports whether a group holds one repeated field and nothing else.
func repeatsOnly(c *parquet.Column) bool {
	return len(c.Columns()) == 1 && c.Columns()[0].Repeated()
}

func (b *schemaBuilder) leaf(c *parquet.Column, at level) *node {
	b.leaves++
	return &node{shape: leafShape, def: at.def, rep: at.rep, first: b.leaves - 1, last: b.leaves, append: leafOf(c.Type(), at.text)}
}

func (b *schemaBuilder) group(c *parquet.Column, at level) (*node, error) {
	n := &node{shape: groupShape, def: at.def, rep: at.rep, first: b.leaves}
	for _, child := range c.Columns() {
		below := at
		for _, name := range textColumns {
			below.text = below.text || c.Depth() == 0 && child.Name() == name
		}
		m, err := b.field(child, below)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, m)
	}
	n.last = b.leaves
	return n, nil
}

// list maps an annotated list. Its repeated field is a wrapper around the
// element, or by the format's rules for old writers the element itself.
// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
func (b *schemaBuilder) list(c *parquet.Column, at level) (*node, error) {
	repeated := c.Columns()[0]
	n := &node{shape: listShape, first: b.leaves, def: at.def + 1, rep: at.rep + 1}
	inside := at
	inside.def++
	inside.rep++

	wraps := !repeated.Leaf() && len(repeated.Columns()) == 1 &&
		repeated.Name() != "array" && repeated.Name() != c.Name()+"_tuple"
	element, build := repeated, b.single
	if wraps {
		element, build = repeated.Columns()[0], b.field
	}
	child, err := build(element, inside)
	n.children, n.last = []*node{child}, b.leaves
	// The list itself is null below at.def and empty at it; see appendField.
	n.optional = c.Optional()
	return n, err
}

// keyed maps an annotated map: with text for keys an object, else a list of
// objects of key and value.
func (b *schemaBuilder) keyed(c *parquet.Column, at level) (*node, error) {
	entry := c.Columns()[0]
	n := &node{first: b.leaves, def: at.def + 1, rep: at.rep + 1}
	inside := at
	inside.def++
	inside.rep++

	pair, err := b.single(entry, inside)
	if err != nil {
		return nil, err
	}
	n.last = b.leaves
	if fields := entry.Columns(); len(fields) == 2 && fields[0].Leaf() && fields[0].Required() && isText(fields[0].Type(), at.text) && pair.shape == groupShape {
		n.shape, n.children = objectShape, pair.children
		return n, nil
	}
	n.shape, n.children = listShape, []*node{pair}
	return n, nil
}

func memberName(name string) string { return string(appendString(nil, name)) + ":" }

// unfold marks the columns of a file of our own whose JSON takes another place
// than theirs: see parquetPrompt.
func unfold(root *node) {
	if extra := root.child("extra"); extra != nil {
		extra.splice = true
	}
	if outcomes := root.child("outcomes"); outcomes != nil && outcomes.shape == objectShape {
		if extra := outcomes.children[1].child("extra"); extra != nil {
			extra.splice = true
		}
	}
	if messages := root.child("messages"); messages != nil && messages.shape == listShape {
		message := messages.children[0]
		message.whole = message.child("raw")
	}
}

func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == memberName(name) {
			return c
		}
	}
	return nil
}

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
