package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/reports"
	"routeval/scoring"
	"routeval/scoring/weights"
)

func calibrateCommand(w *world) *cobra.Command {
	var o calibrateOptions
	c := &cobra.Command{
		Use:   "calibrate [RUN | SPEC] GOAL",
		Short: "Choose the threshold for a share, a budget or a quality",
		Long: `Calibrate chooses the threshold from which prompts go to the strong model. The goal
is one of:

  --strong-share S       this share of the prompts goes strong
  --budget USD --prompts N
                         as many as the money for N prompts is expected to pay for
  --pgr X                as few as keep this share of the quality that the strong
                         model has over the weak one
  --quality Q            as few as keep this mean quality

Win rates of two routers, or of two kinds of prompts, are not comparable, so
calibrate on prompts like those that will be run. It takes the results of a run,
or scores the prompts that a SPEC or flags name; no model is called. A PGR and a
quality need prompts with the graded outcomes of both models; what is kept is the
lower end of a 95 % interval. A budget needs prices, and outcomes or
--answer-tokens.

A goal that rests on outcomes is chosen on half of them and checked on the others
(--holdout); rows with the same "group" stay together. Prompts whose win rates are
equal go the same way, so a share may be missed by a little. With --by category
each category has a threshold of its own as well.

The threshold goes to standard output in full precision, or as a piece of a spec;
what it achieves goes to standard error, and beside it how far the prompts are from
those that the router was trained on.` +
			exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval calibrate runs/first --strong-share 0.3
  routeval calibrate -i prompts.jsonl --weights router.safetensors --strong-share 0.3
  routeval calibrate spec.yaml --pgr 0.8 --by category --format yaml
  routeval calibrate spec.yaml --budget 25 --prompts 100000 --answer-tokens 400`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			s, err := openScored(c.Context(), w, c, args, scoredOptions{measured: true, answerTokens: o.answerTokens})
			if err != nil {
				return err
			}
			rows, err := calibrationRows(s)
			if err := errors.Join(err, s.close()); err != nil {
				return err
			}
			cal, err := o.calibrate(c.Context(), rows)
			if err != nil {
				return err
			}
			if err := cal.explain(c.Context(), w.stderr); err != nil {
				return err
			}
			if err := s.tellShift(w, ratesOf(rows)); err != nil {
				return err
			}
			return cal.print(w.stdout)
		},
	}
	o.addTo(c)
	addSpecFlags(c, scoringFlags...)
	return c
}

// scoringFlags are the flags of commands that score prompts and call nobody.
var scoringFlags = []string{"input", "strong", "weak", "embedding", "router", "weights", "seed", "grade", "prices", "max-line", "cache", "threshold"}

// scored is a sequence of results with win rates, and what is known of the run
// they are of.
type scored struct {
	results      iter.Seq2[datasets.Result, error]
	strong, weak string // names of the candidates
	router       datasets.Router
	routingUSD   *float64            // what making all win rates cost; nil if not known
	comparison   *reports.Comparison // with a base run; nil if none was asked for
	provenance   *reports.Provenance
	close        func() error

	card     *scoring.Card            // of the router's weights; nil if it has none, or if they are not at hand
	pair     datasets.ScoringPair     // of its rows
	surfaces func() []scoring.Surface // of the prompts that were read; nil if they are not known
}

// tellShift says how far the prompts are from those that the router was trained
// on, if its weights know.
func (s *scored) tellShift(w *world, rates []float64) error {
	if s.card == nil {
		return nil
	}
	var surfaces []scoring.Surface
	if s.surfaces != nil {
		surfaces = s.surfaces()
	}
	shift, err := scoring.ShiftOf(s.card, s.pair.Strong, s.pair.Weak, rates, surfaces)
	if shift == nil || err != nil {
		return err
	}
	text := fmt.Sprintf("typical win rate %.3f (%.3f on the %d training prompts)", shift.Typical, shift.TypicalThen, shift.Trained)
	if !math.IsNaN(shift.Outside) {
		text += fmt.Sprintf("; %.1f %% of the prompts lie outside the range of those (%.1f %% of those do)", 100*shift.Outside, 100*shift.OutsideThen)
	}
	fmt.Fprintln(w.stderr, text)
	for _, warning := range shift.Warnings {
		fmt.Fprintln(w.stderr, "warning:", warning)
	}
	return nil
}

// surfacesOf measures prompts as they pass.
func surfacesOf(prompts iter.Seq2[datasets.Prompt, error]) (iter.Seq2[datasets.Prompt, error], func() []scoring.Surface) {
	var measured []scoring.Surface
	return func(yield func(datasets.Prompt, error) bool) {
		measured = nil
		for p, err := range prompts {
			if err == nil {
				measured = append(measured, scoring.SurfaceOf(p.Query()))
			}
			if !yield(p, err) {
				return
			}
		}
	}, func() []scoring.Surface { return measured }
}

// scoredOptions say what else is wanted of prompts that are scored.
type scoredOptions struct {
	measured     bool  // their surfaces
	answerTokens int64 // the tokens of answers that nobody counted; 0 to leave them unknown
}

// openScored takes the results of a run directory, or scores the prompts that a
// spec or the flags name.
func openScored(ctx context.Context, w *world, c *cobra.Command, args []string, o scoredOptions) (scored, error) {
	if len(args) > 0 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			if o.answerTokens > 0 {
				return scored{}, usage(errors.New("--answer-tokens: the tokens of a run are counted; name a spec to assume others"))
			}
			return openRun(args[0])
		}
	} else {
		args = []string{""}
	}
	r, err := resolve(w, c, args[0])
	if err != nil {
		return scored{}, err
	}
	return scoreSpec(ctx, w, &r, o)
}

// scoreSpec scores the prompts that a spec names, in the words of [openScored].
func scoreSpec(ctx context.Context, w *world, r *resolved, o scoredOptions) (scored, error) {
	r.Execute = datasets.RouteOnly // nobody is called, so no threshold is needed
	for name, m := range r.Models {
		if m.Provider == "" {
			m.Provider = recordedProvider
			r.Models[name] = m
		}
	}
	b, err := build(w, r)
	if err != nil {
		return scored{}, err
	}
	in := datasets.Prompts(r.Input, datasets.Options{MaxLine: r.MaxLine, Stdin: w.stdin})
	if o.answerTokens > 0 {
		in = withTokens(in, r, o.answerTokens)
	}
	var surfaces func() []scoring.Surface
	if o.measured {
		in, surfaces = surfacesOf(in)
	}
	return scored{
		results: b.Offline(ctx, in), strong: b.Strong, weak: b.Weak, router: r.Router,
		routingUSD: routingUSD(&r.Spec), provenance: specProvenance(&r.Spec, b.digests),
		close: b.close, card: b.card, pair: r.Router.ScoringPair, surfaces: surfaces,
	}, nil
}

// openRun opens the results of a run directory.
func openRun(dir string) (scored, error) {
	m, results, err := pipeline.ReadRun(dir)
	if errors.Is(err, os.ErrNotExist) {
		return scored{}, usage(fmt.Errorf("%s: no %s: not a run directory", dir, pipeline.ManifestFile))
	}
	if err != nil {
		return scored{}, err
	}
	strong, weak := m.Spec.Router.Candidates()
	return scored{
		results: results, strong: strong, weak: weak, router: m.Spec.Router,
		routingUSD: routingUSD(&m.Spec), provenance: provenance(dir, &m), close: func() error { return nil },
		card: cardOf(&m), pair: m.Spec.Router.ScoringPair,
	}, nil
}

// cardOf is the card of the weights that a run was routed with; nil if they are
// gone or are others now.
func cardOf(m *datasets.Manifest) *scoring.Card {
	name, data := defaultWeights, weights.Default()
	if path := m.Spec.Router.Weights; path != "" {
		name = path
		data, _ = os.ReadFile(path)
	}
	if digest(data) != m.Digests[name] {
		return nil
	}
	if mf, err := scoring.ReadMF(data); err == nil {
		return &mf.Card
	}
	if linear, err := scoring.ReadLinear(data); err == nil {
		return &linear.Card
	}
	return nil
}

// routingUSD is what making the win rates of a run cost: nothing where they are
// made in this process or by a model that is priced at nothing. What an
// embedding model with a price was paid is in no record, so it is not known.
func routingUSD(s *datasets.Spec) *float64 {
	free := 0.0
	e := s.Embedding
	switch {
	case e == nil, e.Provider == "builtin":
		return &free
	case e.Price != nil && e.Price.InputUSDPerMTok != nil && *e.Price.InputUSDPerMTok == 0:
		return &free
	}
	return nil
}
