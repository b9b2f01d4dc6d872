package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// embeddingRows is everything that a file yields: a bad row as the text of its
// error, an error that ends the file as err.
type embeddingRows struct {
	meta EmbeddingsMeta
	rows []Embedding
	bad  map[int]string
	err  error
}

func readEmbeddings(path string) (r embeddingRows) {
	meta, seq, err := Embeddings(path)
	if err != nil {
		return embeddingRows{err: err}
	}
	r.meta, r.bad = meta, map[int]string{}
	for e, err := range seq {
		if rerr, ok := errors.AsType[*RowError](err); ok {
			r.bad[len(r.rows)] = rerr.Error()
		} else if err != nil {
			r.err = err
			return r
		}
		r.rows = append(r.rows, e)
	}
	return r
}

func embeddingsOf(rows []Embedding) iter.Seq2[Embedding, error] {
	return func(yield func(Embedding, error) bool) {
		for _, e := range rows {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func randomEmbeddings(rng *rand.Rand, n, dim int) []Embedding {
	rows := make([]Embedding, n)
	for i := range rows {
		rows[i] = Embedding{ID: fmt.Sprintf("prömpt-%d", i), Vector: make([]float32, dim)}
		for j := range dim {
			rows[i].Vector[j] = float32(rng.NormFloat64())
		}
	}
	return rows
}

// TestEmbeddingsRoundTrip writes and reads every format, over several blocks and
// row groups, and reads twice, as the stream rule says.
func TestEmbeddingsRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, format := range embeddingFormats() {
		for _, size := range []struct{ rows, dim int }{{0, 3}, {1, 1}, {2, 7}, {255, 2}, {257, 64}, {1500, 1536}, {90, 100_000}} {
			path := filepath.Join(t.TempDir(), "e"+strings.ToUpper(format.suffixes[len(format.suffixes)-1]))
			meta := EmbeddingsMeta{"model", size.dim, "finger print"}
			rows := randomEmbeddings(rng, size.rows, size.dim)
			if n, err := WriteEmbeddings(path, meta, embeddingsOf(rows)); err != nil || n != int64(size.rows) {
				t.Fatalf("%d of %d written: %v", n, size.rows, err)
			}
			if format.name == "npy" {
				meta = EmbeddingsMeta{Dim: size.dim}
				for i := range rows {
					rows[i].ID = fmt.Sprint(i)
				}
			}
			gotMeta, seq, err := Embeddings(path)
			if err != nil || gotMeta != meta {
				t.Fatalf("%s: %+v, want %+v: %v", format.name, gotMeta, meta, err)
			}
			for range 2 {
				var got []Embedding
				for e, err := range seq {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, e)
				}
				if !slices.EqualFunc(got, rows, func(a, b Embedding) bool { return a.ID == b.ID && slices.Equal(a.Vector, b.Vector) }) {
					t.Errorf("%s: %d rows of width %d are not what was written", format.name, size.rows, size.dim)
				}
			}
		}
	}
}

// TestEmbeddingsByContent: a name that says nothing is no obstacle.
func TestEmbeddingsByContent(t *testing.T) {
	dir := t.TempDir()
	rows := []Embedding{{"0", []float32{1, 2}}}
	for _, format := range embeddingFormats() {
		path := filepath.Join(dir, "e"+format.suffixes[0])
		if _, err := WriteEmbeddings(path, EmbeddingsMeta{Dim: 2}, embeddingsOf(rows)); err != nil {
			t.Fatal(err)
		}
		bare := filepath.Join(dir, format.name)
		if err := os.Rename(path, bare); err != nil {
			t.Fatal(err)
		}
		if got := readEmbeddings(bare); got.err != nil || !cmp.Equal(got.rows, rows) {
			t.Errorf("%s: %v %v", format.name, got.rows, got.err)
		}
	}
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := readEmbeddings(other); got.err == nil || !strings.Contains(got.err.Error(), other+": unknown format") {
		t.Errorf("got %v", got.err)
	}
}

// TestEmbeddingsOfOtherWriters reads files that two JavaScript libraries wrote,
// with nulls, with float64, with a dictionary of numbers, and with lists that
// run over pages.
func TestEmbeddingsOfOtherWriters(t *testing.T) {
	const null = ": the vector is null or holds null"
	dir := filepath.Join("testdata", "embeddings")
	file := func(name string) string { return filepath.Join(dir, name) }
	five := []Embedding{
		{"a", []float32{1, 2, 3}},
		{"b", []float32{-0.5, 0, 0.25}},
		{"ü", []float32{1e-20, 1e20, 0}},
		{"", []float32{4, 5, 6}},
		{},
	}
	var words []Embedding
	for i := range 300 {
		w := []float32{1, 2, 4}
		words = append(words, Embedding{fmt.Sprint("r", i), []float32{w[i%3], w[(i+1)%3]}})
	}
	for name, want := range map[string]embeddingRows{
		"fixed.arrow": {
			meta: EmbeddingsMeta{"m", 3, "f"},
			rows: slices.Concat(five, five),
			bad:  map[int]string{4: file("fixed.arrow") + ":5" + null, 9: file("fixed.arrow") + ":10" + null},
		},
		"list64.arrow": {
			meta: EmbeddingsMeta{"m", 3, "f"},
			rows: slices.Concat(five, five),
			bad:  map[int]string{4: file("list64.arrow") + ":5" + null, 9: file("list64.arrow") + ":10" + null},
		},
		"optional.parquet": {
			meta: EmbeddingsMeta{"m", 3, ""},
			rows: append(slices.Clone(five), Embedding{}),
			bad:  map[int]string{4: file("optional.parquet") + ":5" + null, 5: file("optional.parquet") + ":6" + null},
		},
		"dictionary.parquet": {meta: EmbeddingsMeta{Dim: 2}, rows: words, bad: map[int]string{}},
	} {
		got := readEmbeddings(file(name))
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(embeddingRows{})); got.err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, got.err, diff)
		}
	}
}

