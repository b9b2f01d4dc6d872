package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"routeval/datasets"
	"routeval/providers"
	"routeval/scoring"
)

// A Judge grades with a language model: it rates answers one by one, or compares
// the two of a prompt. Its slots are prompts at a time; it is asked about a prompt's
// answers one after the other.
type Judge struct {
	Candidate        // the model that judges
	Settings  string // all that decides its replies besides the question, for the key of Verdicts
	Kind      string // what outcomes say graded them
	Single    *scoring.SingleJudge
	Pair      *scoring.PairJudge // in place of Single
	Verdicts  *Verdicts          // replies that are paid for; nil if none are kept
}

// acquire takes a slot of the judge and returns what gives it back.
func (j *Judge) acquire(ctx context.Context) (release func(), err error) {
	if j.Traffic == nil {
		return func() {}, nil
	}
	slot, err := j.Traffic.Acquire(ctx)
	return slot.Release, err
}

// slots is how many prompts may be judged at a time.
func (j *Judge) slots() int {
	if j.Traffic == nil {
		return 1
	}
	return j.Traffic.MaxSlots()
}

// judgeDoubt begins the warning that a judge's service gave.
const judgeDoubt = "judge: "

func (j *Judge) grade(ctx context.Context, purse *purse, strong, weak, query string, result *datasets.Result) error {
	h := &hearing{Judge: j, purse: purse, query: query, result: result, judged: datasets.Judged{
		CostUSD: new(0.0), PromptTokens: new(int64(0)), CompletionTokens: new(int64(0)),
	}}
	var err error
	if j.Pair != nil {
		err = h.pair(ctx, strong, weak)
	} else {
		err = h.single(ctx)
	}
	if len(h.judged.Verdicts) > 0 {
		result.Judged = &h.judged
	}
	return err
}

// A hearing is the judging of one prompt's answers. It is the [scoring.Judge] that
// keeps the accounts.
type hearing struct {
	*Judge
	purse  *purse
	query  string
	result *datasets.Result
	judged datasets.Judged
	doubts []string // of the service, about its last reply
}

// single has every answer rated, until an error that every answer would meet.
func (h *hearing) single(ctx context.Context) error {
	var broken error
	for _, name := range ungraded(h.result) {
		o := h.result.Outcomes[name]
		if broken != nil {
			h.settle(name, nil, notGraded+broken.Error())
			continue
		}
		verdict := datasets.Verdict{Shown: []string{name}}
		rating, quality, err := h.Single.Rate(ctx, h, scoring.Answer{Query: h.query, Text: o.Answer, Reference: h.result.Reference})
		if err == nil {
			verdict.Rating = rating
			h.settle(name, &quality, "")
		}
		broken = h.note(ctx, verdict, err)
	}
	return broken
}

// pair has the answers of both sides compared, in both orders. Answers that are
// equal to the letter tie, and nobody is asked.
func (h *hearing) pair(ctx context.Context, strong, weak string) error {
	todo := ungraded(h.result)
	if !slices.Contains(todo, strong) || !slices.Contains(todo, weak) {
		return nil // nothing to compare, or the grades came with the prompt
	}
	p := scoring.Pair{
		Query: h.query, Reference: h.result.Reference,
		Strong: h.result.Outcomes[strong].Answer, Weak: h.result.Outcomes[weak].Answer,
	}
	verdicts := [2]scoring.Verdict{scoring.Tie, scoring.Tie}
	for i, shown := range [][]string{{strong, weak}, {weak, strong}} {
		if p.Strong == p.Weak {
			break
		}
		v, err := h.Pair.Compare(ctx, h, p, shown[0] == strong)
		verdict := datasets.Verdict{Shown: shown}
		if err == nil {
			verdict.Winner = map[scoring.Verdict]string{scoring.AWins: strong, scoring.BWins: weak, scoring.Tie: datasets.Tie}[v]
		}
		if broken := h.note(ctx, verdict, err); err != nil {
			return broken
		}
		verdicts[i] = v
	}
	a, b := scoring.Join(verdicts[0], verdicts[1])
	h.settle(strong, &a, "")
	h.settle(weak, &b, "")
	return nil
}

