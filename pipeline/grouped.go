package pipeline

import (
	"context"
	"iter"
	"slices"
)

// DefaultChunk is how many prompts a grouped run executes together.
const DefaultChunk = 1000

// executeGrouped routes a chunk of prompts and then executes it model by model: a
// local server that keeps one model loaded loads each at most once a chunk, where
// calls that alternate would have it load one for every prompt. What a crash can
// cost is bounded by the chunk where several candidates answer a prompt, and by
// the slots otherwise.
func (r *run) executeGrouped(feed context.Context, items iter.Seq2[item, error]) error {
	chunk := make([]*pending, 0, r.Chunk)
	for p, err := range r.planned(feed, items) {
		if err != nil {
			return err
		}
		if len(p.todo) == 0 {
			r.judgeOnly(p.it, p.result)
			continue
		}
		if chunk = append(chunk, p); len(chunk) == r.Chunk {
			r.runChunk(chunk)
			chunk = chunk[:0]
		}
	}
	r.runChunk(chunk)
	return nil
}

// runChunk executes a chunk, one candidate after the other, and then what the
// candidate for failures has to stand in for.
func (r *run) runChunk(chunk []*pending) {
	for _, name := range r.order(chunk) {
		r.runPhase(chunk, name)
	}
	r.runPhase(chunk, r.OnFailure)
}

// order names the candidates that a chunk calls. That which was called last comes
// first, since its model is the one that is loaded.
func (r *run) order(chunk []*pending) []string {
	var names []string
	for _, p := range chunk {
		for _, name := range p.todo {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	if i := slices.Index(names, r.last); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, r.last)
	}
	return names
}

// runPhase has one candidate answer all prompts of the chunk that wait for it.
func (r *run) runPhase(chunk []*pending, name string) {
	lanes := newLanes(len(chunk),
		func(p *pending) bool { r.answer(p, name); return false },
		func(*pending) (string, int) { return name, r.slots(name) })
	defer lanes.wait()
	for _, p := range chunk {
		if !p.stopped && slices.Contains(p.todo, name) {
			r.last = name
			lanes.put(p)
		}
	}
}

// answer has one candidate answer a prompt, and finishes the prompt if no other
// has to.
func (r *run) answer(p *pending, name string) {
	release := r.ask(p.it, p.result, []string{name})
	if release == nil {
		p.stopped = true
		return
	}
	p.todo = slices.DeleteFunc(p.todo, func(n string) bool { return n == name })
	if len(p.todo) == 0 && r.needsFallback(p.result) {
		if _, called := p.result.Outcomes[r.OnFailure]; !called {
			p.todo = []string{r.OnFailure}
		}
	}
	if len(p.todo) > 0 {
		release()
		return
	}
	r.markFallback(p.result)
	r.finish(p.it, p.result, release)
}
