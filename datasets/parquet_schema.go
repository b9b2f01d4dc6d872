package datasets

import (
	"fmt"
	"slices"

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

// inside is the level of what a repeated field repeats.
func (at level) inside() level {
	at.def++
	at.rep++
	return at
}

// A schemaBuilder walks a schema and numbers its leaves.
type schemaBuilder struct{ leaves int }

// field maps one field, its repetition included.
func (b *schemaBuilder) field(c *parquet.Column, at level) (*node, error) {
	if !c.Repeated() {
		return b.single(c, at)
	}
	at = at.inside()
	list := &node{shape: listShape, name: memberName(c.Name()), def: at.def, rep: at.rep, first: b.leaves}
	element, err := b.single(c, at)
	if err != nil {
		return nil, err
	}
	list.children, list.last = []*node{element}, b.leaves
	return list, nil
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
		if c.Depth() == 0 {
			below.text = slices.Contains(textColumns, child.Name())
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
	at = at.inside()
	n := &node{shape: listShape, first: b.leaves, def: at.def, rep: at.rep}
	repeated := c.Columns()[0]
	wraps := !repeated.Leaf() && len(repeated.Columns()) == 1 &&
		repeated.Name() != "array" && repeated.Name() != c.Name()+"_tuple"
	element, build := repeated, b.single
	if wraps {
		element, build = repeated.Columns()[0], b.field
	}
	child, err := build(element, at)
	n.children, n.last = []*node{child}, b.leaves
	return n, err
}

// keyed maps an annotated map: with text for keys an object, else a list of
// objects of key and value.
func (b *schemaBuilder) keyed(c *parquet.Column, at level) (*node, error) {
	at = at.inside()
	n := &node{first: b.leaves, def: at.def, rep: at.rep}
	entry := c.Columns()[0]
	pair, err := b.single(entry, at)
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
