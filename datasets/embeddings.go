package datasets

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/renameio/v2"
)

// An Embedding is one row of an embeddings file.
type Embedding struct {
	ID     string    // of the prompt or, in a file without IDs, the row's number from 0
	Vector []float32 // finite, not all zero
}

// EmbeddingsMeta says which space the vectors of a file are in. What a file does
// not say is zero.
type EmbeddingsMeta struct {
	Model       string // name of the embedding model
	Dim         int    // width of every vector
	Fingerprint string // of the embedding model
}

// maxDim is the widest vector that is read or written.
const maxDim = 1 << 20

// Embeddings opens an embeddings file in the format that its name says (Arrow
// IPC, .npy, Parquet) or, where the name says nothing, its first bytes. The
// sequence follows the stream rule of this package: a vector of another width
// than the file's, with NaN or infinity, of zero norm or null is a [*RowError].
// Vectors are the caller's to keep.
//
// The width is what the file declares, or where it declares none that of its
// first row.
func Embeddings(path string) (EmbeddingsMeta, iter.Seq2[Embedding, error], error) {
	file, meta, reader, err := openEmbeddings(path)
	if err != nil {
		return EmbeddingsMeta{}, nil, err
	}
	defer file.Close()
	if meta.Dim == 0 {
		block, err := readBlock(path, reader)
		if err != nil && err != io.EOF {
			return EmbeddingsMeta{}, nil, err
		}
		if len(block) > 0 {
			meta.Dim = len(block[0].Vector)
		}
	}
	return meta, func(yield func(Embedding, error) bool) { yieldEmbeddings(path, meta.Dim, yield) }, nil
}

func yieldEmbeddings(path string, dim int, yield func(Embedding, error) bool) {
	file, _, reader, err := openEmbeddings(path)
	if err != nil {
		yield(Embedding{}, err)
		return
	}
	defer file.Close()
	for row := int64(1); ; {
		block, err := readBlock(path, reader)
		if err == io.EOF {
			return
		}
		if err != nil {
			yield(Embedding{}, err)
			return
		}
		for _, e := range block {
			err := e.bad
			if err == nil {
				err = e.check(dim)
			}
			if err != nil {
				e.Embedding, err = Embedding{}, &RowError{Pos: Pos{File: path, Row: row}, Err: err}
			}
			if !yield(e.Embedding, err) {
				return
			}
			row++
		}
	}
}

// check reports why an embedding cannot be compared with others of width dim.
func (e *Embedding) check(dim int) error {
	if len(e.Vector) != dim {
		return fmt.Errorf("the vector has width %d, the file has %d", len(e.Vector), dim)
	}
	if !utf8.ValidString(e.ID) {
		return errors.New("the id is not valid UTF-8")
	}
	var greatest uint32 // magnitude, as bits: those of floats are ordered as the floats are
	for _, f := range e.Vector {
		greatest = max(greatest, math.Float32bits(f)&^(1<<31))
	}
	switch {
	case greatest >= math.Float32bits(float32(math.Inf(1))):
		return errors.New("the vector holds NaN or infinity")
	case greatest == 0:
		return errors.New("the vector is all zero")
	}
	return nil
}

// WriteEmbeddings writes a sequence to a file in the format that its name says
// and returns how many there were. The file is there whole or not at all: an
// error, be it one that the sequence yields or an embedding that
// [Embeddings] would refuse, leaves what was there before. A .npy file has room
// for the vectors alone.
func WriteEmbeddings(path string, meta EmbeddingsMeta, seq iter.Seq2[Embedding, error]) (int64, error) {
	format, ok := embeddingFormatByName(path)
	switch {
	case !ok:
		return 0, fmt.Errorf("%s: unknown format for embeddings (have %s)", path, knownEmbeddingFormats())
	case meta.Dim < 1 || meta.Dim > maxDim:
		return 0, fmt.Errorf("%s: embeddings of width %d: must be from 1 to %d", path, meta.Dim, maxDim)
	}
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return 0, fileError(path, err)
	}
	defer file.Cleanup()
	w, err := format.create(file.File, meta)
	if err != nil {
		return 0, fileError(path, err)
	}
	var n int64
	for e, err := range seq {
		if err != nil {
			return n, err
		}
		if err := e.check(meta.Dim); err != nil {
			return n, &RowError{Pos: Pos{File: path, Row: n + 1}, Err: err}
		}
		if err := w.write(e); err != nil {
			return n, fileError(path, err)
		}
		n++
	}
	if err := w.close(); err != nil {
		return n, fileError(path, err)
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return n, fileError(path, err)
	}
	return n, nil
}

