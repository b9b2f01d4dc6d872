package reports

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"

	"routeval/datasets"
)

// Options say how to read results.
type Options struct {
	Strong, Weak string             // names of the two candidates that are compared
	Router       string             // name of the router, for the page; "" if not known
	Threshold    *float64           // the threshold in force; nil if the router has none
	Thresholds   map[string]float64 // those of categories that have one of their own
	Confidence   float64            // of the intervals, in (0,1); 0 means 0.95
	Draws        int                // bootstrap draws; 0 means 2000, below 0 none: then the means have no intervals
	Seed         uint64             // of the bootstrap; the same seed gives the same report on any machine
}

// DefaultDraws is the number of bootstrap draws if none is said. The ends of a
// 95 % interval then lie on 50 draws each.
const DefaultDraws = 2000

// A Report is everything that the pages show and gates ask for.
type Report struct {
	Router       string
	Strong, Weak string // names of the two candidates
	Threshold    *float64
	Confidence   float64 // of all intervals
	Draws        int     // of the bootstrap; 0 if there was none

	Prompts int     // results read
	Pairs   int     // prompts with both models' outcomes
	Sampled bool    // pairs are a random sample, weighted by 1/propensity
	Values  []Value // one for each line of the table of metrics, in its order

	Baselines  []Baseline
	Candidates []Candidate // the strong, the weak, then the others by name
	Curve      *Curve      // nil if there are no pairs or no win rates
	Notes      []string    // what the reader must know about the run as a whole
	Verdicts   []Verdict   // of gates, if any were asked; see [Check]
}

// A Baseline is one way to answer all prompts, to compare the router with.
type Baseline struct {
	Name        string
	StrongShare Value
	Quality     Value
	CostUSD     Value
	CostShare   Value // of what strong-only costs
	PGR         Value
}

// Build reads all results and makes the report of them. It keeps 72 bytes of a
// prompt and 8 of a latency, and stops at the first error that the stream
// yields; a caller that would rather go on after a bad row leaves the
// [*datasets.RowError] out of the stream and counts it.
func Build(results iter.Seq2[datasets.Result, error], opts Options) (*Report, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	rows, err := readRows(results, opts)
	if err != nil {
		return nil, err
	}
	f, err := gather(rows)
	if err != nil {
		return nil, err
	}
	return f.report(), nil
}

// withDefaults fills in what zero stands for.
func (o Options) withDefaults() Options {
	o.Confidence = cmp.Or(o.Confidence, 0.95)
	o.Draws = cmp.Or(o.Draws, DefaultDraws)
	return o
}

// thresholdOf is the threshold in force for prompts of a category; nil for none.
func (o *Options) thresholdOf(category string) *float64 {
	if t, ok := o.Thresholds[category]; ok {
		return &t
	}
	return o.Threshold
}

// report is the report that the facts make.
func (f *facts) report() *Report {
	r := &Report{
		Router: f.opts.Router, Strong: f.opts.Strong, Weak: f.opts.Weak, Threshold: f.opts.Threshold,
		Confidence: f.opts.Confidence, Draws: f.draws,
		Prompts: f.n.prompts, Pairs: len(f.pairs), Sampled: f.n.sampled > 0,
		Values:     f.values(),
		Baselines:  f.baselines(),
		Candidates: f.candidates,
		Notes:      f.notes(),
	}
	if f.rated {
		r.Curve = f.curve
	}
	return r
}

func (o Options) check() error {
	switch {
	case o.Strong == "" || o.Weak == "" || o.Strong == o.Weak:
		return fmt.Errorf("a report compares two candidates, not %q and %q", o.Strong, o.Weak)
	case !(o.Confidence > 0 && o.Confidence < 1):
		return fmt.Errorf("confidence %v is not in (0,1)", o.Confidence)
	case o.Threshold != nil && math.IsNaN(*o.Threshold):
		return errors.New("the threshold is not a number")
	}
	return nil
}

// Value is the value of that name, and false if no metric is called so.
func (r *Report) Value(name string) (Value, bool) {
	for _, v := range r.Values {
		if v.Name == name {
			return v, true
		}
	}
	return Value{}, false
}

