package datasets

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
)

// numpy's own format: a magic string, a version, the length of a header, the
// header (a Python dictionary, padded with spaces so that the numbers begin at a
// multiple of 64) and the numbers, row by row. See numpy.lib.format.

// npyHeader is the dictionary as numpy writes it, with its keys sorted.
var npyHeader = regexp.MustCompile(`^\{\s*'descr':\s*'([^']*)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([0-9, ]*)\),?\s*\}\s*$`)

var npyShape = regexp.MustCompile(`^([0-9]{1,18}), *([0-9]{1,9}),? *$`)

// npyBlock is about how many bytes are read or written at once.
const npyBlock = 1 << 20

type npyReader struct {
	r     io.Reader
	dim   int
	width int // of a number, in bytes: 4 or 8
	row   int64
	rows  int64
	buf   []byte
}

func openNpy(file *os.File, size int64) (EmbeddingsMeta, embeddingReader, error) {
	content := io.NewSectionReader(file, 0, size)
	header, err := readNpyHeader(content)
	if err != nil {
		return EmbeddingsMeta{}, nil, err
	}
	r := &npyReader{r: content}
	if err := r.parseHeader(header); err != nil {
		return EmbeddingsMeta{}, nil, err
	}
	begin, _ := content.Seek(0, io.SeekCurrent)
	if have := (size - begin) / int64(r.dim*r.width); have < r.rows {
		return EmbeddingsMeta{}, nil, fmt.Errorf("truncated: %d rows of %d are there", have, r.rows)
	}
	return EmbeddingsMeta{Dim: r.dim}, r, nil
}

// readNpyHeader reads up to the first number. Version 1 has two bytes for the
// header's length, later ones four.
func readNpyHeader(r io.Reader) (string, error) {
	start := make([]byte, 8)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:6]) != "\x93NUMPY" {
		return "", errors.New("not a .npy file")
	}
	length := make([]byte, 4)
	switch start[6] {
	case 1:
		length = length[:2]
	case 2, 3:
	default:
		return "", fmt.Errorf("version %d of .npy is not known", start[6])
	}
	if _, err := io.ReadFull(r, length); err != nil {
		return "", errors.New("truncated header")
	}
	var n uint32
	for i, b := range length {
		n |= uint32(b) << (8 * i)
	}
	if n > math.MaxUint16 {
		return "", fmt.Errorf("header of %d bytes", n)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", errors.New("truncated header")
	}
	return string(header), nil
}

func (r *npyReader) parseHeader(header string) error {
	m := npyHeader.FindStringSubmatch(header)
	if m == nil {
		return fmt.Errorf("header %.100q is not one of a table of numbers", header)
	}
	switch m[1] {
	case "<f4":
		r.width = 4
	case "<f8":
		r.width = 8
	default:
		return fmt.Errorf("numbers of type %q: must be little-endian float32 or float64 (<f4, <f8)", m[1])
	}
	if m[2] == "True" {
		return errors.New("column-major order: save numpy.ascontiguousarray of it")
	}
	shape := npyShape.FindStringSubmatch(m[3])
	if shape == nil {
		return fmt.Errorf("shape (%s): must be (rows, width)", m[3])
	}
	r.rows, _ = strconv.ParseInt(shape[1], 10, 64)
	r.dim, _ = strconv.Atoi(shape[2])
	if r.dim < 1 || r.dim > maxDim {
		return fmt.Errorf("shape (%s): width must be from 1 to %d", m[3], maxDim)
	}
	return nil
}

func (r *npyReader) next() ([]embeddingRow, error) {
	n := min(r.rows-r.row, int64(max(1, npyBlock/(r.dim*r.width))))
	if n == 0 {
		return nil, io.EOF
	}
	if r.buf == nil {
		r.buf = make([]byte, int(n)*r.dim*r.width)
	}
	raw := r.buf[:int(n)*r.dim*r.width]
	if _, err := io.ReadFull(r.r, raw); err != nil {
		return nil, fmt.Errorf("row %d: %w", r.row+1, err)
	}
	numbers := make([]float32, int(n)*r.dim)
	if r.width == 4 {
		for i := range numbers {
			numbers[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	} else {
		for i := range numbers {
			numbers[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:])))
		}
	}
	block := make([]embeddingRow, n)
	for i := range block {
		block[i].ID = strconv.FormatInt(r.row, 10)
		block[i].Vector = numbers[i*r.dim:][:r.dim:r.dim]
		r.row++
	}
	return block, nil
}

type npyWriter struct {
	file *os.File
	w    *bufio.Writer
	dim  int
	rows int64
	buf  []byte
}

// createNpy leaves room for a header that close fills, when the number of rows
// is known.
func createNpy(file *os.File, meta EmbeddingsMeta) (embeddingWriter, error) {
	w := &npyWriter{file: file, w: bufio.NewWriterSize(file, npyBlock), dim: meta.Dim}
	_, err := w.w.Write(w.header())
	return w, err
}

// header has the same length whatever the number of rows.
func (w *npyWriter) header() []byte {
	dict := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", w.rows, w.dim)
	return fmt.Appendf(nil, "\x93NUMPY\x01\x00%c%c%-117s\n", 118, 0, dict)
}

func (w *npyWriter) write(e Embedding) error {
	w.buf = w.buf[:0]
	for _, f := range e.Vector {
		w.buf = binary.LittleEndian.AppendUint32(w.buf, math.Float32bits(f))
	}
	w.rows++
	_, err := w.w.Write(w.buf)
	return err
}

func (w *npyWriter) close() error {
	if err := w.w.Flush(); err != nil {
		return err
	}
	_, err := w.file.WriteAt(w.header(), 0)
	return err
}
