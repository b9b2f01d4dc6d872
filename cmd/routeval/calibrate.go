package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/scoring"
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
precision, what it achieves to standard error.` +
			exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval calibrate runs/first --strong-share 0.3
  routeval calibrate -i prompts.jsonl --weights router.safetensors --strong-share 0.3`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("strong-share") {
				return usage(errors.New("--strong-share: missing: name the share of prompts, in [0,1], that may go to the strong model"))
			}
			s, err := openScored(c.Context(), w, c, args)
			if err != nil {
				return err
			}
			cal, err := calibrate(s.results, share)
			if err := errors.Join(err, s.close()); err != nil {
				return err
			}
			fmt.Fprintln(w.stderr, achieved(cal))
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

func calibrate(results iter.Seq2[datasets.Result, error], share float64) (scoring.Calibration, error) {
	var rates []float64
	for r, err := range results {
		if err != nil {
			return scoring.Calibration{}, err
		}
		if r.WinRate != nil {
			rates = append(rates, *r.WinRate)
		}
	}
	if len(rates) == 0 {
		return scoring.Calibration{}, errors.New("no prompt has a win rate: there is nothing to calibrate on")
	}
	return scoring.Calibrate(rates, share)
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
	threshold    *float64 // nil if none was set
	close        func() error
}

// openScored takes the results of a run directory, or scores the prompts that a
// spec or the flags name.
func openScored(ctx context.Context, w *world, c *cobra.Command, args []string) (scored, error) {
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
	return scored{
		results: b.Offline(ctx, in), strong: b.Strong, weak: b.Weak, router: r.Router.Kind, threshold: r.Router.Threshold,
		close: b.close,
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
	return scored{results, strong, weak, m.Spec.Router.Kind, m.Spec.Router.Threshold, func() error { return nil }}, nil
}
