package reports

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"routeval/datasets"
)

// A Candidate is what one model did in a run, whether or not the router chose
// it. Its quality and cost are those of the prompts it was called on; where
// only chosen models were called, those are different prompts for each.
type Candidate struct {
	Name     string
	Role     string         // "strong", "weak", or "" for a third one
	Routed   int            // prompts routed to it
	Outcomes int            // prompts on which it was called or has a recorded outcome
	Failures map[string]int // of these, those without an answer, by class of failure
	Retries  int            // calls beyond the first of each prompt
	Warned   int            // answers that carry a warning
	StoodIn  int            // outcomes on prompts that were routed to another one, which failed

	ErrorRate        Value // failures over outcomes
	Quality          Value // mean over its graded answers
	CostUSD          Value // sum over its answers, and over failed calls that were billed
	PromptTokens     Value // sum over its answers
	CompletionTokens Value // sum over its answers
	CachedTokens     Value // of PromptTokens, those read from the endpoint's cache
	ReasoningTokens  Value // of CompletionTokens, those not shown
	Throughput       Value // completion tokens per second of its answers' latency, one call alone
	LoadTime         Value // seconds that its endpoint spent loading the model, summed over its answers
	LatencyP50       Value // seconds from sending the call to the whole answer
	LatencyP95       Value
	LatencyP99       Value
}

// maxCandidates bounds what a damaged file can make us hold.
const maxCandidates = 1000

// tally folds the outcomes of one candidate.
type tally struct {
	number                                     uint16 // in the order of appearance
	routed, outcomes, answers, retries, warned int
	stoodIn                                    int // answers in place of another candidate that had failed
	failures                                   map[string]int
	quality                                    sum
	graded                                     int
	cost                                       money
	promptTokens, completionTokens             tokens
	cachedTokens, reasoningTokens              tokens
	timedTokens, timedNS, loadNS               float64 // completion tokens and latency of answers that have both; loading
	loadsKnown                                 int     // answers that say how long the model was loading
	latencies                                  []int64 // ns; those that are known
}

// tokens is a sum of token counts. It is a float64 so that no file can
// overflow it.
type tokens struct {
	total   float64
	unknown int
}

func (t *tokens) add(n *int64) {
	if n == nil {
		t.unknown++
		return
	}
	t.total += float64(*n)
}

func (f *rows) tally(r *datasets.Result) error {
	if r.Route != "" {
		c, err := f.candidate(r.Route)
		if err != nil {
			return err
		}
		c.routed++
	}
	for name, o := range r.Outcomes {
		c, err := f.candidate(name)
		if err != nil {
			return err
		}
		c.add(&o)
	}
	return nil
}

func (f *rows) candidate(name string) (*tally, error) {
	c := f.candidates[name]
	if c == nil {
		if len(f.candidates) == maxCandidates {
			return nil, fmt.Errorf("more than %d candidates", maxCandidates)
		}
		c = &tally{number: uint16(len(f.candidates)), failures: make(map[string]int)}
		f.candidates[name] = c
	}
	return c, nil
}

func (c *tally) add(o *datasets.Outcome) {
	c.outcomes++
	if o.FallbackFor != "" {
		c.stoodIn++
	}
	c.retries += max(o.Attempts-1, 0)
	if len(o.Warnings) > 0 {
		c.warned++
	}
	if !o.OK() {
		c.failures[cmp.Or(o.Failure.Class, "unclassified")]++
		if o.CostUSD != nil {
			c.cost.add(*o.CostUSD, 1)
		}
		return
	}
	c.answers++
	c.cost.add(orNaN(o.CostUSD), 1)
	c.promptTokens.add(o.PromptTokens)
	c.completionTokens.add(o.CompletionTokens)
	c.cachedTokens.add(o.CachedTokens)
	c.reasoningTokens.add(o.ReasoningTokens)
	if o.Quality != nil {
		c.graded++
		c.quality.add(*o.Quality)
	}
	if o.LatencyNS > 0 {
		c.latencies = append(c.latencies, o.LatencyNS)
		if o.CompletionTokens != nil {
			c.timedTokens += float64(*o.CompletionTokens)
			c.timedNS += float64(o.LatencyNS)
		}
	}
	if o.LoadNS > 0 {
		c.loadNS += float64(o.LoadNS)
		c.loadsKnown++
	}
}

