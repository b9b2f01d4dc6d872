package pipeline

import (
	"cmp"
	"context"
	"iter"

	"golang.org/x/sync/errgroup"

	"routeval/datasets"
)

// item is a prompt on its way.
type item struct {
	prompt  datasets.Prompt
	seq     int64
	row     error             // of a row that could not be read; nothing else is set then
	vector  []float32         // its embedding; nil until there is one, and where none is needed
	winRate float64           // once it is scored
	result  *datasets.Result  // of a prompt that is finished and graded anew; nil otherwise
	failure *datasets.Failure // why it could not be embedded or scored
	warning string            // a doubt about its embedding; "" if there is none
}

// batch is a group of items that are embedded and scored together.
type batch struct {
	items []item
	bytes int
	ready chan struct{} // closed when the batch has been worked on
	err   error         // why nothing comes after the batch; read after ready
}

func newBatch() *batch { return &batch{ready: make(chan struct{})} }

// add appends an item and reports whether the batch is full.
func (b *batch) add(it item, bound Batch) (full bool) {
	b.items = append(b.items, it)
	b.bytes += len(it.prompt.Query())
	return len(b.items) >= cmp.Or(bound.Items, DefaultBatchItems) || b.bytes >= cmp.Or(bound.Bytes, DefaultBatchBytes)
}

// inBatches makes batches of items, has EmbedSlots of them worked on at a time,
// and yields them in order. An error, of the items or of the work, is the last
// thing yielded. The goroutines end with the loop; at most a few batches are
// ahead of it.
func (p *Pipeline) inBatches(ctx context.Context, items iter.Seq2[item, error], work func(context.Context, *batch) error) iter.Seq2[*batch, error] {
	return func(yield func(*batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		slots := max(1, p.EmbedSlots)
		queue, ordered := make(chan *batch, slots), make(chan *batch, 2*slots)
		var g errgroup.Group
		defer g.Wait()
		defer cancel()
		g.Go(func() error {
			defer close(queue)
			defer close(ordered)
			p.fill(ctx, items, queue, ordered)
			return nil
		})
		for range slots {
			g.Go(func() error {
				for b := range queue {
					if b.err == nil {
						b.err = work(ctx, b)
					}
					close(b.ready)
				}
				return nil
			})
		}
		for b := range ordered {
			<-b.ready
			if b.err != nil {
				yield(nil, b.err)
				return
			}
			if !yield(b, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// fill sends batches to whoever is free and, in order, to the loop. It gives up
// when ctx ends.
func (p *Pipeline) fill(ctx context.Context, items iter.Seq2[item, error], queue, ordered chan<- *batch) {
	send := func(b *batch) bool {
		for _, ch := range []chan<- *batch{queue, ordered} {
			select {
			case ch <- b:
			case <-ctx.Done():
				return false
			}
		}
		return true
	}
	b := newBatch()
	for it, err := range items {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if len(b.items) == 0 || send(b) {
				send(&batch{err: err, ready: make(chan struct{})})
			}
			return
		}
		if b.add(it, p.Batch) {
			if !send(b) {
				return
			}
			b = newBatch()
		}
	}
	if len(b.items) > 0 {
		send(b)
	}
}
