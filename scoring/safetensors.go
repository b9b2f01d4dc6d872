package scoring

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The safetensors format: eight bytes with the little-endian length of the
// header, the header (a JSON object padded with spaces), then the tensors'
// bytes, row-major and little-endian, without a gap:
//
//	{"__metadata__":{"k":"v"}, "NAME":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, …}
//
// Offsets count from the end of the header. This reader is as strict as the
// reference implementation: tensors must tile the data exactly.

// maxSafetensorsHeader is the reference implementation's limit, in bytes.
const maxSafetensorsHeader = 100_000_000

const metadataKey = "__metadata__"

// A Tensor is a named array of numbers, row-major.
type Tensor struct {
	Name  string
	Shape []int     // every dimension ≥ 0; empty for a single number
	Data  []float32 // as many as the product of Shape
}

// Safetensors is an open safetensors file: a checked header and the means to
// read one tensor after the other. It is safe for concurrent use if the reader
// below it is.
type Safetensors struct {
	Metadata map[string]string // the header's free keys; nil if it has none

	tensors map[string]tensorHeader
	data    *io.SectionReader
}

type tensorHeader struct {
	DType   string    `json:"dtype"`
	Shape   []int     `json:"shape"`
	Offsets *[2]int64 `json:"data_offsets"`
}

// A dtype is a number format that this package reads; each widens to float32
// without loss.
type dtype struct {
	name  string
	width int // bytes
	widen func(raw []byte) float32
}

var dtypes = []dtype{
	{"BF16", 2, func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }},
	{"F16", 2, func(b []byte) float32 { return widenHalf(binary.LittleEndian.Uint16(b)) }},
	{"F32", 4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
}

// OpenSafetensors reads and checks the header of a safetensors file of the
// given size in bytes. Tensors of a dtype other than F32, F16 and BF16 are
// refused. It allocates no more than the header is long, a small factor aside.
func OpenSafetensors(r io.ReaderAt, size int64) (*Safetensors, error) {
	header, err := readSafetensorsHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	begin := 8 + int64(len(header))
	s := &Safetensors{data: io.NewSectionReader(r, begin, size-begin)}
	if err := s.parseHeader(header); err != nil {
		return nil, fmt.Errorf("safetensors header: %w", err)
	}
	if err := s.checkLayout(); err != nil {
		return nil, err
	}
	return s, nil
}

// Names returns the names of the tensors, sorted.
func (s *Safetensors) Names() []string { return slices.Sorted(maps.Keys(s.tensors)) }

// Shape returns the shape of a tensor; ok is false if there is none of the name.
func (s *Safetensors) Shape(name string) (shape []int, ok bool) {
	t, ok := s.tensors[name]
	return slices.Clone(t.Shape), ok
}

// Tensor reads a tensor, widened to float32. Its numbers may be NaN or infinite.
func (s *Safetensors) Tensor(name string) (Tensor, error) {
	t, ok := s.tensors[name]
	if !ok {
		return Tensor{}, fmt.Errorf("no tensor %q (have %s)", name, strings.Join(s.Names(), ", "))
	}
	data, err := s.read(t)
	if err != nil {
		return Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	return Tensor{Name: name, Shape: slices.Clone(t.Shape), Data: data}, nil
}

func readSafetensorsHeader(r io.ReaderAt, size int64) ([]byte, error) {
	if size < 8 {
		return nil, fmt.Errorf("the file has %d bytes, its length field alone takes 8", size)
	}
	var prefix [8]byte
	if err := readFull(io.NewSectionReader(r, 0, 8), prefix[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxSafetensorsHeader {
		return nil, fmt.Errorf("length %d is over the limit of %d bytes: not a safetensors file", n, maxSafetensorsHeader)
	}
	if int64(n) > size-8 {
		return nil, fmt.Errorf("length %d reaches past the end of the file of %d bytes: the file is cut or not a safetensors file", n, size)
	}
	header := make([]byte, n)
	if err := readFull(io.NewSectionReader(r, 8, int64(n)), header); err != nil {
		return nil, err
	}
	return header, nil
}

// readFull fills buf; an early end is always an error with a name.
func readFull(r io.Reader, buf []byte) error {
	_, err := io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// parseHeader is strict: duplicate names, unknown members and invalid UTF-8
// are errors of the JSON package.
func (s *Safetensors) parseHeader(header []byte) error {
	if len(header) == 0 || header[0] != '{' {
		return errors.New("does not begin with an object: not a safetensors file")
	}
	var entries map[string]jsontext.Value
	if err := json.Unmarshal(header, &entries); err != nil {
		return err
	}
	s.tensors = make(map[string]tensorHeader, len(entries))
	for name, raw := range entries {
		if name == metadataKey {
			if err := json.Unmarshal(raw, &s.Metadata); err != nil {
				return fmt.Errorf("%s: %w", metadataKey, err)
			}
			continue
		}
		var t tensorHeader
		if err := json.Unmarshal(raw, &t, json.RejectUnknownMembers(true)); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		s.tensors[name] = t
	}
	return nil
}

// checkLayout holds every tensor against its shape, and all of them against
// the data: sorted by offset they must follow each other without gap or
// overlap and end where the file ends.
func (s *Safetensors) checkLayout() error {
	for name, t := range s.tensors {
		if err := t.check(); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
	}
	names := slices.SortedFunc(maps.Keys(s.tensors), func(a, b string) int {
		x, y := s.tensors[a].Offsets, s.tensors[b].Offsets
		return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1]), strings.Compare(a, b))
	})
	var end int64
	for _, name := range names {
		if begin := s.tensors[name].Offsets[0]; begin != end {
			return fmt.Errorf("tensor %q: begins at offset %d, the one before ends at %d: gaps and overlaps are not allowed", name, begin, end)
		}
		end = s.tensors[name].Offsets[1]
	}
	if end != s.data.Size() {
		return fmt.Errorf("safetensors: tensors end at offset %d, the data has %d bytes", end, s.data.Size())
	}
	return nil
}

func (t tensorHeader) check() error {
	d, err := dtypeOf(t.DType)
	if err != nil {
		return err
	}
	if t.Shape == nil || t.Offsets == nil {
		return errors.New("shape or data_offsets missing")
	}
	size, err := sizeOf(t.Shape, d.width)
	if err != nil {
		return err
	}
	if t.Offsets[0] < 0 || t.Offsets[1] < t.Offsets[0] || t.Offsets[1]-t.Offsets[0] != size {
		return fmt.Errorf("shape %v of %s takes %d bytes, data_offsets are %v", t.Shape, t.DType, size, *t.Offsets)
	}
	return nil
}

func dtypeOf(name string) (dtype, error) {
	i := slices.IndexFunc(dtypes, func(d dtype) bool { return d.name == name })
	if i < 0 {
		return dtype{}, fmt.Errorf("unsupported dtype %q (have BF16, F16, F32)", name)
	}
	return dtypes[i], nil
}

// sizeOf is the number of bytes of a tensor.
func sizeOf(shape []int, width int) (int64, error) {
	size := uint64(width)
	for _, n := range shape {
		if n < 0 {
			return 0, fmt.Errorf("negative dimension in shape %v", shape)
		}
		hi, lo := bits.Mul64(size, uint64(n))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("shape %v is too large", shape)
		}
		size = lo
	}
	return int64(size), nil
}

