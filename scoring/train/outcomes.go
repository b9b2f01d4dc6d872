package train

import (
	"fmt"
	"math"
	"slices"
)

// Outcomes are prompts with the quality of several models' answers.
type Outcomes struct {
	Rows    Rows
	Models  []string
	Quality []float64 // shape [prompt, model], each in [0,1]; NaN where it is not known
	Groups  []string  // by prompt: prompts of one group ask the same question and stay on one side of every split; nil if each is its own
}

// Of is the quality of a model's answer to prompt i; NaN if it is not known.
func (o *Outcomes) Of(i, model int) float64 { return o.Quality[i*len(o.Models)+model] }

// Keep is the same prompts with the qualities of those that keep refuses made
// unknown: what a fold of a cross-validation is fitted on. The rows are shared.
func (o *Outcomes) Keep(keep func(i int) bool) *Outcomes {
	kept := *o
	kept.Quality = slices.Clone(o.Quality)
	n := len(o.Models)
	for i := range o.Rows.Len() {
		if !keep(i) {
			for m := range n {
				kept.Quality[i*n+m] = math.NaN()
			}
		}
	}
	return &kept
}

// MeanQuality is each model's mean over the prompts that know its quality.
func (o *Outcomes) MeanQuality() []float64 {
	sums, counts := make([]float64, len(o.Models)), make([]float64, len(o.Models))
	for k, q := range o.Quality {
		if !math.IsNaN(q) {
			sums[k%len(o.Models)] += q
			counts[k%len(o.Models)]++
		}
	}
	for m := range sums {
		sums[m] /= counts[m]
	}
	return sums
}

func (o *Outcomes) check() error {
	n := o.Rows.Len()
	if len(o.Models) == 0 || len(o.Quality) != n*len(o.Models) {
		return fmt.Errorf("%d qualities for %d prompts of %d models", len(o.Quality), n, len(o.Models))
	}
	if o.Groups != nil && len(o.Groups) != n {
		return fmt.Errorf("%d groups for %d prompts", len(o.Groups), n)
	}
	if err := checkNames(o.Models); err != nil {
		return err
	}
	known := make([]bool, len(o.Models))
	for k, q := range o.Quality {
		if math.IsNaN(q) {
			continue
		}
		if q < 0 || q > 1 {
			return fmt.Errorf("prompt %d: quality of %s is %v, want 0 to 1", k/len(o.Models), o.Models[k%len(o.Models)], q)
		}
		known[k%len(o.Models)] = true
	}
	if m := slices.Index(known, false); m >= 0 {
		return fmt.Errorf("no quality of model %s is known", o.Models[m])
	}
	return nil
}

// checkNames refuses an empty name and one that comes twice.
func checkNames(models []string) error {
	for i, name := range models {
		if name == "" {
			return fmt.Errorf("model %d has no name", i)
		}
		if slices.Contains(models[:i], name) {
			return fmt.Errorf("model %s comes twice", name)
		}
	}
	return nil
}
