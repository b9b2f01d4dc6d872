package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"routeval/datasets"
	"routeval/providers"
	"routeval/providers/traffic"
)

// execute routes items and executes them in order. What needs no call is
// finished at once; the rest gets a goroutine that waits for its candidate's
// slots, so that a slow candidate keeps nobody from a fast one until the window is
// full.
func (r *run) execute(feed context.Context, items iter.Seq2[item, error]) error {
	var g errgroup.Group
	callers := newCallers(&g, cmp.Or(r.Window, DefaultWindow))
	defer func() { callers.end(); g.Wait(); close(r.results) }()
	for b, err := range r.inBatches(feed, items, r.routeBatch) {
		if err != nil {
			return err
		}
		for i := range b.items {
			if feed.Err() != nil {
				return nil
			}
			it := &b.items[i]
			result, todo := r.plan(it)
			if len(todo) == 0 {
				r.finish(it, result, nil)
				continue
			}
			callers.do(func() { r.call(it, result, todo) })
		}
	}
	return nil
}

// callers are goroutines that carry prompts through their calls. One that is done
// takes the next: its stack has grown to what a call needs, and growing it anew for
// every prompt took a quarter of the executor's time.
type callers struct {
	group *errgroup.Group
	jobs  chan func() // taken by whoever is idle
	most  int         // callers
	n     int
}

func newCallers(g *errgroup.Group, most int) *callers {
	return &callers{group: g, jobs: make(chan func()), most: most}
}

// do hands a job to an idle caller, to a new one, or to the first that is done.
func (c *callers) do(job func()) {
	select {
	case c.jobs <- job:
		return
	default:
	}
	if c.n == c.most {
		c.jobs <- job
		return
	}
	c.n++
	c.group.Go(func() error {
		job()
		for job := range c.jobs {
			job()
		}
		return nil
	})
}

// end sends the callers home once they are done.
func (c *callers) end() { close(c.jobs) }

// call waits for a slot of every candidate named in todo, runs them side by side
// and hands on the result with their outcomes. The slots are given back when the
// result is on disk: what a crash can cost is then bounded by the slots. If the
// run is stopped before the last of them answered the prompt is not finished.
func (r *run) call(it *item, result *datasets.Result, todo []string) {
	release := r.acquire(todo)
	if release == nil {
		return
	}
	outcomes := make([]*datasets.Outcome, len(todo))
	var wg sync.WaitGroup
	for i, name := range todo[1:] {
		wg.Go(func() { outcomes[i+1] = r.complete(it, name) })
	}
	outcomes[0] = r.complete(it, todo[0])
	wg.Wait()
	for i, o := range outcomes {
		if o == nil {
			release()
			return
		}
		it.record(result, todo[i], o)
	}
	if failed := result.Outcomes[result.Route]; !failed.OK() && r.OnFailure != "" && r.OnFailure != result.Route {
		if release = r.fallBack(it, result, release); release == nil {
			return
		}
	}
	r.finish(it, result, release)
}

// fallBack has the candidate for failures stand in for the one that failed, if it
// did not answer already. The slots held are given back first: nobody holds one and
// waits for another in an order of his own. It returns what gives back the slot
// that is held then; nil if the run was stopped.
func (r *run) fallBack(it *item, result *datasets.Result, held func()) (release func()) {
	o, called := result.Outcomes[r.OnFailure]
	if called {
		if o.OK() {
			o.FallbackFor = result.Route
			result.Outcomes[r.OnFailure] = o
		}
		return held
	}
	held()
	if release = r.acquire([]string{r.OnFailure}); release == nil {
		return nil
	}
	answer := r.complete(it, r.OnFailure)
	if answer == nil {
		release()
		return nil
	}
	answer.FallbackFor = result.Route
	it.record(result, r.OnFailure, answer)
	return release
}

// record takes an outcome into the result, with what is to be said of the prompt.
func (it *item) record(result *datasets.Result, name string, o *datasets.Outcome) {
	if it.warning != "" {
		o.Warnings = append(o.Warnings, it.warning)
	}
	result.Outcomes[name] = *o
}

