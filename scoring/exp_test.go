package scoring

import (
	"hash/fnv"
	"math"
	"testing"
)

// The judge of the value is the standard library's exponential.
func TestSigmoid(t *testing.T) {
	for x := -745.0; x <= 745; x += 0.0137 {
		want := 1 / (1 + math.Exp(-x))
		if x < -700 { // e^-x leaves the range of float64 before σ does.
			want = math.Exp(x)
		}
		if got := Sigmoid(x); math.Abs(got-want) > 4e-16*want+5e-324 {
			t.Fatalf("σ(%v) is %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float64]float64{
		0: 0.5, 40: 1, 1e308: 1, math.Inf(1): 1, -746: 0, -1e308: 0, math.Inf(-1): 0,
	} {
		if got := Sigmoid(x); got != want {
			t.Errorf("σ(%v) is %v, want %v", x, got, want)
		}
	}
	if !math.IsNaN(Sigmoid(math.NaN())) {
		t.Error("σ(NaN) is a number")
	}
}

func TestSigmoidRises(t *testing.T) {
	last := 0.0
	for x := -40.0; x <= 36; x += 1e-4 {
		if got := Sigmoid(x); got < last {
			t.Fatalf("σ(%v) is %v, below %v just before", x, got, last)
		} else {
			last = got
		}
	}
}

// One checksum over the bits of win rates. It was taken on amd64, Python's
// floats made the same from the same steps, and it holds on every processor
// unless a compiler fuses or reorders something.
func TestWinRatesAreTheSameBitsEverywhere(t *testing.T) {
	const want = 0x2bd1a85a59ef7ff2
	u, e := make([]float64, 1001), make([]float32, 1001)
	h := fnv.New64a()
	for n := range 200 {
		for i := range u {
			u[i] = 1/float64(3*i+n+1) - 0.002
			e[i] = float32(i%17-8) / float32(n+7)
		}
		bits := math.Float64bits(Sigmoid(dot(u, e)))
		for i := range 8 {
			h.Write([]byte{byte(bits >> (8 * i))})
		}
	}
	if got := h.Sum64(); got != want {
		t.Errorf("checksum %#x, want %#x", got, uint64(want))
	}
}

func BenchmarkSigmoid(b *testing.B) {
	x, sum := -1.3, 0.0
	for b.Loop() {
		sum += Sigmoid(x)
	}
	_ = sum
}
