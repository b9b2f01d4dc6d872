package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// The library's path is retired (its successor is arrow-go/v18): this file is
// the only one that imports it, and all that a move has to touch.

// arrowBlock is about how many bytes of vectors a record batch holds.
const arrowBlock = 4 << 20

// Names of columns, and of what the schema's metadata say, in Arrow and in
// Parquet.
const (
	idColumn       = "id"
	vectorColumn   = "embedding"
	modelKey       = "routeval.model"
	dimKey         = "routeval.dim"
	fingerprintKey = "routeval.fingerprint"
)

// arrowReader reads the record batches of an Arrow IPC file.
type arrowReader struct {
	file       *ipc.FileReader
	id, vector int // columns; id is -1 if there is none
	batch      int
	row        int64
	size       int64 // of the file: every row takes a byte at least
}

func openArrow(file *os.File, size int64) (EmbeddingsMeta, embeddingReader, error) {
	if err := checkArrowFooter(file, size); err != nil {
		return EmbeddingsMeta{}, nil, err
	}
	mem := boundedAllocator{memory.NewGoAllocator(), 64<<20 + 4*size}
	f, err := ipc.NewFileReader(io.NewSectionReader(file, 0, size), ipc.WithAllocator(mem))
	if err != nil {
		return EmbeddingsMeta{}, nil, err
	}
	schema := f.Schema()
	r := &arrowReader{file: f, id: -1, size: size}
	if at := schema.FieldIndices(vectorColumn); len(at) == 1 {
		r.vector = at[0]
	} else {
		return EmbeddingsMeta{}, nil, fmt.Errorf("no column %q", vectorColumn)
	}
	if at := schema.FieldIndices(idColumn); len(at) == 1 {
		r.id = at[0]
	}
	meta, err := embeddingsMeta(schema.Metadata().GetValue)
	if err != nil {
		return EmbeddingsMeta{}, nil, err
	}
	if list, ok := schema.Field(r.vector).Type.(*arrow.FixedSizeListType); ok {
		if meta.Dim != 0 && meta.Dim != int(list.Len()) {
			return EmbeddingsMeta{}, nil, fmt.Errorf("lists have %d numbers, the metadata say %d", list.Len(), meta.Dim)
		}
		meta.Dim = int(list.Len())
	}
	return meta, r, nil
}

// embeddingsMeta reads what a file says of its vectors.
func embeddingsMeta(lookup func(key string) (string, bool)) (meta EmbeddingsMeta, err error) {
	meta.Model, _ = lookup(modelKey)
	meta.Fingerprint, _ = lookup(fingerprintKey)
	if dim, ok := lookup(dimKey); ok {
		if meta.Dim, err = strconv.Atoi(dim); err != nil || meta.Dim < 1 || meta.Dim > maxDim {
			return EmbeddingsMeta{}, fmt.Errorf("metadata %s %q: must be from 1 to %d", dimKey, dim, maxDim)
		}
	}
	return meta, nil
}

func (r *arrowReader) next() ([]embeddingRow, error) {
	if r.batch >= r.file.NumRecords() {
		return nil, io.EOF
	}
	record, err := r.file.RecordAt(r.batch)
	if err != nil {
		return nil, fmt.Errorf("record batch %d: %w", r.batch, err)
	}
	r.batch++
	lists, ok := record.Column(r.vector).(array.ListLike)
	if !ok {
		return nil, fmt.Errorf("column %q has type %s: must be a list of float32 or float64", vectorColumn, record.Column(r.vector).DataType())
	}
	numbers, err := arrowNumbers(lists.ListValues())
	if err != nil {
		return nil, err
	}
	if record.NumRows() > r.size {
		return nil, fmt.Errorf("record batch %d: %d rows cannot be in it", r.batch-1, record.NumRows())
	}
	block := make([]embeddingRow, record.NumRows())
	for i := range block {
		row := &block[i]
		if row.ID, err = r.idOf(record, i); err != nil {
			return nil, err
		}
		r.row++
		from, to := lists.ValueOffsets(i)
		if lists.IsNull(i) || lists.ListValues().NullN() > 0 && hasNull(lists.ListValues(), from, to) {
			row.bad = errors.New("the vector is null or holds null")
			continue
		}
		row.Vector = numbers[from:to:to]
	}
	return block, nil
}

