package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"routeval/scoring"
)

// An Epoch is what one pass over the examples showed.
type Epoch struct {
	TrainLoss          float64 `json:"train_loss"`          // mean log loss in nats of the comparisons, as they came by: with noise, by weights on the move
	TrainAccuracy      float64 `json:"train_accuracy"`      // share of the comparisons without ties that were right, likewise
	ValidationLoss     float64 `json:"validation_loss"`     // mean log loss after the epoch, without noise; 0 if nothing is held back
	ValidationAccuracy float64 `json:"validation_accuracy"` // likewise
}

// Fit trains a matrix factorization as RouteLLM does: for a comparison that a
// won against b on a prompt with embedding e, the logit
//
//	c · ((p̂ₐ − p̂_b) ∘ W (e + noise))
//
// has the label 1; the log loss, averaged over a batch, is minimised by Adam.
// Ties have the label ½.
//
// It begins with from, or anew where from is nil, and calls after, if it is
// given, with the state after every epoch. A state that was saved and
// read back ends in the same weights, bit for bit. The state belongs to Fit:
// after may encode it but not keep it. validation may be nil.
func Fit(ctx context.Context, train, validation *Comparisons, o Options, from *Checkpoint, after func(*Checkpoint) error) (*scoring.MF, error) {
	if err := checkFit(train, validation, &o); err != nil {
		return nil, err
	}
	state, err := begin(train, validation, &o, from)
	if err != nil {
		return nil, err
	}
	b := newBatch(train, &o)
	for !state.done(&o) {
		if err := state.epoch(ctx, b, train, validation, &o); err != nil {
			return nil, err
		}
		if after == nil {
			continue
		}
		if err := after(state); err != nil {
			return nil, err
		}
	}
	return state.result(&o).mf(train.Models, train.Rows.Width()), nil
}

func checkFit(train, validation *Comparisons, o *Options) error {
	if len(train.Examples) == 0 {
		return errors.New("no comparisons to train on")
	}
	if err := o.check(train.Rows.Width()); err != nil {
		return err
	}
	if err := train.check(); err != nil {
		return err
	}
	if validation == nil {
		if o.Patience > 0 {
			return errors.New("patience needs comparisons that are held back")
		}
		return nil
	}
	if len(validation.Examples) == 0 {
		return errors.New("no comparisons are held back")
	}
	if !slices.Equal(validation.Models, train.Models) || validation.Rows.Width() != train.Rows.Width() {
		return errors.New("the comparisons that are held back are of other models or another width")
	}
	if err := validation.check(); err != nil {
		return fmt.Errorf("held back: %w", err)
	}
	return nil
}

// epoch goes once through the training examples.
func (s *Checkpoint) epoch(ctx context.Context, b *batch, train, validation *Comparisons, o *Options) error {
	number := len(s.Epochs)
	order := exampleOrder(len(train.Examples), number, o)
	steps := (len(order) + o.Batch - 1) / o.Batch
	var seen tally
	for k := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := k * o.Batch
		b.load(train, order[from:min(from+o.Batch, len(order))], noise{o.Noise, o.Seed, number, from})
		seen.add(b.forward(&s.now))
		b.backward(&s.now, &s.first, &s.second, adamStep(number*steps+k+1, o.LearningRate, o.L2))
	}
	e := Epoch{TrainLoss: seen.meanLoss(), TrainAccuracy: seen.accuracy()}
	if math.IsNaN(e.TrainLoss) || math.IsInf(e.TrainLoss, 0) {
		return fmt.Errorf("epoch %d: the loss is %v: the learning rate of %v is too high", number+1, e.TrainLoss, o.LearningRate)
	}
	if validation != nil {
		held := b.evaluate(validation, &s.now)
		e.ValidationLoss, e.ValidationAccuracy = held.meanLoss(), held.accuracy()
	}
	s.Epochs = append(s.Epochs, e)
	if o.Patience > 0 && s.bestEpoch() == number {
		s.best = s.now.clone()
	}
	return nil
}

// exampleOrder is the order of one epoch, a function of the seed and its number.
func exampleOrder(n, epoch int, o *Options) []int {
	if !o.KeepOrder {
		return stream(o.Seed, uint64(epoch)).Perm(n)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

// tally sums up comparisons.
type tally struct {
	loss   float64 // summed
	n      int
	right  int
	untied int
}

func (t *tally) add(u tally) {
	t.loss += u.loss
	t.n += u.n
	t.right += u.right
	t.untied += u.untied
}

func (t *tally) meanLoss() float64 { return t.loss / float64(t.n) }

// accuracy is 0 where everything was tied.
func (t *tally) accuracy() float64 { return float64(t.right) / float64(max(1, t.untied)) }
