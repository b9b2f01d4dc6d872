package reports

import (
	"cmp"
	"math"

	"routeval/datasets"
)

// PairOf is what a result says of the two models. A quality or a price that it
// does not know is NaN; ok is false if it has no win rate.
func PairOf(r *datasets.Result, strong, weak string) (p Pair, ok bool) {
	if r.WinRate == nil {
		return Pair{}, false
	}
	p = Pair{WinRate: *r.WinRate, Weight: 1}
	if r.Propensity > 0 {
		p.Weight = 1 / r.Propensity
	}
	p.StrongQuality, p.StrongCostUSD = amounts(r.Outcomes, strong)
	p.WeakQuality, p.WeakCostUSD = amounts(r.Outcomes, weak)
	return p, true
}

// amounts are the quality and the price of a candidate's answer, NaN if unknown.
func amounts(outcomes map[string]datasets.Outcome, name string) (quality, usd float64) {
	o, called := outcomes[name]
	if !called || !o.OK() {
		return math.NaN(), math.NaN()
	}
	return orNaN(o.Quality), orNaN(o.CostUSD)
}

// Graded reports whether the qualities of both answers are known.
func (p *Pair) Graded() bool { return !math.IsNaN(p.StrongQuality) && !math.IsNaN(p.WeakQuality) }

// Priced reports whether the prices of both answers are known.
func (p *Pair) Priced() bool { return !math.IsNaN(p.StrongCostUSD) && !math.IsNaN(p.WeakCostUSD) }

// Routed makes the report of routing pairs by the threshold of the options, from
// whichever they were routed by when they were run. All of them must be graded.
func Routed(pairs []Pair, opts Options) (*Report, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	f, err := gather(rowsOf(pairs, opts))
	if err != nil {
		return nil, err
	}
	return f.report(), nil
}

// rowsOf makes rows of pairs, routed by the threshold of the options; where it
// has none everything goes strong.
func rowsOf(pairs []Pair, opts Options) *rows {
	f := &rows{opts: opts, list: make([]row, len(pairs))}
	for i := range pairs {
		p := &pairs[i]
		r := &f.list[i]
		*r = row{
			winRate: p.WinRate, weight: cmp.Or(p.Weight, 1), answered: true,
			strongQuality: p.StrongQuality, strongCost: p.StrongCostUSD,
			weakQuality: p.WeakQuality, weakCost: p.WeakCostUSD,
			routedQuality: p.WeakQuality, routedCost: p.WeakCostUSD,
		}
		if opts.Threshold == nil || p.WinRate >= *opts.Threshold {
			r.routedStrong, r.routedQuality, r.routedCost = true, p.StrongQuality, p.StrongCostUSD
			f.n.routedStrong++
		}
		if math.IsNaN(r.routedCost) {
			f.n.unpriced++
		}
		if r.weight != 1 {
			f.n.sampled++
		}
	}
	f.n.prompts, f.n.answered, f.n.graded, f.n.scored = len(pairs), len(pairs), len(pairs), len(pairs)
	return f
}

// ShareOf is the share of k in n with its 95 % interval, Wilson's.
func ShareOf(k, n int) Value {
	v := known("", Share, float64(k)/float64(n), n)
	v.Lo, v.Hi = wilson(k, n, 0.95)
	return v
}