// An embeddingFormat reads and writes one kind of file.
type embeddingFormat struct {
	name     string
	suffixes []string // of file names, in lower case; the first is the one to advise
	magic    string   // the first bytes of every such file
	open     func(file *os.File, size int64) (EmbeddingsMeta, embeddingReader, error)
	create   func(file *os.File, meta EmbeddingsMeta) (embeddingWriter, error)
}

// An embeddingReader gives the rows of a file, a block at a time, and io.EOF
// after the last block. The rows are not checked yet.
type embeddingReader interface {
	next() ([]embeddingRow, error)
}

type embeddingRow struct {
	Embedding
	bad error // why there is no embedding in this row; nil if there is
}

// An embeddingWriter writes embeddings that are checked. close ends the content
// but leaves the file open.
type embeddingWriter interface {
	write(e Embedding) error
	close() error
}

// embeddingFormats is the table of formats, sorted by name.
func embeddingFormats() []embeddingFormat {
	return []embeddingFormat{
		{"arrow", []string{".arrow", ".feather", ".ipc"}, "ARROW1", openArrow, createArrow},
		{"npy", []string{".npy"}, "\x93NUMPY", openNpy, createNpy},
		{"parquet", []string{".parquet", ".pq"}, "PAR1", openParquetEmbeddings, createParquetEmbeddings},
	}
}

func embeddingFormatByName(path string) (embeddingFormat, bool) {
	suffix := strings.ToLower(filepath.Ext(path))
	for _, f := range embeddingFormats() {
		if slices.Contains(f.suffixes, suffix) {
			return f, true
		}
	}
	return embeddingFormat{}, false
}

func knownEmbeddingFormats() string {
	var names []string
	for _, f := range embeddingFormats() {
		names = append(names, f.suffixes[0])
	}
	return strings.Join(names, ", ")
}

// openEmbeddings opens a file as far as its header.
func openEmbeddings(path string) (*os.File, EmbeddingsMeta, embeddingReader, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, EmbeddingsMeta{}, nil, fileError(path, err)
	}
	var meta EmbeddingsMeta
	var reader embeddingReader
	err = guardLibrary(func() error {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		format, err := embeddingFormatOf(file, path)
		if err != nil {
			return err
		}
		meta, reader, err = format.open(file, info.Size())
		return err
	})
	if err == nil && (meta.Dim < 0 || meta.Dim > maxDim) {
		err = fmt.Errorf("embeddings of width %d: must be from 1 to %d", meta.Dim, maxDim)
	}
	if err != nil {
		file.Close()
		return nil, EmbeddingsMeta{}, nil, fileError(path, err)
	}
	return file, meta, reader, nil
}

func embeddingFormatOf(file *os.File, path string) (embeddingFormat, error) {
	if f, ok := embeddingFormatByName(path); ok {
		return f, nil
	}
	head := make([]byte, 6)
	if _, err := file.ReadAt(head, 0); err != nil && err != io.EOF {
		return embeddingFormat{}, err
	}
	for _, f := range embeddingFormats() {
		if strings.HasPrefix(string(head), f.magic) {
			return f, nil
		}
	}
	return embeddingFormat{}, fmt.Errorf("unknown format: neither the name nor the first bytes are those of embeddings (have %s)", knownEmbeddingFormats())
}

func readBlock(path string, reader embeddingReader) (block []embeddingRow, err error) {
	err = guardLibrary(func() error {
		block, err = reader.next()
		return err
	})
	if err != nil && err != io.EOF {
		err = fileError(path, err)
	}
	return block, err
}

// guardLibrary turns a panic into an error: the libraries beneath panic on some
// damaged files.
func guardLibrary(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("damaged file: %v", r)
		}
	}()
	return f()
}
