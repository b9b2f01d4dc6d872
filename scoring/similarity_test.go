package scoring

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"
)

// TestDots holds both ways of multiplying blocks against sums in float64, for
// every small number of rows and queries and widths around the lanes'.
func TestDots(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, dim := range []int{1, 7, 8, 9, 31, 64, 100, 1536} {
		for rows := 1; rows <= 9; rows++ {
			for queries := 1; queries <= 5; queries++ {
				r, q := randomTable(rng, rows, dim), randomTable(rng, queries, dim)
				for name, multiply := range map[string]func(q, r, out blas32.General){"dots": dots, "gonum": gemmDots} {
					out := blas32.General{Rows: queries, Cols: rows, Stride: rows + 3, Data: make([]float32, queries*(rows+3))}
					multiply(q, r, out)
					for i := range queries {
						for j := range rows {
							want := 0.0
							for k := range dim {
								want += float64(q.Data[i*dim+k]) * float64(r.Data[j*dim+k])
							}
							if got := float64(out.Data[i*out.Stride+j]); !(math.Abs(got-want) < 1e-5*math.Sqrt(float64(dim))) {
								t.Fatalf("%s, width %d, %d rows, %d queries: query %d by row %d is %v, want %v", name, dim, rows, queries, i, j, got, want)
							}
						}
					}
				}
			}
		}
	}
}

func randomTable(rng *rand.Rand, rows, dim int) blas32.General {
	x := make([]float32, rows*dim)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return blas32.General{Rows: rows, Cols: dim, Stride: dim, Data: x}
}

// TestCosinesDoNotDependOnTheBatch: a prompt alone has, bit for bit, the cosines
// that it has among others, or a run that is resumed would route differently.
func TestCosinesDoNotDependOnTheBatch(t *testing.T) {
	const n, dim, prompts = 1031, 67, 131
	rng := rand.New(rand.NewPCG(1, 2))
	table, err := newVectors(Space{Dim: dim}, randomTable(rng, n, dim).Data)
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]Features, prompts)
	for i := range batch {
		batch[i].Embedding = randomTable(rng, 1, dim).Data
	}
	together := make([][]float32, prompts)
	err = table.eachCosine(t.Context(), batch, func(i int, cosines []float32) error {
		together[i] = append(together[i], cosines...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range batch {
		err := table.eachCosine(t.Context(), batch[i:i+1], func(_ int, alone []float32) error {
			for j := range alone {
				if math.Float32bits(alone[j]) != math.Float32bits(together[i][j]) {
					return errors.New("a cosine differs")
				}
			}
			return nil
		})
		if err != nil {
			t.Fatalf("prompt %d: %v", i, err)
		}
	}
}
