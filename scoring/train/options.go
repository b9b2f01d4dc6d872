package train

import (
	"fmt"
	"math"

	"routeval/scoring"
)

// Options of [Fit]. The zero value of a field means what it says, not a
// default: begin with [PreferenceOptions] or [OutcomeOptions].
type Options struct {
	Factors      int     // width of a row of P; without a projection the width of the rows
	NoProjection bool    // multiply the embedding by the model's row as it is: few weights for few data
	Epochs       int     // passes over the examples, at most
	Batch        int     // examples per step
	LearningRate float64 // of Adam
	L2           float64 // added to the gradient, as PyTorch's Adam does; this is not AdamW's decay
	Noise        float64 // standard deviation of what is added to every number of an embedding, anew each time it is seen
	KeepOrder    bool    // go through the examples in the order given instead of a new one every epoch
	Patience     int     // stop after so many epochs without a lower validation loss, and return the weights of the lowest; 0: never, and return the last
	Seed         uint64

	Init *scoring.MF // weights to begin with; nil: random ones
}

// PreferenceOptions are RouteLLM's (its training script at 0b64fda).
func PreferenceOptions() Options {
	return Options{Factors: 128, Epochs: 100, Batch: 64, LearningRate: 3e-4, L2: 1e-5, Noise: 0.1, Seed: 42}
}

// OutcomeOptions suit comparisons of outcomes, many on one prompt, and unit
// embeddings of a few thousand columns, for which RouteLLM's noise is too much.
func OutcomeOptions() Options {
	return Options{Factors: 128, Epochs: 6, Batch: 256, LearningRate: 3e-3, L2: 1e-5, Noise: 0.03, Seed: 42}
}

func (o *Options) check(width int) error {
	switch {
	case o.Factors < 1 || o.Epochs < 1 || o.Batch < 1 || o.Patience < 0:
		return fmt.Errorf("%d factors, %d epochs, batches of %d, patience %d: want at least 1, and patience 0", o.Factors, o.Epochs, o.Batch, o.Patience)
	case o.NoProjection && o.Factors != width:
		return fmt.Errorf("%d factors on rows of width %d: without a projection the two are the same", o.Factors, width)
	case !(o.LearningRate > 0) || math.IsInf(o.LearningRate, 0):
		return fmt.Errorf("learning rate %v, want above 0", o.LearningRate)
	case !(o.L2 >= 0) || math.IsInf(o.L2, 0) || !(o.Noise >= 0) || math.IsInf(o.Noise, 0):
		return fmt.Errorf("L2 %v, noise %v: want at least 0", o.L2, o.Noise)
	}
	return nil
}
