package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
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
	f := forecast{candidates: maps.Clone(b.Candidates), expect: expect, routed: map[string]*load{}, all: map[string]*load{}}
	if b.Judge != nil {
		f.candidates[judgeRole], f.judged = b.Judge.Candidate, &load{}
	}
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

// judgeRole is the judge's name in a forecast. No candidate can have it.
const judgeRole = "the judge"

// A forecast adds up calls by candidate: those of the routed run, and those of a
// run in which one candidate answers everything.
type forecast struct {
	candidates map[string]pipeline.Candidate
	expect     map[string]expectation
	prompts    int
	recorded   int // prompts that need no call
	routed     map[string]*load
	judged     *load // of the routed run; nil without a judge
	all        map[string]*load
}

// load is calls of one candidate, or of the judge.
type load struct {
	calls, bytes int
	shown        map[string]int // how often the judge is shown an answer that has yet to come, by candidate
}

func (f *forecast) add(p pipeline.Planned) {
	f.prompts++
	if len(p.Calls) == 0 {
		f.recorded++
	}
	for _, name := range p.Calls {
		count(f.routed, name, p.Bytes)
	}
	for name := range f.candidates {
		if _, ok := p.Result.Outcomes[name]; !ok && name != judgeRole {
			count(f.all, name, p.Bytes)
		}
	}
	for _, ask := range p.Asks {
		f.judged.calls++
		f.judged.bytes += ask.Bytes
		for _, name := range ask.Shown {
			if f.judged.shown == nil {
				f.judged.shown = map[string]int{}
			}
			f.judged.shown[name]++
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
		if j := r.Judged; j != nil && j.CompletionTokens != nil && j.Calls > 0 {
			n[judgeRole] += float64(j.Calls)
			tokens[judgeRole] += float64(*j.CompletionTokens)
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

// answer is how many tokens an answer of a candidate has, as expected.
func (f *forecast) answer(name string) float64 {
	if e := f.expect[name]; e.tokens > 0 {
		return e.tokens
	}
	return expectedShare * float64(f.candidates[name].MaxTokens)
}

// The three answers that a forecast reckons with.
func least(f *forecast, name string) float64    { return min(1, f.answer(name)) }
func expected(f *forecast, name string) float64 { return f.answer(name) }
func most(f *forecast, name string) float64     { return float64(f.candidates[name].MaxTokens) }

// in is how many tokens are read.
func (f *forecast) in(l load, bytesPerToken float64, answer func(*forecast, string) float64) float64 {
	n := float64(l.bytes) / bytesPerToken
	for name, times := range l.shown {
		n += float64(times) * answer(f, name)
	}
	return n
}

// usd are the costs of a load in US dollars; false if the price is unknown.
func (f *forecast) usd(name string, l load) (low, mid, high float64, ok bool) {
	c := f.candidates[name]
	latency := cmp.Or(f.expect[name].latency, time.Second)
	at := func(bytesPerToken float64, answer func(*forecast, string) float64, latency time.Duration) float64 {
		in, out := int64(f.in(l, bytesPerToken, answer)), int64(answer(f, name)*float64(l.calls))
		cost := c.Price.CostUSD(&datasets.Outcome{PromptTokens: &in, CompletionTokens: &out, LatencyNS: int64(latency) * int64(l.calls)})
		if cost == nil {
			return -1
		}
		return *cost
	}
	low = at(bytesPerTokenLow, least, latency/2)
	mid = at(bytesPerToken, expected, latency)
	high = at(bytesPerTokenHigh, most, c.Timeout)
	return low, mid, high, low >= 0
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
	switch {
	case f.judged == nil:
	case routed:
		f.row(t, judgeRole, map[string]*load{judgeRole: f.judged})
	default:
		fmt.Fprintln(t, judgeRole+"\tunknown likewise\t")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if f.judged != nil && routed {
		fmt.Fprintln(out, "\nThe judge grades the answers of the routed run; what it costs comes on top.")
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
	var calls int
	var tokens, low, mid, high float64
	var takes time.Duration
	priced, timed := true, true
	for name, l := range loads {
		if l == nil {
			continue
		}
		calls += l.calls
		tokens += f.in(*l, bytesPerToken, expected)
		lo, mi, hi, ok := f.usd(name, *l)
		low, mid, high, priced = low+lo, mid+mi, high+hi, priced && ok
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
	fmt.Fprintf(t, "%s\t%d\t%.1f %%\t%.0f\t%s\t%s\t%s\t%s\t\n", title, calls, 100*float64(calls)/float64(max(1, f.prompts)),
		math.Floor(tokens), money(low), money(mid), money(high), duration)
}
