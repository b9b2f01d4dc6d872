// Package solver has two small programs that answer simple questions, as
// stand-ins for a weak and a strong language model where none is at hand, and a
// server that offers them as a service with OpenAI's interface.
//
// A solver reads the words of a question, as a model does, and nothing else. It
// is an interpreter with narrow limits: so many calculations in a row, so many
// items of a list, and more or less care for what a number is about. Where the
// limits are reached it says what it has, which looks like any other answer. So
// what it gets right is measured and not made up.
package solver

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Solver answers questions. Its answers are the same every time.
type Solver struct {
	Name    string
	Steps   int  // calculations that it does in a row, from 1
	Span    int  // items of a list, or letters, that it looks at, from 1
	Careful bool // asks of every number what it is about, and shows its work
}

// Solvers are the solvers there are, the weak one first.
func Solvers() []Solver {
	return []Solver{
		{Name: "solver-small", Steps: 1, Span: 10},
		{Name: "solver-large", Steps: 5, Span: 16, Careful: true},
	}
}

// Answer answers a question in a sentence that ends in a number; a careful
// solver says before it what it calculated. Every text has an answer, and only
// its first 8 KiB are read.
func (s Solver) Answer(question string) string {
	q := read(question)
	w := &work{left: s.Steps}
	v := s.solve(q, w)
	answer := "The answer is " + number(v) + "."
	if s.Careful && len(w.done) > 0 {
		return capital(strings.Join(w.done, ", then ")) + ". " + answer
	}
	return answer
}

// solve tries what the question may be, from the most particular on. If it is
// nothing known, the first number in it is as good a guess as any.
func (s Solver) solve(q text, w *work) float64 {
	for _, try := range []func(text, *work) (float64, bool){s.count, s.dates, s.convert, s.price, s.story, s.calculate} {
		if v, ok := try(q, w); ok {
			return v
		}
	}
	if n := q.numbers(); len(n) > 0 {
		return n[0]
	}
	return 0
}

// work is what a solver does on one question: the calculations it has left, and
// those it has done, in words.
type work struct {
	left int
	done []string
}

// do calculates a op b, or leaves a as it is when no calculation is left.
func (w *work) do(a float64, op byte, b float64) float64 {
	if w.left == 0 {
		return a
	}
	w.left--
	v := apply(a, op, b)
	w.done = append(w.done, fmt.Sprintf("%s %c %s = %s", number(a), op, number(b), number(v)))
	return v
}

func apply(a float64, op byte, b float64) float64 {
	switch op {
	case '+':
		return a + b
	case '-':
		return a - b
	case '*':
		return a * b
	}
	if b == 0 {
		return a
	}
	return a / b
}

// number writes v to at most four decimals.
func number(v float64) string {
	if math.Abs(v) > 1e15 || math.IsNaN(v) {
		return "1000000000000000" // more than a solver can hold
	}
	return strconv.FormatFloat(math.Round(v*1e4)/1e4+0, 'f', -1, 64) // +0 for −0
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
