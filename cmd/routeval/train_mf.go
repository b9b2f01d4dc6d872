package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"routeval/scoring"
	"routeval/scoring/train"
)

// mfOptions are those of the method mf: what the command line says, and then
// what holds.
type mfOptions struct {
	train.Options
	ties       string
	init       string
	validation float64
}

// mfFlags are their flags.
var mfFlags = []string{
	"factors", "epochs", "batch", "learning-rate", "l2", "noise", "seed", "no-projection",
	"ties", "init", "validation", "patience",
}

func (o *mfOptions) addTo(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&o.Factors, "factors", 0, "mf: width of a model's vector (default 128)")
	f.IntVar(&o.Epochs, "epochs", 0, "mf: passes over the data, at most (default 6 for outcomes, 100 for preferences)")
	f.IntVar(&o.Batch, "batch", 0, "mf: prompts per step (default 256 for outcomes, 64 for preferences)")
	f.Float64Var(&o.LearningRate, "learning-rate", 0, "mf: of Adam (default 0.003 for outcomes, 0.0003 for preferences)")
	f.Float64Var(&o.L2, "l2", 0, "mf: weight decay in the gradient (default 1e-05)")
	f.Float64Var(&o.Noise, "noise", 0, "mf: standard deviation of the noise on embeddings (default 0.1 for preferences on an embedding model, else 0.03)")
	f.Uint64Var(&o.Seed, "seed", 0, "mf: of everything random (default 42)")
	f.BoolVar(&o.NoProjection, "no-projection", false, "mf: no projection of embeddings: fewer weights, for small data")
	f.StringVar(&o.ties, "ties", string(train.HalfTies), "mf: what a tie counts: half a win for each (half) or nothing (drop, as in RouteLLM)")
	f.StringVar(&o.init, "init", "", "mf: weights to begin with (default random ones)")
	f.Float64Var(&o.validation, "validation", 0.05, "mf: share of the prompts to hold back, by group")
	f.IntVar(&o.Patience, "patience", 0, "mf: stop after so many epochs without a lower loss on what is held back, and take the lowest (default never)")
}

// settle fills in the defaults: RouteLLM's for preferences, those for many
// comparisons of a prompt else.
func (o *mfOptions) settle(c *cobra.Command, onlyPreferences, builtin bool) error {
	base := train.OutcomeOptions()
	if onlyPreferences {
		noise := base.Noise
		base = train.PreferenceOptions()
		if builtin {
			base.Noise = noise // a unit vector of few words drowns in more
		}
	}
	given := c.Flags().Changed
	keep := func(name string, fill func()) {
		if !given(name) {
			fill()
		}
	}
	keep("factors", func() { o.Factors = base.Factors })
	keep("epochs", func() { o.Epochs = base.Epochs })
	keep("batch", func() { o.Batch = base.Batch })
	keep("learning-rate", func() { o.LearningRate = base.LearningRate })
	keep("l2", func() { o.L2 = base.L2 })
	keep("noise", func() { o.Noise = base.Noise })
	keep("seed", func() { o.Seed = base.Seed })
	switch ties := train.Ties(o.ties); {
	case ties != train.HalfTies && ties != train.DropTies:
		return fmt.Errorf("--ties: unknown choice %q (have %s, %s)", o.ties, train.DropTies, train.HalfTies)
	case !(o.validation >= 0 && o.validation < 1):
		return fmt.Errorf("--validation: %v is no share in [0,1)", o.validation)
	case o.Patience > 0 && o.validation == 0:
		return errors.New("--patience: needs prompts that are held back: give --validation a share")
	case o.NoProjection && given("factors"):
		return errors.New("--factors: without a projection a model's vector is as wide as an embedding")
	}
	return nil
}

// trainMF trains a matrix factorization on all that there is, going on from the
// checkpoint beside the weights if there is one.
func trainMF(ctx context.Context, w *world, sets []*trainingSet, battles []*preferenceSet, space scoring.Space, o *trainOptions) error {
	comparisons, groups, data, err := together(sets, battles, train.Ties(o.mf.ties))
	if err != nil {
		return err
	}
	if comparisons, err = o.mf.begin(comparisons, space); err != nil {
		return usage(err)
	}
	kept, held := comparisons.Split(groups, o.mf.validation, o.mf.Seed)
	if len(held.Examples) == 0 {
		if o.mf.Patience > 0 {
			return usage(fmt.Errorf("--validation %v: holds back none of %d prompts", o.mf.validation, len(kept.Examples)))
		}
		held = nil
	}
	f := fitting{w: w, options: o.mf.Options, checkpoint: o.out + ".checkpoint"}
	mf, err := f.fit(ctx, kept, held)
	if err != nil {
		return err
	}
	record := train.Record{Recipe: o.recipe(o.mf.words()...), Data: data, Metrics: f.metrics(held != nil)}
	var seen seenPrompts
	for _, set := range sets {
		seen.add(set.Rows, set.surfaces)
	}
	for _, set := range battles {
		seen.add(set.Rows, set.surfaces)
	}
	if err := writeWeights(w, o.out, mf, &mf.Card, space, &record, seen); err != nil {
		return err
	}
	return os.Remove(f.checkpoint)
}

