package reports

import (
	"errors"
	"fmt"
	"iter"
	"math"

	"routeval/datasets"
)

// A row is all that is kept of one prompt, 72 bytes however long its answers.
// Unknown numbers are NaN.
type row struct {
	winRate                   float64
	routedQuality, routedCost float64 // of the chosen candidate
	strongQuality, strongCost float64 // of a pair
	weakQuality, weakCost     float64
	weight                    float64 // prompts that the pair stands for; 0 if the row is no pair
	routedStrong, answered    bool
}

// counts are numbers of prompts.
type counts struct {
	prompts       int // in all
	routedStrong  int
	answered      int // the chosen candidate gave an answer or a grade
	failed        int // it was called and gave none
	graded        int // its answer has a quality
	unpriced      int // its answer has no price
	failedPairs   int // no pair since one side failed
	ungradedPairs int // no pair since one side has no quality
	unscored      int // without a win rate
	scored        int
	disagree      int // route differs from what win rate and threshold say
	atThreshold   int // win rate equals the threshold
	sampled       int // propensity below 1
}

// rows folds results, one at a time.
type rows struct {
	opts       Options
	list       []row
	n          counts
	candidates map[string]*tally
}

func readRows(results iter.Seq2[datasets.Result, error], opts Options) (*rows, error) {
	f := &rows{opts: opts, candidates: make(map[string]*tally)}
	for result, err := range results {
		if err != nil {
			return nil, err
		}
		if err := f.add(&result); err != nil {
			return nil, fmt.Errorf("result %q: %w", result.PromptID, err)
		}
	}
	if f.n.prompts == 0 {
		return nil, errors.New("there are no results to report on")
	}
	return f, nil
}

func (f *rows) add(r *datasets.Result) error {
	if err := checkResult(r); err != nil {
		return err
	}
	if err := f.tally(r); err != nil {
		return err
	}
	kept := row{
		winRate:       orNaN(r.WinRate),
		routedQuality: math.NaN(),
		routedStrong:  r.Route == f.opts.Strong,
	}
	f.route(r, &kept)
	f.outcome(r, &kept)
	f.pair(r, &kept)
	f.list = append(f.list, kept)
	return nil
}

// checkResult refuses numbers that no run of ours writes.
func checkResult(r *datasets.Result) error {
	if w := r.WinRate; w != nil && !(*w >= 0 && *w <= 1) {
		return fmt.Errorf("win rate %v is not in [0,1]", *w)
	}
	if p := r.Propensity; p != 0 && !(p > 0 && p <= 1) {
		return fmt.Errorf("propensity %v is not in (0,1]", p)
	}
	for name, o := range r.Outcomes {
		switch {
		case o.Quality != nil && !(*o.Quality >= 0 && *o.Quality <= 1):
			return fmt.Errorf("%s: quality %v is not in [0,1]", name, *o.Quality)
		case o.CostUSD != nil && !(*o.CostUSD >= 0 && !math.IsInf(*o.CostUSD, 1)):
			return fmt.Errorf("%s: cost_usd %v is not an amount", name, *o.CostUSD)
		case o.LatencyNS < 0:
			return fmt.Errorf("%s: latency_ns %d is negative", name, o.LatencyNS)
		case negative(o.PromptTokens) || negative(o.CompletionTokens):
			return fmt.Errorf("%s: a number of tokens is negative", name)
		}
	}
	return nil
}

func negative(n *int64) bool { return n != nil && *n < 0 }

// route counts what the router did.
func (f *rows) route(r *datasets.Result, kept *row) {
	f.n.prompts++
	if kept.routedStrong {
		f.n.routedStrong++
	}
	if r.Propensity > 0 && r.Propensity < 1 {
		f.n.sampled++
	}
	if r.WinRate == nil {
		f.n.unscored++
		return
	}
	f.n.scored++
	if t := f.opts.thresholdOf(r.Category); t != nil {
		if *r.WinRate == *t {
			f.n.atThreshold++
		}
		if (*r.WinRate >= *t) != kept.routedStrong {
			f.n.disagree++
		}
	}
}

// outcome counts what the chosen candidate did.
func (f *rows) outcome(r *datasets.Result, kept *row) {
	o, called := r.Outcomes[r.Route]
	switch {
	case !called:
		return
	case !o.OK():
		f.n.failed++
		if o.CostUSD != nil {
			kept.routedCost = *o.CostUSD // a failed call that was billed
		}
		return
	}
	kept.answered = true
	f.n.answered++
	kept.routedQuality = orNaN(o.Quality)
	kept.routedCost = orNaN(o.CostUSD)
	if o.Quality != nil {
		f.n.graded++
	}
	if o.CostUSD == nil {
		f.n.unpriced++
	}
}

// pair fills in both sides where both are known. Where a third candidate was
// chosen its quality must be known too, so that routing can be compared.
func (f *rows) pair(r *datasets.Result, kept *row) {
	strong, haveStrong := r.Outcomes[f.opts.Strong]
	weak, haveWeak := r.Outcomes[f.opts.Weak]
	switch {
	case !haveStrong || !haveWeak:
		return
	case !strong.OK() || !weak.OK() || !kept.answered:
		f.n.failedPairs++
		return
	case strong.Quality == nil || weak.Quality == nil || math.IsNaN(kept.routedQuality):
		f.n.ungradedPairs++
		return
	}
	kept.strongQuality, kept.weakQuality = *strong.Quality, *weak.Quality
	kept.strongCost, kept.weakCost = orNaN(strong.CostUSD), orNaN(weak.CostUSD)
	kept.weight = 1
	if r.Propensity > 0 {
		kept.weight = 1 / r.Propensity
	}
}

func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}
