// Package sample makes questions with known answers: arithmetic, units, dates
// and counting, in many phrasings, with one step or with several, some with
// sentences that do not matter. They are for trying a router where no data set
// is at hand: how hard a question is shows in its words, but not perfectly.
//
// Every reference is a whole number, so that one grader, which compares the
// last number of an answer, fits all of them.
package sample

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"routeval/datasets"
)

// Questions yields n questions, no two of them alike. The same seed always
// yields the same ones, and those of a smaller n are the first of a larger.
//
// A question has an ID ("sample-00001" is the first), one user turn, a
// reference, a category ("arithmetic", "units", "dates" or "counting"), and in
// Extra the number of steps that its answer takes: {"steps":2}.
func Questions(seed uint64, n int) iter.Seq[datasets.Prompt] {
	return func(yield func(datasets.Prompt) bool) {
		seen := make(map[string]bool, n)
		for i := range n {
			d := draw{rand.New(rand.NewPCG(seed, uint64(i)))}
			q := d.question()
			for seen[q.text] {
				q = d.question()
			}
			seen[q.text] = true
			if !yield(q.prompt(i)) {
				return
			}
		}
	}
}

// A question is a text, what is right, and what it takes to find it.
type question struct {
	category string
	text     string
	answer   int
	steps    int // calculations or conditions, from 1
}

func (q question) prompt(i int) datasets.Prompt {
	return datasets.Prompt{
		ID:        fmt.Sprintf("sample-%05d", i+1),
		Messages:  []datasets.Message{{Role: "user", Content: q.text}},
		Reference: strconv.Itoa(q.answer),
		Category:  q.category,
		Extra:     jsontext.Value(fmt.Sprintf(`{"steps":%d}`, q.steps)),
	}
}

// question draws a question of any category. The weights are those of the
// categories in the whole.
func (d draw) question() question {
	kinds := []struct {
		weight   int
		category string
		make     func() question
	}{
		{14, "arithmetic", d.expression},
		{24, "arithmetic", d.story},
		{8, "arithmetic", d.price},
		{14, "units", d.conversion},
		{6, "units", d.rate},
		{12, "dates", d.interval},
		{6, "dates", d.years},
		{16, "counting", d.counting},
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	r := d.IntN(total)
	for _, k := range kinds {
		if r -= k.weight; r < 0 {
			q := k.make()
			q.category = k.category
			return q
		}
	}
	panic("sample: weights do not add up")
}

// draw is a source of random choices.
type draw struct{ *rand.Rand }

func (d draw) pick(of ...string) string { return of[d.IntN(len(of))] }

// between is a number from lo to hi, both included.
func (d draw) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

// chance is true in percent cases of a hundred.
func (d draw) chance(percent int) bool { return d.IntN(100) < percent }

// steps draws how many steps a question takes, at most limit: one in about
// three cases of five, and seldom more than four.
func (d draw) steps(limit int) int {
	n := 1
	for n < limit && d.chance(42) {
		n++
	}
	return n
}

// fill replaces {a}, {b}, … in a template by the values in order.
func fill(template string, values ...any) string {
	for i, v := range values {
		template = strings.ReplaceAll(template, "{"+string(rune('a'+i))+"}", fmt.Sprint(v))
	}
	return template
}

// capital is s with its first letter, which must be ASCII, in upper case.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
