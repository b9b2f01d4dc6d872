package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"routeval/datasets"
	"routeval/pipeline"
)

// Away from a terminal progress is a line every few seconds: how many prompts, how
// fast in this session, how long still, what it cost as far as that is known.
func TestProgressLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newProgress(&world{stderr: &out}, false, 1000, pipeline.Tally{Prompts: 400, Failed: 1, CostUSD: 1.5})
		p.finished(answered(50, 0.01))
		if out.Len() > 0 {
			t.Errorf("prints at once: %q", &out)
		}
		time.Sleep(5 * time.Second)
		p.finished(answered(50, 0.01))
		time.Sleep(5 * time.Second)
		unpriced := answered(100, 0)
		unpriced[0].Outcomes["strong"] = datasets.Outcome{Failure: &datasets.Failure{}}
		p.finished(unpriced)
		p.end()
		want := "500/1000 prompts, 20/s, ETA 25s, $2.5000, 1 failed\n" +
			"600/1000 prompts, 20/s, ETA 20s, $2.5000 and 99 answers of unknown price, 2 failed\n"
		if out.String() != want {
			t.Errorf("got %q\nwant %q", &out, want)
		}
	})
	var out strings.Builder
	p := newProgress(&world{stderr: &out}, true, -1, pipeline.Tally{})
	p.printed = time.Time{}
	p.finished(answered(1, 1))
	if out.Len() > 0 {
		t.Errorf("a quiet one prints %q", &out)
	}
}

// On a terminal it is a bar, which ends in one newline.
func TestProgressBar(t *testing.T) {
	var out strings.Builder
	p := newProgress(&world{stderr: &out, terminal: true}, false, 100, pipeline.Tally{Prompts: 40})
	p.finished(answered(60, 0.5))
	p.end()
	got := out.String()
	if !strings.Contains(got, "(100/100") || !strings.Contains(got, "$30.0000") {
		t.Errorf("the bar is %q", got)
	}
	if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") {
		t.Errorf("ends in %q, want one newline", got[max(0, len(got)-20):])
	}
}

// answered are n results of the strong candidate; a price of 0 is unknown.
func answered(n int, usd float64) []*datasets.Result {
	results := make([]*datasets.Result, n)
	for i := range results {
		o := datasets.Outcome{Answer: "x"}
		if usd > 0 {
			o.CostUSD = &usd
		}
		results[i] = &datasets.Result{Route: "strong", Outcomes: map[string]datasets.Outcome{"strong": o}}
	}
	return results
}
