package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding"
)

const (
	parquetEmbeddingBlock = 256      // rows given at a time
	parquetEmbeddingGroup = 32 << 20 // bytes of vectors in a row group, which the writer holds in memory
)

// parquetEmbeddings reads a column of strings and a column of lists by pages,
// which is many times faster than by rows.
type parquetEmbeddings struct {
	file       *parquet.File
	id, vector *parquet.Column // id is nil if there is none
	group      int             // the next row group
	row        int64

	vectors *listPages // of the current row group; nil before the first
	ids     *stringPages
	left    int64 // rows of the row group that are still to come
}

func openParquetEmbeddings(file *os.File, size int64) (EmbeddingsMeta, embeddingReader, error) {
	f, err := parquet.OpenFile(file, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return EmbeddingsMeta{}, nil, err
	}
	r := &parquetEmbeddings{file: f}
	for c := f.Root().Column(vectorColumn); c != nil; {
		if c.Leaf() {
			r.vector = c
			break
		}
		if len(c.Columns()) != 1 {
			break
		}
		c = c.Columns()[0]
	}
	if r.vector == nil || r.vector.MaxRepetitionLevel() != 1 {
		return EmbeddingsMeta{}, nil, fmt.Errorf("no column %q of lists", vectorColumn)
	}
	if kind := r.vector.Type().Kind(); kind != parquet.Float && kind != parquet.Double {
		return EmbeddingsMeta{}, nil, fmt.Errorf("column %q holds lists of %s: must be float32 or float64", vectorColumn, r.vector.Type())
	}
	if c := f.Root().Column(idColumn); c != nil {
		if !c.Leaf() || c.MaxRepetitionLevel() != 0 || c.Type().Kind() != parquet.ByteArray {
			return EmbeddingsMeta{}, nil, fmt.Errorf("column %q is not a string", idColumn)
		}
		r.id = c
	}
	meta, err := embeddingsMeta(f.Lookup)
	return meta, r, err
}

func (r *parquetEmbeddings) next() ([]embeddingRow, error) {
	for r.left == 0 {
		if r.group >= len(r.file.RowGroups()) {
			return nil, io.EOF
		}
		if err := r.openGroup(r.file.RowGroups()[r.group]); err != nil {
			return nil, err
		}
		r.group++
	}
	block := make([]embeddingRow, min(r.left, parquetEmbeddingBlock))
	for i := range block {
		if err := r.read(&block[i]); err != nil {
			return nil, fmt.Errorf("row group %d: %w", r.group-1, err)
		}
	}
	r.left -= int64(len(block))
	return block, nil
}

// openGroup goes on to a row group, the columns of the one before are closed.
func (r *parquetEmbeddings) openGroup(group parquet.RowGroup) error {
	var errs []error
	if r.vectors != nil {
		errs = append(errs, r.vectors.pages.Close())
	}
	if r.ids != nil {
		errs = append(errs, r.ids.pages.Close())
	}
	chunks := group.ColumnChunks()
	r.left = group.NumRows()
	r.vectors = &listPages{pages: chunks[r.vector.Index()].Pages(), present: byte(r.vector.MaxDefinitionLevel())}
	if r.id != nil {
		r.ids = &stringPages{pages: chunks[r.id.Index()].Pages()}
	}
	return errors.Join(errs...)
}

func (r *parquetEmbeddings) read(row *embeddingRow) (err error) {
	row.Vector, row.bad, err = r.vectors.next()
	switch {
	case err == io.EOF:
		return fmt.Errorf("%d rows are missing", r.left)
	case err != nil:
		return err
	case r.id == nil:
		row.ID = strconv.FormatInt(r.row, 10)
	default:
		row.ID, err = r.ids.next()
	}
	r.row++
	return err
}

// listPages reads one list of numbers a row from the pages of a column chunk.
// A list begins where the repetition level is 0 and ends where the next one
// begins, which may be in a later page.
type listPages struct {
	pages   parquet.Pages
	present byte // the definition level of a number; less is a null somewhere

	// What is left of the page: levels for each number and null, and the numbers.
	page                     parquet.Page
	repetitions, definitions []byte
	numbers                  []float32

	width int // of the list before, as a guess of the next one's
}

