package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/reports"
)

// baseOptions say what to compare with.
type baseOptions struct {
	base  string // a run directory; "" for none
	force bool
}

func (o *baseOptions) addTo(c *cobra.Command) {
	c.Flags().StringVar(&o.base, "base", "", "a run to compare with, which delta(NAME, base) in gates is about")
	c.Flags().BoolVar(&o.force, "force-pairing", false, "pair runs that were graded in different ways, or asked something else")
}

func (o baseOptions) check(gates []reports.Gate) error {
	for _, g := range gates {
		if g.NeedsBase() && o.base == "" {
			return usage(fmt.Errorf("--gate %q: needs --base, the run to compare with", g))
		}
	}
	return nil
}

// compare writes the comparison of runs; the first is the base, or that of the
// options.
func compare(ctx context.Context, w *world, dirs []string, o pageOptions, against baseOptions) error {
	render, err := reports.ComparisonRendererFor(o.format)
	switch {
	case err != nil:
		return usage(fmt.Errorf("--format: %w", err))
	case len(o.gates) > 0:
		return usage(errors.New("--gate: holds for one run: name one, and the run to compare it with as --base"))
	}
	if err := o.check(); err != nil {
		return err
	}
	if against.base != "" {
		dirs = append([]string{against.base}, dirs...)
	}
	c, err := comparison(ctx, dirs, o, against.force)
	if err != nil {
		return err
	}
	return writePage(w, o.out, func(out io.Writer) error { return render(out, c) })
}

func comparison(ctx context.Context, dirs []string, o pageOptions, force bool) (*reports.Comparison, error) {
	var runs []reports.Run
	for _, dir := range dirs {
		r, err := comparedRun(dir)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	opts := reports.CompareOptions{Confidence: o.confidence, Draws: o.draws, Seed: o.seed, Force: force}
	if o.draws == 0 {
		opts.Draws = -1 // none
	}
	c, err := reports.Compare(ctx, runs, opts)
	if refused := (*reports.PairingError)(nil); errors.As(err, &refused) {
		return nil, usage(fmt.Errorf("%w\n(--force-pairing does it all the same)", err))
	}
	return c, err
}

// comparedRun opens a run directory for a comparison.
func comparedRun(dir string) (reports.Run, error) {
	m, results, err := pipeline.ReadRun(dir)
	if errors.Is(err, os.ErrNotExist) {
		return reports.Run{}, usage(fmt.Errorf("%s: no %s: not a run directory", dir, pipeline.ManifestFile))
	}
	if err != nil {
		return reports.Run{}, err
	}
	strong, weak := m.Spec.Router.Candidates()
	return reports.Run{
		Name: dir, Strong: strong, Weak: weak, Results: results, Grading: gradingOf(&m), Input: inputOf(&m),
	}, nil
}

// gradingOf is how a run's answers were graded: its grade, the judge's settings
// and digests of the program's files; "" if they were not.
func gradingOf(m *datasets.Manifest) string {
	if m.Spec.Grade == nil {
		return ""
	}
	g := *m.Spec.Grade
	g.Timeout = 0
	text := g.Kind
	if b, err := json.Marshal(g, json.Deterministic(true)); err == nil && string(b) != fmt.Sprintf(`{"kind":%q}`, g.Kind) {
		text = string(b)
	}
	if m.Spec.Judge != nil {
		if settings, err := judgeSettings(*m.Spec.Judge); err == nil {
			text += " " + settings
		}
	}
	for _, file := range g.Command {
		if d := m.Digests[file]; d != "" {
			text += fmt.Sprintf(" (%s: sha256 %.12s)", file, d)
		}
	}
	return text
}

// inputOf is the digests of a run's input files, wherever they lay; "" if one is
// not known.
func inputOf(m *datasets.Manifest) string {
	var digests []string
	for _, pattern := range m.Spec.Input {
		n := len(digests)
		for _, file := range slices.Sorted(maps.Keys(m.Digests)) {
			if matched, _ := doublestar.PathMatch(pattern, file); matched || file == pattern {
				digests = append(digests, m.Digests[file])
			}
		}
		if len(digests) == n {
			return ""
		}
	}
	slices.Sort(digests)
	return strings.Join(digests, " ")
}
