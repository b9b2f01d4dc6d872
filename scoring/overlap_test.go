package scoring

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The examples of Lin's paper (§3.1), of the README of the rouge_score package,
// and some worked by hand.
func TestRougeL(t *testing.T) {
	for _, c := range []struct {
		answer, ref string
		want        float64
	}{
		{"police kill the gunman", "police killed the gunman", 0.75},
		{"the gunman kill police", "police killed the gunman", 0.5},
		{"The quick brown dog jumps on the log.", "The quick brown fox jumps over the lazy dog", 10. / 17},
		{"Hello-World, 3.14", "hello world 3 14", 1},
		{"", "x", 0},
		{"...", "x", 0},
		{"c b a", "a b c", 1. / 3},
		{"Größe", "größe", 1},
	} {
		if got, err := RougeL(t.Context(), c.answer, c.ref); err != nil || math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%q for %q: got %v and %v, want %v", c.answer, c.ref, got, err, c.want)
		}
	}
}

// The judge is the textbook table of lengths.
func TestLongestCommonAgainstTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom(strings.Fields("a b c d e f g")), 0, 200)
		a, b := words.Draw(t, "a"), words.Draw(t, "b")
		table := make([][]int, len(a)+1)
		for i := range table {
			table[i] = make([]int, len(b)+1)
		}
		for i := range a {
			for j := range b {
				table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
				if a[i] == b[j] {
					table[i+1][j+1] = table[i][j] + 1
				}
			}
		}
		if got, err := longestCommon(context.Background(), a, b); err != nil || got != table[len(a)][len(b)] {
			t.Fatalf("got %d and %v, want %d", got, err, table[len(a)][len(b)])
		}
	})
}

func TestRougeLStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := RougeL(ctx, "a", "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Worked by hand after the rules of the data set's evaluation: articles and
// punctuation go, words count as often as both sides have them.
func TestTokenF1(t *testing.T) {
	for _, c := range []struct {
		answer, ref string
		want        float64
	}{
		{"The Eiffel Tower!", "eiffel tower", 1},
		{"in Paris, France", "Paris", 0.5},
		{"a cat sat on the mat", "the cat", 0.4}, // cat; cat sat on mat
		{"no no no yes", "no no", 2. / 3},
		{"1,000", "1000", 1},
		{"$5", "5", 1},
		{"«Paris»", "Paris", 1},
		{"London", "Paris", 0},
		{"", "Paris", 0},
		{"the", "a", 1},
	} {
		if got := TokenF1(c.answer, c.ref); math.Abs(got-c.want) > 1e-15 {
			t.Errorf("%q for %q: got %v, want %v", c.answer, c.ref, got, c.want)
		}
	}
}

// The judge takes precision and recall from sorted lists of words, and their
// harmonic mean.
func TestTokenF1AgainstSortedLists(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom(strings.Fields("x y z u v w")), 1, 30)
		a, r := words.Draw(t, "answer"), words.Draw(t, "reference")
		got := TokenF1(strings.Join(a, " "), strings.Join(r, " "))
		left := slices.Clone(r)
		shared := 0.0
		for _, w := range a {
			if i := slices.Index(left, w); i >= 0 {
				left = slices.Delete(left, i, i+1)
				shared++
			}
		}
		want := 0.0
		if shared > 0 {
			p, q := shared/float64(len(a)), shared/float64(len(r))
			want = 2 * p * q / (p + q)
		}
		if math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v for %v: got %v, want %v", a, r, got, want)
		}
	})
}

func BenchmarkRougeL(b *testing.B) {
	answer := strings.Repeat("the quick brown fox jumps over the lazy dog ", 100)
	reference := strings.Repeat("the quick brown dog jumps on the log ", 100)
	b.SetBytes(int64(len(answer) + len(reference)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := RougeL(b.Context(), answer, reference); err != nil {
			b.Fatal(err)
		}
	}
}
