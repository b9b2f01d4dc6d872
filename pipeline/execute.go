package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
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
	if r.Chunk > 0 {
		return r.executeGrouped(feed, items)
	}
	lanes := newLanes(cmp.Or(r.Window, DefaultWindow), r.call, r.lane)
	defer lanes.wait()
	for p, err := range r.planned(feed, items) {
		if err != nil {
			return err
		}
		lanes.put(p)
	}
	return nil
}

// lane names the scarcest candidate that has yet to answer a prompt, and how many may
// call it; the judge's own, "", if only that has.
func (r *run) lane(p *pending) (name string, callers int) {
	for _, name := range r.scarcest {
		if slices.Contains(p.todo, name) {
			return name, r.slots(name)
		}
	}
	if r.Judge != nil {
		return "", r.Judge.slots()
	}
	return "", 1
}

// slots is how many prompts a candidate may have in hand at most.
func (p *Pipeline) slots(name string) int {
	if c := p.Candidates[name].Traffic; c != nil {
		return c.MaxSlots()
	}
	return 1
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
			if !r.planBatch(feed, b, yield) {
				return
			}
		}
	}
}

// planBatch does so for a batch. What needs no call is written together.
func (r *run) planBatch(feed context.Context, b *batch, yield func(*pending, error) bool) (more bool) {
	var ready []done
	put := func() {
		r.out.put(ready...)
		ready = nil
	}
	defer put()
	for i := range b.items {
		if feed.Err() != nil {
			return false
		}
		it := &b.items[i]
		result, todo := r.plan(it)
		if len(todo) == 0 && r.Judge == nil {
			r.halt(r.grade(r.calls, r.purse, it.prompt.Query(), result))
			ready = append(ready, done{result, nil})
			continue
		}
		put() // somebody else may wait long
		if !yield(&pending{it: it, result: result, todo: todo}, nil) {
			return false
		}
	}
	return true
}

// call has the candidates that are to do so answer a prompt, and hands on the result. If
// the chosen one failed it asks for another turn, in which another stands in. If the run
// is stopped before the last of them answered the prompt is not finished.
func (r *run) call(p *pending) (more bool) {
	if len(p.todo) == 0 {
		r.judgeOnly(p.it, p.result)
		return false
	}
	release := r.ask(p.it, p.result, p.todo)
	if release == nil {
		return false
	}
	if _, called := p.result.Outcomes[r.OnFailure]; !called && r.needsFallback(p.result) {
		// The slots held are given back first: nobody holds one and waits for another
		// in an order of his own.
		release()
		p.todo = []string{r.OnFailure}
		return true
	}
	r.markFallback(p.result)
	r.finish(p.it, p.result, release)
	return false
}

// ask waits for a slot of every candidate named, calls them side by side and takes
// their outcomes into the result. It returns what gives the slots back, to be
// called when the result is written: what a kill can cost is then bounded by the
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
// back; nil if the run was stopped.
func (r *run) acquire(names []string) (release func()) {
	held := make([]traffic.Slot, 0, len(names))
	release = func() {
		for _, s := range held {
			s.Release()
		}
	}
	for _, name := range r.scarcest {
		if !slices.Contains(names, name) {
			continue
		}
		slot, err := r.Candidates[name].Traffic.Acquire(r.feed)
		if err != nil {
			release()
			return nil
		}
		held = append(held, slot)
	}
	return release
}

// scarcestFirst names the candidates that have slots in the order in which a call of
// several takes them: in a fixed order nobody waits in a circle, and whoever waits for
// a slow candidate keeps nobody from a fast one.
func (p *Pipeline) scarcestFirst() []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(p.Candidates)), func(name string) bool { return p.Candidates[name].Traffic == nil })
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(p.slots(a), p.slots(b))
	})
	return names
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

// finish grades the outcomes of a result and hands it to the writer, a grader that has
// failed for good notwithstanding: an answer that was paid for is kept. Written is called
// once it is.
func (r *run) finish(it *item, result *datasets.Result, written func()) {
	if r.Judge != nil {
		if free, err := r.Judge.acquire(r.calls); err == nil { // else no call is made
			defer free()
		}
	}
	r.halt(r.grade(r.calls, r.purse, it.prompt.Query(), result))
	r.out.put(done{result, written})
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
		r.out.put(done{result, nil})
	}
}
