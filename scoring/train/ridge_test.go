package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// randomOutcomes are dense and sparse rows of the same numbers, with qualities
// of which some are not known.
func randomOutcomes(seed uint64, n, width, models int, constant bool) (dense, sparse *Outcomes) {
	random := rand.New(rand.NewPCG(seed, 0))
	data := make([]float32, n*width)
	rows := NewSparse(width)
	for i := range n {
		var index []int32
		var value []float64
		for j := range width {
			x := float32(0)
			switch {
			case constant && j == width-1:
				x = 1
			case random.IntN(3) == 0:
				x = float32(random.NormFloat64())
			}
			if x != 0 {
				index, value = append(index, int32(j)), append(value, float64(x))
			}
			data[i*width+j] = x
		}
		if err := rows.Append(index, value); err != nil {
			panic(err)
		}
	}
	dense = &Outcomes{Rows: &Dense{width, data}, Models: numbered(models)}
	for range n * models {
		q := float64(random.IntN(3)) / 2
		if random.IntN(5) == 0 {
			q = math.NaN()
		}
		dense.Quality = append(dense.Quality, q)
	}
	copy(dense.Quality, make([]float64, models)) // no model is without any quality
	other := *dense
	other.Rows = rows
	return dense, &other
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("model-%d", i)
	}
	return names
}

// The judge is gonum's Cholesky decomposition of the normal equations.
func TestRidgeSolvesTheNormalEquations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, width, models := rapid.IntRange(1, 40).Draw(t, "n"), rapid.IntRange(2, 12).Draw(t, "width"), rapid.IntRange(1, 4).Draw(t, "models")
		lambda := rapid.Float64Range(0.1, 100).Draw(t, "lambda")
		constant := rapid.Bool().Draw(t, "constant")
		dense, sparse := randomOutcomes(rapid.Uint64().Draw(t, "seed"), n, width, models, constant)
		heads, err := Ridge(t.Context(), dense, lambda)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Ridge(t.Context(), sparse, lambda)
		if err != nil {
			t.Fatal(err)
		}
		for m := range models {
			if !slices.Equal(heads.Vectors[m], again.Vectors[m]) {
				t.Fatalf("model %d: sparse rows give %v, dense ones %v", m, again.Vectors[m], heads.Vectors[m])
			}
			want := cholesky(dense, m, lambda, constant)
			for j := range width {
				if math.Abs(heads.Vectors[m][j]-want[j]) > 1e-8 {
					t.Fatalf("model %d: %v, want %v", m, heads.Vectors[m], want)
				}
			}
		}
	})
}

func cholesky(o *Outcomes, model int, lambda float64, constant bool) []float64 {
	width := o.Rows.Width()
	normal, right := mat.NewSymDense(width, nil), mat.NewVecDense(width, nil)
	shift := 0.0
	if !constant {
		shift = grandMean(o.Quality)
	}
	row := make([]float32, width)
	for i := range o.Rows.Len() {
		q := o.Of(i, model)
		if math.IsNaN(q) {
			continue
		}
		o.Rows.Fill(row, i)
		x := mat.NewVecDense(width, nil)
		for j, v := range row {
			x.SetVec(j, float64(v))
		}
		normal.SymRankOne(normal, 1, x)
		right.AddScaledVec(right, q-shift, x)
	}
	for j := range width {
		if !constant || j < width-1 {
			normal.SetSym(j, j, normal.At(j, j)+lambda)
		}
	}
	var factor mat.Cholesky
	if !factor.Factorize(normal) {
		panic("not positive definite")
	}
	var u mat.VecDense
	if err := factor.SolveVecTo(&u, right); err != nil {
		panic(err)
	}
	return u.RawVector().Data
}

func TestRidgeKeepsTies(t *testing.T) {
	dense, _ := randomOutcomes(1, 60, 8, 1, true)
	tied := *dense
	tied.Models = numbered(2)
	tied.Quality = nil
	for _, q := range dense.Quality {
		tied.Quality = append(tied.Quality, q, q)
	}
	heads, err := Ridge(t.Context(), &tied, 1)
	if err != nil {
		t.Fatal(err)
	}
	difference, err := heads.Difference("model-0", "model-1")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(difference, make([]float64, 8)) {
		t.Errorf("models that always tie differ by %v", difference)
	}
}

func TestRidgeRefuses(t *testing.T) {
	good, _ := randomOutcomes(1, 5, 3, 2, true)
	for name, spoil := range map[string]func(o *Outcomes) float64{
		"lambda is 0":                 func(*Outcomes) float64 { return 0 },
		"lambda is NaN":               func(*Outcomes) float64 { return math.NaN() },
		"quality of model-1 is 2":     func(o *Outcomes) float64 { o.Quality[1] = 2; return 1 },
		"no quality of model model-0": func(o *Outcomes) float64 { *o = *o.Keep(func(int) bool { return false }); return 1 },
		"model model-0 comes twice":   func(o *Outcomes) float64 { o.Models = []string{"model-0", "model-0"}; return 1 },
		"9 qualities for 5 prompts":   func(o *Outcomes) float64 { o.Quality = o.Quality[1:]; return 1 },
		"1 groups for 5 prompts":      func(o *Outcomes) float64 { o.Groups = []string{"g"}; return 1 },
	} {
		o := *good
		o.Quality = slices.Clone(good.Quality)
		if _, err := Ridge(t.Context(), &o, spoil(&o)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("want an error with %q, have %v", name, err)
		}
	}
}

// BenchmarkRidge fits 8 heads to 10,000 prompts of 180 features out of 4,113.
func BenchmarkRidge(b *testing.B) {
	const n, width, features, models = 10_000, 4_113, 180, 8
	random := rand.New(rand.NewPCG(1, 0))
	rows := NewSparse(width)
	o := &Outcomes{Rows: rows, Models: numbered(models)}
	for range n {
		index, value := []int32{width - 1}, []float64{1}
		for range features {
			index, value = append(index, int32(random.IntN(width-1))), append(value, random.NormFloat64()/math.Sqrt(features))
		}
		if err := rows.Append(index, value); err != nil {
			b.Fatal(err)
		}
		for range models {
			o.Quality = append(o.Quality, float64(random.IntN(2)))
		}
	}
	b.ReportAllocs()
	b.SetBytes(models * n * features * 12)
	for b.Loop() {
		if _, err := Ridge(b.Context(), o, DefaultLambda); err != nil {
			b.Fatal(err)
		}
	}
}
