package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"routeval/scoring"
)

// weights are the numbers that [Fit] moves; their gradients and Adam's moments
// have the same shape.
type weights struct {
	p []float32 // [models, factors]
	w []float32 // [factors, width]; nil without a projection
	c []float32 // [factors]
}

func newWeights(models, factors, projection int) weights {
	return weights{make([]float32, models*factors), make([]float32, projection), make([]float32, factors)}
}

// zeros are weights of the same shape.
func (x weights) zeros() weights {
	return weights{make([]float32, len(x.p)), make([]float32, len(x.w)), make([]float32, len(x.c))}
}

func (x weights) sameShape(y weights) bool {
	return len(x.p) == len(y.p) && len(x.w) == len(y.w) && len(x.c) == len(y.c)
}

func (x weights) clone() weights {
	return weights{slices.Clone(x.p), slices.Clone(x.w), slices.Clone(x.c)}
}

// firstWeights are those of o.Init, or random ones drawn as PyTorch draws them
// for RouteLLM: P from the standard normal distribution, both matrices
// uniformly between ∓1/√(their width).
func firstWeights(c *Comparisons, o *Options) (weights, error) {
	projection := o.Factors * c.Rows.Width()
	if o.NoProjection {
		projection = 0
	}
	x := newWeights(len(c.Models), o.Factors, projection)
	if o.Init != nil {
		if !slices.Equal(o.Init.Models, c.Models) && o.Init.Models != nil {
			return x, fmt.Errorf("the first weights are of the models %v, the comparisons of %v", o.Init.Models, c.Models)
		}
		if len(o.Init.P) != len(x.p) || len(o.Init.Projection) != len(x.w) || len(o.Init.Classifier) != len(x.c) {
			return x, fmt.Errorf("the first weights have another shape than %d models, %d factors and width %d", len(c.Models), o.Factors, c.Rows.Width())
		}
		return weights{o.Init.P, o.Init.Projection, o.Init.Classifier}.clone(), nil
	}
	random := stream(o.Seed)
	for i := range x.p {
		x.p[i] = float32(random.NormFloat64())
	}
	uniform(random, x.w, c.Rows.Width())
	uniform(random, x.c, o.Factors)
	return x, nil
}

func uniform(random *rand.Rand, x []float32, width int) {
	bound := 1 / math.Sqrt(float64(width))
	for i := range x {
		x[i] = float32(bound * (2*random.Float64() - 1))
	}
}

// mf is a copy of the weights in the form that scores.
func (x weights) mf(models []string, width int) *scoring.MF {
	x = x.clone()
	f := &scoring.MF{
		Card:       scoring.Card{Models: slices.Clone(models), Embedding: scoring.Space{Dim: width}},
		Dim:        len(x.c),
		P:          x.p,
		Classifier: x.c,
	}
	if len(x.w) > 0 {
		f.Projection = x.w
	}
	return f
}
