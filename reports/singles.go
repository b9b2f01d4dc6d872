package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Single is one candidate answering every prompt alone, on the same pairs as
// the curve.
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
	missing []string // candidates that lack a graded outcome on some pair
	best    int      // index of the best single
	zero    hull     // of the singles

	// For each row of a pair: the highest quality among the singles, the lowest
	// cost that buys it, and the quality of the best single; nil where only the
	// two models of the pair are there.
	bestOf, cheapest, bestSingle []float64
}

// compete compares the candidates on the pairs. Only a candidate with a graded
// outcome on every pair takes part: on other prompts it would not be compared
// with the same.
func (f *facts) compete(others []other, candidates map[string]*tally) {
	names := make([]string, len(candidates))
	for name, c := range candidates {
		names[c.number] = name
	}
	sums := make([]struct {
		quality sum
		cost    money
		n       int
	}, len(names))
	for _, o := range others {
		if w := f.list[o.row].weight; w > 0 {
			sums[o.candidate].quality.add(w * o.quality)
			sums[o.candidate].cost.add(o.cost, w)
			sums[o.candidate].n++
		}
	}
	f.enter(f.opts.Strong, "strong", f.curve.Strong().Quality, f.curve.Strong().CostUSD)
	f.enter(f.opts.Weak, "weak", f.curve.Weak().Quality, f.curve.Weak().CostUSD)
	complete := make([]bool, len(names))
	for _, c := range f.candidates {
		if c.Role != "" || c.Outcomes == 0 {
			continue
		}
		number := candidates[c.Name].number
		s := &sums[number]
		if complete[number] = s.n == len(f.pairs); !complete[number] {
			f.field.missing = append(f.field.missing, c.Name)
			continue
		}
		f.enter(c.Name, "", s.quality.value()/f.curve.Prompts, s.cost.value())
	}
	f.rank()
	f.idealize(others, names, complete)
	f.arena = f.arenaParts()
	var quality sum
	var cost money
	for i := range f.list {
		if w := f.list[i].weight; w > 0 {
			best, usd := f.ideal(i)
			quality.add(w * best)
			cost.add(usd, w)
		}
	}
	f.oracleAll = Point{StrongShare: math.NaN(), Quality: quality.value() / f.curve.Prompts, CostUSD: cost.value()}
}

func (f *facts) enter(name, role string, quality, usd float64) {
	s := Single{Name: name, Role: role, Quality: known("", Ratio, quality, len(f.pairs)), CostUSD: known("", USD, usd, len(f.pairs))}
	if math.IsNaN(usd) {
		s.CostUSD = missing("", USD, Unknown, "some of its outcomes have no price")
	}
	f.field.singles = append(f.field.singles, s)
}

// rank finds the best single and the zero router: the non-decreasing upper hull
// of the single models in (cost, quality), which sending prompts to them at
// random reaches (RouterBench, arXiv 2403.12031). A router must be above it.
func (f *facts) rank() {
	singles, zero := f.field.singles, &f.field.zero
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
	if len(f.field.singles) == 2 {
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
		if !complete[o.candidate] || f.list[o.row].weight == 0 {
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

// ideal is the highest quality that any candidate reaches on the pair of row i,
// and the lowest cost that buys it; NaN if one of the prices is unknown.
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