// TestNpyOfNumpy reads files that numpy wrote and writes one byte for byte.
func TestNpyOfNumpy(t *testing.T) {
	golden := filepath.Join("..", "..", "shared", "golden")
	if _, err := os.Stat(golden); err != nil {
		t.Skip("needs the golden data beside the repository")
	}
	path := filepath.Join(golden, "sw", "battle_embeddings.npy")
	got := readEmbeddings(path)
	if got.err != nil || len(got.rows) != 2000 || got.meta.Dim != 64 || len(got.bad) != 0 {
		t.Fatalf("%d rows, %d bad, width %d: %v", len(got.rows), len(got.bad), got.meta.Dim, got.err)
	}
	again := filepath.Join(t.TempDir(), "again.npy")
	if _, err := WriteEmbeddings(again, got.meta, embeddingsOf(got.rows)); err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(again)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(theirs, ours) {
		t.Errorf("numpy wrote %d bytes beginning %q, we %d beginning %q", len(theirs), theirs[:128], len(ours), ours[:128])
	}

	path = filepath.Join(golden, "mf", "embeddings.npy")
	got = readEmbeddings(path)
	want := map[int]string{197: path + ":198: the vector is all zero"}
	if got.err != nil || len(got.rows) != 200 || !cmp.Equal(got.bad, want) {
		t.Errorf("%d rows, bad %v: %v", len(got.rows), got.bad, got.err)
	}
	scores := readEmbeddings(filepath.Join(golden, "eval", "winrates_gsm8k_len.npy"))
	if scores.err == nil || !strings.Contains(scores.err.Error(), "shape (1307,): must be (rows, width)") {
		t.Errorf("one-dimensional: %v", scores.err)
	}
}

func npyFile(dict string, numbers ...byte) []byte {
	return append(fmt.Appendf(nil, "\x93NUMPY\x01\x00%c\x00%s", len(dict), dict), numbers...)
}

func TestNpyRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.npy")
	one, nan := []byte{0, 0, 0x80, 0x3f}, []byte{0, 0, 0xc0, 0x7f}
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0x7f} // the greatest float64
	for _, c := range []struct {
		data []byte
		want []string // a row each, "" for a good one; or the one error of the file
	}{
		{npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 1), }", slices.Concat(one, nan, make([]byte, 4))...),
			[]string{"", ":2: the vector holds NaN or infinity", ":3: the vector is all zero"}},
		{npyFile("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }", huge...),
			[]string{":1: the vector holds NaN or infinity"}},
		{npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", one...), []string{": truncated: 1 rows of 2 are there"}},
		{npyFile("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", one...), []string{": column-major order"}},
		{npyFile("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }", one...), []string{`: numbers of type ">f4"`}},
		{npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1), }", one...), []string{": shape (1, 1, 1): must be (rows, width)"}},
		{npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999, 999999999), }", one...), []string{"width must be from 1"}},
		{npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999, 1048576), }", one...), []string{": truncated: 0 rows"}},
		{npyFile("[('a', '<f4')]", one...), []string{": header"}},
		{[]byte("\x93NUMPY\x09\x00\x00\x00"), []string{": version 9"}},
		{[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), []string{": header of 4294967295 bytes"}},
		{[]byte("\x93NUM"), []string{": not a .npy file"}},
		{nil, []string{": not a .npy file"}},
	} {
		if err := os.WriteFile(path, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		got := readEmbeddings(path)
		if got.err != nil {
			got.rows, got.bad = make([]Embedding, 1), map[int]string{0: got.err.Error()}
		}
		if len(got.rows) != len(c.want) {
			t.Errorf("%q: %d rows, want %d", c.data, len(got.rows), len(c.want))
		}
		for i, want := range c.want {
			if got := got.bad[i]; (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%q, row %d: %q, want %q", c.data, i, got, want)
			}
		}
	}
}

// TestEmbeddingsTruncated cuts a file of each format at every byte: no cut goes
// unnoticed.
func TestEmbeddingsTruncated(t *testing.T) {
	dir := t.TempDir()
	rows := randomEmbeddings(rand.New(rand.NewPCG(1, 2)), 6, 3)
	for _, format := range embeddingFormats() {
		path := filepath.Join(dir, "e"+format.suffixes[0])
		if _, err := WriteEmbeddings(path, EmbeddingsMeta{"m", 3, "f"}, embeddingsOf(rows)); err != nil {
			t.Fatal(err)
		}
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for size := range whole {
			if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
				t.Fatal(err)
			}
			if got := readEmbeddings(path); got.err == nil || !strings.HasPrefix(got.err.Error(), path+": ") {
				t.Fatalf("%s cut at %d of %d: %d rows and %v", format.name, size, len(whole), len(got.rows), got.err)
			}
		}
	}
}

// TestEmbeddingsConsumerPanics: only panics of the libraries beneath are caught.
func TestEmbeddingsConsumerPanics(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.arrow")
	if _, err := WriteEmbeddings(path, EmbeddingsMeta{Dim: 1}, embeddingsOf([]Embedding{{"a", []float32{1}}})); err != nil {
		t.Fatal(err)
	}
	_, seq, err := Embeddings(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("recovered %v", r)
		}
	}()
	for range seq {
		panic("mine")
	}
}