// note keeps a verdict, or why there is none, and what the answers shown must
// carry as warnings. The error is one that every answer would meet.
func (h *hearing) note(ctx context.Context, v datasets.Verdict, err error) error {
	if err != nil {
		v.Error = err.Error()
	}
	h.judged.Verdicts = append(h.judged.Verdicts, v)
	for _, name := range v.Shown {
		for _, doubt := range h.doubts {
			h.settle(name, h.result.Outcomes[name].Quality, judgeDoubt+doubt)
		}
		if err != nil {
			h.settle(name, nil, notGraded+err.Error())
		}
	}
	h.doubts = nil
	if err != nil {
		return everyones(ctx, err)
	}
	return nil
}

// settle sets the quality of an outcome and adds a warning, if there are any.
func (h *hearing) settle(name string, quality *float64, warning string) {
	o := h.result.Outcomes[name]
	if quality != nil {
		o.Quality, o.Grader = quality, h.Kind
	}
	if warning != "" {
		o.Warnings = append(o.Warnings, warning)
	}
	h.result.Outcomes[name] = o
}

// Ask implements [scoring.Judge]: it takes a reply that is there, or pays for one.
func (h *hearing) Ask(ctx context.Context, q scoring.Question) (string, error) {
	key := keyOf(h.Settings, q)
	r, ok, err := h.Verdicts.find(key)
	if err != nil {
		return "", &scoring.BrokenError{Err: fmt.Errorf("verdicts: %w", err)}
	}
	if !ok {
		if r, err = h.call(ctx, q); err != nil {
			return "", err
		}
		r.Key = key
		if err := h.Verdicts.add(r); err != nil {
			return "", &scoring.BrokenError{Err: fmt.Errorf("verdicts: %w", err)}
		}
	}
	h.account(&r)
	return r.Text, nil
}

// call calls the model.
func (h *hearing) call(ctx context.Context, q scoring.Question) (r reply, err error) {
	worst, _ := h.Price.WorstUSD(len(q.System)+len(q.User), h.MaxTokens, h.Timeout)
	if err := h.purse.reserve(worst); err != nil {
		return r, err
	}
	defer func() { h.purse.settle(worst, r.paid(worst, err)) }()
	start := time.Now()
	a, err := h.Completer.Complete(ctx, providers.Request{Messages: []providers.Message{
		{Role: "system", Content: q.System}, {Role: "user", Content: q.User},
	}})
	var failed *providers.Error
	switch {
	case errors.As(err, &failed):
		h.judged.Calls += max(1, failed.Attempts)
		if failed.Class == providers.Fatal {
			return r, &scoring.BrokenError{Err: err}
		}
		return r, err
	case err != nil:
		return r, err
	}
	o := outcome(h.Candidate, a, time.Since(start))
	return reply{
		Text: a.Text, Model: o.Model, Calls: o.Attempts, PromptTokens: o.PromptTokens, CompletionTokens: o.CompletionTokens,
		CostUSD: o.CostUSD, Warnings: o.Warnings,
	}, nil
}

// paid is what a reply cost; at its worst if nobody knows.
func (r *reply) paid(worst float64, err error) float64 {
	switch {
	case err != nil:
		return 0
	case r.CostUSD == nil:
		return worst
	}
	return *r.CostUSD
}

// account adds a reply to what the judging cost.
func (h *hearing) account(r *reply) {
	j := &h.judged
	j.Model = cmp.Or(j.Model, r.Model)
	j.Calls += r.Calls
	j.CostUSD = plus(j.CostUSD, r.CostUSD)
	j.PromptTokens = plus(j.PromptTokens, r.PromptTokens)
	j.CompletionTokens = plus(j.CompletionTokens, r.CompletionTokens)
	h.doubts = r.Warnings
}

// plus adds quantities of which one may be unknown; then so is the sum.
func plus[T int64 | float64](a, b *T) *T {
	if a == nil || b == nil {
		return nil
	}
	return new(*a + *b)
}
