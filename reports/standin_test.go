package reports

import (
	"iter"
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
	f, err := readRows(each(all), Options{Strong: "strong", Weak: "weak"})
	if err != nil {
		t.Fatal(err)
	}
	if f.n.fellBack != 1 || f.n.answered != 2 || f.n.failed != 1 || f.n.failedPairs != 0 {
		t.Errorf("%+v", f.n)
	}
	if got := f.list[0].routedCost; got != 3 {
		t.Errorf("the prompt cost %v, want 3", got)
	}
	for _, c := range f.finish() {
		if want := map[string]int{"strong": 1}[c.Name]; c.StoodIn != want {
			t.Errorf("%s stood in %d times, want %d", c.Name, c.StoodIn, want)
		}
	}
	if notes := strings.Join((&facts{n: f.n}).notes(), "\n"); !strings.Contains(notes, "1 prompt answered by another model") {
		t.Errorf("notes %q", notes)
	}
}

func each(all []datasets.Result) iter.Seq2[datasets.Result, error] {
	return func(yield func(datasets.Result, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}