// read widens a tensor through a small buffer, so that the numbers themselves
// are all that is kept in memory. checkLayout has bounded their count by the
// size of the file.
func (s *Safetensors) read(t tensorHeader) ([]float32, error) {
	d, err := dtypeOf(t.DType)
	if err != nil {
		return nil, err
	}
	size := t.Offsets[1] - t.Offsets[0]
	r := io.NewSectionReader(s.data, t.Offsets[0], size)
	data := make([]float32, 0, size/int64(d.width))
	buf := make([]byte, min(size, 1<<16))
	for size > 0 {
		buf = buf[:min(size, int64(len(buf)))]
		if err := readFull(r, buf); err != nil {
			return nil, err
		}
		for raw := range slices.Chunk(buf, d.width) {
			data = append(data, d.widen(raw))
		}
		size -= int64(len(buf))
	}
	return data, nil
}

// widenHalf converts an IEEE 754 binary16 number to float32, exactly. A NaN
// keeps its payload.
func widenHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h & 0x3ff)
	switch exponent {
	case 0: // Zero or subnormal: fraction · 2⁻²⁴, which float32 holds exactly.
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 0x1f: // Infinite or NaN.
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// WriteSafetensors writes tensors as F32 in the given order, behind a header
// padded to a multiple of eight bytes. The bytes depend on nothing but the
// arguments.
func WriteSafetensors(w io.Writer, metadata map[string]string, tensors ...Tensor) error {
	header, err := safetensorsHeader(metadata, tensors)
	if err != nil {
		return fmt.Errorf("safetensors: %w", err)
	}
	prefix := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(prefix, header...)); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := writeFloats(w, t.Data); err != nil {
			return err
		}
	}
	return nil
}

func safetensorsHeader(metadata map[string]string, tensors []Tensor) ([]byte, error) {
	var buf bytes.Buffer
	enc := jsontext.NewEncoder(&buf)
	put := func(v any) error { return json.MarshalEncode(enc, v, json.Deterministic(true)) }
	err := enc.WriteToken(jsontext.BeginObject)
	if len(metadata) > 0 {
		err = cmp.Or(err, put(metadataKey), put(metadata))
	}
	var end int64
	for _, t := range tensors {
		size, sizeErr := sizeOf(t.Shape, 4)
		if sizeErr == nil && size != 4*int64(len(t.Data)) {
			sizeErr = fmt.Errorf("shape %v holds %d numbers, there are %d", t.Shape, size/4, len(t.Data))
		}
		if t.Name == metadataKey {
			sizeErr = errors.New("the name is reserved")
		}
		if sizeErr != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, sizeErr)
		}
		err = cmp.Or(err, put(t.Name), put(tensorHeader{"F32", t.Shape, &[2]int64{end, end + size}}))
		end += size
	}
	if err := cmp.Or(err, enc.WriteToken(jsontext.EndObject)); err != nil {
		return nil, err
	}
	header := bytes.TrimRight(buf.Bytes(), "\n")
	return append(header, bytes.Repeat([]byte(" "), -len(header)&7)...), nil
}

func writeFloats(w io.Writer, data []float32) error {
	buf := make([]byte, 0, 1<<16)
	for part := range slices.Chunk(data, cap(buf)/4) {
		buf = buf[:0]
		for _, x := range part {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
