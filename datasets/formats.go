package datasets

import (
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
)

// A format turns a file into JSON objects, one a row, and rows into a file.
// What a row's members mean is the same in every format and is decided in one
// place, so a format knows nothing of prompts but how its writer lays them out.
type format struct {
	name     string
	suffixes []string // of file names, in lower case; the first is the one to advise
	packable bool     // whether ".gz" or ".zst" may follow the suffix when writing
	is       func(head []byte) bool

	rows   func(in *input, opts Options) iter.Seq2[row, error]
	writer func(w io.Writer, kind kind) rowWriter
}

// A row is one JSON object of a file, valid until the next row is asked for.
type row struct {
	num  int64  // from 1
	json []byte // not yet checked
}

// A kind says what the rows of a file are.
type kind string

const (
	prompts kind = "prompts"
	results kind = "results"
)

// A rowWriter appends rows to a file. close ends the file but leaves the
// writer beneath it open.
type rowWriter interface {
	writePrompt(p *Prompt) error
	writeResult(r *Result) error
	close() error
}

// formats is the table of formats, sorted by name. It is a function so that
// the package has no state.
func formats() []format {
	return []format{
		{name: "jsonl", suffixes: []string{".jsonl", ".ndjson", ".json"}, packable: true, is: isJSONL, rows: jsonlRows, writer: newJSONLWriter},
		{name: "parquet", suffixes: []string{".parquet", ".pq"}, is: isParquet, rows: parquetRows, writer: newParquetWriter},
	}
}

// formatByName finds the format that a file name says, its compression suffix
// taken off; ok is false where the name says nothing.
func formatByName(name string, among []format) (f format, ok bool) {
	ext := strings.ToLower(filepath.Ext(name))
	for _, f := range among {
		if slices.Contains(f.suffixes, ext) {
			return f, true
		}
	}
	return format{}, false
}

// formatByContent finds the format that the first bytes of a file say.
func formatByContent(head []byte, among []format) (format, error) {
	for _, f := range among {
		if f.is(head) {
			return f, nil
		}
	}
	return format{}, fmt.Errorf("unknown format: neither the name nor the first bytes are those of %s", known(among))
}

// known lists the formats for messages.
func known(formats []format) string {
	var names []string
	for _, f := range formats {
		name := f.name + " (" + strings.Join(f.suffixes, ", ")
		if f.packable {
			name += ", each also with " + strings.Join(packingSuffixes(), ", ")
		}
		names = append(names, name+")")
	}
	return strings.Join(names, " or ")
}
