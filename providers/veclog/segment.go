package veclog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"unsafe"
)

const (
	fileHeader   = "routeval-vec\x00001"
	recordHeader = 4 + 4 + 4 + 32
)

// castagnoli is the polynomial that processors have an instruction for.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is one file of a log.
type segment struct {
	path     string
	file     *os.File
	size     int64  // of the header and the whole records
	readable bool   // the header is that of this version
	growing  bool   // records are appended; nothing is mapped then
	mapped   []byte // the file's content; nil where it cannot be mapped
}

func segmentName(number int) string { return fmt.Sprintf("%08d.vec", number) }

// segmentNumber is the inverse of segmentName, and 0 for other names.
func segmentNumber(name string) int {
	digits, ok := strings.CutSuffix(name, ".vec")
	number, err := strconv.Atoi(digits)
	if !ok || err != nil || number < 1 || segmentName(number) != name {
		return 0
	}
	return number
}

// createSegment makes an empty segment to append to.
func createSegment(path string) (*segment, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{path: path, file: file, readable: true, growing: true}
	if err := s.append([]byte(fileHeader)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// openSegment opens a segment, the newest for appending if the log is writable.
// What is no segment of this version has no records and is never appended to.
func openSegment(path string, newest, writable bool) (*segment, error) {
	flag := os.O_RDONLY
	if newest && writable {
		flag = os.O_RDWR
	}
	file, err := os.OpenFile(path, flag, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	s := &segment{path: path, file: file, size: info.Size()}
	header := make([]byte, len(fileHeader))
	if _, err := file.ReadAt(header, 0); err == nil && string(header) == fileHeader {
		s.readable = true
		s.growing = flag == os.O_RDWR
	}
	if !s.growing {
		s.mapped, _ = mapFile(file, s.size) // without, it is read by ReadAt
	}
	return s, nil
}

// scan calls found for every record of the chain, up to the first that is
// damaged or torn, where a growing segment ends. Of a newest segment the numbers
// are looked at, too.
func (s *segment) scan(newest bool, found func(Key, place)) {
	if !s.readable {
		return
	}
	offset := int64(len(fileHeader))
	var scratch []byte
	for {
		key, p, ok := s.record(&scratch, offset)
		if !ok || newest && !p.intact(&scratch) {
			break
		}
		found(key, p)
		offset = p.offset + p.bytes()
	}
	if s.growing {
		s.size = offset
	}
}

// record reads the head of the record at an offset.
func (s *segment) record(scratch *[]byte, offset int64) (key Key, p place, ok bool) {
	head, ok := s.view(scratch, offset, recordHeader)
	if !ok || binary.LittleEndian.Uint32(head) != crc32.Checksum(head[4:], castagnoli) {
		return Key{}, place{}, false
	}
	p = place{
		segment: s,
		offset:  offset + recordHeader,
		sum:     binary.LittleEndian.Uint32(head[4:]),
		width:   binary.LittleEndian.Uint32(head[8:]),
	}
	ok = p.width > 0 && p.width <= MaxWidth && p.offset+p.bytes() <= s.size
	return Key(head[12:]), p, ok
}

// cutTornEnd shortens the file to its whole records.
func (s *segment) cutTornEnd() error { return s.file.Truncate(s.size) }

// append writes whole records behind the others.
func (s *segment) append(records []byte) error {
	if len(records) == 0 {
		return nil
	}
	n, err := s.file.WriteAt(records, s.size)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, s.cutTornEnd())
		}
		return err
	}
	s.size += int64(n)
	return nil
}

// seal ends the growth: the records are forced to disk and the file is mapped.
func (s *segment) seal() error {
	if !s.growing {
		return nil
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.growing = false
	s.mapped, _ = mapFile(s.file, s.size)
	return nil
}

func (s *segment) close() error {
	var errs []error
	if s.growing {
		errs = append(errs, s.file.Sync())
	}
	if s.mapped != nil {
		errs = append(errs, unmapFile(s.mapped))
		s.mapped = nil
	}
	return errors.Join(append(errs, s.file.Close())...)
}

// view is n bytes of the file, of its mapping or read into scratch, or false.
func (s *segment) view(scratch *[]byte, offset int64, n int) ([]byte, bool) {
	if int64(n) > s.size-offset {
		return nil, false
	}
	if s.mapped != nil {
		return s.mapped[offset:][:n], true
	}
	*scratch = slices.Grow((*scratch)[:0], n)[:n]
	_, err := s.file.ReadAt(*scratch, offset)
	return *scratch, err == nil
}

// appendRecord appends an entry's record; the place is relative to dst's start.
func appendRecord(dst []byte, e Entry) ([]byte, place) {
	start := len(dst)
	dst = append(dst, make([]byte, 8)...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(e.Vector)))
	dst = append(dst, e.Key[:]...)
	p := place{offset: int64(len(dst)), width: uint32(len(e.Vector))}
	dst = append(dst, rawBytes(e.Vector)...)
	if numbers := dst[p.offset:]; !littleEndian() {
		for i, f := range e.Vector {
			binary.LittleEndian.PutUint32(numbers[4*i:], math.Float32bits(f))
		}
	}
	p.sum = crc32.Checksum(dst[p.offset:], castagnoli)
	head := dst[start:p.offset]
	binary.LittleEndian.PutUint32(head[4:], p.sum)
	binary.LittleEndian.PutUint32(head, crc32.Checksum(head[4:], castagnoli))
	return dst, p
}

func (p place) bytes() int64 { return 4 * int64(p.width) }

// intact reports whether the numbers are what was written.
func (p place) intact(scratch *[]byte) bool {
	b, ok := p.segment.view(scratch, p.offset, int(p.bytes()))
	return ok && crc32.Checksum(b, castagnoli) == p.sum
}

// read copies the numbers out, or reports false if they are not what was
// written. A mapped file that somebody else has shortened, or whose disk fails,
// faults where it is touched; that is damage like any other.
func (p place) read() (v []float32, ok bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() != nil {
			v, ok = nil, false
		}
	}()
	v = make([]float32, p.width)
	raw := rawBytes(v)
	if s := p.segment; s.mapped != nil {
		copy(raw, s.mapped[p.offset:])
	} else if _, err := s.file.ReadAt(raw, p.offset); err != nil {
		return nil, false
	}
	if crc32.Checksum(raw, castagnoli) != p.sum {
		return nil, false
	}
	if !littleEndian() {
		for i, f := range v {
			v[i] = math.Float32frombits(bits.ReverseBytes32(math.Float32bits(f)))
		}
	}
	return v, true
}

// rawBytes is the memory of v. Decoding number by number would take longer than
// all the rest of a hit.
func rawBytes(v []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), 4*len(v))
}

// littleEndian reports whether memory has the byte order of the files, as it has
// on most processors.
func littleEndian() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }
