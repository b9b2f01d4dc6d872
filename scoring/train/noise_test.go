package train

import (
	"math"
	"testing"
)

// The judge is the normal distribution: its cumulative function, and its second
// and fourth moments, 1 and 3.
func TestNormalsAreNormal(t *testing.T) {
	normals := newNormals()
	const levels = 2 << normalBits
	var below [7]float64
	var sum, square, fourth float64
	for bits := range uint64(levels) {
		x := float64(normals.at(bits | 0xabc<<13)) // higher bits belong to other numbers
		sum += x
		square += x * x / levels
		fourth += x * x * x * x / levels
		for k := range below {
			if x < float64(k-3) {
				below[k] += 1.0 / levels
			}
		}
	}
	if sum != 0 || math.Abs(square-1) > 1e-6 || math.Abs(fourth-3) > 0.02 {
		t.Errorf("sum %v, second moment %v, fourth %v; want 0, 1, 3", sum, square, fourth)
	}
	for k, share := range below {
		if want := math.Erfc(-float64(k-3)/math.Sqrt2) / 2; math.Abs(share-want) > 2e-4 {
			t.Errorf("a share of %v is below %d, want %v", share, k-3, want)
		}
	}
}

// Every number of a row is drawn by itself, whatever the width.
func TestNoiseIsIndependent(t *testing.T) {
	const n, width = 20_000, 7
	normals := newNormals()
	var products [width][width]float64
	for i := range n {
		x := make([]float32, width)
		noise{sd: 2, seed: 3, epoch: 1, place: 5}.addTo(x, i, normals)
		for a := range x {
			for b := range x {
				products[a][b] += float64(x[a]) * float64(x[b]) / n
			}
		}
	}
	for a := range width {
		for b := range width {
			want := 0.0
			if a == b {
				want = 4
			}
			if math.Abs(products[a][b]-want) > 0.2 {
				t.Errorf("covariance of columns %d and %d: %v, want %v", a, b, products[a][b], want)
			}
		}
	}
}

func BenchmarkNoise(b *testing.B) {
	normals := newNormals()
	x := make([]float32, 1536)
	b.ReportAllocs()
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		noise{sd: 0.1, seed: 1}.addTo(x, 0, normals)
	}
}
