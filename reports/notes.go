package reports

import "fmt"

// notes say what the reader must know about the run as a whole.
func (f *facts) notes(moreSlices int) []string {
	var notes []string
	add := func(n int, format string, args ...any) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	n := &f.n
	switch {
	case n.answered+n.failed == 0:
		add(1, "No model was called: only the strong share is known.")
	case len(f.pairs) == 0:
		add(1, "%s What the other model would have done cannot be estimated from this run, nor can PGR, APGR, CPT, the oracle or the baselines: call both models on a random share of the prompts (both_share: 0.05) or on all (execute: both).", f.whyNoPairs())
	case n.sampled > 0:
		add(1, "Both models were called on a random sample: %s stand for %s, weighted by 1/propensity. What compares the models rests on them alone.", plural(len(f.pairs), "pair"), plural(n.answered, "prompt"))
	case len(f.pairs) < n.prompts:
		add(1, "Both models' outcomes are known and graded on %s of %s; what compares the models rests on these alone.", grouped(float64(len(f.pairs))), plural(n.prompts, "prompt"))
	}
	add(n.failed, "%s without an answer from the chosen model: not in quality and cost.", plural(n.failed, "prompt"))
	add(n.fellBack, "%s answered by another model than the chosen one, which had failed (on_failure): in quality and cost as delivered, and in no pair.", plural(n.fellBack, "prompt"))
	add(n.failedPairs, "%s with a failure on one side %s no pair.", plural(n.failedPairs, "prompt"), isAre(n.failedPairs))
	add(n.ungradedPairs, "%s with both answers but not both grades %s no pair.", plural(n.ungradedPairs, "prompt"), isAre(n.ungradedPairs))
	if f.rated {
		add(n.unscored, "%s without a win rate %s no pair.", plural(n.unscored, "prompt"), isAre(n.unscored))
	}
	add(n.disagree, "%s went another way than win rate and threshold say (a fallback, or another threshold than the run's).", plural(n.disagree, "prompt"))
	add(len(f.opts.Thresholds), "Categories with a threshold of their own: %d. Curves have one threshold for all prompts.", len(f.opts.Thresholds))
	if n.atThreshold*100 > n.prompts {
		add(1, "%s have exactly the threshold for a win rate: a hair's breadth moves them all.", plural(n.atThreshold, "prompt"))
	}
	if len(f.field.missing) > 0 {
		add(1, "Not compared with the others, since without a grade on 95 %% of the pairs: %s.", printable(f.field.incomplete()))
	}
	if f.opts.RoutingUSD == nil && f.rated && n.unpriced == 0 && n.answered > 0 {
		add(1, "What making the win rates cost is not known, and not in the costs.")
	}
	if said := f.judging.note(); said != "" {
		notes = append(notes, said)
	}
	add(moreSlices, "%s by %s beyond the %d largest %s not shown.", plural(moreSlices, "slice"), printable(f.opts.SliceBy), maxSlices, isAre(moreSlices))
	return notes
}

// noPairs is why a figure that compares the models does not exist.
func (f *facts) noPairs() string {
	if f.n.answered+f.n.failed == 0 {
		return "no model was called"
	}
	return "no prompt has both models' graded outcomes"
}

func (f *facts) whyNoPairs() string {
	if f.n.ungradedPairs > 0 {
		return "Both models answered, but no prompt has both answers graded."
	}
	return "Only the outcome of the chosen model is known."
}
