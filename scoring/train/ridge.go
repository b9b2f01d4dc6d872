package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// DefaultLambda is flat between a third and three times its value on both of
// the data sets that the default weights are made of.
const DefaultLambda = 30

// Ridge fits one head per model to the model's own quality, ties and all:
//
//	u_m = argmin_u  Σ_i (q_im − u·e_i)² + λ Σ_j u_j²   over the prompts i that know q_im
//
// A column that is 1 in every row is the intercept: it is not penalised.
// Without one there is no intercept, as a matrix factorization has no biases:
// the head that is fitted is the head that scores. What all models have in
// common, the mean quality, is then taken off first; it cancels in every
// difference of two heads.
//
// Why heads rather than pairs: the area under a router's curve asks for the
// expected difference of qualities, which is linear in them, so the difference
// of two heads is at once the ridge regression of the difference. A tied pair
// says that the difference is 0 and is kept as such.
//
// The normal equations are solved by conjugate gradients, in a fixed order of
// summation: the result depends on nothing but the data and λ.
func Ridge(ctx context.Context, o *Outcomes, lambda float64) (*Heads, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if !(lambda > 0) || math.IsInf(lambda, 0) {
		return nil, fmt.Errorf("lambda is %v, want above 0", lambda)
	}
	penalty, shift := ridgePenalty(o, lambda)
	inverse := inverseDiagonal(o.Rows, penalty)
	heads := &Heads{Models: slices.Clone(o.Models), Width: o.Rows.Width(), Vectors: make([][]float64, len(o.Models))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for m, name := range o.Models {
		group.Go(func() error {
			known, quality := knownQuality(o, m, shift)
			head, err := solveRidge(ctx, o.Rows, known, quality, penalty, inverse)
			if err != nil {
				return fmt.Errorf("head of %s: %w", name, err)
			}
			heads.Vectors[m] = head
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return heads, nil
}

// ridgePenalty is λ for every column but the intercept, and what is to be
// taken off every quality.
func ridgePenalty(o *Outcomes, lambda float64) (penalty []float64, shift float64) {
	penalty = make([]float64, o.Rows.Width())
	for j := range penalty {
		penalty[j] = lambda
	}
	if j := constantColumn(o.Rows); j >= 0 {
		penalty[j] = 0
		return penalty, 0
	}
	return penalty, grandMean(o.Quality)
}

// constantColumn is the last column that is 1 in every row; −1 if there is none.
func constantColumn(rows Rows) int {
	if rows.Len() == 0 {
		return -1
	}
	first := make([]float32, rows.Width())
	rows.Fill(first, 0)
	unit := make([]float64, rows.Width())
	for j := len(first) - 1; j >= 0; j-- {
		if first[j] != 1 {
			continue
		}
		unit[j] = 1
		if everyDot(rows, unit, 1) {
			return j
		}
		unit[j] = 0
	}
	return -1
}

func everyDot(rows Rows, v []float64, want float64) bool {
	for i := range rows.Len() {
		if rows.Dot(i, v) != want {
			return false
		}
	}
	return true
}

func grandMean(quality []float64) float64 {
	var sum, n float64
	for _, q := range quality {
		if !math.IsNaN(q) {
			sum += q
			n++
		}
	}
	return sum / n
}

// knownQuality lists the prompts that know a model's quality, and the
// qualities less shift.
func knownQuality(o *Outcomes, model int, shift float64) (known []int, quality []float64) {
	for i := range o.Rows.Len() {
		if q := o.Of(i, model); !math.IsNaN(q) {
			known = append(known, i)
			quality = append(quality, q-shift)
		}
	}
	return known, quality
}

// solveRidge minimises Σ_k (y_k − u·x_k)² + Σ_j penalty_j u_j² over the rows
// listed in known, by conjugate gradients on (XᵀX + penalty) u = Xᵀy with a
// diagonal preconditioner (Golub and Van Loan, Matrix Computations, 11.5).
func solveRidge(ctx context.Context, rows Rows, known []int, y, penalty, inverse []float64) ([]float64, error) {
	width := rows.Width()
	u, residual := make([]float64, width), make([]float64, width)
	for k, i := range known {
		rows.Add(residual, y[k], i)
	}
	z := make([]float64, width)
	precondition(z, inverse, residual)
	direction, image := slices.Clone(z), make([]float64, width)
	square := dot(residual, z)
	goal := square * cgTolerance * cgTolerance
	for range cgMaxSteps {
		if square <= goal {
			return u, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		normalProduct(image, rows, known, penalty, direction)
		step := square / dot(direction, image)
		axpy(u, step, direction)
		axpy(residual, -step, image)
		precondition(z, inverse, residual)
		next := dot(residual, z)
		ratio := next / square
		square = next
		for j := range direction {
			direction[j] = z[j] + float64(ratio*direction[j])
		}
	}
	return nil, fmt.Errorf("conjugate gradients did not converge in %d steps", cgMaxSteps)
}

const (
	// cgTolerance, relative to the first residual, is far below what float32
	// weights can hold.
	cgTolerance = 1e-10
	cgMaxSteps  = 5000
)

// normalProduct writes (XᵀX + penalty) v to dst.
func normalProduct(dst []float64, rows Rows, known []int, penalty, v []float64) {
	for j := range dst {
		dst[j] = penalty[j] * v[j]
	}
	for _, i := range known {
		rows.Add(dst, rows.Dot(i, v), i)
	}
}

// inverseDiagonal is 1 over the diagonal of XᵀX + penalty, X being all rows,
// whether their quality is known or not: a preconditioner changes how fast the
// solution comes, not what it is. It is 1 where a column is empty and free.
func inverseDiagonal(rows Rows, penalty []float64) []float64 {
	inverse := slices.Clone(penalty)
	row := make([]float32, rows.Width())
	for i := range rows.Len() {
		rows.Fill(row, i)
		for j, x := range row {
			inverse[j] += float64(float64(x) * float64(x))
		}
	}
	for j, d := range inverse {
		inverse[j] = 1 / cmp.Or(d, 1)
	}
	return inverse
}

func precondition(dst, inverse, v []float64) {
	for j := range dst {
		dst[j] = inverse[j] * v[j]
	}
}

func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var sum float64
	for j, x := range a {
		sum += float64(x * b[j])
	}
	return sum
}

func axpy(dst []float64, a float64, v []float64) {
	v = v[:len(dst)]
	for j := range dst {
		dst[j] += float64(a * v[j])
	}
}
