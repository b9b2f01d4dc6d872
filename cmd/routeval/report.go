package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"routeval/reports"
)

// pageOptions are what report and sweep have in common.
type pageOptions struct {
	format string
	out    string
	open   bool
	gates  []string
	draws  int
	seed   uint64

	confidence         float64
	sliceBy, clusterBy string
	stratify           bool
}

func (o *pageOptions) addTo(c *cobra.Command) {
	c.Flags().StringVarP(&o.format, "format", "f", "", "how to write it: "+strings.Join(reports.Formats(), ", ")+" (default: what the suffix of --out means, else text)")
	c.Flags().StringVarP(&o.out, "out", "o", "", "a file to write it to, instead of standard output")
	c.Flags().BoolVar(&o.open, "open", false, "write the HTML page, to --out or a temporary file, and show it in the browser")
	c.Flags().StringArrayVar(&o.gates, "gate", nil, "a demand such as 'apgr >= 0.6' (again for more); a missed one ends with status 4")
	c.Flags().IntVar(&o.draws, "draws", reports.DefaultDraws, "bootstrap draws behind the intervals; 0 for no intervals")
	c.Flags().Uint64Var(&o.seed, "bootstrap-seed", 0, "of the bootstrap")
	c.Flags().Float64Var(&o.confidence, "confidence", 0.95, "of the intervals, in (0,1)")
	c.Flags().StringVar(&o.sliceBy, "slice-by", "category", "the field of the prompts whose values make slices: category or any field that the rows carried; \"\" for none")
	c.Flags().BoolVar(&o.stratify, "stratify", false, "draw as many prompts of each slice as there are")
	c.Flags().StringVar(&o.clusterBy, "cluster-by", "", "a field of the prompts: those of one value are drawn together, as variants of one another")
}

