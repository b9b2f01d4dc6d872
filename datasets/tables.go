package datasets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// tables is what the files of other tools may be: the formats of this program,
// and two that it only reads. They are told apart by the first bytes where the
// name does not: ".json" may be one list, or an object a line.
func tables() []format {
	return append(formatsWithoutJSON(),
		format{name: "csv", suffixes: []string{".csv"}, is: func([]byte) bool { return false }, rows: csvRows},
		format{name: "json list", is: isList, rows: listRows},
	)
}

func formatsWithoutJSON() []format {
	all := formats()
	for i, f := range all {
		all[i].suffixes = slices.DeleteFunc(slices.Clone(f.suffixes), func(s string) bool { return s == ".json" })
	}
	return all
}

// An allowance is a reader that may give max bytes, and one buffer more, until
// it is filled again: what bounds the memory of a parser that reads a row whole.
type allowance struct {
	r         io.Reader
	max, left int
}

func newAllowance(r io.Reader, max int) *allowance {
	a := &allowance{r: r, max: max}
	a.fill()
	return a
}

func (a *allowance) fill() { a.left = a.max + bufferSize }

func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, fmt.Errorf("a row is longer than %d bytes", a.max)
	}
	n, err := a.r.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

// csvRows yields the rows of a CSV file as JSON objects of texts, by the names
// of the first line. A row's number is the line that it begins on.
func csvRows(in *input, opts Options) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		if head, _ := in.r.Peek(len(byteOrderMark)); bytes.Equal(head, byteOrderMark) {
			in.r.Discard(len(byteOrderMark))
		}
		source := newAllowance(in.r, opts.MaxLine)
		r := csv.NewReader(bufio.NewReader(source))
		r.ReuseRecord = true
		header, err := csvHeader(r)
		if err != nil {
			yield(row{}, err)
			return
		}
		var text []byte
		for {
			source.fill()
			fields, err := r.Read()
			if err == io.EOF {
				return
			}
			if bad, ok := errors.AsType[*csv.ParseError](err); ok {
				if !yield(row{num: int64(bad.StartLine)}, badRow("%w", bad.Err)) {
					return
				}
				continue
			}
			if err != nil {
				yield(row{}, err)
				return
			}
			line, _ := r.FieldPos(0)
			if text, err = appendFields(text[:0], header, fields); err != nil {
				err = badRow("%w", err)
			}
			if !yield(row{int64(line), text}, err) {
				return
			}
		}
	}
}

// csvHeader reads the names of the columns.
func csvHeader(r *csv.Reader) ([]string, error) {
	names, err := r.Read()
	switch {
	case err == io.EOF:
		return nil, errors.New("no first line with the names of the columns")
	case err != nil:
		return nil, err
	}
	names = slices.Clone(names)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("two columns have the name %q", name)
		}
	}
	return names, nil
}

// appendFields appends the object of the fields of one row.
func appendFields(dst []byte, names, fields []string) (_ []byte, err error) {
	dst = append(dst, '{')
	for i, name := range names {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = jsontext.AppendQuote(dst, name); err != nil {
			return nil, fmt.Errorf("name of column %d: %w", i+1, err)
		}
		dst = append(dst, ':')
		if dst, err = jsontext.AppendQuote(dst, fields[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return append(dst, '}'), nil
}

// isList reports whether the first bytes of a file are those of a JSON list.
func isList(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n")
	return len(head) > 0 && head[0] == '['
}

// listRows yields the elements of one JSON list. A row's number is its place in
// the list, from 1.
func listRows(in *input, opts Options) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		l := newListReader(in, opts)
		if err := l.open('['); err != nil {
			yield(row{}, err)
			return
		}
		l.elements(yield)
	}
}

// A listReader reads JSON of any length, element by element.
type listReader struct {
	source *allowance
	dec    *jsontext.Decoder
}

func newListReader(in *input, opts Options) *listReader {
	if head, _ := in.r.Peek(len(byteOrderMark)); bytes.Equal(head, byteOrderMark) {
		in.r.Discard(len(byteOrderMark))
	}
	source := newAllowance(in.r, opts.MaxLine)
	return &listReader{source, jsontext.NewDecoder(source)}
}

// open reads the bracket or brace that must come next.
func (l *listReader) open(bracket jsontext.Kind) error {
	if have := l.dec.PeekKind(); have != bracket {
		return wrongKind("the file", kindName(bracket), have)
	}
	_, err := l.dec.ReadToken()
	return describe(err)
}

// elements yields the elements of a list that is open, and reports whether its
// end was come to.
func (l *listReader) elements(yield func(row, error) bool) (ended bool) {
	for num := int64(1); ; num++ {
		l.source.fill()
		if l.dec.PeekKind() == ']' {
			_, err := l.dec.ReadToken()
			return err == nil
		}
		value, err := l.dec.ReadValue()
		if err != nil {
			yield(row{}, fmt.Errorf("element %d: %w", num, describe(err)))
			return false
		}
		if !yield(row{num, value}, nil) {
			return false
		}
	}
}
