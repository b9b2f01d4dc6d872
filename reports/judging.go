package reports

import (
	"fmt"
	"math"

	"routeval/datasets"
)

// judging is what a judge did that graded a run's answers. What it cost is no part
// of what routing costs.
type judging struct {
	model    string
	prompts  int   // that it was asked about
	calls    int64 // retries included
	cost     money
	verdicts int // asked for
	none     int // of these, replies that hold none, and calls that failed

	pairs         int // prompts with a verdict in both orders
	disagree      int // of these, those whose verdicts differ
	first, second int // of those, the ones that prefer the same place in both
}

func (j *judging) add(r *datasets.Judged) {
	if r == nil {
		return
	}
	j.model = r.Model
	j.prompts++
	j.calls += int64(r.Calls)
	j.cost.add(orNaN(r.CostUSD), 1)
	var winners []datasets.Verdict
	for _, v := range r.Verdicts {
		j.verdicts++
		switch {
		case v.Error != "":
			j.none++
		case len(v.Shown) == 2:
			winners = append(winners, v)
		}
	}
	if len(winners) == 2 {
		j.addPair(winners[0], winners[1])
	}
}

func (j *judging) addPair(a, b datasets.Verdict) {
	j.pairs++
	if a.Winner == b.Winner {
		return
	}
	j.disagree++
	switch {
	case a.Winner == a.Shown[0] && b.Winner == b.Shown[0]:
		j.first++
	case a.Winner == a.Shown[1] && b.Winner == b.Shown[1]:
		j.second++
	}
}

// judged is a source that needs a judge.
func judged(of func(j *judging, m metric) Value) source {
	return func(f *facts, m metric) Value {
		if f.judging == nil || f.judging.prompts == 0 {
			return missing(m.name, m.unit, Undefined, "no judge graded this run")
		}
		v := of(f.judging, m)
		if v.OK() && v.Unit == Share {
			v.Lo, v.Hi = wilsonShare(v.Center, float64(v.N), f.opts.Confidence)
		}
		return v
	}
}

func judgeCost(j *judging, m metric) Value {
	cost := j.cost.value()
	if math.IsNaN(cost) {
		return missing(m.name, m.unit, Unknown, "the judge has no price")
	}
	return known(m.name, m.unit, cost, j.prompts)
}

func judgeCalls(j *judging, m metric) Value {
	return known(m.name, m.unit, float64(j.calls), j.prompts)
}

func judgeErrors(j *judging, m metric) Value {
	return known(m.name, m.unit, float64(j.none)/float64(j.verdicts), j.verdicts)
}

// positionBias is the share of pairs of which the judge says one thing in one order
// and another in the other. They count as ties.
func positionBias(j *judging, m metric) Value {
	if j.pairs == 0 {
		return missing(m.name, m.unit, Undefined, "no pair was judged in both orders")
	}
	return known(m.name, m.unit, float64(j.disagree)/float64(j.pairs), j.pairs)
}

// note says what the judge did, "" if there was none.
func (j *judging) note() string {
	if j == nil || j.prompts == 0 {
		return ""
	}
	text := fmt.Sprintf("%s judged the answers to %s in %s", printable(j.model), plural(j.prompts, "prompt"), plural(int(j.calls), "call"))
	if cost := j.cost.value(); math.IsNaN(cost) {
		text += ", at a cost that is unknown"
	} else {
		text += fmt.Sprintf(" for %s, which is in no cost here", dollars(cost))
	}
	if j.none > 0 {
		text += fmt.Sprintf("; %s of %s could not be had", grouped(float64(j.none)), plural(j.verdicts, "verdict"))
	}
	if j.pairs > 0 {
		text += fmt.Sprintf("; position bias: its two orders disagree on %s of %s, which count as ties (%s for the first place, %s for the second)",
			grouped(float64(j.disagree)), plural(j.pairs, "pair"), grouped(float64(j.first)), grouped(float64(j.second)))
	}
	return text + "."
}
