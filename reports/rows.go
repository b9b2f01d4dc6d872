package reports

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"routeval/datasets"
)

// A row is all that is kept of one prompt, 80 bytes however long its answers.
// Unknown numbers are NaN.
type row struct {
	winRate                   float64
	routedQuality, routedCost float64 // of the chosen candidate
	strongQuality, strongCost float64 // of a pair
	weakQuality, weakCost     float64
	weight                    float64 // prompts that the pair stands for; 0 if the row is no pair
	slice, cluster            uint32  // index of the prompt's value of Options.SliceBy, of Options.ClusterBy
	marks                     marks
}

// marks are what is true of a row.
type marks uint16

const (
	routedStrong marks = 1 << iota
	answered           // the chosen candidate gave an answer or a grade
	failed             // it was called and gave none, nor did one that stood in for it
	fellBack           // answered, by one that stood in for the chosen one
	graded             // its answer has a quality
	unpriced           // its answer has no price
	failedPair         // no pair since one side failed
	ungradedPair       // no pair since one side has no quality
	disagrees          // route differs from what win rate and threshold say
	atThreshold        // win rate equals the threshold
	sampled            // propensity below 1
)

func (m marks) is(mark marks) bool { return m&mark != 0 }

// An other is what a third candidate did on a row.
type other struct {
	row       uint32
	candidate uint16 // its tally's number
	quality   float64
	cost      float64 // NaN if unknown
}

// counts are numbers of prompts.
type counts struct {
	prompts, routedStrong, answered, failed, graded, unpriced  int
	failedPairs, ungradedPairs, disagree, atThreshold, sampled int
	fellBack                                                   int // answered, by one that stood in for the chosen one

	scored, unscored int // with and without a win rate
}

func count(list []row) counts {
	n := counts{prompts: len(list)}
	for i := range list {
		r := &list[i]
		for _, c := range [...]struct {
			mark  marks
			count *int
		}{
			{routedStrong, &n.routedStrong}, {answered, &n.answered}, {failed, &n.failed}, {graded, &n.graded},
			{unpriced, &n.unpriced}, {failedPair, &n.failedPairs}, {ungradedPair, &n.ungradedPairs},
			{disagrees, &n.disagree}, {atThreshold, &n.atThreshold}, {sampled, &n.sampled}, {fellBack, &n.fellBack},
		} {
			if r.marks.is(c.mark) {
				*c.count++
			}
		}
		if math.IsNaN(r.winRate) {
			n.unscored++
		}
	}
	n.scored = n.prompts - n.unscored
	return n
}

// rows folds results, one at a time.
type rows struct {
	opts       Options
	list       []row
	others     []other // in the order of rows
	candidates map[string]*tally
	slices     groups
	clusters   groups
	misroutes  misroutes
	judging    judging
}

func readRows(ctx context.Context, results iter.Seq2[datasets.Result, error], opts Options) (*rows, error) {
	f := &rows{opts: opts, candidates: make(map[string]*tally), slices: newGroups(), clusters: newGroups()}
	for result, err := range results {
		if err == nil && len(f.list)%1024 == 0 {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if err := f.add(&result); err != nil {
			return nil, fmt.Errorf("result %q: %w", result.PromptID, err)
		}
	}
	if len(f.list) == 0 {
		return nil, errors.New("there are no results to report on")
	}
	return f, nil
}

func (f *rows) add(r *datasets.Result) error {
	if uint64(len(f.list)) == math.MaxUint32 {
		return errors.New("too many results for one report")
	}
	if err := checkResult(r); err != nil {
		return err
	}
	kept := row{winRate: orNaN(r.WinRate), routedQuality: math.NaN()}
	if err := f.tally(r); err != nil {
		return err
	}
	f.judging.add(r.Judged)
	kept.slice = f.slices.index(f.opts.SliceBy, r)
	kept.cluster = f.clusters.index(f.opts.ClusterBy, r)
	kept.marks = f.decision(r)
	f.outcome(r, &kept)
	f.pair(r, &kept)
	if kept.weight > 0 {
		f.misroutes.add(r, &kept, f.opts)
		f.third(r)
	}
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
		case o.LatencyNS < 0 || o.LoadNS < 0:
			return fmt.Errorf("%s: latency_ns %d or load_ns %d is negative", name, o.LatencyNS, o.LoadNS)
		case negative(o.PromptTokens) || negative(o.CompletionTokens) || negative(o.CachedTokens) || negative(o.ReasoningTokens):
			return fmt.Errorf("%s: a number of tokens is negative", name)
		}
	}
	return nil
}

func negative(n *int64) bool { return n != nil && *n < 0 }

// decision marks what the router did.
func (f *rows) decision(r *datasets.Result) marks {
	var m marks
	if r.Route == f.opts.Strong {
		m |= routedStrong
	}
	if r.Propensity > 0 && r.Propensity < 1 {
		m |= sampled
	}
	t := f.opts.thresholdOf(r.Category)
	if r.WinRate == nil || t == nil {
		return m
	}
	if *r.WinRate == *t {
		m |= atThreshold
	}
	if (*r.WinRate >= *t) != m.is(routedStrong) {
		m |= disagrees
	}
	return m
}

// outcome takes over what the chosen candidate did.
func (f *rows) outcome(r *datasets.Result, kept *row) {
	o, called := r.Delivered()
	switch {
	case !called:
		return
	case !o.OK():
		kept.marks |= failed
		if o.CostUSD != nil {
			kept.routedCost = *o.CostUSD // a failed call that was billed
		}
		return
	}
	kept.marks |= answered
	kept.routedQuality = orNaN(o.Quality)
	kept.routedCost = orNaN(o.CostUSD)
	if failed := r.Outcomes[r.Route]; o.FallbackFor != "" {
		kept.marks |= fellBack
		if failed.CostUSD != nil {
			kept.routedCost += *failed.CostUSD
		}
	}
	if o.Quality != nil {
		kept.marks |= graded
	}
	if o.CostUSD == nil {
		kept.marks |= unpriced
	}
}

// pair fills in both sides where both are known. Where a third candidate was
// chosen its quality must be known too, so that routing can be compared.
func (f *rows) pair(r *datasets.Result, kept *row) {
	strong, haveStrong := r.Outcomes[f.opts.Strong]
	weak, haveWeak := r.Outcomes[f.opts.Weak]
	switch {
	case !haveStrong || !haveWeak, strong.FallbackFor != "", weak.FallbackFor != "":
		return // one that stands in was not called at random
	case !strong.OK() || !weak.OK() || !kept.marks.is(answered):
		kept.marks |= failedPair
		return
	case strong.Quality == nil || weak.Quality == nil || math.IsNaN(kept.routedQuality):
		kept.marks |= ungradedPair
		return
	}
	kept.strongQuality, kept.weakQuality = *strong.Quality, *weak.Quality
	kept.strongCost, kept.weakCost = orNaN(strong.CostUSD), orNaN(weak.CostUSD)
	kept.weight = 1
	if r.Propensity > 0 {
		kept.weight = 1 / r.Propensity
	}
}

// third keeps what the other candidates did on a pair.
func (f *rows) third(r *datasets.Result) {
	if len(r.Outcomes) == 2 {
		return
	}
	for name, o := range r.Outcomes {
		if name != f.opts.Strong && name != f.opts.Weak && o.OK() && o.Quality != nil {
			f.others = append(f.others, other{uint32(len(f.list)), f.candidates[name].number, *o.Quality, orNaN(o.CostUSD)})
		}
	}
}

func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}
