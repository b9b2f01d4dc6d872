package veclog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// entry is the i-th of a series of distinct vectors.
func entry(i, width int) Entry {
	v := make([]float32, width)
	for j := range v {
		v[j] = float32(i) + float32(j)/64
	}
	return Entry{sha256.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i))), v}
}

func open(t testing.TB, dir string, maxBytes int64) *Log {
	t.Helper()
	l, err := Open(dir, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func put(t testing.TB, l *Log, entries ...Entry) {
	t.Helper()
	if err := l.Put(entries...); err != nil {
		t.Fatal(err)
	}
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// has reports which of the first n entries are there; one that is there must
// have its own vector.
func has(t testing.TB, l *Log, n, width int) (have []bool) {
	t.Helper()
	for i := range n {
		e := entry(i, width)
		got, ok := l.Get(e.Key)
		if ok && !slices.Equal(got, e.Vector) {
			t.Fatalf("entry %d: %v, want %v", i, got, e.Vector)
		}
		have = append(have, ok)
	}
	return have
}

// TestAgainstMap holds a log, closed and opened again at any time, against a map.
func TestAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "veclog")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		model := map[Key][]float32{}
		l, err := Open(dir, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { l.Close() }()
		check := func(i int) {
			e := entry(i, 1)
			got, ok := l.Get(e.Key)
			want, known := model[e.Key]
			if ok != known || !slices.Equal(got, want) {
				t.Fatalf("entry %d: %v %v, want %v %v", i, got, ok, want, known)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				var entries []Entry
				for range rapid.IntRange(0, 9).Draw(t, "n") {
					e := entry(rapid.IntRange(0, 40).Draw(t, "i"), rapid.IntRange(1, 9).Draw(t, "width"))
					if _, ok := model[e.Key]; !ok {
						model[e.Key] = e.Vector
					}
					entries = append(entries, e)
				}
				if err := l.Put(entries...); err != nil {
					t.Fatal(err)
				}
			},
			"get": func(t *rapid.T) { check(rapid.IntRange(0, 40).Draw(t, "i")) },
			"reopen": func(t *rapid.T) {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				if l, err = Open(dir, 1<<30); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				if n := l.Stats().Vectors; n != len(model) {
					t.Fatalf("%d vectors, want %d", n, len(model))
				}
			},
		})
	})
}

// TestCutAtEveryByte kills the log at every byte of its file: what was whole
// before the cut is there, the rest is not, and the log goes on growing.
func TestCutAtEveryByte(t *testing.T) {
	const n, width = 4, 3
	dir := t.TempDir()
	l := open(t, dir, 0)
	var ends []int64
	for i := range n {
		put(t, l, entry(i, width))
		ends = append(ends, l.Stats().Bytes)
	}
	closeLog(t, l)
	whole, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(whole) + 1 {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, 0)
		for i, ok := range has(t, l, n, width) {
			if ok != (int64(size) >= ends[i]) {
				t.Fatalf("cut at %d: entry %d is there: %v; it ends at %d", size, i, ok, ends[i])
			}
		}
		for i := range n {
			put(t, l, entry(i, width))
		}
		closeLog(t, l)
		if have := has(t, open(t, dir, 0), n, width); slices.Contains(have, false) {
			t.Fatalf("cut at %d, filled again: have %v", size, have)
		}
	}
}

// TestDamageAtEveryByte flips every byte of a file in turn, of the newest
// segment and of a sealed one: no vector that comes out is wrong.
func TestDamageAtEveryByte(t *testing.T) {
	const n, width = 3, 3
	dir := t.TempDir()
	l := open(t, dir, 0)
	for i := range n {
		put(t, l, entry(i, width))
	}
	closeLog(t, l)
	whole, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, sealed := range []bool{false, true} {
		for at := range whole {
			damaged := bytes.Clone(whole)
			damaged[at] ^= 0x10
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, segmentName(1)), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			if sealed {
				if err := os.WriteFile(filepath.Join(dir, segmentName(2)), []byte(fileHeader), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			l := open(t, dir, 0)
			if have := has(t, l, n, width); !slices.Contains(have, false) {
				t.Fatalf("byte %d is damaged and nothing is missing", at)
			}
			for i := range n {
				put(t, l, entry(i, width))
			}
			if have := has(t, l, n, width); slices.Contains(have, false) {
				t.Fatalf("byte %d is damaged: not filled again: %v", at, have)
			}
			closeLog(t, l)
		}
	}
}

func TestOldestSegmentsGo(t *testing.T) {
	const width, limit = 1024, 1 << 20
	dir := t.TempDir()
	l := open(t, dir, limit)
	const n = 1000
	for i := range n {
		put(t, l, entry(i, width))
		if s := l.Stats(); s.Bytes > limit {
			t.Fatalf("%d bytes, the limit is %d", s.Bytes, limit)
		}
	}
	check := func() int {
		have := has(t, l, n, width)
		first := slices.Index(have, true)
		if first < 1 || slices.Contains(have[first:], false) {
			t.Fatalf("the newest are to be there, the oldest not; the first there is %d", first)
		}
		return n - first
	}
	kept := check()
	closeLog(t, l)
	l = open(t, dir, limit/4)
	if less := check(); less >= kept || l.Stats().Bytes > limit/4 {
		t.Errorf("%d of %d vectors in %d bytes, the limit is %d", less, kept, l.Stats().Bytes, limit/4)
	}
	if err := l.Prune(0); err != nil {
		t.Fatal(err)
	}
	put(t, l, entry(0, width))
	if s := l.Stats(); s.Vectors != 1 || s.Segments != 1 {
		t.Errorf("pruned to nothing and one put: %+v", s)
	}
}

// TestSecondProcess: whoever comes second reads what is there and writes
// nothing.
func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, 0)
	put(t, first, entry(0, 3))
	second := open(t, dir, 0)
	if !second.Stats().ReadOnly || !second.Has(entry(0, 3).Key) {
		t.Fatalf("second: %+v", second.Stats())
	}
	put(t, second, entry(1, 3))
	put(t, first, entry(2, 3))
	if got, want := has(t, second, 3, 3), []bool{true, false, false}; !slices.Equal(got, want) {
		t.Errorf("second has %v, want %v", got, want)
	}
	if err := second.Prune(0); err == nil {
		t.Error("second pruned what the first has open")
	}
	closeLog(t, first)
	closeLog(t, second)
	third := open(t, dir, 0)
	if got, want := has(t, third, 3, 3), []bool{true, false, true}; third.Stats().ReadOnly || !slices.Equal(got, want) {
		t.Errorf("third has %v, want %v", got, want)
	}
}

