package train

import (
	"context"
	"fmt"
	"math"
)

// CrossValidate estimates every prompt's qualities by heads that were fitted
// without its fold ([Folds]): shape [prompt, model], of use in differences. fit
// gets outcomes in which the qualities of one fold are not known.
func CrossValidate(ctx context.Context, o *Outcomes, folds []int, fit func(context.Context, *Outcomes) (*Heads, error)) ([]float64, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if len(folds) != o.Rows.Len() {
		return nil, fmt.Errorf("%d folds for %d prompts", len(folds), o.Rows.Len())
	}
	count := 0
	for _, f := range folds {
		count = max(count, f+1)
	}
	estimates := make([]float64, len(o.Quality))
	for f := range count {
		heads, err := fit(ctx, o.Keep(func(i int) bool { return folds[i] != f }))
		if err != nil {
			return nil, fmt.Errorf("fold %d: %w", f, err)
		}
		heads.estimate(estimates, o.Rows, func(i int) bool { return folds[i] == f })
	}
	return estimates, nil
}

// estimate writes the estimates of the rows that are wanted to dst, shape
// [prompt, model].
func (h *Heads) estimate(dst []float64, rows Rows, wanted func(i int) bool) {
	for i := range rows.Len() {
		if !wanted(i) {
			continue
		}
		for m, v := range h.Vectors {
			dst[i*len(h.Models)+m] = rows.Dot(i, v)
		}
	}
}

// lambdas are what ChooseLambda tries.
var lambdas = [...]float64{0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000}

// ChooseLambda is the λ for [Ridge] with the smallest squared error, summed
// over models, of a cross-validation in five folds. Errors are those of the
// differences from the prompt's mean over the models that are known, since
// nothing else routes.
func ChooseLambda(ctx context.Context, o *Outcomes, seed uint64) (float64, error) {
	folds := Folds(o.Groups, o.Rows.Len(), 5, seed)
	best, lowest := 0.0, math.Inf(1)
	for _, lambda := range lambdas {
		estimates, err := CrossValidate(ctx, o, folds, func(ctx context.Context, kept *Outcomes) (*Heads, error) {
			return Ridge(ctx, kept, lambda)
		})
		if err != nil {
			return 0, fmt.Errorf("lambda %v: %w", lambda, err)
		}
		if e := o.squaredError(estimates); e < lowest {
			best, lowest = lambda, e
		}
	}
	return best, nil
}

// squaredError sums the squares of (q − q̄) − (estimate − mean estimate), the
// means being over the prompt's known models.
func (o *Outcomes) squaredError(estimates []float64) (sum float64) {
	n := len(o.Models)
	for i := range o.Rows.Len() {
		var residuals []float64
		mean := 0.0
		for m := range n {
			if q := o.Of(i, m); !math.IsNaN(q) {
				residuals = append(residuals, q-estimates[i*n+m])
				mean += residuals[len(residuals)-1]
			}
		}
		mean /= float64(len(residuals))
		for _, r := range residuals {
			sum += float64((r - mean) * (r - mean))
		}
	}
	return sum
}
