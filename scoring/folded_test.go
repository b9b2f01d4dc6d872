package scoring

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"pgregory.net/rapid"
)

// unfolded is the definition of MF in the words of RouteLLM's model, step by
// step in float64: the judge of the folded one.
func unfolded(m *MF, strong, weak int, e []float32) float64 {
	hidden := make([]float64, m.Dim) // W e
	for k := range hidden {
		if m.Projection == nil {
			hidden[k] = float64(e[k])
			continue
		}
		for j, x := range e {
			hidden[k] += float64(m.Projection[k*len(e)+j]) * float64(x)
		}
	}
	logit := func(row int) (sum float64) {
		p := m.P[row*m.Dim : (row+1)*m.Dim]
		var norm float64
		for _, x := range p {
			norm += float64(x) * float64(x)
		}
		norm = math.Max(math.Sqrt(norm), 1e-12)
		for k, h := range hidden {
			sum += float64(m.Classifier[k]) * (float64(p[k]) / norm * h)
		}
		return sum
	}
	return 1 / (1 + math.Exp(logit(weak)-logit(strong)))
}

func randomMF(r *rand.Rand, rows, dim, width int, projection bool) *MF {
	fill := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	m := &MF{Dim: dim, P: fill(rows * dim), Classifier: fill(dim)}
	m.Embedding.Dim = dim
	if projection {
		m.Projection = fill(dim * width)
		m.Embedding.Dim = width
	}
	return m
}

func randomUnit(r *rand.Rand, width int) []float32 {
	x := make([]float32, width)
	var square float64
	for i := range x {
		x[i] = float32(r.NormFloat64())
		square += float64(x[i]) * float64(x[i])
	}
	for i := range x {
		x[i] = float32(float64(x[i]) / math.Sqrt(square))
	}
	return x
}

func TestFoldedIsUnfolded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rows := rapid.IntRange(1, 5).Draw(t, "rows")
		m := randomMF(r, rows, rapid.IntRange(1, 20).Draw(t, "dim"), rapid.IntRange(1, 40).Draw(t, "width"), rapid.Bool().Draw(t, "projection"))
		strong, weak := rapid.IntRange(0, rows-1).Draw(t, "strong"), rapid.IntRange(0, rows-1).Draw(t, "weak")
		if rapid.Bool().Draw(t, "zero row") {
			clear(m.P[weak*m.Dim:][:m.Dim])
		}
		f, err := m.Pair(strconv.Itoa(strong), strconv.Itoa(weak))
		if err != nil {
			t.Fatal(err)
		}
		e := randomUnit(r, m.Embedding.Dim)
		got := make([]float64, 1)
		if err := f.WinRates(context.Background(), got, []Features{{Embedding: e}}); err != nil {
			t.Fatal(err)
		}
		if want := unfolded(m, strong, weak, e); math.Abs(got[0]-want) > 1e-13 {
			t.Fatalf("folded %v, unfolded %v", got[0], want)
		}
	})
}

