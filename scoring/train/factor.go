package train

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"routeval/scoring"
)

// Factor writes heads as a matrix factorization with k factors, such that
// [scoring.MF] scores a pair with
//
//	win rate = σ(2 (u_strong − u_weak)·e)
//
// the first-order logit of (1 + d)/2, which is the chance that the strong
// model's answer is better where ties count half and d is the expected
// difference of qualities.
//
// The mean of the heads cancels in every difference, so the heads less their
// mean are decomposed, U = A S Bᵀ, and cut after k singular values: with n
// models, k = n−1 loses nothing. Rows of P are normalised when they are read,
// so every model gets one more factor that takes up the rest of the norm,
// against a row of zeros in the projection:
//
//	P[m] = (A S)_m / R, √(1 − ‖(A S)_m‖²/R²)      R = max over m of ‖(A S)_m‖
//	W    = Bᵀ, 0                                  c = 2R
//
// which makes c · ((P[s] − P[w]) ∘ W e) = 2 ((A S)_s − (A S)_w) · Bᵀe. The
// weights have k+1 factors.
func (h *Heads) Factor(k int) (*scoring.MF, error) {
	n := len(h.Models)
	if k < 1 || k > min(n, h.Width) {
		return nil, fmt.Errorf("%d factors of %d heads of width %d", k, n, h.Width)
	}
	left, right, err := decompose(h.centred(), k)
	if err != nil {
		return nil, err
	}
	radius, length := 0.0, 0.0
	for m, v := range h.Vectors {
		radius = max(radius, mat.Norm(left.RowView(m), 2))
		length = max(length, math.Sqrt(dot(v, v)))
	}
	if radius <= 1e-12*length { // which is what rounding leaves of a difference
		return nil, errors.New("all heads are equal: there is nothing to route on")
	}
	f := &scoring.MF{
		Card:       scoring.Card{Models: h.Models, Embedding: scoring.Space{Dim: h.Width}},
		Dim:        k + 1,
		Projection: make([]float32, (k+1)*h.Width),
	}
	for m := range n {
		square := 0.0
		for j := range k {
			x := left.At(m, j) / radius
			f.P = append(f.P, float32(x))
			square += x * x
		}
		f.P = append(f.P, float32(math.Sqrt(max(0, 1-square))))
	}
	for j := range k {
		for col := range h.Width {
			f.Projection[j*h.Width+col] = float32(right.At(col, j))
		}
	}
	for range k + 1 {
		f.Classifier = append(f.Classifier, float32(2*radius))
	}
	return f, nil
}

// centred is the heads less their mean, shape [models, width].
func (h *Heads) centred() *mat.Dense {
	mean := make([]float64, h.Width)
	for _, v := range h.Vectors {
		axpy(mean, 1/float64(len(h.Vectors)), v)
	}
	centred := mat.NewDense(len(h.Vectors), h.Width, nil)
	for m, v := range h.Vectors {
		for j, x := range v {
			centred.Set(m, j, x-mean[j])
		}
	}
	return centred
}

// decompose is the singular value decomposition cut after k values: left is
// A S, shape [rows, k], right is B, shape [columns, k]. The sign of a factor,
// which the decomposition leaves open, is the one that makes the largest
// number of its column in left positive.
func decompose(x *mat.Dense, k int) (left, right *mat.Dense, err error) {
	var svd mat.SVD
	if !svd.Factorize(x, mat.SVDThin) {
		return nil, nil, errors.New("the singular value decomposition of the heads did not converge")
	}
	left, right = new(mat.Dense), new(mat.Dense)
	svd.UTo(left)
	svd.VTo(right)
	values := svd.Values(nil)
	rows, _ := left.Dims()
	columns, _ := right.Dims()
	left, right = left.Slice(0, rows, 0, k).(*mat.Dense), right.Slice(0, columns, 0, k).(*mat.Dense)
	for j := range k {
		largest := 0.0
		for m := range rows {
			if v := left.At(m, j); math.Abs(v) > math.Abs(largest) {
				largest = v
			}
		}
		sign := math.Copysign(1, largest)
		scaleColumn(left, j, sign*values[j])
		scaleColumn(right, j, sign)
	}
	return left, right, nil
}

func scaleColumn(x *mat.Dense, j int, by float64) {
	rows, _ := x.Dims()
	for i := range rows {
		x.Set(i, j, by*x.At(i, j))
	}
}
