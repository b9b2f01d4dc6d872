package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"
)

func isParquet(head []byte) bool { return bytes.HasPrefix(head, []byte("PAR1")) }

// parquetBatch is how many rows are read at once.
const parquetBatch = 64

// parquetRows yields the rows of a Parquet file as JSON objects, by the mapping
// that the package documents. Memory is bounded by a page of each column and
// a batch of rows, however many rows a row group has. The library below panics
// on some damaged files: every call into it is guarded.
func parquetRows(in *input, opts Options) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		r := parquetReader{limit: opts.MaxLine}
		if err := guard(func() error { return r.open(in) }); err != nil {
			yield(row{}, err)
			return
		}
		for i := range r.file.RowGroups() {
			if goOn := r.rowGroup(i, yield); !goOn {
				return
			}
			if r.err != nil {
				yield(row{}, fmt.Errorf("row group %d: %w", i, r.err))
				return
			}
		}
	}
}

// guard turns a panic of f into an error.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("damaged or unsupported Parquet: %v", r)
		}
	}()
	return f()
}

// A parquetReader carries what goes from one row group to the next.
type parquetReader struct {
	file   *parquet.File
	schema *parquetSchema
	pages  pageChecker
	limit  int // longest row, in bytes of JSON
	num    int64
	json   []byte
	err    error // why the file cannot be read further
}

func (r *parquetReader) open(in *input) error {
	at, size, err := in.readerAt()
	if err != nil {
		return err
	}
	r.pages = pageChecker{file: at, size: size}
	if err := r.pages.footer(); err != nil {
		return err
	}
	r.file, err = parquet.OpenFile(at, size,
		parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(64<<10))
	if err != nil {
		return err
	}
	r.schema, err = newParquetSchema(r.file)
	return err
}

// rowGroup yields the rows of one row group; it reports false when the loop has
// ended. Where the file is at fault it sets r.err.
func (r *parquetReader) rowGroup(i int, yield func(row, error) bool) (goOn bool) {
	group := r.file.RowGroups()[i]
	var rows parquet.Rows
	r.err = guard(func() error {
		if err := r.pages.rowGroup(&r.file.Metadata().RowGroups[i]); err != nil {
			return err
		}
		rows = group.Rows()
		return nil
	})
	if r.err != nil {
		return true
	}
	defer guard(rows.Close)

	batch := make([]parquet.Row, parquetBatch)
	for read := int64(0); ; {
		n := 0
		err := guard(func() (err error) { n, err = rows.ReadRows(batch); return err })
		for _, values := range batch[:n] {
			r.num++
			if !r.row(values, yield) {
				return false
			}
			if r.err != nil {
				return true
			}
		}
		read += int64(n)
		switch {
		case err == io.EOF && read == group.NumRows():
			return true
		case err == io.EOF:
			r.err = fmt.Errorf("damaged Parquet file: %d rows of %d are there", read, group.NumRows())
			return true
		case err != nil:
			r.err = err
			return true
		case n == 0:
			r.err = io.ErrNoProgress
			return true
		}
	}
}

// row yields one row, as JSON or as a bad one.
func (r *parquetReader) row(values parquet.Row, yield func(row, error) bool) (goOn bool) {
	err := guard(func() (err error) {
		r.json, err = r.schema.appendRow(r.json[:0], values, r.limit)
		return err
	})
	if bad, ok := errors.AsType[*RowError](err); ok {
		return yield(row{r.num, r.json}, bad)
	}
	if err != nil {
		r.err = err
		return true
	}
	return yield(row{r.num, r.json}, nil)
}
