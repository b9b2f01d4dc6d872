package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"routeval/datasets"
	"routeval/providers"
	"routeval/providers/traffic"
	"routeval/scoring"
)

// A Pipeline is a run made of objects: what a spec names, resolved. Its fields
// are set once and then only read.
type Pipeline struct {
	Scorer     scoring.Scorer
	Embedder   providers.Embedder // nil where the scorer reads text only
	Threshold  float64            // win rate >= Threshold goes strong
	Thresholds map[string]float64 // those of the categories that have one of their own
	Strong     string             // name of the candidate on the strong side
	Weak       string             // and on the weak side

	Candidates map[string]Candidate
	Execute    datasets.Execute
	BothShare  float64 // share of prompts, in [0,1], on which every candidate is called
	Seed       uint64
	// OnFailure names the candidate that is called when the one that a prompt was
	// routed to gave no answer; "" for none.
	OnFailure string

	Grader    scoring.Grader // nil for no grades, or where there is a judge
	GradeKind string         // what outcomes say graded them
	Judge     *Judge         // nil if no language model grades

	// BudgetUSD bounds what all sessions of the run may spend on calls; nil for no
	// bound. With one, every candidate that is called needs a price.
	BudgetUSD *float64

	Batch      Batch
	EmbedSlots int           // embedding requests at a time; at least 1
	Chunk      int           // above 0: prompts are executed model by model, so many at a time
	Window     int           // prompts between routing and the journal; 0 for DefaultWindow
	Grace      time.Duration // for calls in flight once the context of Run has ended

	// BadRow is told of every row that cannot be read. The run goes on if it
	// returns nil and ends with its error otherwise.
	BadRow func(*datasets.RowError) error
	// Finished is told of results once they are on disk, in the order of the
	// journal, by one goroutine; nil for nobody. It must not keep them.
	Finished func([]*datasets.Result)
}

// A Candidate is a model that prompts may be routed to.
type Candidate struct {
	Model     string              // its name as its endpoint knows it; recorded outcomes may go by it
	Completer providers.Completer // nil where only recorded outcomes answer
	Traffic   *traffic.Controller // gives slots to prompts; nil where Completer is
	MaxTokens int                 // bound on an answer, for the budget
	Timeout   time.Duration       // bound on a call, likewise
	Price     *datasets.Price     // nil if unknown
}

// Batch bounds one embedding request.
type Batch struct {
	Items int // texts; 0 for DefaultBatchItems
	Bytes int // of text; 0 for DefaultBatchBytes; one text may be longer
}

const (
	DefaultWindow     = 4096
	DefaultBatchItems = 256
	DefaultBatchBytes = 1 << 20
)

// Summary says what one session of a run did.
type Summary struct {
	Read     int64 // rows, bad ones included
	BadRows  int64
	Skipped  int64 // finished by earlier sessions
	Finished int64 // by this one
	Failed   int64 // of these, without an answer
}

// Run carries prompts through the pipeline until they end or something stops it.
// A prompt that the journal j already holds is skipped; one that comes twice is a
// bad row.
//
// When ctx ends no new call begins, calls in flight have Grace to end, and what
// they answered is written; Run then returns the cause. A fatal error of a
// provider (a wrong key, a missing model) stops the run in the same way. A
// failure that concerns one prompt is in that prompt's result and stops nothing.
func (p *Pipeline) Run(ctx context.Context, prompts iter.Seq2[datasets.Prompt, error], j *Journal) (Summary, error) {
	// Three lifetimes: feeding ends with ctx or the first error, calls end a
	// grace later, and the writer ends when there is nothing left to write.
	feed, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	defer context.AfterFunc(feed, func() { time.AfterFunc(p.Grace, kill) })()

	r := &run{
		Pipeline: p, journal: j, feed: feed, calls: providers.WithStop(calls, feed), stop: stop,
		scarcest: p.scarcestFirst(),
	}
	r.out = newWriter(j, r.halt, r.count)
	if p.BudgetUSD != nil {
		r.purse = &purse{budget: *p.BudgetUSD, spent: j.Tally().CostUSD}
	}
	r.halt(r.execute(feed, r.fresh(prompts)))
	r.out.close()

	if err := context.Cause(feed); err != nil {
		return r.summary, err
	}
	return r.summary, nil
}

// run is the state of one Run.
type run struct {
	*Pipeline
	journal *Journal
	feed    context.Context         // as long as new calls begin
	calls   context.Context         // of every call
	stop    context.CancelCauseFunc // ends the feeding; the first cause is the run's error

	out *writer

	scarcest []string // the candidates that have slots, see scarcestFirst
	purse    *purse
	last     string // the candidate that a grouped run called last

	summary Summary
}

// halt stops the feeding for an error and passes it on.
func (r *run) halt(err error) error {
	if err != nil {
		r.stop(err)
	}
	return err
}

// count is told of results once they are on disk.
func (r *run) count(results []*datasets.Result) {
	for _, result := range results {
		r.summary.Finished++
		if Failed(result) {
			r.summary.Failed++
		}
	}
	if r.Finished != nil {
		r.Finished(results)
	}
}

// fresh gives the prompts that are not finished. Bad rows are told of and left
// out, unless that ends the run.
func (r *run) fresh(prompts iter.Seq2[datasets.Prompt, error]) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		for prompt, err := range prompts {
			seq := r.summary.Read
			r.summary.Read++
			if err == nil {
				var skip bool
				if skip, err = r.known(&prompt); skip {
					r.summary.Skipped++
					continue
				}
			}
			if err != nil {
				if err = r.badRow(err); err == nil {
					continue
				}
			}
			if !yield(item{prompt: prompt, seq: seq}, err) || err != nil {
				return
			}
		}
	}
}

// known reports whether a prompt is finished; one that this session has met
// before is a bad row.
func (r *run) known(prompt *datasets.Prompt) (skip bool, err error) {
	before := r.journal.keys.set(prompt.ID, seen)
	if before&seen != 0 {
		return false, &datasets.RowError{Pos: prompt.Pos, Err: fmt.Errorf("id %q was met before: give every prompt an id of its own", prompt.ID)}
	}
	return before&finished != 0, nil
}

func (r *run) badRow(err error) error {
	var row *datasets.RowError
	if !errors.As(err, &row) {
		return err
	}
	r.summary.BadRows++
	return r.BadRow(row)
}
