package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/pipeline"
)

type runOptions struct {
	out         string
	retryFailed bool
	quiet       bool
	dryRun      bool
	like        string // a run whose answers say what to expect, for a dry run
}

func runCommand(w *world) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run [SPEC]",
		Short: "Route prompts and have them answered; run it again to resume",
		Long: `Run streams prompts from files, estimates for each how likely the strong model
beats the weak one, routes it, has it answered, grades the answer, and writes one
line per prompt into a run directory. Killed at any point, the same command goes
on where it stopped: no line is lost, and no finished call is paid twice.

What to do is read from SPEC, a YAML file; flags override its fields, and a run
needs no file if flags say enough. The run directory holds manifest.json (what
was asked), results.jsonl (one line per finished prompt) and, with
--bad-rows skip, bad_rows.jsonl.` +
			exits(statusDone, statusStopped, statusUsage, statusPartial, statusBudget, statusSignaled),
		Example: `  routeval run -i prompts.jsonl -o runs/first --weights router.safetensors \
      --strong openai/gpt-4o --weak ollama/llama3.2 --threshold 0.42
  routeval run spec.yaml -o runs/second --execute route-only`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := resolve(w, c, specFile(args))
			if err != nil {
				return err
			}
			if o.dryRun {
				return dryRun(c.Context(), w, &r, o.like)
			}
			return runSpec(c.Context(), w, &r, o)
		},
	}
	c.Flags().StringVarP(&o.out, "out", "o", "", "the run directory (required)")
	c.Flags().BoolVar(&o.retryFailed, "retry-failed", false, "run prompts again that ended without an answer")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "call nobody: print what the run would do, cost and take")
	c.Flags().StringVar(&o.like, "like", "", "a run with the same candidates, whose answers say what a dry run expects")
	c.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	addSpecFlags(c)
	return c
}

// runSpec runs a resolved spec in the directory of the options.
func runSpec(ctx context.Context, w *world, r *resolved, o runOptions) (err error) {
	if o.out == "" {
		return usage(errors.New("--out: missing: name the run directory, such as -o runs/first"))
	}
	for _, note := range r.notes {
		w.warnings().Warn(note)
	}
	b, err := build(w, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if b.usesDefaultWeights() && !o.quiet {
		fmt.Fprintln(w.stderr, defaultWeightsAdvice)
	}
	input := datasets.Options{MaxLine: r.MaxLine, Stdin: w.stdin}
	m, err := manifest(r, b)
	if err != nil {
		return usage(err)
	}
	dir, err := pipeline.Open(o.out, m, o.retryFailed)
	if differs := (*pipeline.DiffersError)(nil); errors.As(err, &differs) {
		return usage(err)
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	verdicts, err := b.openVerdicts(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, verdicts()) }()
	return runIn(ctx, w, r, b, dir, input, o.quiet)
}

// defaultWeightsAdvice is what a run says that routes with the weights of the
// binary. Their model card has the figures behind it.
const defaultWeightsAdvice = `the router's default weights tell topics and formats apart and are at chance on many kinds of prompts:
choose the threshold on prompts like these (routeval calibrate), and train on 300 or more outcomes of your own (routeval train)`

// manifest describes the run, with a digest of every file that decides it.
func manifest(r *resolved, b *built) (datasets.Manifest, error) {
	m := datasets.Manifest{
		Version: datasets.ManifestVersion, Program: "routeval " + version, Created: time.Now().UTC().Truncate(time.Second),
		Spec: r.Spec, Digests: b.digests, Space: b.space,
	}
	files, err := datasets.Files(r.Input)
	if err != nil {
		return m, fmt.Errorf("input: %w", err)
	}
	for _, f := range files {
		if f == "-" {
			continue
		}
		if m.Digests[f], err = digestFile(f); err != nil {
			return m, fmt.Errorf("input: %w", err)
		}
	}
	return m, nil
}

func runIn(ctx context.Context, w *world, r *resolved, b *built, dir *pipeline.RunDir, input datasets.Options, quiet bool) error {
	bad, closeBad, err := badRows(r.BadRows, filepath.Join(dir.Path, pipeline.BadRowsFile))
	if err != nil {
		return err
	}
	before := dir.Journal.Tally()
	if dir.Resumed && !quiet {
		fmt.Fprintf(w.stderr, "resuming %s: %d prompts are finished\n", dir.Path, before.Prompts)
	}
	p := newProgress(w, quiet, datasets.Count(r.Input, input), before)
	b.BadRow, b.Finished = bad, p.finished
	b.interleaveLoaded(ctx, r)
	summary, err := b.Run(ctx, datasets.Prompts(r.Input, input), dir.Journal)
	p.end()
	err = errors.Join(err, closeBad())
	if !quiet || err != nil || summary.Failed > 0 {
		fmt.Fprintln(w.stderr, summarize(dir, summary))
	}
	var broke *pipeline.BudgetError
	switch t := dir.Journal.Tally(); {
	case errors.As(err, &broke):
		return &statusError{statusBudget, fmt.Errorf("%w; the same command with a larger --budget goes on", err)}
	case err != nil && ctx.Err() != nil:
		return &statusError{statusSignaled, fmt.Errorf("stopped: %w; run the same command again to resume", err)}
	case err != nil:
		return fmt.Errorf("%w\n(what is finished is in %s; run the same command again to resume)", err, dir.Path)
	case t.Failed > 0:
		return &statusError{statusPartial, fmt.Errorf("%d of %d prompts have no answer; --retry-failed runs them again", t.Failed, t.Prompts)}
	}
	return nil
}

// badRows is what a pipeline does about bad rows, and what ends it: fail, or
// write them aside.
func badRows(choice datasets.BadRows, path string) (each func(*datasets.RowError) error, end func() error, err error) {
	if choice != datasets.SkipBadRows {
		return func(e *datasets.RowError) error {
			return fmt.Errorf("%w\n(--bad-rows skip writes such rows aside and goes on)", e)
		}, func() error { return nil }, nil
	}
	// Every session reads the whole input again and so meets every bad row again.
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	return func(e *datasets.RowError) error {
		_, err := f.Write(datasets.AppendBadRow(nil, e))
		return err
	}, f.Close, nil
}

func summarize(dir *pipeline.RunDir, s pipeline.Summary) string {
	t := dir.Journal.Tally()
	text := fmt.Sprintf("%s: %d prompts finished (%d now), %d without an answer, %d calls, %s", dir.Path, t.Prompts, s.Finished, t.Failed, t.Calls, spent(t.CostUSD, t.Unpriced))
	if t.StoodIn > 0 {
		text += fmt.Sprintf(", %d answered by the candidate for failures", t.StoodIn)
	}
	if s.BadRows > 0 {
		text += fmt.Sprintf(", %d bad rows", s.BadRows)
	}
	return text
}
