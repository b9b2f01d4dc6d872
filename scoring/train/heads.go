package train

import (
	"fmt"
	"slices"
	"strings"

	"routeval/scoring"
)

// Heads are one vector per model: Vectors[m]·e estimates the quality of
// Models[m]'s answer to the prompt with the embedding e, up to a summand that
// all models share. Only differences of heads mean anything.
type Heads struct {
	Models  []string
	Width   int
	Vectors [][]float64
}

// Join adds the models of other that h does not have. The two were fitted on
// different prompts and graded by different rules, so they are chained on what
// they have in common: for a new model n and common models c
//
//	u(n) = u_other(n) + mean over c of (u_h(c) − u_other(c))
func (h *Heads) Join(other *Heads) (*Heads, error) {
	if h.Width != other.Width {
		return nil, fmt.Errorf("heads of width %d and %d do not join", h.Width, other.Width)
	}
	offset := make([]float64, h.Width)
	var common float64
	for m, name := range other.Models {
		if k := slices.Index(h.Models, name); k >= 0 {
			axpy(offset, 1, h.Vectors[k])
			axpy(offset, -1, other.Vectors[m])
			common++
		}
	}
	if common == 0 {
		return nil, fmt.Errorf("no model in common: %s; and %s", strings.Join(h.Models, ", "), strings.Join(other.Models, ", "))
	}
	joined := &Heads{Models: slices.Clone(h.Models), Width: h.Width, Vectors: slices.Clone(h.Vectors)}
	for m, name := range other.Models {
		if !slices.Contains(h.Models, name) {
			vector := slices.Clone(other.Vectors[m])
			axpy(vector, 1/common, offset)
			joined.Models = append(joined.Models, name)
			joined.Vectors = append(joined.Vectors, vector)
		}
	}
	return joined, nil
}

// WithMean adds a row called name: the mean of the heads of the models listed.
// It stands for a model that the data do not know.
func (h *Heads) WithMean(name string, models []string) (*Heads, error) {
	if slices.Contains(h.Models, name) {
		return nil, fmt.Errorf("model %s comes twice", name)
	}
	mean := make([]float64, h.Width)
	for _, model := range models {
		k := slices.Index(h.Models, model)
		if k < 0 {
			return nil, fmt.Errorf("unknown model %q (have %s)", model, strings.Join(h.Models, ", "))
		}
		axpy(mean, 1/float64(len(models)), h.Vectors[k])
	}
	return &Heads{
		Models:  append(slices.Clone(h.Models), name),
		Width:   h.Width,
		Vectors: append(slices.Clone(h.Vectors), mean),
	}, nil
}

// Difference is u_strong − u_weak: its product with an embedding estimates by
// how much the strong model's answer is better, in qualities, so −1 to 1.
func (h *Heads) Difference(strong, weak string) ([]float64, error) {
	s, w := slices.Index(h.Models, strong), slices.Index(h.Models, weak)
	if s < 0 || w < 0 {
		return nil, fmt.Errorf("no heads of both %q and %q (have %s)", strong, weak, strings.Join(h.Models, ", "))
	}
	difference := slices.Clone(h.Vectors[s])
	axpy(difference, -1, h.Vectors[w])
	return difference, nil
}

// HeadsOf are the heads of a matrix factorization that was made otherwise, up
// to what they share: its win rates are σ(2 (u_strong − u_weak)·e).
func HeadsOf(f *scoring.MF) (*Heads, error) {
	h := &Heads{Models: f.Models, Width: f.Embedding.Dim}
	for _, name := range f.Models {
		folded, err := f.Pair(name, f.Models[0])
		if err != nil {
			return nil, err
		}
		vector := folded.Vector()
		for j := range vector {
			vector[j] /= 2
		}
		h.Vectors = append(h.Vectors, vector)
	}
	return h, nil
}

// linear writes heads as linear weights on embeddings of the given width, such
// that the win rate is σ(2 (u_strong − u_weak)·e), as in [Heads.Factor]. What
// the heads have beyond that width is an intercept.
func (h *Heads) linear(width int) *scoring.Linear {
	l := &scoring.Linear{Card: scoring.Card{Models: h.Models, Embedding: scoring.Space{Dim: width}}}
	for _, v := range h.Vectors {
		for _, x := range v[:width] {
			l.Heads = append(l.Heads, float32(2*x))
		}
		if len(v) > width {
			l.Bias = append(l.Bias, float32(2*v[width]))
		}
	}
	return l
}
