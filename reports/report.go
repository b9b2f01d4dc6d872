package reports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"routeval/datasets"
)

// Options say how to read results.
type Options struct {
	Strong, Weak string   // names of the two candidates that are compared
	Router       string   // name of the router, for the page; "" if not known
	Threshold    *float64 // the threshold in force; nil if the router has none
	Confidence   float64  // of the intervals, in (0,1); 0 means 0.95
	Draws        int      // bootstrap draws; 0 means 2000, below 0 none: then the means have no intervals
	Seed         uint64   // of the bootstrap; the same seed gives the same report on any machine

	// SliceBy and ClusterBy name fields of the prompts: "category", or a member
	// of the fields that a row carried (source, language, group, …). Each value of
	// SliceBy becomes a [Slice]. With Stratify every draw holds as many prompts of
	// each slice as the run; with ClusterBy a draw picks whole clusters, for
	// prompts that are variants of one another. "" for neither.
	SliceBy   string
	ClusterBy string
	Stratify  bool

	// Thresholds are those of the categories that have one of their own.
	Thresholds map[string]float64

	// RoutingUSD is what making the win rates of all prompts cost (embeddings), in
	// US dollars; nil if that is not known.
	RoutingUSD *float64
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

	Prompts    int    // results read
	Pairs      int    // prompts with both models' outcomes
	ClusterBy  string // the field whose values the bootstrap draws whole; "" if it draws prompts
	Stratified bool   // draws hold as many prompts of each slice as the run

	Sampled bool    // pairs are a random sample, weighted by 1/propensity
	Values  []Value // one for each line of the table of metrics, in its order

	Baselines  []Baseline
	Candidates []Candidate // the strong, the weak, then the others by name
	Curve      *Curve      // nil if there are no pairs or no win rates
	Band       []BandPoint // of the curve at each percent of the strong share; nil without intervals
	Savings    []Saving    // at 95, 99 and 100 % of the strong model's quality; nil without a curve in money
	Singles    []Single    // the candidates that are compared, in the order of Candidates; nil without pairs
	Oracle     []Point     // the best quality at each percent of the strong share; nil without a curve

	SliceBy     string       // the field whose values make the slices; "" if there are none
	Slices      []Slice      // the largest first
	Reliability *Reliability // nil if there are no pairs or no win rates
	Misroutes   []Misroute   // the worst by lost quality, then those of the rest by wasted money

	Notes      []string    // what the reader must know about the run as a whole
	Comparison *Comparison // with a base run; set by the caller, nil if there is none
	Verdicts   []Verdict   // of gates, if any were asked; see [Check]

	Provenance *Provenance // where the results come from; set by the caller, nil if not known
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

// Build reads all results and makes the report of them. It keeps 80 bytes of a
// prompt, 8 of a latency and 24 of what a third candidate did, and stops at the
// first error that the stream yields; a caller that would rather go on after a
// bad row leaves the [*datasets.RowError] out of the stream and counts it. Where
// ctx ends first its error comes back.
func Build(ctx context.Context, results iter.Seq2[datasets.Result, error], opts Options) (*Report, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	rows, err := readRows(ctx, results, opts)
	if err != nil {
		return nil, err
	}
	f, err := gather(rows.list, opts)
	if err != nil {
		return nil, err
	}
	f.candidates, f.judging = rows.finish(), &rows.judging
	if f.curve != nil {
		f.compete(rows.others, rows.candidates)
	}
	if err := f.doubt(ctx, true); err != nil {
		return nil, err
	}
	slices, more, err := sliced(ctx, rows)
	if err != nil {
		return nil, err
	}
	return f.report(rows, slices, more), nil
}

func (f *facts) report(rows *rows, slices []Slice, moreSlices int) *Report {
	opts := f.opts
	r := &Report{
		Router: opts.Router, Strong: opts.Strong, Weak: opts.Weak, Threshold: opts.Threshold,
		Confidence: opts.Confidence, Draws: f.draws, ClusterBy: opts.ClusterBy, Stratified: opts.Stratify,
		Prompts: f.n.prompts, Pairs: len(f.pairs), Sampled: f.n.sampled > 0,
		Reliability: f.reliability(),
		Candidates:  f.candidates,
		Singles:     f.field.singles,
		Band:        f.bandPoints(),
		Slices:      slices,
		Misroutes:   rows.misroutes.list(),
		Notes:       f.notes(moreSlices),
	}
	f.calibration = r.Reliability
	r.Values = f.values()
	r.Baselines = f.baselines()
	r.Savings = f.savings()
	if len(slices) > 0 || opts.Stratify {
		r.SliceBy = opts.SliceBy
	}
	if f.rated {
		r.Curve = f.curve
	}
	if r.Curve != nil {
		r.Oracle = f.oracle.percents()
	}
	return r
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

func (o Options) check() error {
	switch {
	case o.Strong == "" || o.Weak == "" || o.Strong == o.Weak:
		return fmt.Errorf("a report compares two candidates, not %q and %q", o.Strong, o.Weak)
	case !(o.Confidence > 0 && o.Confidence < 1):
		return fmt.Errorf("confidence %v is not in (0,1)", o.Confidence)
	case o.Threshold != nil && math.IsNaN(*o.Threshold):
		return errors.New("the threshold is not a number")
	case o.Stratify && o.SliceBy == "":
		return errors.New("to stratify, name the field whose values are the strata")
	case o.Stratify && o.ClusterBy != "":
		return errors.New("draws are stratified or clustered, not both")
	case o.RoutingUSD != nil && !(*o.RoutingUSD >= 0 && finite(*o.RoutingUSD)):
		return fmt.Errorf("the cost of routing, %v, is not an amount", *o.RoutingUSD)
	}
	return nil
}

// routingOf is what routing some of the prompts cost.
func (o Options) routingOf(some, all int) *float64 {
	if o.RoutingUSD == nil {
		return nil
	}
	usd := *o.RoutingUSD * float64(some) / float64(all)
	return &usd
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
	list       []row
	n          counts
	candidates []Candidate
	judging    *judging // nil of a slice

	pairs          []Pair
	curve          *Curve // nil if there are no pairs
	oracle         *Oracle
	field          field // the candidates against each other
	arena          arenaParts
	oracleAll      Point // the cheapest of the best answers of all candidates
	routedTogether Point // the routed answers where all candidates are compared
	calibration    *Reliability
	routed         Point   // what the run chose, on the pairs
	rated          bool    // the pairs have win rates, so the curve is more than its ends
	unpriced       int     // pairs that lack a price
	totalCost      float64 // of the chosen answers of all prompts; NaN if unknown
	totalQuality   float64 // sum over the graded chosen answers

	design    design
	draws     int // of the bootstrap; 0 if it was not done
	intervals map[string]interval
	band      []interval // quality at each percent of the strong share; nil without a bootstrap
}

type interval struct{ lo, hi float64 }

// minPairs is the number of pairs, or of clusters of them, below which a
// bootstrap promises what it cannot keep: no intervals are given then.
const minPairs = 30

// gather makes the facts of rows, all but their intervals.
func gather(list []row, opts Options) (*facts, error) {
	f := &facts{opts: opts, list: list, n: count(list), design: newDesign(list, opts), intervals: make(map[string]interval)}
	f.rated = f.n.scored > 0
	f.weigh()
	f.total()
	if err := f.pair(); err != nil {
		return nil, err
	}
	return f, nil
}

// doubt gives the facts their intervals, all of them for a whole run.
func (f *facts) doubt(ctx context.Context, whole bool) error {
	f.interval("strong_share", f.n.routedStrong, f.n.prompts)
	f.interval("error_rate", f.n.failed, f.n.failed+f.n.answered)
	if f.opts.Draws <= 0 || min(max(len(f.pairs), f.n.graded), f.design.units(f.n.prompts)) < minPairs {
		return nil
	}
	f.draws = f.opts.Draws
	if err := bootstrap(ctx, f, whole); err != nil {
		return err
	}
	f.judgeGap()
	return nil
}

// judgeGap dismisses a gap between strong and weak whose interval holds 0: PGR,
// APGR and CPT would be shares of noise.
func (f *facts) judgeGap() {
	if ci := f.intervals["gap"]; f.curve != nil && f.curve.hasGap() && !(ci.lo > 0) {
		f.curve.dismissGap()
		f.oracle.curve.dismissGap()
		f.routed.PGR = math.NaN()
	}
}

// weigh makes the weights of a sampled run add up to the prompts that have an
// answer, so that sums over pairs compare with sums over prompts (Hájek's
// estimator; means and ratios do not change by it). Pairs without a win rate
// are none where others have one.
func (f *facts) weigh() {
	var weight sum
	for i := range f.list {
		if f.rated && math.IsNaN(f.list[i].winRate) {
			f.list[i].weight = 0
		}
		weight.add(f.list[i].weight)
	}
	if f.n.sampled == 0 || weight.value() == 0 {
		return
	}
	scale := float64(f.n.answered) / weight.value()
	for i := range f.list {
		f.list[i].weight *= scale
	}
}

func (f *facts) total() {
	var cost money
	var quality sum
	for i := range f.list {
		cost.add(f.list[i].routedCost, 1)
		if f.list[i].marks.is(graded) {
			quality.add(f.list[i].routedQuality)
		}
	}
	f.totalCost, f.totalQuality = cost.value()+f.routingUSD(float64(f.n.prompts)), quality.value()
}

// pair makes the curve, the oracle and the routed point of the rows that are pairs.
func (f *facts) pair() error {
	var weight, strong, quality sum
	var cost money
	for i := range f.list {
		r := &f.list[i]
		if r.weight == 0 {
			continue
		}
		f.pairs = append(f.pairs, f.pairOf(r))
		if math.IsNaN(r.strongCost) || math.IsNaN(r.weakCost) || math.IsNaN(r.routedCost) {
			f.unpriced++
		}
		weight.add(r.weight)
		quality.add(r.weight * r.routedQuality)
		cost.add(r.routedCost, r.weight)
		if r.marks.is(routedStrong) {
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
	f.curve.addRouting(f.routingUSD(f.curve.Prompts))
	f.routed = Point{
		Threshold:   math.NaN(),
		StrongShare: strong.value() / weight.value(),
		Quality:     quality.value() / weight.value(),
		CostUSD:     cost.value() + f.curve.RoutingUSD,
	}
	f.routed.PGR = f.curve.PGR(f.routed.Quality)
	return nil
}

func (f *facts) pairOf(r *row) Pair {
	p := Pair{
		StrongQuality: r.strongQuality, WeakQuality: r.weakQuality,
		StrongCostUSD: r.strongCost, WeakCostUSD: r.weakCost, Weight: r.weight,
	}
	if f.rated {
		p.WinRate = r.winRate
	}
	return p
}

// routingUSD is what routing so many of the prompts cost; 0 where that is not
// known, which a note says.
func (f *facts) routingUSD(prompts float64) float64 {
	if f.opts.RoutingUSD == nil {
		return 0
	}
	return *f.opts.RoutingUSD * prompts / float64(f.n.prompts)
}

func (f *facts) interval(name string, k, n int) {
	lo, hi := wilson(k, n, f.opts.Confidence)
	f.intervals[name] = interval{lo, hi}
}
