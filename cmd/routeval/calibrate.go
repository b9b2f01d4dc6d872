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
	var share float64
	c := &cobra.Command{
		Use:   "calibrate [RUN | SPEC] --strong-share S",
		Short: "Choose the threshold that sends a share of the prompts to the strong model",
		Long: `Calibrate finds the threshold at which a share of your prompts goes to the strong
model, and says which share it really achieves: prompts whose win rates are equal
go the same way. Win rates of two routers, or of two kinds of prompts, are not
comparable, so calibrate on prompts like those that will be run.

It takes the win rates of a finished run, or scores the prompts that a SPEC or
flags name; no model is called. The threshold goes to standard output in full
precision, what it achieves to standard error, and beside it how far the prompts
are from those that the router was trained on.` +
			exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval calibrate runs/first --strong-share 0.3
  routeval calibrate -i prompts.jsonl --weights router.safetensors --strong-share 0.3`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("strong-share") {
				return usage(errors.New("--strong-share: missing: name the share of prompts, in [0,1], that may go to the strong model"))
			}
			s, err := openScored(c.Context(), w, c, args, true)
			if err != nil {
				return err
			}
			rates, err := winRates(s.results)
			if err := errors.Join(err, s.close()); err != nil {
				return err
			}
			cal, err := scoring.Calibrate(rates, share)
			if err != nil {
				return err
			}
			fmt.Fprintln(w.stderr, achieved(cal))
			if err := s.tellShift(w, rates); err != nil {
				return err
			}
			_, err = fmt.Fprintln(w.stdout, cal.Threshold)
			return err
		},
	}
	c.Flags().Float64VarP(&share, "strong-share", "s", 0, "share of prompts to send to the strong model, in [0,1] (required)")
	addSpecFlags(c, scoringFlags...)
	return c
}

// scoringFlags are the flags of commands that score prompts and call nobody.
var scoringFlags = []string{"input", "strong", "weak", "embedding", "router", "weights", "seed", "grade", "prices", "max-line", "cache", "threshold"}

func winRates(results iter.Seq2[datasets.Result, error]) (rates []float64, err error) {
	for r, err := range results {
		if err != nil {
			return nil, err
		}
		if r.WinRate != nil {
			rates = append(rates, *r.WinRate)
		}
	}
	if len(rates) == 0 {
		return nil, errors.New("no prompt has a win rate: there is nothing to calibrate on")
	}
	return rates, nil
}

func achieved(c scoring.Calibration) string {
	s := fmt.Sprintf("threshold %v sends %d of %d prompts (%.2f %%) to the strong model", c.Threshold, c.Strong, c.N, 100*c.StrongShare)
	if c.Ties > 1 {
		s += fmt.Sprintf("; %d prompts have exactly this win rate and go together", c.Ties)
	}
	return s
}

// scored is a sequence of results with win rates, and what is known of the run
// they are of.
type scored struct {
	results      iter.Seq2[datasets.Result, error]
	strong, weak string
	router       string
	threshold    *float64            // nil if none was set
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

// openScored takes the results of a run directory, or scores the prompts that a
// spec or the flags name; measured says whether their surfaces are wanted.
func openScored(ctx context.Context, w *world, c *cobra.Command, args []string, measured bool) (scored, error) {
	if len(args) > 0 {
		if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
			return openRun(args[0])
		}
	} else {
		args = []string{""}
	}
	r, err := resolve(w, c, args[0])
	if err != nil {
		return scored{}, err
	}
	r.Execute = datasets.RouteOnly // nobody is called, so no threshold is needed
	for name, m := range r.Models {
		if m.Provider == "" {
			m.Provider = recordedProvider
			r.Models[name] = m
		}
	}
	b, err := build(w, &r)
	if err != nil {
		return scored{}, err
	}
	in := datasets.Prompts(r.Input, datasets.Options{MaxLine: r.MaxLine, Stdin: w.stdin})
	var surfaces func() []scoring.Surface
	if measured {
		in, surfaces = surfacesOf(in)
	}
	return scored{
		results: b.Offline(ctx, in), strong: b.Strong, weak: b.Weak, router: r.Router.Kind, threshold: r.Router.Threshold,
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
		results: results, strong: strong, weak: weak, router: m.Spec.Router.Kind, threshold: m.Spec.Router.Threshold,
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
