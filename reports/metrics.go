package reports

import (
	"fmt"
	"math"
)

// A metric is one line of the table of metrics: a name that pages and gates
// share, and how the value comes about.
type metric struct {
	name  string
	unit  Unit
	about string // one line for help and the JSON schema
	value source
}

// A source computes a value for the metric, or says why there is none.
type source func(f *facts, m metric) Value

// metrics is the table, sorted by name.
var metrics = []metric{
	{"apgr", Ratio, "mean PGR over all strong shares; 0.5 is routing at random", rated(func(f *facts) float64 { return f.curve.APGR() })},
	{"apgr_cost", Ratio, "APGR with cost for its axis; 0.5 is routing at random", paid(rated(func(f *facts) float64 { return f.curve.APGRCost() }))},
	{"apgr_routellm", Ratio, "APGR as RouteLLM's evaluator computes it from 10 bins", routeLLM},
	{"cost_share", Share, "cost of the routed answers over the cost of strong-only", paid(paired(func(f *facts) float64 { return f.curve.CostShare(f.routed) }))},
	{"cost_usd", USD, "cost of the routed answers of all prompts", totalCost},
	{"cpt_50", Share, "smallest strong share with a PGR of at least 50 %", rated(cpt(0.50))},
	{"cpt_80", Share, "smallest strong share with a PGR of at least 80 %", rated(cpt(0.80))},
	{"cpt_95", Share, "smallest strong share with a PGR of at least 95 %", rated(cpt(0.95))},
	{"error_rate", Share, "share of the executed prompts whose chosen model gave no answer", errorRate},
	{"gap", Ratio, "quality of strong-only minus quality of weak-only", paired(func(f *facts) float64 { return f.curve.Gap() })},
	{"oracle_apgr", Ratio, "the most that APGR can be on these pairs", gap(func(f *facts) float64 { return f.oracle.APGR() })},
	{"oracle_quality", Ratio, "quality if each prompt had its better answer", paired(func(f *facts) float64 { return f.oracle.Best().Quality })},
	{"oracle_share", Share, "share of prompts on which strong is strictly better", paired(func(f *facts) float64 { return f.oracle.Best().StrongShare })},
	{"pairs", Count, "prompts on which both models' outcomes are known and graded", func(f *facts, m metric) Value { return known(m.name, m.unit, float64(len(f.pairs)), f.n.prompts) }},
	{"pgr", Ratio, "share of the gap between weak-only and strong-only that routing kept", gap(func(f *facts) float64 { return f.routed.PGR })},
	{"prompts", Count, "prompts in the run", func(f *facts, m metric) Value { return known(m.name, m.unit, float64(f.n.prompts), f.n.prompts) }},
	{"quality", Ratio, "mean quality of the routed answers", quality},
	{"random_quality", Ratio, "quality of routing at random with the same strong share", paired(func(f *facts) float64 { return f.curve.Random(f.routed.StrongShare).Quality })},
	{"strong_cost_usd", USD, "cost of strong-only", paid(paired(func(f *facts) float64 { return f.curve.Strong().CostUSD }))},
	{"strong_error_rate", Share, "share of the strong model's calls without an answer", side("strong", func(c *Candidate) Value { return c.ErrorRate })},
	{"strong_latency_p50_s", Seconds, "median latency of the strong model", side("strong", func(c *Candidate) Value { return c.LatencyP50 })},
	{"strong_latency_p95_s", Seconds, "95th percentile of the strong model's latency", side("strong", func(c *Candidate) Value { return c.LatencyP95 })},
	{"strong_latency_p99_s", Seconds, "99th percentile of the strong model's latency", side("strong", func(c *Candidate) Value { return c.LatencyP99 })},
	{"strong_quality", Ratio, "quality of strong-only", paired(func(f *facts) float64 { return f.curve.Strong().Quality })},
	{"strong_share", Share, "share of the prompts routed to the strong model", func(f *facts, m metric) Value {
		return known(m.name, m.unit, float64(f.n.routedStrong)/float64(f.n.prompts), f.n.prompts)
	}},
	{"weak_cost_usd", USD, "cost of weak-only", paid(paired(func(f *facts) float64 { return f.curve.Weak().CostUSD }))},
	{"weak_error_rate", Share, "share of the weak model's calls without an answer", side("weak", func(c *Candidate) Value { return c.ErrorRate })},
	{"weak_latency_p50_s", Seconds, "median latency of the weak model", side("weak", func(c *Candidate) Value { return c.LatencyP50 })},
	{"weak_latency_p95_s", Seconds, "95th percentile of the weak model's latency", side("weak", func(c *Candidate) Value { return c.LatencyP95 })},
	{"weak_latency_p99_s", Seconds, "99th percentile of the weak model's latency", side("weak", func(c *Candidate) Value { return c.LatencyP99 })},
	{"weak_quality", Ratio, "quality of weak-only", paired(func(f *facts) float64 { return f.curve.Weak().Quality })},
}

// MetricNames are the names of all values that a report has, sorted.
func MetricNames() []string {
	names := make([]string, len(metrics))
	for i, m := range metrics {
		names[i] = m.name
	}
	return names
}

