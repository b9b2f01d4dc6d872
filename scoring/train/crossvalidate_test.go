package train

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

func TestFolds(t *testing.T) {
	groups := make([]string, 3000)
	for i := range groups {
		groups[i] = strconv.Itoa(i / 3)
	}
	folds := Folds(groups, len(groups), 5, 7)
	count := make([]int, 5)
	for i, f := range folds {
		count[f]++
		if f != folds[i/3*3] {
			t.Fatalf("group %s is in folds %d and %d", groups[i], f, folds[i/3*3])
		}
	}
	for f, n := range count {
		if n < 450 || n > 750 {
			t.Errorf("fold %d has %d of %d prompts", f, n, len(groups))
		}
	}
	slices.Reverse(groups)
	turned := Folds(groups[:2000], 2000, 5, 7)
	slices.Reverse(folds)
	if !slices.Equal(turned, folds[:2000]) {
		t.Error("the folds depend on the order or on other prompts")
	}
	if slices.Equal(Folds(groups, 3000, 5, 8), folds) {
		t.Error("the folds do not depend on the seed")
	}
}

// The judge is a fit by hand on the other folds.
func TestCrossValidate(t *testing.T) {
	o, _ := randomOutcomes(1, 40, 6, 3, true)
	folds := Folds(nil, 40, 4, 0)
	got, err := CrossValidate(t.Context(), o, folds, ridgeOf(2))
	if err != nil {
		t.Fatal(err)
	}
	for f := range 4 {
		var data []float32
		rest := &Outcomes{Models: o.Models}
		row := make([]float32, 6)
		for i := range 40 {
			if folds[i] != f {
				o.Rows.Fill(row, i)
				data = append(data, row...)
				rest.Quality = append(rest.Quality, o.Quality[3*i:3*i+3]...)
			}
		}
		rest.Rows = &Dense{6, data}
		heads, err := Ridge(t.Context(), rest, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			for m := range 3 {
				if want := o.Rows.Dot(i, heads.Vectors[m]); folds[i] == f && math.Abs(got[3*i+m]-want) > 1e-8 {
					t.Errorf("prompt %d, model %d: %v, want %v", i, m, got[3*i+m], want)
				}
			}
		}
	}
	if _, err := CrossValidate(t.Context(), o, folds[1:], func(context.Context, *Outcomes) (*Heads, error) { return nil, nil }); err == nil {
		t.Error("too few folds: no error")
	}
}

// Where the qualities follow the features a small λ is right, and the largest
// where they do not.
func TestChooseLambda(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 0))
	data := make([]float32, 300*10)
	for i := range data {
		data[i] = float32(random.NormFloat64())
	}
	o := &Outcomes{Rows: &Dense{10, data}, Models: numbered(2), Quality: make([]float64, 600)}
	for i := range 300 {
		o.Quality[2*i] = max(0, min(1, 0.5+0.2*float64(data[10*i])))
		o.Quality[2*i+1] = max(0, min(1, 0.5+0.2*float64(data[10*i+1])))
	}
	signal, err := ChooseLambda(t.Context(), o, 0)
	if err != nil {
		t.Fatal(err)
	}
	noise, err := ChooseLambda(t.Context(), shuffled(o, 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	if signal > 10 || noise < 300 {
		t.Errorf("λ is %v for a signal and %v for noise", signal, noise)
	}
}

func TestRowsRefuse(t *testing.T) {
	nan := math.NaN()
	s := NewSparse(3)
	for name, err := range map[string]error{
		"column outside": s.Append([]int32{3}, []float64{1}),
		"below 0":        s.Append([]int32{-1}, []float64{1}),
		"NaN":            s.Append([]int32{0}, []float64{nan}),
		"lengths":        s.Append([]int32{0, 1}, []float64{1}),
	} {
		if err == nil {
			t.Errorf("sparse, %s: no error", name)
		}
	}
	if s.Len() != 0 {
		t.Errorf("refused rows count: %d", s.Len())
	}
	if _, err := NewDense(2, []float32{1, float32(nan)}); err == nil {
		t.Error("dense, NaN: no error")
	}
	if _, err := NewDense(2, []float32{1, 2, 3}); err == nil {
		t.Error("dense, half a row: no error")
	}
}

// A column that comes twice holds the sum, whichever way a row is read.
func TestSparseSumsColumns(t *testing.T) {
	s := NewSparse(3)
	if err := s.Append([]int32{1, 1, 2}, []float64{2, 3, 4}); err != nil {
		t.Fatal(err)
	}
	row, sum := make([]float32, 3), make([]float64, 3)
	s.Fill(row, 0)
	s.Add(sum, 2, 0)
	if !slices.Equal(row, []float32{0, 5, 4}) || !slices.Equal(sum, []float64{0, 10, 8}) || s.Dot(0, []float64{9, 1, 10}) != 45 {
		t.Errorf("row %v, twice %v, product %v", row, sum, s.Dot(0, []float64{9, 1, 10}))
	}
}
