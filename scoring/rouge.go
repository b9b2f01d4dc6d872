package scoring

import (
	"context"
	"math/bits"
	"strings"
	"unicode"
)

// RougeL is ROUGE-L of an answer against one reference (Lin, "ROUGE: A Package
// for Automatic Evaluation of Summaries", ACL 2004, §3.1), in [0,1]: with LCS
// the length of the longest sequence of words that both hold in this order,
// gaps allowed,
//
//	P = LCS / words of the answer,  R = LCS / words of the reference,
//	F = (1+β²)PR / (R + β²P),  β = 1
//
// which with β = 1 is 2·LCS / (words of the answer + words of the reference).
// Words are runs of letters and digits in lower case, without stemming: on
// English text those of the rouge_score package in its default. It is 0 where
// one side has no word. The error is that of ctx, which long texts look at.
func RougeL(ctx context.Context, answer, reference string) (float64, error) {
	a, r := rougeWords(answer), rougeWords(reference)
	if len(a) == 0 || len(r) == 0 {
		return 0, nil
	}
	lcs, err := longestCommon(ctx, a, r)
	return f1(lcs, len(a), len(r)), err
}

func rougeWords(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
}

// longestCommon is the length of the longest common subsequence, by the
// bit-parallel row of Hyyrö ("Bit-parallel LCS-length computation revisited",
// 2004): bit j of row v is 0 where the table of lengths steps up at word j of b,
// and a word of a that stands in b at the bits of m makes
//
//	v ← (v + (v & m)) | (v &^ m)
//
// so that 64 cells of the table cost a few instructions, and an answer of 100,000
// words a tenth of a second. The length is the number of zero bits at the end.
func longestCommon(ctx context.Context, a, b []string) (int, error) {
	places := make(map[string][]int, len(b))
	for j, w := range b {
		places[w] = append(places[w], j)
	}
	v, m := make([]uint64, (len(b)+63)/64), make([]uint64, (len(b)+63)/64)
	for i := range v {
		v[i] = ^uint64(0)
	}
	for i, w := range a {
		if i%1024 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		at := places[w]
		if len(at) == 0 {
			continue
		}
		for _, j := range at {
			m[j/64] |= 1 << (j % 64)
		}
		var carry uint64
		for k := range v {
			var up uint64
			up, carry = bits.Add64(v[k], v[k]&m[k], carry)
			v[k] = up | v[k]&^m[k]
		}
		for _, j := range at {
			m[j/64] = 0
		}
	}
	length := 0
	for _, word := range v {
		length += bits.OnesCount64(^word)
	}
	return length, nil
}

func newRougeLGrader(GraderOptions) (Grader, error) { return similarity(RougeL), nil }
