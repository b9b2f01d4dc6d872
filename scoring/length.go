package scoring

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// Length is the baseline that every router should beat: the longer the prompt,
// the likelier that the strong model is needed. Its win rate is L/(L+400) for a
// prompt of L Unicode code points, so one half at 400.
type Length struct{}

// Space is zero: only the text is read.
func (Length) Space() Space { return Space{} }

// WinRates implements [Scorer].
func (Length) WinRates(_ context.Context, dst []float64, batch []Features) error {
	if len(dst) != len(batch) {
		return fmt.Errorf("room for %d win rates of %d prompts", len(dst), len(batch))
	}
	for i, f := range batch {
		l := float64(utf8.RuneCountInString(f.Query))
		dst[i] = l / (l + 400)
	}
	return nil
}
