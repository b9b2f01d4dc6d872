package main_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"routeval/datasets"
	"routeval/datasets/sample"
	"routeval/providers/lexical"
	"routeval/providers/solver"
)

// graded is a sample question with the quality of both solvers' answers.
type graded struct {
	datasets.Prompt
	weak, strong float64
}

func gradeSample(seed uint64, n int) []graded {
	solvers := solver.Solvers()
	var out []graded
	for p := range sample.Questions(seed, n) {
		out = append(out, graded{p, quality(solvers[0], p), quality(solvers[1], p)})
	}
	return out
}

// quality is 1 if the last number of the answer is the reference.
func quality(s solver.Solver, p datasets.Prompt) float64 {
	words := strings.Fields(strings.TrimSuffix(s.Answer(p.Query()), "."))
	got, err := strconv.ParseFloat(words[len(words)-1], 64)
	want, _ := strconv.ParseFloat(p.Reference, 64)
	if err == nil && got == want {
		return 1
	}
	return 0
}

// The solvers stand in for a weak and a strong model: one is right on about
// half of the questions, the other on nearly all, and neither always where the
// other is not.
func TestSolversOnSampleQuestions(t *testing.T) {
	type tally struct{ n, weak, strong, onlyWeak, onlyStrong float64 }
	tallies := map[string]*tally{}
	for _, g := range gradeSample(1, 2000) {
		for _, slice := range []string{"all", g.Category, "steps " + string(g.Extra)} {
			c := tallies[slice]
			if c == nil {
				c = new(tally)
				tallies[slice] = c
			}
			c.n++
			c.weak += g.weak
			c.strong += g.strong
			c.onlyWeak += math.Max(0, g.weak-g.strong)
			c.onlyStrong += math.Max(0, g.strong-g.weak)
		}
	}
	for _, slice := range slices.Sorted(maps.Keys(tallies)) {
		c := tallies[slice]
		t.Logf("%-20s %4.0f questions, solver-small %.3f, solver-large %.3f, only small %3.0f, only large %3.0f", slice, c.n, c.weak/c.n, c.strong/c.n, c.onlyWeak, c.onlyStrong)
	}
	all := tallies["all"]
	if q := all.weak / all.n; q < 0.45 || q > 0.65 {
		t.Errorf("solver-small has quality %.3f", q)
	}
	if q := all.strong / all.n; q < 0.9 || q > 0.97 {
		t.Errorf("solver-large has quality %.3f", q)
	}
	if all.onlyWeak == 0 {
		t.Error("solver-large is right wherever solver-small is")
	}
	if len(tallies) < 1+4+5 {
		t.Errorf("only %d slices", len(tallies))
	}
}

// Which questions want the strong solver can be learned from the words, but
// not perfectly. The control is the same fit on labels that were moved along.
func TestSampleQuestionsAreLearnable(t *testing.T) {
	questions := gradeSample(1, 2000)
	train, test := questions[:1000], questions[1000:]
	labels := make([]float64, len(train))
	for i, g := range train {
		labels[i] = g.strong - g.weak
	}
	learned := apgr(test, ridge(train, labels, test))
	shuffled := apgr(test, ridge(train, append(labels[137:], labels[:137]...), test))
	best := make([]float64, len(test))
	for i, g := range test {
		best[i] = g.strong - g.weak
	}
	t.Logf("APGR %.3f; with shuffled labels %.3f; oracle %.3f", learned, shuffled, apgr(test, best))
	if learned < 0.7 || learned > apgr(test, best)-0.01 {
		t.Errorf("APGR %.3f", learned)
	}
	if math.Abs(shuffled-0.5) > 0.1 {
		t.Errorf("APGR %.3f with shuffled labels", shuffled)
	}
}

// ridge fits a linear function of the lexical vector to the labels, with a
// penalty of 1 on all but their mean, and evaluates it on the test questions. It
// solves (XᵀX + I)u = Xᵀ(y − ȳ) by conjugate gradients.
func ridge(train []graded, labels []float64, test []graded) []float64 {
	rows, mean := sparseRows(train), 0.0
	for _, y := range labels {
		mean += y / float64(len(labels))
	}
	residual := make([]float64, lexical.Dim)
	for i, r := range rows {
		r.addTo(residual, labels[i]-mean)
	}
	u, direction := make([]float64, lexical.Dim), slices.Clone(residual)
	for before := square(residual); before > 1e-9; {
		image := slices.Clone(direction)
		for _, r := range rows {
			r.addTo(image, r.dot(direction))
		}
		product := 0.0
		for i := range image {
			product += direction[i] * image[i]
		}
		for i := range u {
			u[i] += before / product * direction[i]
			residual[i] -= before / product * image[i]
		}
		now := square(residual)
		for i := range direction {
			direction[i] = residual[i] + now/before*direction[i]
		}
		before = now
	}
	var scores []float64
	for _, r := range sparseRows(test) {
		scores = append(scores, r.dot(u))
	}
	return scores
}

func square(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	return sum
}

type sparseRow struct {
	index []int32
	value []float64
}

func sparseRows(of []graded) []sparseRow {
	e, rows := lexical.New(), make([]sparseRow, len(of))
	for i, g := range of {
		rows[i].index, rows[i].value = e.Sparse(nil, nil, g.Query())
	}
	return rows
}

func (r sparseRow) dot(u []float64) float64 {
	sum := 0.0
	for k, i := range r.index {
		sum += r.value[k] * u[i]
	}
	return sum
}

func (r sparseRow) addTo(u []float64, factor float64) {
	for k, i := range r.index {
		u[i] += factor * r.value[k]
	}
}

// apgr is the area under the PGR over the strong share, each question a step.
func apgr(of []graded, scores []float64) float64 {
	order := make([]int, len(of))
	weak, strong := 0.0, 0.0
	for i, g := range of {
		order[i] = i
		weak, strong = weak+g.weak, strong+g.strong
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	area, now := 0.0, weak
	for _, i := range order {
		next := now + of[i].strong - of[i].weak
		area += (now + next) / 2
		now = next
	}
	return (area/float64(len(of)) - weak) / (strong - weak)
}
