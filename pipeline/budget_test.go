package pipeline

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"testing"
	"time"

	"routeval/datasets"
	"routeval/providers"
)

// A run with a budget stops before it could pass it, whatever was in flight, and a
// larger budget takes it up again. The judge adds up what a service billed.
func TestBudgetIsNeverPassed(t *testing.T) {
	path := filepath.Join(t.TempDir(), JournalFile)
	p, strong, weak := testPipeline(1000)
	price := &datasets.Price{InputUSDPerMTok: ptr(10.0), OutputUSDPerMTok: ptr(1000.0)}
	for name, c := range p.Candidates {
		c.Price, c.MaxTokens, c.Timeout, c.Traffic = price, 100, time.Minute, slots(16)
		p.Candidates[name] = c
	}
	billed := 0.0
	answer := func(_ context.Context, query string) (providers.Completion, error) {
		in, out := int64(len(query)), int64(1+len(query)*30) // at most 91 of 100
		return providers.Completion{Text: query, Usage: providers.Usage{PromptTokens: &in, CompletionTokens: &out}}, nil
	}
	strong.answer, weak.answer = answer, answer
	sessions := 0
	for budget := 5.0; ; budget += 20 {
		p.BudgetUSD = &budget
		j := openJournal(t, path)
		_, err := p.Run(t.Context(), prompts(1000), j)
		billed = j.Tally().CostUSD
		j.Close()
		if billed > budget {
			t.Fatalf("billed $%v of a budget of $%v", billed, budget)
		}
		if err == nil {
			break
		}
		var e *BudgetError
		if !errors.As(err, &e) {
			t.Fatal(err)
		}
		// What was left was less than the worst case of 16 calls of each side.
		if most := 33 * e.NextUSD; budget-billed > most {
			t.Errorf("stopped at $%v of $%v, though the next call costs at most $%v", billed, budget, e.NextUSD)
		}
		sessions++
	}
	if got := readJournal(t, path); len(got) != 1000 || sessions < 2 {
		t.Errorf("%d lines after %d sessions", len(got), sessions)
	}
	if calls := strong.total() + weak.total(); calls != 1000 {
		t.Errorf("%d calls for 1000 prompts", calls)
	}
	want := 0.0
	for i := range 1000 {
		n := len(prompt(i).Messages[0].Content)
		want += (10*float64(n) + 1000*float64(1+n*30)) / 1e6
	}
	if math.Abs(billed-want) > 1e-9 {
		t.Errorf("billed $%v, want $%v", billed, want)
	}
}

// An answer whose tokens the service did not count is taken at its worst.
func TestUnknownCostCountsAtItsWorst(t *testing.T) {
	p, _, weak := testPipeline(1000)
	price := &datasets.Price{InputUSDPerMTok: ptr(0.0), OutputUSDPerMTok: ptr(1e6)} // a dollar a token
	p.Candidates["weak"] = Candidate{Model: "small", Completer: weak, Traffic: slots(1), Price: price, MaxTokens: 10}
	p.BudgetUSD = ptr(35.0)
	_, s, err := run1(t, p, prompts(100))
	if e := (*BudgetError)(nil); !errors.As(err, &e) || s.Finished != 3 {
		t.Errorf("%d finished, %v; want 3 at $10 each", s.Finished, err)
	}
}
