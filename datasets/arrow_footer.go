package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The arrow library believes the footer of a file: it makes a slice of as many
// fields as the footer says there are, which may be billions, and follows
// children that a footer can share until there are more than memory holds.
// Neither can be caught, so the schema is walked here first, with the same
// steps and an account of them.
//
// The footer is a flatbuffer, see format/File.fbs, Schema.fbs and
// docs/source/format/Columnar.rst of Apache Arrow:
//
//	Footer   { version, schema, dictionaries, recordBatches, … }
//	Schema   { endianness, fields, custom_metadata, … }
//	Field    { name, nullable, type_type, type, dictionary, children, custom_metadata }
//	KeyValue { key, value }

// arrowTypes are the types of columns and of their children that are let
// through: those that the library reads without looking at counts of the file's
// that are checked nowhere. Unions, maps, run ends and views are not among them.
const arrowTypes = 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<9 | 1<<10 | 1<<11 |
	1<<12 | 1<<13 | 1<<15 | 1<<16 | 1<<18 | 1<<19 | 1<<20 | 1<<21

// checkArrowFooter returns why the library should not read a file, or nil. It
// panics where the footer points outside of itself.
func checkArrowFooter(file io.ReaderAt, size int64) error {
	const tail = 4 + len("ARROW1") // the footer's length and the magic string
	if size < 2*int64(tail) {
		return errors.New("not an Arrow file: too short")
	}
	end := make([]byte, tail)
	if _, err := file.ReadAt(end, size-int64(tail)); err != nil {
		return err
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if string(end[4:]) != "ARROW1" || length < 4 || length > size-2*int64(tail) {
		return errors.New("not an Arrow file, or a truncated one: the end is not a footer's")
	}
	footer := make([]byte, length)
	if _, err := file.ReadAt(footer, size-int64(tail)-length); err != nil {
		return err
	}
	f := arrowFooter{flat: footer, budget: 16 * len(footer)}
	root := f.at(0)
	if _, n := f.list(root, 2, 24); n > 0 {
		return errors.New("columns with a dictionary are not supported")
	}
	f.list(root, 3, 24)
	schema, ok := f.table(root, 1)
	if !ok {
		return errors.New("no schema")
	}
	f.metadata(schema, 2)
	return f.fields(schema, 1, 0)
}

// arrowFooter walks a flatbuffer. Its positions are checked by the bounds of the
// slice; what is visited is taken off the budget, which a tree that shares
// nothing cannot use up.
type arrowFooter struct {
	flat   []byte
	budget int
}

// fields walks a list of fields, and their children.
func (f *arrowFooter) fields(table, slot, depth int) error {
	if depth > 8 {
		return errors.New("columns are nested too deeply")
	}
	start, n := f.list(table, slot, 4)
	for i := range n {
		field := f.at(start + 4*i)
		f.text(field, 0)
		if at, ok := f.slot(field, 2); ok {
			if kind := f.flat[at]; kind > 31 || arrowTypes>>kind&1 == 0 {
				return fmt.Errorf("columns of type %d of Arrow's are not supported", kind)
			}
		}
		if _, ok := f.slot(field, 4); ok {
			return errors.New("columns with a dictionary are not supported")
		}
		f.metadata(field, 6)
		if err := f.fields(field, 5, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// metadata walks a list of keys and values.
func (f *arrowFooter) metadata(table, slot int) {
	start, n := f.list(table, slot, 4)
	for i := range n {
		pair := f.at(start + 4*i)
		f.text(pair, 0)
		f.text(pair, 1)
	}
}

// at follows the offset at a position.
func (f *arrowFooter) at(pos int) int { return pos + int(binary.LittleEndian.Uint32(f.flat[pos:])) }

// slot is the position of a table's member, or false if it has none. A table
// begins with the distance back to its list of members.
func (f *arrowFooter) slot(table, slot int) (pos int, ok bool) {
	members := table - int(int32(binary.LittleEndian.Uint32(f.flat[table:])))
	size := int(binary.LittleEndian.Uint16(f.flat[members:]))
	if 4+2*slot+2 > size {
		return 0, false
	}
	offset := int(binary.LittleEndian.Uint16(f.flat[members+4+2*slot:]))
	return table + offset, offset != 0
}

func (f *arrowFooter) table(table, slot int) (pos int, ok bool) {
	if pos, ok = f.slot(table, slot); ok {
		pos = f.at(pos)
	}
	return pos, ok
}

// list is where a member's elements begin, and how many there are.
func (f *arrowFooter) list(table, slot, elementSize int) (start, n int) {
	pos, ok := f.table(table, slot)
	if !ok {
		return 0, 0
	}
	n = int(binary.LittleEndian.Uint32(f.flat[pos:]))
	start = pos + 4
	f.budget -= 4 + n*elementSize
	if f.budget < 0 || n > (len(f.flat)-start)/elementSize {
		panic("the footer says more than it holds")
	}
	return start, n
}

func (f *arrowFooter) text(table, slot int) { f.list(table, slot, 1) }
