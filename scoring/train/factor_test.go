package train

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"routeval/scoring"
)

func randomHeads(seed uint64, models, width int) *Heads {
	random := rand.New(rand.NewPCG(seed, 0))
	h := &Heads{Models: numbered(models), Width: width}
	for range models {
		v := make([]float64, width)
		for j := range v {
			v[j] = random.NormFloat64()
		}
		h.Vectors = append(h.Vectors, v)
	}
	return h
}

// The judge is the difference of the heads itself: through the safetensors
// file and RouteLLM's formula must come σ(2 (u_s − u_w)·e), to float32.
func TestFactorIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		models, width := rapid.IntRange(2, 9).Draw(t, "models"), rapid.IntRange(8, 40).Draw(t, "width")
		h := randomHeads(rapid.Uint64().Draw(t, "seed"), models, width)
		f, err := h.Factor(models - 1)
		if err != nil {
			t.Fatal(err)
		}
		read := reread(t, f)
		for s := range h.Models {
			for w := range h.Models {
				folded, err := read.Pair(h.Models[s], h.Models[w])
				if err != nil {
					t.Fatal(err)
				}
				for j, u := range folded.Vector() {
					if want := 2 * (h.Vectors[s][j] - h.Vectors[w][j]); math.Abs(u-want) > 1e-5 {
						t.Fatalf("pair %d, %d: column %d is %v, want %v", s, w, j, u, want)
					}
				}
			}
		}
	})
}

func reread(t interface{ Fatal(...any) }, f *scoring.MF) *scoring.MF {
	var file bytes.Buffer
	if err := f.Encode(&file); err != nil {
		t.Fatal(err)
	}
	read, err := scoring.ReadMF(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// Cut after k factors, what is left out is the smallest possible: the sum of
// squares over all heads is that of the singular values left out (Eckart and
// Young), here by way of a rank that is known.
func TestFactorFindsTheRank(t *testing.T) {
	h := randomHeads(1, 6, 30)
	for m := 3; m < 6; m++ { // heads 3 to 5 are mixtures of the first three
		for j := range h.Vectors[m] {
			h.Vectors[m][j] = 0.5*h.Vectors[0][j] + float64(m)/10*h.Vectors[1][j] + (0.5-float64(m)/10)*h.Vectors[2][j]
		}
	}
	for k, exact := range map[int]bool{1: false, 2: true} {
		f, err := h.Factor(k)
		if err != nil {
			t.Fatal(err)
		}
		folded, err := f.Pair("model-0", "model-5")
		if err != nil {
			t.Fatal(err)
		}
		worst := 0.0
		for j, u := range folded.Vector() {
			worst = max(worst, math.Abs(u-2*(h.Vectors[0][j]-h.Vectors[5][j])))
		}
		if (worst < 1e-5) != exact {
			t.Errorf("%d factors are off by %v", k, worst)
		}
	}
}

func TestFactorRefuses(t *testing.T) {
	h := randomHeads(1, 3, 4)
	for _, k := range []int{-1, 0, 4} {
		if _, err := h.Factor(k); err == nil {
			t.Errorf("%d factors of 3 heads: no error", k)
		}
	}
	h.Vectors[1], h.Vectors[2] = h.Vectors[0], h.Vectors[0]
	if _, err := h.Factor(2); err == nil {
		t.Error("equal heads: no error")
	}
}

func TestJoinKeepsDifferences(t *testing.T) {
	base, other := randomHeads(1, 4, 6), randomHeads(2, 3, 6)
	other.Models = []string{"new", "model-2", "newer"}
	joined, err := base.Join(other)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"model-0", "model-1", "model-2", "model-3", "new", "newer"}; !slices.Equal(joined.Models, want) {
		t.Fatalf("models %v, want %v", joined.Models, want)
	}
	for _, from := range []*Heads{base, other} {
		for _, a := range from.Models {
			for _, b := range from.Models {
				got, err := joined.Difference(a, b)
				if err != nil {
					t.Fatal(err)
				}
				want, _ := from.Difference(a, b)
				for j := range want {
					if math.Abs(got[j]-want[j]) > 1e-14 {
						t.Errorf("%s over %s: %v, want %v", a, b, got, want)
						break
					}
				}
			}
		}
	}
	other.Models[1] = "stranger"
	if _, err := base.Join(other); err == nil {
		t.Error("nothing in common: no error")
	}
}
