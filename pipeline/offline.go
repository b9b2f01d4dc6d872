package pipeline

import (
	"context"
	"errors"
	"iter"

	"routeval/datasets"
)

// Offline routes prompts and takes over their recorded outcomes, graded and
// priced, in order, without a call of a candidate or a judge and without a journal. It
// follows the stream rule of package datasets; a prompt that cannot be scored is
// a result with a failure.
func (p *Pipeline) Offline(ctx context.Context, prompts iter.Seq2[datasets.Prompt, error]) iter.Seq2[datasets.Result, error] {
	offline := *p
	offline.Execute, offline.Judge = datasets.RouteOnly, nil
	return stream(ctx, &offline, prompts, offline.routeBatch, func(it *item) (datasets.Result, error) {
		result, _ := offline.plan(it)
		err := offline.grade(ctx, nil, it.prompt.Query(), result)
		return *result, err
	})
}

// A Planned prompt is what a run would do with it.
type Planned struct {
	Result datasets.Result // with its recorded outcomes alone
	Calls  []string        // the candidates that would be called
	Bytes  int             // of the prompt as it would be sent
	Asks   []Ask           // what the judge would be asked, if every call brings an answer
}

// An Ask is a question to the judge.
type Ask struct {
	Bytes int      // of it, without the answers that have yet to come
	Shown []string // the candidates whose answers have yet to come
}

// Plan says what a run would do with prompts, in order, without a call of a
// candidate and without a journal.
func (p *Pipeline) Plan(ctx context.Context, prompts iter.Seq2[datasets.Prompt, error]) iter.Seq2[Planned, error] {
	return stream(ctx, p, prompts, p.routeBatch, func(it *item) (Planned, error) {
		result, calls := p.plan(it)
		planned := Planned{Result: *result, Calls: calls, Bytes: promptBytes(&it.prompt)}
		if p.Judge != nil && it.failure == nil {
			var err error
			if planned.Asks, err = p.Judge.asks(ctx, p.Strong, p.Weak, it.prompt.Query(), result, calls); err != nil {
				return planned, err
			}
		}
		return planned, nil
	})
}

// Embeddings embeds prompts, in order, by the stream rule of package datasets: a
// prompt whose text cannot be embedded is a [*datasets.RowError].
func (p *Pipeline) Embeddings(ctx context.Context, prompts iter.Seq2[datasets.Prompt, error]) iter.Seq2[datasets.Embedding, error] {
	return stream(ctx, p, prompts, p.embedBatch, func(it *item) (datasets.Embedding, error) {
		if it.failure != nil {
			return datasets.Embedding{}, &datasets.RowError{Pos: it.prompt.Pos, Err: errors.New(it.failure.Message)}
		}
		return datasets.Embedding{ID: it.prompt.ID, Vector: it.vector}, nil
	})
}

// stream has prompts worked on in batches and yields what finish makes of each,
// bad rows in their places.
func stream[T any](ctx context.Context, p *Pipeline, prompts iter.Seq2[datasets.Prompt, error],
	work func(context.Context, *batch) error, finish func(*item) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		for b, err := range p.inBatches(ctx, everyRow(prompts), work) {
			if err != nil {
				yield(zero, err)
				return
			}
			for i := range b.items {
				v, err := zero, b.items[i].row
				if err == nil {
					v, err = finish(&b.items[i])
				}
				if !yield(v, err) {
					return
				}
			}
		}
	}
}

// everyRow makes items of all rows, bad ones too.
func everyRow(prompts iter.Seq2[datasets.Prompt, error]) iter.Seq2[item, error] {
	return func(yield func(item, error) bool) {
		seq := int64(0)
		for prompt, err := range prompts {
			var row *datasets.RowError
			if err != nil && !errors.As(err, &row) {
				yield(item{}, err)
				return
			}
			if !yield(item{prompt: prompt, seq: seq, row: err}, nil) {
				return
			}
			seq++
		}
	}
}
