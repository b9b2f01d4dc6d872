package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
)

// DefaultMaxLine is how long a row may be, in bytes, unless [Options] say
// otherwise.
const DefaultMaxLine = 64 << 20

// maxRaw is how much of a bad row an error keeps, in bytes.
const maxRaw = 4 << 10

// Options say how files are read. The zero value is good.
type Options struct {
	// MaxLine is the longest row, in bytes of JSON; 0 is DefaultMaxLine. A
	// longer row is one *RowError and is passed over in bounded memory.
	MaxLine int

	// Stdin is what the path "-" reads. It can be read once: ranging over it
	// again is an error. Nil makes "-" an error.
	Stdin io.Reader

	formats []format // that a file may have; nil for those of the table
}

func (o *Options) among() []format {
	if o.formats != nil {
		return o.formats
	}
	return formats()
}

// Prompts is the prompts of some files, by the stream rule of this package.
// A path may be a glob ("*", "?", "[a-z]", "{a,b}", "**" for any depth) or "-"
// for standard input. Files come in the order given, the matches of a glob
// sorted by name. A glob that matches nothing, a missing file and a directory
// are errors before the first row.
//
// A prompt without an ID gets "<file>:<row>" with the file's base name, or with
// its path as given where two of the files have the same base name. IDs are not
// compared with each other here.
func Prompts(paths []string, opts Options) iter.Seq2[Prompt, error] {
	return stream(paths, opts, func(d *rowDecoder, line []byte, pos Pos, label string) (Prompt, error) {
		return d.prompt(line, pos, label)
	})
}

// Results is the results of some files, in the same way as [Prompts].
func Results(paths []string, opts Options) iter.Seq2[Result, error] {
	return stream(paths, opts, func(_ *rowDecoder, line []byte, _ Pos, _ string) (Result, error) {
		return decodeResult(line)
	})
}

// A decoder makes a value of a row's JSON. The label names the file in IDs.
type decoder[T any] func(d *rowDecoder, line []byte, pos Pos, label string) (T, error)

func stream[T any](names []string, opts Options, decode decoder[T]) iter.Seq2[T, error] {
	opts.MaxLine = cmp.Or(opts.MaxLine, DefaultMaxLine)
	stdinRead := false
	return func(yield func(T, error) bool) {
		var zero T
		paths, err := Files(names)
		if err != nil {
			yield(zero, err)
			return
		}
		labels := labelsOf(paths)
		for _, path := range paths {
			if path == stdin {
				if stdinRead {
					yield(zero, errors.New("-: standard input was read already and cannot be read again"))
					return
				}
				stdinRead = true
			}
			if !streamFile(path, labels[path], opts, decode, yield) {
				return
			}
		}
	}
}

// labelsOf gives each path the name that IDs of its rows begin with.
func labelsOf(paths []string) map[string]string {
	byBase := map[string]string{}
	ambiguous := map[string]bool{}
	for _, path := range paths {
		base := filepath.Base(path)
		if other, ok := byBase[base]; ok && other != path {
			ambiguous[base] = true
		}
		byBase[base] = path
	}
	labels := map[string]string{}
	for _, path := range paths {
		labels[path] = filepath.Base(path)
		if ambiguous[labels[path]] {
			labels[path] = path
		}
	}
	return labels
}

// streamFile yields the rows of one file and reports whether to go on with the
// next: the loop has not ended and the file was read to its end.
func streamFile[T any](path, label string, opts Options, decode decoder[T], yield func(T, error) bool) (goOn bool) {
	var zero T
	in, f, err := open(path, opts)
	if err != nil {
		yield(zero, err)
		return false
	}
	defer in.close()

	d := newRowDecoder()
	for row, err := range f.rows(in, opts) {
		pos := Pos{File: path, Row: row.num}
		if rerr, ok := errors.AsType[*RowError](err); ok {
			rerr.Pos = pos
			rerr.Raw = clip(row.json)
			if !yield(zero, rerr) {
				return false
			}
			continue
		}
		if err != nil {
			yield(zero, fileError(path, err))
			return false
		}
		value, err := decode(d, row.json, pos, label)
		if err != nil {
			value, err = zero, &RowError{Pos: pos, Err: err, Raw: clip(row.json)}
		}
		if !yield(value, err) {
			return false
		}
	}
	return true
}

// clip copies the beginning of a row.
func clip(raw []byte) []byte {
	if len(raw) == 0 {
		return nil
	}
	return append([]byte(nil), raw[:min(len(raw), maxRaw)]...)
}

// badRow is the error of one row, which streamFile gives its place.
func badRow(format string, args ...any) *RowError {
	return &RowError{Err: fmt.Errorf(format, args...)}
}