// next is the next row's list, or why it is none, or why the file cannot be read
// further: io.EOF after the last row.
func (p *listPages) next() (list []float32, bad, err error) {
	list = make([]float32, 0, p.width)
	for begun := false; ; begun = true {
		if len(p.repetitions) == 0 {
			err := p.nextPage()
			if err == io.EOF && begun {
				break
			}
			if err != nil {
				return nil, nil, err
			}
		}
		if begun && p.repetitions[0] == 0 {
			break
		}
		end := len(p.repetitions)
		if n := bytes.IndexByte(p.repetitions[1:], 0); n >= 0 {
			end = 1 + n
		}
		n := bytes.Count(p.definitions[:end], []byte{p.present})
		if n != end {
			bad = errors.New("the vector is null or holds null")
		}
		if len(list)+n > maxDim {
			return nil, nil, fmt.Errorf("a list has more than %d numbers", maxDim)
		}
		list = append(list, p.numbers[:n]...)
		p.repetitions, p.definitions, p.numbers = p.repetitions[end:], p.definitions[end:], p.numbers[n:]
	}
	p.width = len(list)
	return list, bad, nil
}

// nextPage goes on to the next page that has any values. The page before gives
// its memory back: the numbers of it are copied.
func (p *listPages) nextPage() error {
	for {
		parquet.Release(p.page)
		p.page = nil
		page, err := p.pages.ReadPage()
		if err != nil {
			return err
		}
		p.page = page
		if page.NumValues() == 0 {
			continue
		}
		p.repetitions, p.definitions = page.RepetitionLevels(), page.DefinitionLevels()
		if len(p.repetitions) == 0 || len(p.repetitions) != len(p.definitions) {
			return errors.New("a page's levels have two lengths")
		}
		p.numbers, err = pageNumbers(page)
		return err
	}
}

// pageNumbers is the numbers of a page, nulls left out.
func pageNumbers(page parquet.Page) ([]float32, error) {
	data := page.Data()
	dictionary := page.Dictionary()
	if dictionary == nil {
		return toFloat32(page.Type().Kind(), data)
	}
	words := dictionary.Page().Data()
	table, err := toFloat32(dictionary.Type().Kind(), words)
	if err != nil {
		return nil, err
	}
	numbers := make([]float32, len(data.Int32()))
	for i, word := range data.Int32() {
		numbers[i] = table[word]
	}
	return numbers, nil
}

func toFloat32(kind parquet.Kind, data encoding.Values) ([]float32, error) {
	switch kind {
	case parquet.Float:
		return data.Float(), nil
	case parquet.Double:
		numbers := make([]float32, len(data.Double()))
		for i, f := range data.Double() {
			numbers[i] = float32(f)
		}
		return numbers, nil
	}
	return nil, fmt.Errorf("a page holds %s", kind)
}

// stringPages reads one string a row from the pages of a column chunk.
type stringPages struct {
	pages  parquet.Pages
	values parquet.ValueReader // of the page; nil before the first
	buf    [64]parquet.Value
	ready  []parquet.Value
}

func (p *stringPages) next() (string, error) {
	for len(p.ready) == 0 {
		if p.values != nil {
			n, err := p.values.ReadValues(p.buf[:])
			p.ready = p.buf[:n]
			if err == io.EOF {
				p.values = nil
			} else if err != nil {
				return "", err
			}
			continue
		}
		page, err := p.pages.ReadPage()
		if err == io.EOF {
			return "", io.ErrUnexpectedEOF
		}
		if err != nil {
			return "", err
		}
		p.values = page.Values()
	}
	v := p.ready[0]
	p.ready = p.ready[1:]
	return string(v.ByteArray()), nil
}

// parquetEmbedding is a row as it is written.
type parquetEmbedding struct {
	ID        string    `parquet:"id"`
	Embedding []float32 `parquet:"embedding,list"`
}

type parquetEmbeddingWriter struct {
	w *parquet.GenericWriter[parquetEmbedding]
}

func createParquetEmbeddings(file *os.File, meta EmbeddingsMeta) (embeddingWriter, error) {
	return parquetEmbeddingWriter{parquet.NewGenericWriter[parquetEmbedding](file,
		parquet.MaxRowsPerRowGroup(int64(max(1, parquetEmbeddingGroup/(4*meta.Dim)))),
		parquet.KeyValueMetadata(modelKey, meta.Model),
		parquet.KeyValueMetadata(dimKey, strconv.Itoa(meta.Dim)),
		parquet.KeyValueMetadata(fingerprintKey, meta.Fingerprint),
	)}, nil
}

func (w parquetEmbeddingWriter) write(e Embedding) error {
	_, err := w.w.Write([]parquetEmbedding{{e.ID, e.Vector}})
	return err
}

func (w parquetEmbeddingWriter) close() error { return w.w.Close() }