// arrowNumbers is the numbers of all lists. They stay where they were read, in
// memory that is not used again.
func arrowNumbers(values arrow.Array) ([]float32, error) {
	switch v := values.(type) {
	case *array.Float32:
		return v.Float32Values(), nil
	case *array.Float64:
		numbers := make([]float32, v.Len())
		for i, f := range v.Float64Values() {
			numbers[i] = float32(f)
		}
		return numbers, nil
	}
	return nil, fmt.Errorf("column %q holds lists of %s: must be float32 or float64", vectorColumn, values.DataType())
}

func hasNull(values arrow.Array, from, to int64) bool {
	for i := from; i < to; i++ {
		if values.IsNull(int(i)) {
			return true
		}
	}
	return false
}

// idOf copies the row's id, so that it does not keep the batch in memory.
func (r *arrowReader) idOf(record arrow.Record, i int) (string, error) {
	if r.id < 0 {
		return strconv.FormatInt(r.row, 10), nil
	}
	column := record.Column(r.id)
	if column.IsNull(i) {
		return "", nil
	}
	switch ids := column.(type) {
	case *array.String:
		return string([]byte(ids.Value(i))), nil
	case *array.LargeString:
		return string([]byte(ids.Value(i))), nil
	}
	return "", fmt.Errorf("column %q has type %s: must be a string", idColumn, column.DataType())
}

// boundedAllocator keeps a damaged file from asking for more memory than a file
// of its size can need. Its panic is caught where the library is called.
type boundedAllocator struct {
	memory.Allocator
	limit int64
}

func (a boundedAllocator) Allocate(size int) []byte {
	a.check(size)
	return a.Allocator.Allocate(size)
}

func (a boundedAllocator) Reallocate(size int, b []byte) []byte {
	a.check(size)
	return a.Allocator.Reallocate(size, b)
}

func (a boundedAllocator) check(size int) {
	if size < 0 || int64(size) > a.limit {
		panic(fmt.Sprintf("a buffer of %d bytes cannot be in it", size))
	}
}

// arrowWriter writes record batches of a fixed size.
type arrowWriter struct {
	out     *positionWriter
	file    *ipc.FileWriter
	batch   *array.RecordBuilder
	ids     *array.StringBuilder
	lists   *array.FixedSizeListBuilder
	numbers *array.Float32Builder
	rows    int // of a full batch
}

func createArrow(file *os.File, meta EmbeddingsMeta) (embeddingWriter, error) {
	keys := []string{modelKey, dimKey, fingerprintKey}
	values := []string{meta.Model, strconv.Itoa(meta.Dim), meta.Fingerprint}
	metadata := arrow.NewMetadata(keys, values)
	schema := arrow.NewSchema([]arrow.Field{
		{Name: idColumn, Type: arrow.BinaryTypes.String},
		{Name: vectorColumn, Type: arrow.FixedSizeListOfNonNullable(int32(meta.Dim), arrow.PrimitiveTypes.Float32)},
	}, &metadata)
	out := &positionWriter{w: bufio.NewWriterSize(file, 64<<10)}
	f, err := ipc.NewFileWriter(out, ipc.WithSchema(schema))
	if err != nil {
		return nil, err
	}
	batch := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	lists := batch.Field(1).(*array.FixedSizeListBuilder)
	return &arrowWriter{
		out:     out,
		file:    f,
		batch:   batch,
		ids:     batch.Field(0).(*array.StringBuilder),
		lists:   lists,
		numbers: lists.ValueBuilder().(*array.Float32Builder),
		rows:    max(1, arrowBlock/(4*meta.Dim)),
	}, nil
}

func (w *arrowWriter) write(e Embedding) error {
	w.ids.Append(e.ID)
	w.lists.Append(true)
	w.numbers.AppendValues(e.Vector, nil)
	if w.ids.Len() < w.rows {
		return nil
	}
	return w.flush()
}

func (w *arrowWriter) flush() error {
	record := w.batch.NewRecord()
	defer record.Release()
	return w.file.Write(record)
}

func (w *arrowWriter) close() error {
	if w.ids.Len() > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	return w.out.w.Flush()
}

// positionWriter is the one thing that the library wants of a seeker: where it
// is.
type positionWriter struct {
	w   *bufio.Writer
	pos int64
}

func (w *positionWriter) Write(b []byte) (int, error) {
	n, err := w.w.Write(b)
	w.pos += int64(n)
	return n, err
}

func (w *positionWriter) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.ErrUnsupported
	}
	return w.pos, nil
}
