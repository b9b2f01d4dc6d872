package sample

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/token"
	"go/types"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"routeval/datasets"
)

// The questions of a seed are the same everywhere and for ever: figures that
// were measured on them stay comparable.
func TestQuestionsStayTheSame(t *testing.T) {
	h := sha256.New()
	for p := range Questions(1, 2000) {
		fmt.Fprintf(h, "%s\n%s\n%s\n%s\n%s\n", p.ID, p.Query(), p.Reference, p.Category, p.Extra)
	}
	const want = "75099fff3641fb5288194f38c78396aa6ea47b6586959e3c3a663f4eeba1eca0"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestQuestionsAreWellFormed(t *testing.T) {
	seen, categories, several := map[string]bool{}, map[string]int{}, 0
	ids := regexp.MustCompile(`^sample-\d{5}$`)
	// What a template leaves behind when something is missing from it.
	torn := regexp.MustCompile(`[{}]|  |%!|\b0 |-\d|\b1 [a-z]+s\b`)
	n := 0
	for p := range Questions(7, 5000) {
		n++
		if seen[p.Query()] || seen[p.ID] || !ids.MatchString(p.ID) {
			t.Errorf("%s comes twice or has a strange name: %s", p.ID, p.Query())
		}
		seen[p.Query()], seen[p.ID] = true, true
		if v, err := strconv.Atoi(p.Reference); err != nil || v < 0 {
			t.Errorf("%s: reference %q of %s", p.ID, p.Reference, p.Query())
		}
		if torn.MatchString(p.Query()) {
			t.Errorf("%s: %s", p.ID, p.Query())
		}
		categories[p.Category]++
		if !p.Extra.IsValid() {
			t.Errorf("%s: extra fields %s", p.ID, p.Extra)
		}
		if string(p.Extra) != `{"steps":1}` {
			several++
		}
	}
	if n != 5000 {
		t.Errorf("%d questions", n)
	}
	for _, c := range []string{"arithmetic", "counting", "dates", "units"} {
		if categories[c] < n/10 {
			t.Errorf("%d questions are of category %s", categories[c], c)
		}
	}
	if len(categories) != 4 || several < n/3 || several > n/2 {
		t.Errorf("categories %v, %d questions of several steps", categories, several)
	}
}

func TestSmallerSampleIsPrefix(t *testing.T) {
	text := func(p datasets.Prompt) string { return p.ID + p.Query() + p.Reference }
	var few, many []string
	for p := range Questions(3, 100) {
		few = append(few, text(p))
	}
	sequence := Questions(3, 500)
	for range 2 { // a sequence starts over
		many = many[:0]
		for p := range sequence {
			if many = append(many, text(p)); len(many) == 100 {
				break
			}
		}
		if !slices.Equal(few, many) {
			t.Error("a hundred questions are not the first of five hundred")
		}
	}
}

// The judge is the constant arithmetic of Go's type checker.
func TestFormulas(t *testing.T) {
	d := draw{rand.New(rand.NewPCG(1, 1))}
	for range 2000 {
		text, value := d.formula(d.between(1, 6))
		got, err := types.Eval(token.NewFileSet(), nil, token.NoPos, strings.ReplaceAll(text, "×", "*"))
		if err != nil || got.Value.ExactString() != strconv.Itoa(value) {
			t.Errorf("%s is %v, not %d (%v)", text, got.Value, value, err)
		}
	}
}

func BenchmarkQuestions(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for range Questions(1, 100) {
		}
	}
}
