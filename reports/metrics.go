package reports

import (
	"fmt"
	"slices"
	"strings"
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

// metrics is the table, sorted by name. The intervals of aiq are a little too
// high in small samples, since a hull over noise is; see CHECKED.md.
var metrics = []metric{
	{"aiq", Ratio, "mean quality over all budgets between weak-only and strong-only, on the hull (RouterBench)", paid(rating(paired(func(f *facts) float64 { return f.curve.AIQ() })))},
	{"aiq_zero", Ratio, "AIQ of the zero router: of mixing single models at random", paid(compared(aiqZero))},
	{"apgr", Ratio, "mean PGR over all strong shares; 0.5 is routing at random", rating(gap(func(f *facts) float64 { return f.curve.APGR() }))},
	{"apgr_cost", Ratio, "APGR with cost for its axis; 0.5 is routing at random", paid(rating(gap(func(f *facts) float64 { return f.curve.APGRCost() })))},
	{"apgr_routellm", Ratio, "APGR as RouteLLM's evaluator computes it from 10 bins", routeLLM},
	{"arena_opt_accuracy", Share, "mean quality of the routed answers over that of the best there are (RouterArena)", compared(func(f *facts) float64 { return f.arena.accuracy })},
	{"arena_opt_cost", Share, "mean cost of the cheapest right answer over that of the routed answer, where that is right (RouterArena)", paid(compared(func(f *facts) float64 { return f.arena.cost }))},
	{"arena_opt_selection", Share, "share of the right answers that no right answer is cheaper than (RouterArena)", paid(compared(func(f *facts) float64 { return f.arena.selection }))},
	{"arena_score", Ratio, "RouterArena's score of quality and cost", paid(paired(routedArena))},
	{"auroc", Ratio, "how well win rates tell apart where strong is strictly better; 0.5 is not at all", calibrated(func(r *Reliability) Value { return r.AUROC })},
	{"best_single_cost_usd", USD, "cost of the best single model", paid(compared(func(f *facts) float64 { return f.bestSingle().CostUSD.Center }))},
	{"best_single_quality", Ratio, "quality of the single model that is best on these prompts", compared(func(f *facts) float64 { return f.bestSingle().Quality.Center })},
	{"brier", Ratio, "mean squared distance of win rate and whether strong was strictly better", calibrated(func(r *Reliability) Value { return r.Brier })},
	{"cost_saved", Share, "1 − cost_share", paid(paired(func(f *facts) float64 { return f.curve.Saved(f.routed) }))},
	{"cost_saved_100", Share, "cost saved at the threshold that keeps all of the strong model's quality", paid(rating(paired(saved(1))))},
	{"cost_saved_95", Share, "cost saved at the threshold that keeps 95 % of the strong model's quality", paid(rating(paired(saved(0.95))))},
	{"cost_saved_99", Share, "cost saved at the threshold that keeps 99 % of the strong model's quality", paid(rating(paired(saved(0.99))))},
	{"cost_share", Share, "cost of the routed answers over the cost of strong-only", paid(paired(func(f *facts) float64 { return f.curve.CostShare(f.routed) }))},
	{"cost_usd", USD, "cost of the routed answers of all prompts, and of routing where that is known", totalCost},
	{"cpt_20", Share, "smallest strong share with a PGR of at least 20 %", rating(gap(cpt(0.20)))},
	{"cpt_50", Share, "smallest strong share with a PGR of at least 50 %", rating(gap(cpt(0.50)))},
	{"cpt_80", Share, "smallest strong share with a PGR of at least 80 %", rating(gap(cpt(0.80)))},
	{"cpt_95", Share, "smallest strong share with a PGR of at least 95 %", rating(gap(cpt(0.95)))},
	{"deferral_area_100", Ratio, "mean quality over the budgets up to the cost of strong-only (UniRoute)", paid(rating(paired(func(f *facts) float64 { return f.curve.DeferralArea(1) })))},
	{"deferral_area_50", Ratio, "mean quality over the budgets up to half the cost of strong-only (UniRoute)", paid(rating(paired(func(f *facts) float64 { return f.curve.DeferralArea(0.5) })))},
	{"ece", Ratio, "expected calibration error of the win rates, in ten bins of equally many prompts", calibrated(func(r *Reliability) Value { return r.ECE })},
	{"error_rate", Share, "share of the executed prompts whose chosen model gave no answer", errorRate},
	{"gain_best_single", Ratio, "how much better than the best single model, as a share of its quality", compared(func(f *facts) float64 { return relative(f.routedTogether.Quality, f.bestSingle().Quality.Center) })},
	{"gain_random", Ratio, "how much better than routing at random with the same strong share, as a share of its quality", paired(func(f *facts) float64 {
		return relative(f.routed.Quality, f.curve.Random(f.routed.StrongShare).Quality)
	})},
	{"gap", Ratio, "quality of strong-only minus quality of weak-only", paired(func(f *facts) float64 { return f.curve.Gap() })},
	{"judge_calls", Count, "calls of the judge that graded the answers, retries included", judged(judgeCalls)},
	{"judge_cost_usd", USD, "what its verdicts cost; it is in no other cost", judged(judgeCost)},
	{"judge_error_rate", Share, "share of its verdicts that could not be had: failed calls, and replies that hold none", judged(judgeErrors)},
	{"oracle_all_cost_usd", USD, "cost of the cheapest of each prompt's best answers, of all candidates", paid(compared(func(f *facts) float64 { return f.oracleAll.CostUSD }))},
	{"oracle_all_quality", Ratio, "quality if each prompt had the best answer of all candidates", compared(func(f *facts) float64 { return f.oracleAll.Quality })},
	{"oracle_apgr", Ratio, "the most that APGR can be on these pairs", gap(func(f *facts) float64 { return f.oracle.APGR() })},
	{"oracle_gap", Ratio, "how far below oracle_all_quality, as a share of it", compared(func(f *facts) float64 { return -relative(f.routedTogether.Quality, f.oracleAll.Quality) })},
	{"oracle_quality", Ratio, "quality if each prompt had its better answer", paired(func(f *facts) float64 { return f.oracle.Best().Quality })},
	{"oracle_share", Share, "share of prompts on which strong is strictly better", paired(func(f *facts) float64 { return f.oracle.Best().StrongShare })},
	{"pairs", Count, "prompts on which both models' outcomes are known and graded", func(f *facts, m metric) Value { return known(m.name, m.unit, float64(len(f.pairs)), f.n.prompts) }},
	{"pgr", Ratio, "share of the gap between weak-only and strong-only that routing kept", gap(func(f *facts) float64 { return f.routed.PGR })},
	{"position_bias", Share, "share of the judged pairs whose two orders disagree and so tie", judged(positionBias)},
	{"prompts", Count, "prompts in the run", func(f *facts, m metric) Value { return known(m.name, m.unit, float64(f.n.prompts), f.n.prompts) }},
	{"qnc", Ratio, "cost of being as good as the best single model, over that model's cost (UniRoute)", paid(rating(compared(qnc)))},
	{"quality", Ratio, "mean quality of the routed answers", quality},
	{"random_quality", Ratio, "quality of routing at random with the same strong share", paired(func(f *facts) float64 { return f.curve.Random(f.routed.StrongShare).Quality })},
	{"routing_cost_usd", USD, "cost of making the win rates", routingCost},
	{"strong_cost_usd", USD, "cost of strong-only", paid(paired(func(f *facts) float64 { return f.alone(f.curve.Strong()).CostUSD }))},
	{"strong_error_rate", Share, "share of the strong model's calls without an answer", side("strong", func(c *Candidate) Value { return c.ErrorRate })},
	{"strong_latency_p50_s", Seconds, "median latency of the strong model", side("strong", func(c *Candidate) Value { return c.LatencyP50 })},
	{"strong_latency_p95_s", Seconds, "95th percentile of the strong model's latency", side("strong", func(c *Candidate) Value { return c.LatencyP95 })},
	{"strong_latency_p99_s", Seconds, "99th percentile of the strong model's latency", side("strong", func(c *Candidate) Value { return c.LatencyP99 })},
	{"strong_quality", Ratio, "quality of strong-only", paired(func(f *facts) float64 { return f.curve.Strong().Quality })},
	{"strong_share", Share, "share of the prompts routed to the strong model", func(f *facts, m metric) Value {
		return known(m.name, m.unit, float64(f.n.routedStrong)/float64(f.n.prompts), f.n.prompts)
	}},
	{"weak_cost_usd", USD, "cost of weak-only", paid(paired(func(f *facts) float64 { return f.alone(f.curve.Weak()).CostUSD }))},
	{"weak_error_rate", Share, "share of the weak model's calls without an answer", side("weak", func(c *Candidate) Value { return c.ErrorRate })},
	{"weak_latency_p50_s", Seconds, "median latency of the weak model", side("weak", func(c *Candidate) Value { return c.LatencyP50 })},
	{"weak_latency_p95_s", Seconds, "95th percentile of the weak model's latency", side("weak", func(c *Candidate) Value { return c.LatencyP95 })},
	{"weak_latency_p99_s", Seconds, "99th percentile of the weak model's latency", side("weak", func(c *Candidate) Value { return c.LatencyP99 })},
	{"weak_quality", Ratio, "quality of weak-only", paired(func(f *facts) float64 { return f.curve.Weak().Quality })},
	{"zero_quality", Ratio, "quality of the zero router, of mixing single models at random, for the cost of the routed answers", paid(compared(func(f *facts) float64 { return f.field.zero.at(f.routed.CostUSD) }))},
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
		values[i] = f.withInterval(m.value(f, m))
	}
	return values
}

// value is the one of that name, which must be in the table.
func (f *facts) value(name string) Value {
	i, ok := slices.BinarySearchFunc(metrics, name, func(m metric, name string) int { return strings.Compare(m.name, name) })
	if !ok {
		panic(fmt.Sprintf("reports: no metric %q", name))
	}
	return f.withInterval(metrics[i].value(f, metrics[i]))
}

func (f *facts) withInterval(v Value) Value {
	if ci, ok := f.intervals[v.Name]; ok && v.OK() {
		v.Lo, v.Hi = ci.lo, ci.hi
	}
	return v
}
