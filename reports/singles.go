package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Single is one candidate answering every prompt alone, on the pairs on which
// all candidates that are compared have a grade. Its cost is scaled to all pairs.
type Single struct {
	Name     string
	Role     string // "strong", "weak", or "" for a third one
	Quality  Value
	CostUSD  Value
	Best     bool // the single model of the highest quality, the cheapest of them
	Frontier bool // on the zero router's hull: no mix of others is as good for its price
}

// field holds what all candidates together could do on the pairs.
type field struct {
	singles []Single
	missing []string // candidates that are not compared
	best    int      // index of the best single
	zero    hull     // of the singles
	common  int      // pairs on which all singles have a grade

	// For each row of a pair: whether all singles have a grade there, the highest
	// quality among them, the lowest cost that buys it, and the quality of the
	// best single; nil where only the two models of the pair are there.
	everyone                     []bool
	bestOf, cheapest, bestSingle []float64
}

// minGraded is the share of the pairs on which a third candidate must have a
// grade in order to be compared: one that was called on few prompts would take
// all others down to these.
const minGraded = 0.95

// compete compares the candidates, each on the pairs on which all of them have a
// grade. Costs are then scaled to all pairs.
func (f *facts) compete(others []other, candidates map[string]*tally) {
	names := make([]string, len(candidates))
	for name, c := range candidates {
		names[c.number] = name
	}
	complete := f.participants(others, names, candidates)
	f.meet(others, complete)
	if f.field.common == 0 {
		return
	}
	f.enter(f.opts.Strong, "strong", f.together(func(i int) (float64, float64) { return f.list[i].strongQuality, f.list[i].strongCost }))
	f.enter(f.opts.Weak, "weak", f.together(func(i int) (float64, float64) { return f.list[i].weakQuality, f.list[i].weakCost }))
	for number, name := range names {
		if complete[number] {
			f.enter(name, "", f.third(others, uint16(number)))
		}
	}
	f.rank()
	f.idealize(others, names, complete)
	f.arena = f.arenaParts()
	f.oracleAll = f.together(f.ideal)
	f.routedTogether = f.together(func(i int) (float64, float64) { return f.list[i].routedQuality, f.list[i].routedCost })
}

// participants says which third candidates are compared.
func (f *facts) participants(others []other, names []string, candidates map[string]*tally) []bool {
	graded := make([]int, len(names))
	for _, o := range others {
		if f.list[o.row].weight > 0 {
			graded[o.candidate]++
		}
	}
	complete := make([]bool, len(names))
	for number, name := range names {
		if name == f.opts.Strong || name == f.opts.Weak || candidates[name].outcomes == 0 {
			continue
		}
		if complete[number] = float64(graded[number]) >= minGraded*float64(len(f.pairs)); !complete[number] {
			f.field.missing = append(f.field.missing, name)
		}
	}
	slices.Sort(f.field.missing)
	return complete
}

// meet finds the pairs on which all that are compared have a grade.
func (f *facts) meet(others []other, complete []bool) {
	f.field.common = len(f.pairs)
	n := 0
	for _, c := range complete {
		if c {
			n++
		}
	}
	if n == 0 {
		return
	}
	present := make([]uint16, len(f.list))
	for _, o := range others {
		if complete[o.candidate] {
			present[o.row]++
		}
	}
	f.field.everyone = make([]bool, len(f.list))
	f.field.common = 0
	for i := range f.list {
		if f.list[i].weight > 0 && int(present[i]) == n {
			f.field.everyone[i] = true
			f.field.common++
		}
	}
}

// compared reports whether row i is one on which all candidates are compared.
func (f *facts) compared(i int) bool {
	if f.field.everyone != nil {
		return f.field.everyone[i]
	}
	return f.list[i].weight > 0
}

// A mean adds up the quality and the cost of answers to the rows on which all
// candidates are compared.
type mean struct {
	weight, quality sum
	cost            money
}

func (m *mean) add(weight, quality, usd float64) {
	m.weight.add(weight)
	m.quality.add(weight * quality)
	m.cost.add(usd, weight)
}

// point is the mean, its cost scaled to that many prompts.
func (m *mean) point(prompts float64) Point {
	w := m.weight.value()
	return Point{Threshold: math.NaN(), StrongShare: math.NaN(), Quality: m.quality.value() / w, CostUSD: m.cost.value() * prompts / w}
}

// together is the mean of something over the rows on which all candidates are
// compared.
func (f *facts) together(of func(i int) (quality, usd float64)) Point {
	var m mean
	for i := range f.list {
		if f.compared(i) {
			quality, usd := of(i)
			m.add(f.list[i].weight, quality, usd)
		}
	}
	return m.point(f.curve.Prompts)
}