// together makes comparisons of all sources, with the group of each row.
func together(sets []*trainingSet, battles []*preferenceSet, ties train.Ties) (_ *train.Comparisons, groups []string, data []train.Data, err error) {
	var parts []*train.Comparisons
	for _, set := range sets {
		c, err := set.Comparisons(ties)
		if err != nil {
			return nil, nil, nil, err
		}
		parts, groups, data = append(parts, c), append(groups, set.Groups...), append(data, set.data...)
	}
	for _, set := range battles {
		c := &set.Comparisons
		if ties == train.DropTies {
			c = c.WithoutTies()
		}
		parts, groups, data = append(parts, c), append(groups, set.groups...), append(data, set.data)
	}
	merged, err := train.Merge(parts...)
	return merged, groups, data, err
}

// begin reads the weights to begin with, whose models and shape then hold.
func (o *mfOptions) begin(c *train.Comparisons, space scoring.Space) (*train.Comparisons, error) {
	if o.NoProjection {
		o.Factors = c.Rows.Width()
	}
	if o.init == "" {
		return c, nil
	}
	data, err := os.ReadFile(o.init)
	if err != nil {
		return nil, fmt.Errorf("--init: %w", err)
	}
	if o.Init, err = scoring.ReadMF(data); err != nil {
		return nil, fmt.Errorf("--init: %s: %w", o.init, err)
	}
	if err := o.Init.Embedding.Check(space); err != nil {
		return nil, fmt.Errorf("--init: %s: %w", o.init, err)
	}
	if o.Init.Models == nil {
		return nil, fmt.Errorf("--init: %s: names no models", o.init)
	}
	o.Factors, o.NoProjection = o.Init.Dim, o.Init.Projection == nil
	over, err := c.Over(o.Init.Models)
	if err != nil {
		return nil, fmt.Errorf("--init: %s: %w", o.init, err)
	}
	return over, nil
}

// words are the options that hold, in those of the command line.
func (o *mfOptions) words() []string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	words := []string{
		"--method", "mf", "--factors", strconv.Itoa(o.Factors), "--epochs", strconv.Itoa(o.Epochs),
		"--batch", strconv.Itoa(o.Batch), "--learning-rate", number(o.LearningRate), "--l2", number(o.L2),
		"--noise", number(o.Noise), "--seed", strconv.FormatUint(o.Seed, 10), "--ties", o.ties,
		"--validation", number(o.validation), "--patience", strconv.Itoa(o.Patience),
	}
	if o.NoProjection {
		words = append(slices.Delete(words, 2, 4), "--no-projection")
	}
	if o.init != "" {
		words = append(words, "--init", o.init)
	}
	return words
}

// A fitting is one training with its checkpoint.
type fitting struct {
	w          *world
	options    train.Options
	checkpoint string        // the path of its file
	epochs     []train.Epoch // that are done
}

func (f *fitting) fit(ctx context.Context, kept, held *train.Comparisons) (*scoring.MF, error) {
	from, err := f.resume()
	if err != nil {
		return nil, err
	}
	p := newEpochProgress(f.w, f.options.Epochs, held != nil)
	if from != nil {
		f.epochs = slices.Clone(from.Epochs)
		p.resumed(len(f.epochs))
	}
	fmt.Fprintf(f.w.stderr, "%d models, %d prompts to train on", len(kept.Models), len(kept.Examples))
	if held != nil {
		fmt.Fprintf(f.w.stderr, ", %d held back", len(held.Examples))
	}
	fmt.Fprintln(f.w.stderr)
	mf, err := train.Fit(ctx, kept, held, f.options, from, func(state *train.Checkpoint) error {
		f.epochs = slices.Clone(state.Epochs)
		if err := writePage(f.w, f.checkpoint, func(out io.Writer) error { return state.Encode(out) }); err != nil {
			return err
		}
		p.epoch(f.epochs)
		return nil
	})
	p.end()
	switch differs := (*train.DiffersError)(nil); {
	case errors.As(err, &differs):
		return nil, usage(fmt.Errorf("%s: %w\n(ask for the same again, or remove the file)", f.checkpoint, err))
	case err != nil && ctx.Err() != nil:
		return nil, &statusError{statusSignaled, fmt.Errorf("stopped after %d epochs: %w; run the same command again to resume", len(f.epochs), err)}
	}
	return mf, err
}

// resume reads the checkpoint; nil if there is none.
func (f *fitting) resume() (*train.Checkpoint, error) {
	data, err := os.ReadFile(f.checkpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	from, err := train.ReadCheckpoint(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w (remove the file to begin anew)", f.checkpoint, err)
	}
	return from, nil
}

// metrics are the figures of the epoch whose weights are written.
func (f *fitting) metrics(validated bool) map[string]float64 {
	best := len(f.epochs) - 1
	if f.options.Patience > 0 {
		for i, e := range f.epochs {
			if e.ValidationLoss < f.epochs[best].ValidationLoss {
				best = i
			}
		}
	}
	e := f.epochs[best]
	m := map[string]float64{"epoch": float64(best + 1), "train_loss": e.TrainLoss, "train_accuracy": e.TrainAccuracy}
	if validated {
		m["validation_loss"], m["validation_accuracy"] = e.ValidationLoss, e.ValidationAccuracy
	}
	return m
}
