package scoring

import (
	"context"
	"slices"
	"strings"
	"unicode"
)

// TokenF1 is the F1 measure of SQuAD (Rajpurkar et al., arXiv 1606.05250, §5)
// over the words of an answer and a reference, as multisets, in [0,1]:
//
//	precision P = shared / words of the answer
//	recall    R = shared / words of the reference
//	F1          = 2PR / (P + R)
//
// where a word that both hold several times is shared as often as in the one that
// holds it less. Texts are normalised as the data set's evaluation does: lower
// case, without punctuation and the articles a, an and the, cut at white space.
// Where one side has no word left the measure is 1 if the other has none either,
// else 0.
//
// Punctuation is that of ASCII, as there, and of the rest of Unicode. Languages
// that put no space between words are one word a sentence here.
func TokenF1(answer, reference string) float64 {
	a, r := squadWords(answer), squadWords(reference)
	if len(a) == 0 || len(r) == 0 {
		return isTrue(len(a) == len(r))
	}
	left := make(map[string]int, len(r))
	for _, w := range r {
		left[w]++
	}
	shared := 0
	for _, w := range a {
		if left[w] > 0 {
			left[w]--
			shared++
		}
	}
	return f1(shared, len(a), len(r))
}

// f1 is 2PR/(P+R) = 2·shared/(n+m), for P = shared/n and R = shared/m.
func f1(shared, n, m int) float64 { return 2 * float64(shared) / float64(n+m) }

func isTrue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func squadWords(text string) []string {
	kept := strings.Map(func(r rune) rune {
		if unicode.IsPunct(r) || r < unicode.MaxASCII && unicode.IsSymbol(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
	return slices.DeleteFunc(strings.Fields(kept), func(w string) bool {
		return w == "a" || w == "an" || w == "the"
	})
}

func newF1Grader(GraderOptions) (Grader, error) {
	return similarity(func(_ context.Context, answer, reference string) (float64, error) {
		return TokenF1(answer, reference), nil
	}), nil
}

// A similarity grader gives how alike answer and reference are, in [0,1].
type similarity func(ctx context.Context, answer, reference string) (float64, error)

// Grade implements [Grader].
func (s similarity) Grade(ctx context.Context, a Answer) (float64, error) {
	if strings.TrimSpace(a.Reference) == "" {
		return 0, ErrNoReference
	}
	return s(ctx, a.Text, a.Reference)
}
