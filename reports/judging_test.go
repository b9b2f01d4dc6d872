package reports

import (
	"math"
	"strings"
	"testing"

	"routeval/datasets"
)

// Counted by hand from six prompts.
func TestJudging(t *testing.T) {
	shown := func(first, second, winner string) datasets.Verdict {
		return datasets.Verdict{Shown: []string{first, second}, Winner: winner}
	}
	pair := func(one, other string) []datasets.Verdict {
		return []datasets.Verdict{shown("strong", "weak", one), shown("weak", "strong", other)}
	}
	failed := datasets.Verdict{Shown: []string{"strong", "weak"}, Error: "no verdict"}
	results := simulated(1, 6, 1, 0)
	for i, verdicts := range [][]datasets.Verdict{
		pair("strong", "strong"), pair("strong", "weak"), pair("weak", "strong"), pair("tie", "strong"), {failed},
	} {
		results[i].Judged = &datasets.Judged{Model: "judge-1", Calls: len(verdicts) + i%2, CostUSD: new(0.25), Verdicts: verdicts}
	}
	r, err := Build(t.Context(), sequence(results), Options{Strong: "strong", Weak: "weak", Draws: -1})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"judge_calls": 11, "judge_cost_usd": 1.25, "judge_error_rate": 1. / 9, "position_bias": 0.75} {
		if v := r.must(name); math.Abs(v.Center-want) > 1e-12 {
			t.Errorf("%s: %+v, want %v", name, v, want)
		}
	}
	want := "judge-1 judged the answers to 5 prompts in 11 calls for $1.25, which is in no cost here; 1 of 9 verdicts could not be had; " +
		"position bias: its two orders disagree on 3 of 4 pairs, which count as ties (1 for the first place, 1 for the second)."
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, want) {
		t.Errorf("notes %s", notes)
	}

	results[0].Judged.CostUSD = nil
	r, _ = Build(t.Context(), sequence(results), Options{Strong: "strong", Weak: "weak", Draws: -1})
	if v := r.must("judge_cost_usd"); v.Missing != Unknown {
		t.Errorf("%+v", v)
	}
	r, _ = Build(t.Context(), sequence(simulated(1, 6, 1, 0)), Options{Strong: "strong", Weak: "weak", Draws: -1})
	if v := r.must("position_bias"); v.Missing != Undefined {
		t.Errorf("%+v", v)
	}
}