// finish makes the candidates of a report: strong, weak, then the others by name.
func (f *rows) finish() []Candidate {
	names := slices.SortedFunc(maps.Keys(f.candidates), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.rank(a), f.rank(b)), cmp.Compare(a, b))
	})
	var list []Candidate
	for _, name := range names {
		list = append(list, f.candidates[name].finish(name, f.role(name), f.opts.Confidence))
	}
	return list
}

func (f *rows) role(name string) string {
	switch name {
	case f.opts.Strong:
		return "strong"
	case f.opts.Weak:
		return "weak"
	}
	return ""
}

func (f *rows) rank(name string) int {
	switch name {
	case f.opts.Strong:
		return 0
	case f.opts.Weak:
		return 1
	}
	return 2
}

func (c *tally) finish(name, role string, confidence float64) Candidate {
	out := Candidate{
		Name: name, Role: role, Routed: c.routed, Outcomes: c.outcomes,
		Failures: c.failures, Retries: c.retries, Warned: c.warned, StoodIn: c.stoodIn,
	}
	prefix := ""
	if role != "" {
		prefix = role + "_"
	}
	out.ErrorRate = missing(prefix+"error_rate", Share, Undefined, neverCalled)
	if failed := c.outcomes - c.answers; c.outcomes > 0 {
		out.ErrorRate = known(prefix+"error_rate", Share, float64(failed)/float64(c.outcomes), c.outcomes)
		out.ErrorRate.Lo, out.ErrorRate.Hi = wilson(failed, c.outcomes, confidence)
	}
	out.Quality = c.absent(prefix+"quality", Ratio, "its answers have no grades")
	if c.graded > 0 {
		out.Quality = known(prefix+"quality", Ratio, c.quality.value()/float64(c.graded), c.graded)
	}
	out.CostUSD = c.total(prefix+"cost_usd", USD, "no price", c.cost.value(), c.cost.unknown)
	out.PromptTokens = c.total(prefix+"prompt_tokens", Count, "no number of prompt tokens", c.promptTokens.total, c.promptTokens.unknown)
	out.CompletionTokens = c.total(prefix+"completion_tokens", Count, "no number of completion tokens", c.completionTokens.total, c.completionTokens.unknown)
	out.CachedTokens = c.total(prefix+"cached_tokens", Count, "no number of cached tokens", c.cachedTokens.total, c.cachedTokens.unknown)
	out.ReasoningTokens = c.total(prefix+"reasoning_tokens", Count, "no number of reasoning tokens", c.reasoningTokens.total, c.reasoningTokens.unknown)
	out.Throughput = c.absent(prefix+"throughput", PerSecond, "no answer has both a latency and a number of completion tokens")
	if c.timedNS > 0 {
		out.Throughput = known(prefix+"throughput", PerSecond, c.timedTokens/(c.timedNS/1e9), c.answers)
	}
	out.LoadTime = c.absent(prefix+"load_s", Seconds, "its endpoint does not say how long it was loading")
	if c.loadsKnown > 0 {
		out.LoadTime = known(prefix+"load_s", Seconds, c.loadNS/1e9, c.loadsKnown)
	}

	slices.Sort(c.latencies)
	out.LatencyP50 = c.latency(prefix+"latency_p50_s", 0.50)
	out.LatencyP95 = c.latency(prefix+"latency_p95_s", 0.95)
	out.LatencyP99 = c.latency(prefix+"latency_p99_s", 0.99)
	return out
}

const neverCalled = "never called"

// absent is a value that no answer gives; reason says why if there are answers.
func (c *tally) absent(name string, unit Unit, reason string) Value {
	switch {
	case c.outcomes == 0:
		return missing(name, unit, Undefined, neverCalled)
	case c.answers == 0:
		return missing(name, unit, Undefined, "it gave no answer")
	}
	return missing(name, unit, Unknown, reason)
}

// total is a sum over the answers; one that lacks its part makes it unknown.
func (c *tally) total(name string, unit Unit, lack string, total float64, unknown int) Value {
	if c.answers == 0 || unknown > 0 {
		return c.absent(name, unit, fmt.Sprintf("%s of its %s have %s", grouped(float64(unknown)), plural(c.answers, "answer"), lack))
	}
	return known(name, unit, total, c.answers)
}

// latency is the percentile by nearest rank: the smallest latency that a share
// p of the calls did not exceed. latencies must be sorted.
func (c *tally) latency(name string, p float64) Value {
	n := len(c.latencies)
	if n == 0 {
		return c.absent(name, Seconds, "no latency is recorded")
	}
	rank := int(math.Ceil(p * float64(n)))
	return known(name, Seconds, float64(c.latencies[max(rank, 1)-1])/1e9, n)
}
