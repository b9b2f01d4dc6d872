// Package veclog keeps vectors on disk by key: an append-only log in segments,
// with the index in memory. It is the embedding cache's ground floor and knows
// nothing of texts or models.
//
// # On disk
//
// A directory holds segments "00000001.vec", "00000002.vec", … and a file
// "lock". A segment is a 16-byte header and records, all little endian:
//
//	header: "routeval-vec\x00" and the version, 3 digits
//	record: crc32c of the next 40 bytes | crc32c of the numbers | width | key | float32 numbers
//	        4                             4                       4       32    4·width
//
// The first checksum holds the chain together, so that opening looks at 44 bytes a
// record; the second is looked at whenever a vector is read. Records are only
// ever appended, to the newest segment; a crash leaves at most a torn end, which
// the next opening cuts. A damaged record is as if it were not there: the log
// never gives a vector that was not put in.
//
// Segments are removed as a whole, the oldest first.
package veclog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/gofrs/flock"
)

// A Key says what a vector is of: a digest.
type Key [32]byte

const (
	// DefaultMaxBytes is how much a log holds unless it is told otherwise.
	DefaultMaxBytes = 4 << 30

	// MaxWidth is the widest vector that a log takes.
	MaxWidth = 1 << 20

	maxSegment = 64 << 20 // bytes after which a new segment begins
	minSegment = 64 << 10
)

// Log is an open directory. It is safe for concurrent use.
type Log struct {
	dir      string
	maxBytes int64
	lock     *flock.Flock // nil if another process has it: nothing is written then

	mu       sync.RWMutex
	segments []*segment // by age; the last one grows, if the log is writable
	index    map[Key]place
	buf      []byte // what is appended next
	failed   error  // the first failure to write, after which nothing is written
	closed   bool
}

// place is where a record's numbers begin.
type place struct {
	segment *segment
	offset  int64
	width   uint32
	sum     uint32
}

// Stats is what a log holds.
type Stats struct {
	Dir      string
	Vectors  int
	Bytes    int64
	MaxBytes int64
	Segments int
	ReadOnly bool // another process writes
}

// Open opens the log in a directory, which it makes if need be. Beyond maxBytes
// (0 is DefaultMaxBytes) the oldest segments go. One process writes; a log that
// another has open is opened for reading what was there at this moment, and
// vectors put into it are dropped.
func Open(dir string, maxBytes int64) (*Log, error) {
	if maxBytes < 0 {
		return nil, fmt.Errorf("%s: size limit %d is negative", dir, maxBytes)
	}
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l := &Log{dir: dir, maxBytes: maxBytes, index: make(map[Key]place)}
	lock := flock.New(filepath.Join(dir, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%s: lock: %w", dir, err)
	}
	if locked {
		l.lock = lock
	}
	if err := l.load(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// load opens the segments and reads their chains. Later records replace earlier
// ones of the same key.
func (l *Log) load() error {
	entries, err := os.ReadDir(l.dir) // sorted by name
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return segmentNumber(e.Name()) == 0 })
	for i, entry := range entries {
		newest := i == len(entries)-1
		s, err := openSegment(filepath.Join(l.dir, entry.Name()), newest, l.writable())
		if errors.Is(err, fs.ErrNotExist) {
			continue // the writing process has just pruned it
		}
		if err != nil {
			return err
		}
		l.segments = append(l.segments, s)
		s.scan(newest, func(key Key, p place) { l.index[key] = p })
		if s.growing {
			if err := s.cutTornEnd(); err != nil {
				return err
			}
		}
	}
	if !l.writable() {
		return nil
	}
	return l.prune(l.maxBytes)
}

func (l *Log) writable() bool { return l.lock != nil && l.failed == nil }

// Has reports whether the log knows a vector for the key.
func (l *Log) Has(key Key) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, ok := l.index[key]
	return ok
}

