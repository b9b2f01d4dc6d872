package scoring

import (
	"context"
	"fmt"
)

// Always gives every prompt the same win rate, in [0,1].
type Always float64

const (
	AlwaysStrong Always = 1 // every prompt goes strong, whatever the threshold
	AlwaysWeak   Always = 0 // every prompt goes weak, whatever the threshold above 0
)

// Space is zero: not even the text is read.
func (Always) Space() Space { return Space{} }

// WinRates implements [Scorer].
func (a Always) WinRates(_ context.Context, dst []float64, batch []Features) error {
	if len(dst) != len(batch) {
		return fmt.Errorf("room for %d win rates of %d prompts", len(dst), len(batch))
	}
	for i := range dst {
		dst[i] = float64(a)
	}
	return nil
}