func TestWinRatesNamesTheBadItem(t *testing.T) {
	f, err := randomMF(rand.New(rand.NewPCG(1, 1)), 2, 3, 9, true).Pair("0", "1")
	if err != nil {
		t.Fatal(err)
	}
	with := func(i int, x float64) []float32 {
		e := make([]float32, 9)
		e[i] = float32(x)
		return e
	}
	for want, e := range map[string][]float32{
		"width 8":   make([]float32, 8),
		"width 0":   nil,
		"NaN at 8":  with(8, math.NaN()),
		"+Inf at 0": with(0, math.Inf(1)),
		"-Inf at 3": with(3, math.Inf(-1)),
		"width 10":  make([]float32, 10),
	} {
		err := f.WinRates(t.Context(), make([]float64, 2), []Features{{Embedding: with(1, 1)}, {Embedding: e}})
		var item *ItemError
		if !errors.As(err, &item) || item.Index != 1 || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want item 1 with %q", err, want)
		}
	}
	if err := f.WinRates(t.Context(), make([]float64, 2), make([]Features, 1)); err == nil {
		t.Error("lengths differ: no error")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.WinRates(cancelled, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestWinRatesOfExtremes(t *testing.T) {
	f := &Folded{space: Space{Dim: 1}, u: []float64{1}}
	dst := make([]float64, 3)
	err := f.WinRates(t.Context(), dst, []Features{
		{Embedding: []float32{0}}, {Embedding: []float32{math.MaxFloat32}}, {Embedding: []float32{-math.MaxFloat32}},
	})
	if err != nil || dst[0] != 0.5 || dst[1] != 1 || dst[2] != 0 {
		t.Errorf("got %v and %v", dst, err)
	}
}

func TestOnText(t *testing.T) {
	m := randomMF(rand.New(rand.NewPCG(2, 2)), 2, 4, 26, true)
	m.Embedding.Fingerprint = "letters v1"
	f, err := m.Pair("1", "0")
	if err != nil {
		t.Fatal(err)
	}
	dense := func(text string) []float32 { // Counts of letters: an embedder that is easy to fold.
		e := make([]float32, 26)
		for _, c := range text {
			e[c-'a']++
		}
		return e
	}
	sparse := func(text string, u []float64) (sum float64) {
		for _, c := range text {
			sum += u[c-'a']
		}
		return sum
	}
	s, err := f.OnText(f.Space(), sparse)
	if err != nil {
		t.Fatal(err)
	}
	if s.Space() != (Space{}) {
		t.Errorf("space %+v, want the zero one", s.Space())
	}
	var batch []Features
	for _, text := range []string{"", "route", "evaluate"} {
		batch = append(batch, Features{Query: text, Embedding: dense(text)})
	}
	onText, onVector := make([]float64, 3), make([]float64, 3)
	if err := errors.Join(s.WinRates(t.Context(), onText, batch), f.WinRates(t.Context(), onVector, batch)); err != nil {
		t.Fatal(err)
	}
	for i := range batch {
		if math.Abs(onText[i]-onVector[i]) > 1e-14 {
			t.Errorf("%q: on text %v, on the vector %v", batch[i].Query, onText[i], onVector[i])
		}
	}
	for _, space := range []Space{{Dim: 25}, {Dim: 26, Fingerprint: "letters v2"}} {
		if _, err := f.OnText(space, sparse); err == nil {
			t.Errorf("%+v: no error", space)
		}
	}
	nan := func(string, []float64) float64 { return math.NaN() }
	s, _ = f.OnText(f.Space(), nan)
	var item *ItemError
	if err := s.WinRates(t.Context(), onText, batch); !errors.As(err, &item) || item.Index != 0 {
		t.Errorf("a dot product of NaN: %v", err)
	}
}

// The benchmarks score rows of 1536 numbers against RouteLLM's shape of
// weights. Bytes are those of the embeddings; the matrix is larger than any
// cache.
const benchRows, benchWidth = 32 << 10, 1536

func benchMatrix() (flat []float32, batch []Features) {
	flat = make([]float32, benchRows*benchWidth)
	r := rand.New(rand.NewPCG(3, 3))
	for i := range flat {
		flat[i] = r.Float32() - 0.5
	}
	batch = make([]Features, benchRows)
	for i := range batch {
		batch[i].Embedding = flat[i*benchWidth:][:benchWidth]
	}
	return flat, batch
}

func BenchmarkWinRatesFolded(b *testing.B) {
	_, batch := benchMatrix()
	f, err := randomMF(rand.New(rand.NewPCG(4, 4)), 64, 128, benchWidth, true).Pair("3", "4")
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]float64, len(batch))
	b.SetBytes(benchRows * benchWidth * 4)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.WinRates(b.Context(), dst, batch); err != nil {
			b.Fatal(err)
		}
	}
	reportRows(b, len(batch))
}

// The same by one product of the matrix and the vector in float32, as good as
// gonum's assembly does it. It is a baseline for speed only.
func BenchmarkWinRatesGonum(b *testing.B) {
	flat, _ := benchMatrix()
	x := blas32.Vector{N: benchWidth, Inc: 1, Data: flat[:benchWidth]}
	y := blas32.Vector{N: benchRows, Inc: 1, Data: make([]float32, benchRows)}
	m := blas32.General{Rows: benchRows, Cols: benchWidth, Stride: benchWidth, Data: flat}
	b.SetBytes(benchRows * benchWidth * 4)
	b.ReportAllocs()
	for b.Loop() {
		blas32.Gemv(blas.NoTrans, 1, m, x, 0, y)
	}
	reportRows(b, benchRows)
}

// The same without folding: the projection of every row.
func BenchmarkWinRatesUnfolded(b *testing.B) {
	_, batch := benchMatrix()
	batch = batch[:64]
	m := randomMF(rand.New(rand.NewPCG(4, 4)), 64, 128, benchWidth, true)
	b.SetBytes(int64(len(batch) * benchWidth * 4))
	b.ReportAllocs()
	for b.Loop() {
		for _, item := range batch {
			unfolded(m, 3, 4, item.Embedding)
		}
	}
	reportRows(b, len(batch))
}

func reportRows(b *testing.B, rows int) {
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