// Get returns a copy of the key's vector, or false. A record that turns out to be
// damaged is forgotten.
func (l *Log) Get(key Key) ([]float32, bool) {
	l.mu.RLock()
	p, ok := l.index[key]
	if !ok {
		l.mu.RUnlock()
		return nil, false
	}
	v, ok := p.read()
	l.mu.RUnlock()
	if !ok {
		l.mu.Lock()
		if l.index[key] == p {
			delete(l.index, key)
		}
		l.mu.Unlock()
	}
	return v, ok
}

// Entry is a vector and its key.
type Entry struct {
	Key    Key
	Vector []float32
}

// Put appends vectors with one write. They are the log's at once and on disk
// when the operating system puts them there; Close waits for that. Keys that are
// there already are passed over. After a failed write the log goes on as one that
// only reads, and Put and Close return that failure.
func (l *Log) Put(entries ...Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("%s: %w", l.dir, fs.ErrClosed)
	}
	if !l.writable() {
		return l.failed
	}
	for _, e := range entries {
		if n := len(e.Vector); n == 0 || n > MaxWidth {
			return fmt.Errorf("vector of width %d: must be from 1 to %d", n, MaxWidth)
		}
	}
	l.failed = l.append(entries)
	return l.failed
}

func (l *Log) append(entries []Entry) error {
	s, err := l.newest()
	if err != nil {
		return err
	}
	l.buf = l.buf[:0]
	placed := make(map[Key]place, len(entries))
	for _, e := range entries {
		_, known := l.index[e.Key]
		_, twice := placed[e.Key]
		if known || twice {
			continue
		}
		var p place
		l.buf, p = appendRecord(l.buf, e)
		p.segment, p.offset = s, p.offset+s.size
		placed[e.Key] = p
	}
	if err := s.append(l.buf); err != nil {
		return err
	}
	for key, p := range placed {
		l.index[key] = p
	}
	return nil
}

// newest is the segment to append to, a new one where the last is full. The
// oldest are removed for it.
func (l *Log) newest() (*segment, error) {
	number := 1
	if n := len(l.segments); n > 0 {
		last := l.segments[n-1]
		if last.growing && last.size < l.segmentSize() {
			return last, nil
		}
		if err := last.seal(); err != nil {
			return nil, err
		}
		number = segmentNumber(filepath.Base(last.path)) + 1
	}
	if err := l.prune(l.maxBytes - l.segmentSize()); err != nil {
		return nil, err
	}
	s, err := createSegment(filepath.Join(l.dir, segmentName(number)))
	if err != nil {
		return nil, err
	}
	l.segments = append(l.segments, s)
	return s, nil
}

func (l *Log) segmentSize() int64 {
	return min(max(l.maxBytes/16, minSegment), maxSegment)
}

// Prune removes the oldest segments until the log holds at most maxBytes. With 0
// everything goes.
func (l *Log) Prune(maxBytes int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lock == nil {
		return fmt.Errorf("%s: in use by another process", l.dir)
	}
	return l.prune(maxBytes)
}

func (l *Log) prune(maxBytes int64) error {
	for l.bytes() > maxBytes && len(l.segments) > 0 {
		oldest := l.segments[0]
		l.segments = l.segments[1:]
		for key, p := range l.index {
			if p.segment == oldest {
				delete(l.index, key)
			}
		}
		if err := errors.Join(oldest.close(), os.Remove(oldest.path)); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) bytes() (sum int64) {
	for _, s := range l.segments {
		sum += s.size
	}
	return sum
}

// Stats is what the log holds now.
func (l *Log) Stats() Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return Stats{
		Dir:      l.dir,
		Vectors:  len(l.index),
		Bytes:    l.bytes(),
		MaxBytes: l.maxBytes,
		Segments: len(l.segments),
		ReadOnly: l.lock == nil,
	}
}

// Close waits until what was put is on disk and gives the directory free. It
// returns the first failure to write, if there was one.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	errs := []error{l.failed}
	for _, s := range l.segments {
		errs = append(errs, s.close())
	}
	l.segments, l.index = nil, nil
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	return errors.Join(errs...)
}
