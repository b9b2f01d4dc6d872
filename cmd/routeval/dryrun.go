package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/scoring"
)

// dryRun prints what a run would do, without a call: of no candidate, and of no
// embedding model either, so that the routes of a run that embeds over the network
// stay open.
func dryRun(ctx context.Context, w *world, r *resolved, like string) error {
	b, err := build(w, r)
	if err != nil {
		return err
	}
	defer b.close()
	expect, err := readExpectations(like)
	if err != nil {
		return err
	}
	routed := b.Embedder == nil
	if !routed {
		b.Embedder, b.Scorer = nil, scoring.AlwaysWeak // whose routes are not printed
	}
	f := forecast{candidates: b.Candidates, expect: expect, routed: map[string]*load{}, all: map[string]*load{}}
	prompts := datasets.Prompts(r.Input, datasets.Options{MaxLine: r.MaxLine, Stdin: w.stdin})
	bad := 0
	for p, err := range sieve(w, r.BadRows == datasets.SkipBadRows, &bad, b.Plan(ctx, prompts)) {
		if err != nil {
			return err
		}
		f.add(p)
	}
	return f.print(w.stdout, routed, b.Strong, b.Weak)
}

// A forecast adds up calls by candidate: those of the routed run, and those of a
// run in which one candidate answers everything.
type forecast struct {
	candidates map[string]pipeline.Candidate
	expect     map[string]expectation
	prompts    int
	recorded   int // prompts that need no call
	routed     map[string]*load
	all        map[string]*load
}

// load is calls of one candidate.
type load struct{ calls, bytes int }

func (f *forecast) add(p pipeline.Planned) {
	f.prompts++
	if len(p.Calls) == 0 {
		f.recorded++
	}
	for _, name := range p.Calls {
		count(f.routed, name, p.Bytes)
	}
	for name := range f.candidates {
		if _, ok := p.Result.Outcomes[name]; !ok {
			count(f.all, name, p.Bytes)
		}
	}
}

func count(loads map[string]*load, name string, bytes int) {
	l := loads[name]
	if l == nil {
		l = new(load)
		loads[name] = l
	}
	l.calls++
	l.bytes += bytes
}

// An expectation is what one answer of a candidate is like.
type expectation struct {
	tokens  float64       // of an answer, on average
	latency time.Duration // of a call, on average; 0 if not known
}

// readExpectations takes the means of an earlier run's answers.
func readExpectations(dir string) (map[string]expectation, error) {
	if dir == "" {
		return nil, nil
	}
	s, err := openRun(dir)
	if err != nil {
		return nil, err
	}
	n, tokens, latency := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for r, err := range s.results {
		if err != nil {
			return nil, err
		}
		for name, o := range r.Outcomes {
			if o.OK() && o.CompletionTokens != nil {
				n[name]++
				tokens[name] += float64(*o.CompletionTokens)
				latency[name] += float64(o.LatencyNS)
			}
		}
	}
	out := map[string]expectation{}
	for name := range n {
		out[name] = expectation{tokens[name] / n[name], time.Duration(latency[name] / n[name])}
	}
	return out, nil
}

// Bytes of a prompt to a token, and the share of an answer's bound, that a
// forecast reckons with where nothing better is known.
const (
	bytesPerTokenHigh = 1 // no token has less
	bytesPerToken     = 4
	bytesPerTokenLow  = 6
	expectedShare     = 0.25
)

// usd are the costs of a load in US dollars; false if the price is unknown.
func (f *forecast) usd(name string, l load) (low, expected, high float64, ok bool) {
	c := f.candidates[name]
	answer := expectedShare * float64(c.MaxTokens)
	e := f.expect[name]
	if e.tokens > 0 {
		answer = e.tokens
	}
	at := func(bytesPerToken, answer float64, latency time.Duration) float64 {
		in, out := int64(float64(l.bytes)/bytesPerToken), int64(answer*float64(l.calls))
		cost := c.Price.CostUSD(&datasets.Outcome{PromptTokens: &in, CompletionTokens: &out, LatencyNS: int64(latency) * int64(l.calls)})
		if cost == nil {
			return -1
		}
		return *cost
	}
	low = at(bytesPerTokenLow, min(1, answer), cmp.Or(e.latency, time.Second)/2)
	expected = at(bytesPerToken, answer, cmp.Or(e.latency, time.Second))
	high = at(bytesPerTokenHigh, float64(c.MaxTokens), c.Timeout)
	return low, expected, high, low >= 0
}

func (f *forecast) print(out io.Writer, routed bool, strong, weak string) error {
	fmt.Fprintf(out, "%d prompts, %d of them answered by recorded outcomes or by nobody. No call was made.\n\n", f.prompts, f.recorded)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tcalls\tshare\ttokens in\tlow\texpected\thigh\ttime\t")
	if routed {
		f.rows(t, f.routed, slices.Sorted(maps.Keys(f.routed)))
	} else {
		fmt.Fprintln(t, "routed\tunknown: prompts would have to be embedded\t")
	}
	for _, side := range []string{strong, weak} {
		f.row(t, "all "+side, map[string]*load{side: f.all[side]})
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, `
low: %d bytes of prompt to a token, answers of one token; high: one byte to a token, answers of max_tokens.
expected: %d bytes to a token, answers %s.
`, bytesPerTokenLow, bytesPerToken, f.basis())
	return err
}

func (f *forecast) basis() string {
	if f.expect != nil {
		return "and latencies as in the run that --like names"
	}
	return fmt.Sprintf("of %v of max_tokens (--like RUN takes an earlier run's instead, and gives the time)", expectedShare)
}

// rows prints a line for each candidate and one for all.
func (f *forecast) rows(t io.Writer, loads map[string]*load, names []string) {
	for _, name := range names {
		f.row(t, name, map[string]*load{name: loads[name]})
	}
	f.row(t, "routed", loads)
}

func (f *forecast) row(t io.Writer, title string, loads map[string]*load) {
	var sum load
	var low, expected, high float64
	var takes time.Duration
	priced, timed := true, true
	for name, l := range loads {
		if l == nil {
			continue
		}
		sum.calls += l.calls
		sum.bytes += l.bytes
		lo, ex, hi, ok := f.usd(name, *l)
		low, expected, high, priced = low+lo, expected+ex, high+hi, priced && ok
		latency := f.expect[name].latency
		timed = timed && latency > 0
		if c := f.candidates[name].Traffic; c != nil {
			takes = max(takes, latency*time.Duration(l.calls)/time.Duration(c.MaxSlots()))
		}
	}
	money := func(usd float64) string {
		if !priced {
			return "unknown"
		}
		return fmt.Sprintf("$%.4f", usd)
	}
	duration := "unknown"
	if timed {
		duration = takes.Round(max(time.Millisecond, takes.Truncate(time.Minute)/60)).String()
	}
	fmt.Fprintf(t, "%s\t%d\t%.1f %%\t%d\t%s\t%s\t%s\t%s\t\n", title, sum.calls, 100*float64(sum.calls)/float64(max(1, f.prompts)),
		sum.bytes/bytesPerToken, money(low), money(expected), money(high), duration)
}
