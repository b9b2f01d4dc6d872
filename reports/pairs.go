package reports

import (
	"cmp"
	"context"
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

// A Routing is what routing pairs by a threshold achieves.
type Routing struct {
	StrongShare Value
	Quality     Value
	PGR         Value
	CostUSD     Value // of all prompts that the pairs stand for
}

// Routed routes pairs by the threshold of the options, whichever they were
// routed by when they were run, and gives what [Build] says of such a run. All
// pairs must be graded.
func Routed(ctx context.Context, pairs []Pair, opts Options) (*Routing, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	f, err := gather(pairRows(pairs, opts), opts)
	if err != nil {
		return nil, err
	}
	if err := f.doubt(ctx, true); err != nil {
		return nil, err
	}
	cost := metric{name: statNames[statRoutedCost], unit: USD}
	return &Routing{
		StrongShare: f.value("strong_share"),
		Quality:     f.value("quality"),
		PGR:         f.value("pgr"),
		CostUSD:     f.withInterval(paid(paired(func(f *facts) float64 { return f.routed.CostUSD }))(f, cost)),
	}, nil
}

// pairRows makes rows of pairs, routed by the threshold of the options; where it
// has none everything goes strong.
func pairRows(pairs []Pair, opts Options) []row {
	list := make([]row, len(pairs))
	for i := range pairs {
		p, r := &pairs[i], &list[i]
		*r = row{
			winRate: p.WinRate, weight: cmp.Or(p.Weight, 1), marks: answered | graded,
			strongQuality: p.StrongQuality, strongCost: p.StrongCostUSD,
			weakQuality: p.WeakQuality, weakCost: p.WeakCostUSD,
			routedQuality: p.WeakQuality, routedCost: p.WeakCostUSD,
		}
		if opts.Threshold == nil || p.WinRate >= *opts.Threshold {
			r.marks |= routedStrong
			r.routedQuality, r.routedCost = p.StrongQuality, p.StrongCostUSD
		}
		if math.IsNaN(r.routedCost) {
			r.marks |= unpriced
		}
		if r.weight != 1 {
			r.marks |= sampled
		}
	}
	return list
}

// ShareOf is the share of k in n with its 95 % interval, Wilson's.
func ShareOf(k, n int) Value {
	v := known("", Share, float64(k)/float64(n), n)
	v.Lo, v.Hi = wilson(k, n, 0.95)
	return v
}
