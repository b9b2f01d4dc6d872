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

	"routeval/datasets"
	"routeval/providers"
	"routeval/providers/traffic"
)

// execute routes items and executes them in order: as they come or, with a Chunk,
// model by model.
func (r *run) execute(feed context.Context, items iter.Seq2[item, error]) error {
	defer close(r.results)
	if r.Chunk > 0 {
		return r.executeGrouped(feed, items)
	}
	callers := newCallers(cmp.Or(r.Window, DefaultWindow))
	defer callers.wait()
	for p, err := range r.planned(feed, items) {
		if err != nil {
			return err
		}
		// Whoever does it waits for its candidate's slots, so that a slow candidate
		// keeps nobody from a fast one until the window is full.
		callers.do(func() { r.call(p.it, p.result, p.todo) })
	}
	return nil
}

// A pending prompt is routed and waits for its calls.
type pending struct {
	it      *item
	result  *datasets.Result
	todo    []string // the candidates that have yet to answer; none if only the judge has
	stopped bool     // the run was stopped before they all did
}

// planned routes items and gives, in order, those that wait for a call. What needs
// none is finished on the way.
func (r *run) planned(feed context.Context, items iter.Seq2[item, error]) iter.Seq2[*pending, error] {
	return func(yield func(*pending, error) bool) {
		for b, err := range r.inBatches(feed, items, r.routeBatch) {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range b.items {
				if feed.Err() != nil {
					return
				}
				it := &b.items[i]
				result, todo := r.plan(it)
				if len(todo) == 0 && r.Judge == nil {
					r.finish(it, result, nil)
				} else if !yield(&pending{it: it, result: result, todo: todo}, nil) {
					return
				}
			}
		}
	}
}

// call has the candidates named in todo answer a prompt, another stand in for the
// chosen one if it failed, and hands on the result. If the run is stopped before
// the last of them answered the prompt is not finished.
func (r *run) call(it *item, result *datasets.Result, todo []string) {
	if len(todo) == 0 {
		r.judgeOnly(it, result)
		return
	}
	release := r.ask(it, result, todo)
	if release == nil {
		return
	}
	if _, called := result.Outcomes[r.OnFailure]; !called && r.needsFallback(result) {
		// The slots held are given back first: nobody holds one and waits for another
		// in an order of his own.
		release()
		if release = r.ask(it, result, []string{r.OnFailure}); release == nil {
			return
		}
	}
	r.markFallback(result)
	r.finish(it, result, release)
}

// ask waits for a slot of every candidate named, calls them side by side and takes
// their outcomes into the result. It returns what gives the slots back, to be
// called when the result is on disk: what a crash can cost is then bounded by the
// slots. Nil means that the run was stopped.
func (r *run) ask(it *item, result *datasets.Result, names []string) (release func()) {
	if release = r.acquire(names); release == nil {
		return nil
	}
	worst := r.worst(it, names)
	if err := r.purse.reserve(worst); err != nil {
		r.stop(err)
		release()
		return nil
	}
	outcomes := make([]*datasets.Outcome, len(names))
	var wg sync.WaitGroup
	for i, name := range names[1:] {
		wg.Go(func() { outcomes[i+1] = r.complete(it, name) })
	}
	outcomes[0] = r.complete(it, names[0])
	wg.Wait()
	r.purse.settle(worst, paid(outcomes, worst))
	if slices.Contains(outcomes, nil) {
		release()
		return nil
	}
	for i, o := range outcomes {
		if it.warning != "" {
			o.Warnings = append(o.Warnings, it.warning)
		}
		result.Outcomes[names[i]] = *o
	}
	return release
}

// needsFallback reports whether the chosen candidate was called and failed, and
// another is there to stand in for it.
func (r *run) needsFallback(result *datasets.Result) bool {
	chosen, called := result.Outcomes[result.Route]
	return called && !chosen.OK() && r.OnFailure != "" && r.OnFailure != result.Route
}

// markFallback notes of an answer that it stands in for the chosen candidate's.
func (r *run) markFallback(result *datasets.Result) {
	if o := result.Outcomes[r.OnFailure]; r.needsFallback(result) && o.OK() {
		o.FallbackFor = result.Route
		result.Outcomes[r.OnFailure] = o
	}
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
// end of the run, nor against a grader that has failed for good. durable, if not nil, is called once the result is on disk.
func (r *run) finish(it *item, result *datasets.Result, durable func()) {
	if r.Judge != nil {
		if free, err := r.Judge.acquire(r.calls); err == nil { // else no call is made
			defer free()
		}
	}
	r.halt(r.grade(r.calls, r.purse, it.prompt.Query(), result))
	r.results <- done{result, durable}
}

// judgeOnly finishes a result that needs no call but the judge's. If the run is
// stopped before it is judged the prompt is not finished: nothing was paid for but
// verdicts, which are kept by themselves.
func (r *run) judgeOnly(it *item, result *datasets.Result) {
	free, err := r.Judge.acquire(r.feed)
	if err != nil {
		return
	}
	defer free()
	if r.halt(r.grade(r.calls, r.purse, it.prompt.Query(), result)) == nil {
		r.results <- done{result, nil}
	}
}