func reportCommand(w *world) *cobra.Command {
	var o pageOptions
	var against baseOptions
	c := &cobra.Command{
		Use:   "report RUN [RUN...]",
		Short: "Report what a run cost and kept, compare runs, hold one to gates",
		Long: `Report reads a run directory, finished or not, and says what the routing cost and
kept: quality and US dollars of what was routed beside weak-only, strong-only,
random and oracle, the thresholds that keep 95, 99 and 100 % of the strong model's
quality and what they save, PGR, APGR, CPT and AIQ with intervals, how far win rates
can be believed, slices, and per candidate latency, errors and tokens. What cannot
be known from the run is said to be unknown; it is never 0.

Intervals are paired bootstraps over prompts. Where prompts are variants of one
another name the field that tells them (--cluster-by group).

A gate compares a value with a number: 'apgr >= 0.6', 'cost_usd <= 25',
'cpt(0.9) <= 0.5', 'quality@share<=0.3 >= 0.8', 'lower(quality) >= 0.8'.
Names: ` + wrapped(reports.MetricNames()) + `.
An undefined value meets no gate.

Several runs are compared instead: a column for each, paired by the prompts' ids,
and the difference from the first one with its interval over the prompts that all
of them have; ~ where that holds zero. With --base, one run is reported as a whole
and compared with the base, and gates can ask for the difference:
'delta(quality, base) >= -0.01', 'lower(delta(apgr, base)) >= 0'. Names there:
` + strings.Join(reports.CompareNames(), ", ") + `.
Runs that were graded in different ways, or asked something else, are not paired
unless --force-pairing is given.` +
			exits(statusDone, statusStopped, statusUsage, statusGate),
		Example: `  routeval report runs/first
  routeval report runs/first runs/second
  routeval report runs/new --base runs/main \
      --gate 'delta(quality, base) >= -0.01'
  routeval report runs/first --format markdown \
      --gate 'apgr >= 0.6' --gate 'cost_usd <= 25'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.chooseFormat(); err != nil {
				return usage(err)
			}
			if len(args) > 1 {
				return compare(c.Context(), w, args, o, against)
			}
			render, gates, err := o.page(reports.RendererFor, against)
			if err != nil {
				return err
			}
			s, err := openRun(args[0])
			if err != nil {
				return err
			}
			if against.base != "" {
				if s.comparison, err = comparison(c.Context(), []string{against.base, args[0]}, o, against.force); err != nil {
					return err
				}
			}
			return page(c.Context(), w, s, o, gates, render)
		},
	}
	o.addTo(c)
	against.addTo(c)
	return c
}

func sweepCommand(w *world) *cobra.Command {
	var o pageOptions
	c := &cobra.Command{
		Use:   "sweep [RUN | SPEC]",
		Short: "Evaluate every threshold exactly, without a call",
		Long: `Sweep scores prompts once and evaluates every threshold that tells two prompts
apart: strong share, quality, US dollars and PGR, exactly and offline. It reads a
run directory, or scores the prompts with recorded outcomes that a SPEC or flags
name. Text and Markdown show a selection of thresholds; CSV, JSON and Parquet hold
all.` +
			exits(statusDone, statusStopped, statusUsage, statusGate),
		Example: `  routeval sweep runs/first
  routeval sweep -i outcomes.jsonl.gz --weights router.safetensors --format csv \
      --strong recorded/gpt-4-1106-preview --weak recorded/mixtral-8x7b-instruct-v0.1`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.chooseFormat(); err != nil {
				return usage(err)
			}
			render, gates, err := o.page(reports.SweepRendererFor, baseOptions{})
			if err != nil {
				return err
			}
			s, err := openScored(c.Context(), w, c, args, scoredOptions{})
			if err != nil {
				return err
			}
			return page(c.Context(), w, s, o, gates, render)
		},
	}
	o.addTo(c)
	addSpecFlags(c, scoringFlags...)
	return c
}

// page finds how the page is written and what is demanded of it, and what is wrong
// with the flags, before anything is read.
func (o *pageOptions) page(renderer func(format string) (reports.Renderer, error), against baseOptions) (reports.Renderer, []reports.Gate, error) {
	render, err := renderer(o.format)
	if err != nil {
		return nil, nil, usage(fmt.Errorf("--format: %w", err))
	}
	gates, err := parseGates(o.gates)
	if err != nil {
		return nil, nil, usage(err)
	}
	return render, gates, errors.Join(o.check(), against.check(gates))
}

// parseGates checks every gate before anything is read.
func parseGates(texts []string) ([]reports.Gate, error) {
	var gates []reports.Gate
	var errs []error
	for _, text := range texts {
		g, err := reports.ParseGate(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%w", err)) // begins with the gate
		}
		gates = append(gates, g)
	}
	return gates, errors.Join(errs...)
}

// check finds what is wrong with the flags before anything is read.
func (o *pageOptions) check() error {
	switch {
	case !(o.confidence > 0 && o.confidence < 1):
		return usage(fmt.Errorf("--confidence %v: it lies between 0 and 1, as 0.95 does", o.confidence))
	case o.draws < 0:
		return usage(fmt.Errorf("--draws %d: a number of draws, 0 for no intervals", o.draws))
	case o.stratify && o.sliceBy == "":
		return usage(errors.New("--stratify: needs --slice-by, whose values are the strata"))
	case o.stratify && o.clusterBy != "":
		return usage(errors.New("--stratify and --cluster-by: draws are stratified or clustered, not both"))
	}
	return nil
}

// page builds a report, writes it, and says whether its gates were met.
func page(ctx context.Context, w *world, s scored, o pageOptions, gates []reports.Gate, render reports.Renderer) error {
	if o.draws == 0 {
		o.draws = -1 // none
	}
	r, err := reports.Build(ctx, s.results, reports.Options{
		Strong: s.strong, Weak: s.weak, Router: s.router.Kind, Threshold: s.router.Threshold, Thresholds: s.router.Thresholds,
		RoutingUSD: s.routingUSD,
		Draws:      o.draws, Seed: o.seed, Confidence: o.confidence, SliceBy: o.sliceBy, Stratify: o.stratify, ClusterBy: o.clusterBy,
	})
	if err := errors.Join(err, s.close()); err != nil {
		return err
	}
	r.Comparison, r.Provenance = s.comparison, s.provenance
	r.Verdicts = reports.Check(r, gates)
	path, err := o.place()
	if err != nil {
		return err
	}
	if err := writePage(w, path, func(out io.Writer) error { return render(out, r) }); err != nil {
		return err
	}
	if o.open {
		if err := browse(path); err != nil {
			return err
		}
	}
	if n := reports.Missed(r.Verdicts); n > 0 {
		return &statusError{statusGate, fmt.Errorf("%d of %d gates missed", n, len(gates))}
	}
	return nil
}

// writePage writes to standard output or, whole or not at all, to a file.
func writePage(w *world, path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		return write(w.stdout)
	}
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if err := write(f); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// wrapped lists names in lines of at most 78 characters.
func wrapped(names []string) string {
	var b strings.Builder
	column := len("Names: ")
	for i, name := range slices.Sorted(slices.Values(names)) {
		if i > 0 {
			b.WriteString(", ")
			column += 2
		}
		if column+len(name)+1 > 78 {
			b.WriteString("\n")
			column = 0
		}
		b.WriteString(name)
		column += len(name)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}