// TestWriteEmbeddingsRefuses: what cannot be read again is not written, and what
// was there stays.
func TestWriteEmbeddingsRefuses(t *testing.T) {
	good, nan := []float32{1, 2}, []float32{1, float32(math.NaN())}
	stop := errors.New("stop")
	for _, format := range embeddingFormats() {
		path := filepath.Join(t.TempDir(), "e"+format.suffixes[0])
		if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
			t.Fatal(err)
		}
		for want, rows := range map[string][]Embedding{
			":2: the vector holds NaN":                   {{"a", good}, {"b", nan}},
			":1: the vector is all zero":                 {{"a", []float32{0, 0}}},
			":1: the vector has width 1, the file has 2": {{"a", good[:1]}},
			":2: the id is not valid UTF-8":              {{"a", good}, {"\xff", good}},
			":1: the vector has width 0, the file has 2": {{"a", nil}},
			":3: the vector has width 3, the file has 2": {{"a", good}, {"b", good}, {"c", []float32{1, 2, 3}}},
		} {
			_, err := WriteEmbeddings(path, EmbeddingsMeta{Dim: 2}, embeddingsOf(rows))
			if _, ok := errors.AsType[*RowError](err); !ok || !strings.Contains(err.Error(), path+want) {
				t.Errorf("%s: got %v, want %q", format.name, err, want)
			}
		}
		failing := func(yield func(Embedding, error) bool) {
			_ = yield(Embedding{"a", good}, nil) && yield(Embedding{}, stop)
		}
		if _, err := WriteEmbeddings(path, EmbeddingsMeta{Dim: 2}, failing); !errors.Is(err, stop) {
			t.Errorf("%s: got %v, want the sequence's error", format.name, err)
		}
		if before, err := os.ReadFile(path); err != nil || string(before) != "before" {
			t.Errorf("%s: what was there is now %q, %v", format.name, before, err)
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("%s: left behind: %v", format.name, left)
		}
	}
	if _, err := WriteEmbeddings("e.csv", EmbeddingsMeta{Dim: 2}, embeddingsOf(nil)); err == nil || !strings.Contains(err.Error(), "have .arrow, .npy, .parquet") {
		t.Errorf("got %v", err)
	}
	if _, err := WriteEmbeddings("e.npy", EmbeddingsMeta{}, embeddingsOf(nil)); err == nil {
		t.Error("width 0 is taken")
	}
	if got := readEmbeddings("missing.npy"); !errors.Is(got.err, fs.ErrNotExist) || got.err.Error() != "missing.npy: no such file or directory" {
		t.Errorf("got %v", got.err)
	}
}

// FuzzEmbeddings reads any bytes as each format: what comes out is an error or
// embeddings that could be written.
func FuzzEmbeddings(f *testing.F) {
	dir := f.TempDir()
	for i, format := range embeddingFormats() {
		path := filepath.Join(dir, "e"+format.suffixes[0])
		if _, err := WriteEmbeddings(path, EmbeddingsMeta{"m", 2, "f"}, embeddingsOf([]Embedding{{"a", []float32{1, 2}}, {"b", []float32{3, 4}}})); err != nil {
			f.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), data)
	}
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		formats := embeddingFormats()
		path := filepath.Join(t.TempDir(), "e"+formats[int(i)%len(formats)].suffixes[0])
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got := readEmbeddings(path)
		for i, e := range got.rows {
			if _, bad := got.bad[i]; bad {
				continue
			}
			if err := e.check(got.meta.Dim); err != nil {
				t.Fatalf("row %d: %v", i+1, err)
			}
		}
	})
}

const benchVectors, benchDim = 20_000, 1536

func BenchmarkWriteEmbeddings(b *testing.B) {
	rows := randomEmbeddings(rand.New(rand.NewPCG(1, 2)), benchVectors, benchDim)
	for _, format := range embeddingFormats() {
		b.Run(format.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "e"+format.suffixes[0])
			b.ReportAllocs()
			b.SetBytes(benchVectors * benchDim * 4)
			for b.Loop() {
				if _, err := WriteEmbeddings(path, EmbeddingsMeta{Dim: benchDim}, embeddingsOf(rows)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadEmbeddings(b *testing.B) {
	rows := randomEmbeddings(rand.New(rand.NewPCG(1, 2)), benchVectors, benchDim)
	for _, format := range embeddingFormats() {
		b.Run(format.name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "e"+format.suffixes[0])
			if _, err := WriteEmbeddings(path, EmbeddingsMeta{Dim: benchDim}, embeddingsOf(rows)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(benchVectors * benchDim * 4)
			for b.Loop() {
				_, seq, err := Embeddings(path)
				if err != nil {
					b.Fatal(err)
				}
				for _, err := range seq {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
