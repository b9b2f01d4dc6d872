package reports

import (
	"slices"
	"strings"
	"testing"

	"routeval/datasets"
)

// One that stands in answers for the prompt, at the price of both, and is counted apart; it makes no
// pair, for it was not called at random.
func TestStandIn(t *testing.T) {
	quality, cost, billed := 0.5, 2.0, 1.0
	ok := datasets.Outcome{Quality: &quality, CostUSD: &cost}
	standIn := ok
	standIn.FallbackFor = "weak"
	failed := datasets.Outcome{CostUSD: &billed, Failure: &datasets.Failure{Class: "transient", Message: "busy"}}
	rate := 0.1
	all := []datasets.Result{
		{PromptID: "a", WinRate: &rate, Route: "weak", Outcomes: map[string]datasets.Outcome{"weak": failed, "strong": standIn}},
		{PromptID: "b", WinRate: &rate, Route: "weak", Outcomes: map[string]datasets.Outcome{"weak": ok}},
		{PromptID: "c", WinRate: &rate, Route: "weak", Outcomes: map[string]datasets.Outcome{"weak": failed}},
	}
	r, err := Build(t.Context(), stream(all), Options{Strong: "strong", Weak: "weak"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Candidates {
		if want := map[string]int{"strong": 1}[c.Name]; c.StoodIn != want {
			t.Errorf("%s stood in %d times, want %d", c.Name, c.StoodIn, want)
		}
	}
	notes := strings.Join(r.Notes, "\n")
	if !strings.Contains(notes, "1 prompt answered by another model") || !strings.Contains(notes, "1 prompt without an answer") || strings.Contains(notes, "a failure on one side") {
		t.Errorf("notes %q", notes)
	}
	i := slices.IndexFunc(r.Values, func(v Value) bool { return v.Name == "cost_usd" })
	if i < 0 || r.Values[i].Center != 2+1+2+1 {
		t.Errorf("%+v, want 6 for two answers and two failures that were billed", r.Values)
	}
}