// TestShortenedWhileMapped: somebody empties a mapped file. Its pages are gone;
// that must be a miss, not the end of the program.
func TestShortenedWhileMapped(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, 0)
	put(t, l, entry(0, 5000), entry(1, 5000))
	closeLog(t, l)
	if err := os.WriteFile(filepath.Join(dir, segmentName(2)), []byte(fileHeader), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, 0)
	if err := os.Truncate(filepath.Join(dir, segmentName(1)), 0); err != nil {
		t.Fatal(err)
	}
	if have := has(t, l, 2, 5000); slices.Contains(have, true) {
		t.Errorf("an emptied file has %v", have)
	}
}

func TestConcurrent(t *testing.T) {
	l := open(t, t.TempDir(), 1<<20)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 300 {
				e := entry(i+50*w, 512)
				if err := l.Put(e); err != nil {
					t.Error(err)
				}
				if got, ok := l.Get(e.Key); ok && !slices.Equal(got, e.Vector) {
					t.Errorf("entry %d: wrong vector", i)
				}
			}
		})
	}
	wg.Wait()
}

func TestRefuses(t *testing.T) {
	if _, err := Open(t.TempDir(), -1); err == nil {
		t.Error("a negative limit is taken")
	}
	l := open(t, t.TempDir(), 0)
	if err := l.Put(Entry{Vector: nil}); err == nil {
		t.Error("a vector of width 0 is taken")
	}
	closeLog(t, l)
	if err := l.Put(entry(0, 1)); err == nil {
		t.Error("a closed log takes vectors")
	}
	if _, ok := l.Get(entry(0, 1).Key); ok {
		t.Error("a closed log has vectors")
	}
}

// FuzzOpen opens any bytes as a segment: vectors that come out have passed two
// checksums, and the log takes a new one.
func FuzzOpen(f *testing.F) {
	record, _ := appendRecord([]byte(fileHeader), entry(0, 2))
	f.Add([]byte{})
	f.Add([]byte(fileHeader))
	f.Add(record)
	f.Add(record[:len(record)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), data, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, 0)
		put(t, l, entry(1, 2))
		e := entry(1, 2)
		if got, ok := l.Get(e.Key); !ok || !slices.Equal(got, e.Vector) {
			t.Fatalf("put and got %v %v", got, ok)
		}
		closeLog(t, l)
	})
}

func BenchmarkPut(b *testing.B) {
	for _, n := range []int{1, 64} {
		b.Run(fmt.Sprintf("vectors=%d", n), func(b *testing.B) {
			l := open(b, b.TempDir(), 1<<30)
			batch := make([]Entry, n)
			for i := range batch {
				batch[i] = entry(i, 1536)
			}
			b.ReportAllocs()
			b.SetBytes(int64(n) * 4 * 1536)
			next := uint64(0)
			for b.Loop() {
				for i := range batch {
					next++
					binary.LittleEndian.PutUint64(batch[i].Key[:], next)
				}
				put(b, l, batch...)
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	const n = 20_000
	dir := b.TempDir()
	l := open(b, dir, 1<<30)
	for i := range n {
		put(b, l, entry(i, 1536))
	}
	closeLog(b, l)
	l = open(b, dir, 1<<30)
	keys := make([]Key, n)
	for i := range keys {
		keys[i] = entry(i, 1).Key
	}
	b.ReportAllocs()
	b.SetBytes(4 * 1536)
	i := 0
	for b.Loop() {
		if v, ok := l.Get(keys[i]); !ok || math.IsNaN(float64(v[0])) {
			b.Fatal("missing")
		}
		i = (i + 7919) % n
	}
}
