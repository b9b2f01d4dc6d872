package scoring

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestKNNBruteForce judges the router by a full sort of cosines in float64.
func TestKNNBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "rows")
		dim := rapid.IntRange(1, 40).Draw(t, "width")
		k := rapid.IntRange(1, 60).Draw(t, "k")
		temperature := rapid.SampledFrom([]float64{0, 0.01, 0.1, 5}).Draw(t, "temperature")
		prompts := rapid.IntRange(1, 130).Draw(t, "prompts")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))

		table := make([]float32, n*dim)
		for i := range table {
			table[i] = float32(rng.NormFloat64())
		}
		recorded := make([]QualityPair, n)
		for i := range recorded {
			recorded[i] = QualityPair{Strong: rng.Float64(), Weak: rng.Float64()}
		}
		s, err := NewKNN(Space{Dim: dim}, recorded, table, KNNOptions{K: k, Temperature: temperature})
		if err != nil {
			t.Fatal(err)
		}
		batch, got := make([]Features, prompts), make([]float64, prompts)
		for i := range batch {
			batch[i].Embedding = make([]float32, dim)
			for j := range dim {
				batch[i].Embedding[j] = float32(rng.NormFloat64())
			}
		}
		if err := s.WinRates(t.Context(), got, batch); err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			want, sure := bruteForceKNN(batch[i].Embedding, table, recorded, k, temperature)
			if sure && math.Abs(got[i]-want) > 1e-4 {
				t.Fatalf("prompt %d: win rate %v, want %v", i, got[i], want)
			}
		}
	})
}

// bruteForceKNN is not sure where float32 may see the k-th and the next cosine
// as equal or exchanged.
func bruteForceKNN(x, table []float32, recorded []QualityPair, k int, temperature float64) (winRate float64, sure bool) {
	type row struct {
		i      int
		cosine float64
	}
	var rows []row
	for r := range slices.Chunk(table, len(x)) {
		var dot, xx, rr float64
		for j := range x {
			dot += float64(x[j]) * float64(r[j])
			xx += float64(x[j]) * float64(x[j])
			rr += float64(r[j]) * float64(r[j])
		}
		rows = append(rows, row{len(rows), dot / math.Sqrt(xx*rr)})
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		switch {
		case a.cosine > b.cosine:
			return -1
		case a.cosine < b.cosine:
			return 1
		}
		return 0
	})
	k = min(k, len(rows))
	if k < len(rows) && rows[k-1].cosine-rows[k].cosine < 1e-5 {
		return 0, false
	}
	var sum, total float64
	for _, r := range rows[:k] {
		w := 1.0
		if temperature > 0 {
			w = math.Exp((r.cosine - rows[0].cosine) / temperature)
		}
		sum += w * (recorded[r.i].Strong - recorded[r.i].Weak)
		total += w
	}
	return 0.5 + 0.5*sum/total, true
}

// TestKNNTies: of rows with one cosine the earlier are the neighbours.
func TestKNNTies(t *testing.T) {
	const n = 100
	table, recorded := make([]float32, n), make([]QualityPair, n)
	for i := range n {
		table[i] = 1
		if i < 7 {
			recorded[i].Strong = 1
		}
	}
	for k, want := range map[int]float64{1: 1, 7: 1, 14: 0.75, 100: 0.535} {
		s, err := NewKNN(Space{Dim: 1}, recorded, table, KNNOptions{K: k})
		if err != nil {
			t.Fatal(err)
		}
		if got := winRate(t, s, []float32{2}); math.Abs(got-want) > 1e-12 {
			t.Errorf("k=%d: win rate %v, want %v", k, got, want)
		}
	}
}

func TestKNNRefuses(t *testing.T) {
	one := []QualityPair{{1, 0}}
	for want, build := range map[string]func() (*KNN, error){
		"must be in [0,1]": func() (*KNN, error) {
			return NewKNN(Space{Dim: 1}, []QualityPair{{1, math.NaN()}}, []float32{1}, KNNOptions{})
		},
		"must be 1 or more": func() (*KNN, error) { return NewKNN(Space{Dim: 1}, one, []float32{1}, KNNOptions{K: -1}) },
		"must be 0 or more": func() (*KNN, error) {
			return NewKNN(Space{Dim: 1}, one, []float32{1}, KNNOptions{Temperature: math.NaN()})
		},
		"1 recorded":             func() (*KNN, error) { return NewKNN(Space{Dim: 1}, one, []float32{1, 2}, KNNOptions{}) },
		"holds NaN":              func() (*KNN, error) { return NewKNN(Space{Dim: 1}, one, []float32{float32(math.NaN())}, KNNOptions{}) },
		"not a table of vectors": func() (*KNN, error) { return NewKNN(Space{}, one, []float32{1}, KNNOptions{}) },
	} {
		if _, err := build(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func BenchmarkKNN(b *testing.B) {
	const n, dim, prompts = 20_000, 1536, 64
	rng := rand.New(rand.NewPCG(1, 2))
	table := make([]float32, n*dim)
	for i := range table {
		table[i] = rng.Float32() - 0.4
	}
	s, err := NewKNN(Space{Dim: dim}, make([]QualityPair, n), table, KNNOptions{Temperature: 0.1})
	if err != nil {
		b.Fatal(err)
	}
	batch, dst := make([]Features, prompts), make([]float64, prompts)
	for i := range batch {
		batch[i].Embedding = table[i*dim:][:dim]
	}
	b.Run(fmt.Sprintf("rows=%d/prompts=%d", n, prompts), func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(prompts * n * dim * 4)
		for b.Loop() {
			if err := s.WinRates(b.Context(), dst, batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*prompts), "ns/prompt")
	})
}