// facts are what metrics are made of.
type facts struct {
	opts       Options
	n          counts
	candidates []Candidate

	pairs        []Pair
	curve        *Curve // nil if there are no pairs
	oracle       *Oracle
	routed       Point // what the run chose, on the pairs
	rated        bool  // the pairs have win rates, so the curve is more than its ends
	unpriced     int   // pairs that lack a price
	draws        int   // of the bootstrap; 0 if it was not done
	intervals    map[string]interval
	totalCost    float64 // of the chosen answers of all prompts; NaN if unknown
	totalQuality float64 // sum over the graded chosen answers
}

type interval struct{ lo, hi float64 }

// minPairs is the number of pairs below which a bootstrap promises what it
// cannot keep: no intervals are given then.
const minPairs = 30

func gather(rows *rows) (*facts, error) {
	f := &facts{opts: rows.opts, n: rows.n, candidates: rows.finish(), intervals: make(map[string]interval)}
	f.rated = f.n.scored > 0
	list := rows.list
	f.weigh(list)
	f.total(list)
	if err := f.pair(list); err != nil {
		return nil, err
	}
	f.interval("strong_share", f.n.routedStrong, f.n.prompts)
	f.interval("error_rate", f.n.failed, f.n.failed+f.n.answered)
	if f.opts.Draws > 0 && max(len(f.pairs), f.n.graded) >= minPairs {
		f.draws = f.opts.Draws
		bootstrap(f, list)
	}
	return f, nil
}

// weigh makes the weights of a sampled run add up to the prompts that have an
// answer, so that sums over pairs compare with sums over prompts (Hájek's
// estimator; means and ratios do not change by it). Pairs without a win rate
// are none where others have one.
func (f *facts) weigh(list []row) {
	var weight sum
	for i := range list {
		if f.rated && math.IsNaN(list[i].winRate) {
			list[i].weight = 0
		}
		weight.add(list[i].weight)
	}
	if f.n.sampled == 0 || weight.value() == 0 {
		return
	}
	scale := float64(f.n.answered) / weight.value()
	for i := range list {
		list[i].weight *= scale
	}
}

func (f *facts) total(list []row) {
	var cost money
	var quality sum
	for i := range list {
		cost.add(list[i].routedCost, 1)
		if !math.IsNaN(list[i].routedQuality) {
			quality.add(list[i].routedQuality)
		}
	}
	f.totalCost, f.totalQuality = cost.value(), quality.value()
}

// pair makes the curve, the oracle and the routed point of the rows that are pairs.
func (f *facts) pair(list []row) error {
	var weight, strong, quality sum
	var cost money
	for i := range list {
		r := &list[i]
		if r.weight == 0 {
			continue
		}
		p := Pair{
			StrongQuality: r.strongQuality, WeakQuality: r.weakQuality,
			StrongCostUSD: r.strongCost, WeakCostUSD: r.weakCost, Weight: r.weight,
		}
		if f.rated {
			p.WinRate = r.winRate
		}
		if math.IsNaN(r.strongCost) || math.IsNaN(r.weakCost) || math.IsNaN(r.routedCost) {
			f.unpriced++
		}
		f.pairs = append(f.pairs, p)
		weight.add(r.weight)
		quality.add(r.weight * r.routedQuality)
		cost.add(r.routedCost, r.weight)
		if r.routedStrong {
			strong.add(r.weight)
		}
	}
	if len(f.pairs) == 0 {
		return nil
	}
	var err error
	if f.curve, err = Sweep(f.pairs); err != nil {
		return err
	}
	if f.oracle, err = NewOracle(f.pairs); err != nil {
		return err
	}
	f.routed = Point{
		Threshold:   math.NaN(),
		StrongShare: strong.value() / weight.value(),
		Quality:     quality.value() / weight.value(),
		CostUSD:     cost.value(),
	}
	f.routed.PGR = f.curve.PGR(f.routed.Quality)
	return nil
}

func (f *facts) interval(name string, k, n int) {
	lo, hi := wilson(k, n, f.opts.Confidence)
	f.intervals[name] = interval{lo, hi}
}