// values evaluates the table and adds the intervals that are known.
func (f *facts) values() []Value {
	values := make([]Value, len(metrics))
	for i, m := range metrics {
		v := m.value(f, m)
		if ci, ok := f.intervals[m.name]; ok && v.OK() {
			v.Lo, v.Hi = ci.lo, ci.hi
		}
		values[i] = v
	}
	return values
}

// paired is a source that needs both models' outcomes on the same prompts.
func paired(of func(*facts) float64) source {
	return func(f *facts, m metric) Value {
		if f.curve == nil {
			return missing(m.name, m.unit, Undefined, f.noPairs())
		}
		v := known(m.name, m.unit, of(f), len(f.pairs))
		if len(f.pairs) < minPairs {
			v.Warnings = append(v.Warnings, fmt.Sprintf("rests on %s only: too few for an interval", plural(len(f.pairs), "pair")))
		}
		return v
	}
}

// gap is a source that also needs the strong model to be better: a share of a
// gap that is not there is no number.
func gap(of func(*facts) float64) source {
	return func(f *facts, m metric) Value {
		v := paired(of)(f, m)
		switch {
		case !v.OK():
			return v
		case !f.curve.hasGap():
			return missing(m.name, m.unit, Undefined, fmt.Sprintf("strong (%s) is not better than weak (%s): there is no gap to recover",
				number(f.curve.Strong().Quality), number(f.curve.Weak().Quality)))
		}
		if ci, ok := f.intervals["gap"]; ok && !(ci.lo > 0) {
			v.Warnings = append(v.Warnings, fmt.Sprintf("the gap between strong and weak, %s, is within noise (%s to %s)",
				number(f.curve.Gap()), number(ci.lo), number(ci.hi)))
		}
		return v
	}
}

// rated is a source that also needs win rates, so that there is a threshold to vary.
func rated(of func(*facts) float64) source {
	return func(f *facts, m metric) Value {
		v := gap(of)(f, m)
		if v.OK() && !f.rated {
			return missing(m.name, m.unit, Undefined, "the router makes no win rates, so there is no threshold to vary")
		}
		return v
	}
}

// paid is a source that also needs the prices of both sides.
func paid(of source) source {
	return func(f *facts, m metric) Value {
		v := of(f, m)
		switch {
		case !v.OK() || !math.IsNaN(v.Center):
			return v
		case f.unpriced > 0:
			return missing(m.name, m.unit, Unknown, fmt.Sprintf("%s of %s lack a price", grouped(float64(f.unpriced)), plural(len(f.pairs), "pair")))
		}
		return missing(m.name, m.unit, Undefined, "strong does not cost more than weak")
	}
}

func cpt(x float64) func(*facts) float64 {
	return func(f *facts) float64 {
		p, _ := f.curve.CPT(x) // with a gap, all of strong reaches any x up to 1
		return p.StrongShare
	}
}

// routeLLMBins is the number of bins that RouteLLM's evaluator uses by default.
const routeLLMBins = 10

func routeLLM(f *facts, m metric) Value {
	v := rated(func(*facts) float64 { return math.NaN() })(f, m)
	if !v.OK() {
		return v
	}
	var err error
	if v.Center, err = f.curve.APGRRouteLLM(routeLLMBins); err != nil {
		return missing(m.name, m.unit, Undefined, err.Error())
	}
	return v
}

// side is a source that one of the two candidates already holds.
func side(role string, of func(*Candidate) Value) source {
	return func(f *facts, m metric) Value {
		for i := range f.candidates {
			if f.candidates[i].Role == role {
				v := of(&f.candidates[i])
				v.Name = m.name
				return v
			}
		}
		return missing(m.name, m.unit, Undefined, "no result names the "+role+" candidate")
	}
}

func quality(f *facts, m metric) Value {
	switch {
	case f.n.answered == 0:
		return missing(m.name, m.unit, Undefined, "nothing was executed")
	case f.n.graded == 0:
		return missing(m.name, m.unit, Unknown, "no answer is graded")
	}
	v := known(m.name, m.unit, f.totalQuality/float64(f.n.graded), f.n.graded)
	if ungraded := f.n.answered - f.n.graded; ungraded > 0 {
		v.Warnings = append(v.Warnings, fmt.Sprintf("%s without a grade %s left out", plural(ungraded, "answer"), isAre(ungraded)))
	}
	return v
}

func totalCost(f *facts, m metric) Value {
	switch {
	case f.n.answered == 0:
		return missing(m.name, m.unit, Undefined, "nothing was executed")
	case f.n.unpriced > 0:
		return missing(m.name, m.unit, Unknown, fmt.Sprintf("%s of %s have no price", grouped(float64(f.n.unpriced)), plural(f.n.answered, "routed answer")))
	}
	return known(m.name, m.unit, f.totalCost, f.n.answered)
}

func errorRate(f *facts, m metric) Value {
	executed := f.n.failed + f.n.answered
	if executed == 0 {
		return missing(m.name, m.unit, Undefined, "nothing was executed")
	}
	return known(m.name, m.unit, float64(f.n.failed)/float64(executed), executed)
}
