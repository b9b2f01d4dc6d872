package ollamatest

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestSplit holds what a vocabulary asks of an answer's pieces; that a server
// says them in order is for the e2e tests to show.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answer := rapid.StringMatching(`[abé][abé ]{0,12}`).Draw(t, "answer")
		pieces := split(answer)
		if said := strings.ReplaceAll(strings.Join(pieces, ""), "▁", " "); said != answer {
			t.Errorf("%q is said as %q", answer, said)
		}
		sorted := slices.Sorted(slices.Values(pieces))
		if len(slices.Compact(sorted)) < len(pieces) || slices.Contains(pieces, "▁") {
			t.Errorf("%q is split into %q: a piece twice, or one that is a space", answer, pieces)
		}
	})
}
