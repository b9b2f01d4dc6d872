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
)

// execute routes items and executes them in order. What needs no call is
// finished at once; the rest gets a goroutine that waits for its candidate's
// slots, so that a slow candidate keeps nobody from a fast one until the window is
// full.
func (r *run) execute(feed context.Context, items iter.Seq2[item, error]) error {
	var g errgroup.Group
	g.SetLimit(cmp.Or(r.Window, DefaultWindow))
	defer func() { g.Wait(); close(r.results) }()
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
			g.Go(func() error { r.call(feed, it, result, todo); return nil })
		}
	}
	return nil
}

// call waits for a slot of every candidate named in todo, runs them side by side
// and hands on the result with their outcomes. The slots are given back when the
// result is on disk: what a crash can cost is then bounded by the slots. If the
// run is stopped before the last of them answered the prompt is not finished.
func (r *run) call(feed context.Context, it *item, result *datasets.Result, todo []string) {
	release := r.acquire(feed, todo)
	if release == nil {
		return
	}
	worst := r.worst(it, todo)
	if err := r.purse.reserve(worst); err != nil {
		r.stop(err)
		release()
		return
	}
	outcomes := make([]*datasets.Outcome, len(todo))
	var wg sync.WaitGroup
	for i, name := range todo[1:] {
		wg.Go(func() { outcomes[i+1] = r.complete(it, name) })
	}
	outcomes[0] = r.complete(it, todo[0])
	wg.Wait()
	r.purse.settle(worst, paid(outcomes, worst))
	for i, o := range outcomes {
		if o == nil {
			release()
			return
		}
		if it.warning != "" {
			o.Warnings = append(o.Warnings, it.warning)
		}
		result.Outcomes[todo[i]] = *o
	}
	r.finish(it, result, release)
}

// acquire takes a slot of every candidate named and returns what gives them
// back; nil if the run was stopped. The scarcest comes first: in a fixed order
// nobody waits in a circle, and whoever waits for a slow candidate keeps nobody
// from a fast one.
func (r *run) acquire(feed context.Context, names []string) (release func()) {
	slots := make([]chan struct{}, len(names))
	for i, name := range names {
		slots[i] = r.slots[name]
	}
	slices.SortStableFunc(slots, func(a, b chan struct{}) int { return cmp.Compare(cap(a), cap(b)) })
	release = func() {
		for _, s := range slots {
			<-s
		}
	}
	for i, s := range slots {
		select {
		case s <- struct{}{}:
			if feed.Err() == nil {
				continue
			}
			<-s
		case <-feed.Done():
		}
		slots = slots[:i]
		release()
		return nil
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
	latency := time.Since(start)
	if err != nil {
		return r.failed(c, err, answer, latency)
	}
	o := outcome(c, answer, latency)
	return &o
}

// failed is the outcome of a failed call, or nil where the failure is the
// run's: a call that was cut short, or an error that every call would meet.
func (r *run) failed(c Candidate, err error, answer providers.Completion, latency time.Duration) *datasets.Outcome {
	if r.calls.Err() != nil {
		return nil
	}
	var e *providers.Error
	if errors.As(err, &e) && e.Class == providers.Fatal {
		r.stop(err)
		return nil
	}
	return &datasets.Outcome{
		Model: c.Model, Failure: failure(err), LatencyNS: int64(latency), Attempts: max(1, answer.Attempts),
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