// acquire takes a slot of every candidate named and returns what gives them
// back; nil if the run was stopped. The scarcest comes first: in a fixed order
// nobody waits in a circle, and whoever waits for a slow candidate keeps nobody
// from a fast one.
func (r *run) acquire(names []string) (release func()) {
	controllers := make([]*traffic.Controller, 0, len(names))
	for _, name := range slices.Sorted(slices.Values(names)) {
		if c := r.Candidates[name].Traffic; c != nil {
			controllers = append(controllers, c)
		}
	}
	slices.SortStableFunc(controllers, func(a, b *traffic.Controller) int { return cmp.Compare(a.MaxSlots(), b.MaxSlots()) })
	held := make([]traffic.Slot, 0, len(controllers))
	release = func() {
		for _, s := range held {
			s.Release()
		}
	}
	for _, c := range controllers {
		slot, err := c.Acquire(r.feed)
		if err != nil {
			release()
			return nil
		}
		held = append(held, slot)
	}
	return release
}

// complete calls one candidate. Nil means that the run was stopped and nothing
// can be said of the prompt.
func (r *run) complete(it *item, name string) *datasets.Outcome {
	c := r.Candidates[name]
	if c.Completer == nil {
		return &datasets.Outcome{Model: c.Model, Failure: &datasets.Failure{
			Class:   string(providers.Rejected),
			Message: fmt.Sprintf("models.%s: the prompt has no recorded outcome of %q or %q", name, name, c.Model),
		}}
	}
	start := time.Now()
	answer, err := c.Completer.Complete(r.calls, request(&it.prompt))
	latency := cmp.Or(answer.Latency, time.Since(start))
	if err != nil {
		return r.failed(c, err, answer, latency)
	}
	o := outcome(c, answer, latency)
	return &o
}

// failed is the outcome of a failed call, or nil where the failure is the
// run's: a call that was cut short, or an error that every call would meet.
func (r *run) failed(c Candidate, err error, answer providers.Completion, latency time.Duration) *datasets.Outcome {
	if r.calls.Err() != nil || r.feed.Err() != nil && errors.Is(err, r.feed.Err()) {
		return nil
	}
	var e *providers.Error
	attempts := max(1, answer.Attempts)
	if errors.As(err, &e) {
		attempts = max(attempts, e.Attempts)
	}
	if e != nil && e.Class == providers.Fatal {
		r.stop(err)
		return nil
	}
	return &datasets.Outcome{
		Model: c.Model, Failure: failure(err), LatencyNS: int64(latency), Attempts: attempts,
	}
}

func outcome(c Candidate, a providers.Completion, latency time.Duration) datasets.Outcome {
	o := datasets.Outcome{
		Model:            cmp.Or(a.Model, c.Model),
		Answer:           a.Text,
		Message:          a.Message,
		FinishReason:     a.FinishReason,
		PromptTokens:     a.Usage.PromptTokens,
		CompletionTokens: a.Usage.CompletionTokens,
		CachedTokens:     a.Usage.CachedTokens,
		ReasoningTokens:  a.Usage.ReasoningTokens,
		LatencyNS:        int64(latency),
		LoadNS:           int64(a.LoadTime),
		Attempts:         max(1, a.Attempts),
		Warnings:         a.Warnings,
	}
	o.CostUSD = c.Price.CostUSD(&o)
	return o
}

func request(p *datasets.Prompt) providers.Request {
	messages := make([]providers.Message, len(p.Messages))
	for i, m := range p.Messages {
		messages[i] = providers.Message(m)
	}
	return providers.Request{Messages: messages, Body: p.Request}
}

// finish grades the outcomes of a result and hands it to the writer, which
// drains to the end: an answer that was paid for never loses a race against the
// end of the run. durable, if not nil, is called once the result is on disk.
func (r *run) finish(it *item, result *datasets.Result, durable func()) {
	r.grade(r.calls, it, result)
	r.results <- done{result, durable}
}