func (f *facts) third(others []other, candidate uint16) Point {
	var m mean
	for _, o := range others {
		if o.candidate == candidate && f.compared(int(o.row)) {
			m.add(f.list[o.row].weight, o.quality, o.cost)
		}
	}
	return m.point(f.curve.Prompts)
}

func (f *facts) enter(name, role string, p Point) {
	s := Single{Name: name, Role: role, Quality: known("", Ratio, p.Quality, f.field.common), CostUSD: known("", USD, p.CostUSD, f.field.common)}
	if math.IsNaN(p.CostUSD) {
		s.CostUSD = missing("", USD, Unknown, "some of its outcomes have no price")
	}
	f.field.singles = append(f.field.singles, s)
}

// rank finds the best single and the zero router: the non-decreasing upper hull
// of the single models in (cost, quality), which sending prompts to them at
// random reaches (RouterBench, arXiv 2403.12031). A router must be above it.
func (f *facts) rank() {
	singles, zero := f.field.singles, &f.field.zero
	slices.SortStableFunc(singles[2:], func(a, b Single) int { return strings.Compare(a.Name, b.Name) })
	priced := true
	for i := range singles {
		a, b := &singles[i], &singles[f.field.best]
		if a.Quality.Center > b.Quality.Center || a.Quality.Center == b.Quality.Center && a.CostUSD.Center < b.CostUSD.Center {
			f.field.best = i
		}
		priced = priced && a.CostUSD.OK()
	}
	singles[f.field.best].Best = true
	if !priced {
		return // without all prices there is no hull
	}
	for i := range singles {
		zero.add(singles[i].CostUSD.Center, singles[i].Quality.Center)
	}
	for i := range singles {
		at := slices.Index(zero.x, singles[i].CostUSD.Center)
		singles[i].Frontier = at >= 0 && at <= zero.peak() && zero.y[at] == singles[i].Quality.Center
	}
}

// idealize finds, for each pair, the cheapest of the best answers.
func (f *facts) idealize(others []other, names []string, complete []bool) {
	if f.field.everyone == nil {
		return
	}
	f.field.bestOf, f.field.cheapest = make([]float64, len(f.list)), make([]float64, len(f.list))
	f.field.bestSingle = make([]float64, len(f.list))
	for i := range f.list {
		r := &f.list[i]
		f.field.bestOf[i], f.field.cheapest[i] = cheapestBest(r)
		f.field.bestSingle[i] = [...]float64{r.strongQuality, r.weakQuality, 0}[min(f.field.best, 2)]
	}
	champion := f.field.singles[f.field.best].Name
	for _, o := range others {
		if !complete[o.candidate] || !f.compared(int(o.row)) {
			continue
		}
		if names[o.candidate] == champion {
			f.field.bestSingle[o.row] = o.quality
		}
		best, cost := &f.field.bestOf[o.row], &f.field.cheapest[o.row]
		switch {
		case o.quality > *best:
			*best, *cost = o.quality, o.cost
		case o.quality == *best:
			*cost = min(*cost, o.cost)
		}
	}
}

// ideal is the highest quality that any candidate reaches on row i, and the lowest cost that buys it; NaN if one of the prices is unknown.
func (f *facts) ideal(i int) (quality, usd float64) {
	if f.field.bestOf != nil {
		return f.field.bestOf[i], f.field.cheapest[i]
	}
	return cheapestBest(&f.list[i])
}

// singleQuality is that of the best single on the pair of row i.
func (f *facts) singleQuality(i int) float64 {
	switch {
	case f.field.bestSingle != nil:
		return f.field.bestSingle[i]
	case f.field.best == 0:
		return f.list[i].strongQuality
	}
	return f.list[i].weakQuality
}

func cheapestBest(r *row) (quality, usd float64) {
	switch cmp.Compare(r.strongQuality, r.weakQuality) {
	case 1:
		return r.strongQuality, r.strongCost
	case -1:
		return r.weakQuality, r.weakCost
	}
	return r.weakQuality, min(r.weakCost, r.strongCost)
}

// unpriced reports whether some single model's cost is not known.
func (f *field) unpriced() bool {
	return slices.ContainsFunc(f.singles, func(s Single) bool { return !s.CostUSD.OK() })
}

// incomplete says which candidates do not take part, for the notes.
func (f *field) incomplete() string {
	names := f.missing
	if len(names) > 5 {
		names = append(slices.Clone(names[:5]), fmt.Sprintf("%d more", len(names)-5))
	}
	return strings.Join(names, ", ")
}
