package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"routeval/reports"
)

type compareOptions struct {
	routers []string // KIND,FIELD=VALUE,…
	format  string
	out     string
	draws   int
	seed    uint64
}

func compareRoutersCommand(w *world) *cobra.Command {
	var o compareOptions
	c := &cobra.Command{
		Use:   "compare-routers [SPEC | RUN]...",
		Short: "Hold routers against each other on the same recorded outcomes",
		Long: `Compare-routers puts several routers on one page: APGR, CPT and the cost saved of
each, and by how much it differs from the first, on the prompts that all of them
have a win rate for and whose outcomes of both models are known and graded. No
model is called. Intervals are of the paired bootstrap: the luck of the prompts is
the same for all routers and leaves their differences. A difference whose interval
holds 0 is printed as ~.

Each --router is a kind of router with fields of the spec's router, for the prompts
of one SPEC or of the flags. Without --router each argument is one: a spec with its
router, or the directory of a run. Train and calibrate on other prompts than those
compared on: a router that has seen them is better than it looks.` +
			exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval compare-routers spec.yaml --router mf --router random --router length
  routeval compare-routers spec.yaml --router mf,weights=mine.safetensors \
      --router knn,outcomes=past.jsonl,k=20,temperature=0.05 --format markdown
  routeval compare-routers runs/old runs/new`,
		RunE: func(c *cobra.Command, args []string) error {
			render, err := reports.RouterRendererFor(o.format)
			if err != nil {
				return usage(fmt.Errorf("--format: %w", err))
			}
			rated, err := o.score(c.Context(), w, c, args)
			if err != nil {
				return err
			}
			return o.compare(c.Context(), w, rated, render)
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.routers, "router", nil, "a router as KIND[,FIELD=VALUE]... (again for more; the first is what the others are held against)")
	f.StringVarP(&o.format, "format", "f", "text", "how to write it: "+strings.Join(reports.RouterFormats(), ", "))
	f.StringVarP(&o.out, "out", "o", "", "a file to write it to, instead of standard output")
	f.IntVar(&o.draws, "draws", reports.DefaultDraws, "bootstrap draws behind the intervals; 0 for no intervals")
	f.Uint64Var(&o.seed, "bootstrap-seed", 0, "of the bootstrap")
	addSpecFlags(c, slices.DeleteFunc(slices.Clone(scoringFlags), func(name string) bool { return name == "router" || name == "threshold" })...)
	return c
}

// ratedPrompts are the pairs that one router makes, by the prompts' ids.
type ratedPrompts struct {
	name         string
	strong, weak string // candidates
	ids          []string
	pairs        map[string]reports.Pair
	left         int // prompts that make no pair
	routingUSD   *float64
}

// score has every router score its prompts, one router after the other.
func (o *compareOptions) score(ctx context.Context, w *world, c *cobra.Command, args []string) ([]*ratedPrompts, error) {
	names := args
	open := func(arg string) (scored, error) { return openScored(ctx, w, c, []string{arg}, scoredOptions{}) }
	if len(o.routers) > 0 {
		names = o.routers
		open = func(router string) (scored, error) { return openRouter(ctx, w, c, args, router) }
	}
	switch {
	case len(o.routers) > 0 && len(args) > 1:
		return nil, usage(errors.New("--router: goes with one SPEC, whose prompts the routers score"))
	case len(names) < 2:
		return nil, usage(errors.New("a comparison takes two routers or more: --router twice, or two specs or runs"))
	}
	var all []*ratedPrompts
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, usage(fmt.Errorf("%s: is named twice", name))
		}
		s, err := open(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		rated, err := ratedBy(name, s)
		if err := errors.Join(err, s.close()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, rated)
	}
	return all, nil
}

// openRouter scores the prompts of a spec, or of the flags, by a router that is
// given as KIND,FIELD=VALUE,….
func openRouter(ctx context.Context, w *world, c *cobra.Command, args []string, router string) (scored, error) {
	r, err := resolve(w, c, specFile(args))
	if err != nil {
		return scored{}, err
	}
	kind, fields, _ := strings.Cut(router, ",")
	set := map[string]any{"kind": kind}
	for field := range strings.SplitSeq(fields, ",") {
		name, text, ok := strings.Cut(field, "=")
		if field == "" {
			continue
		}
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil || !ok {
			return scored{}, usage(fmt.Errorf("want KIND,FIELD=VALUE,…, such as knn,outcomes=past.jsonl,k=20"))
		}
		if name == "outcomes" {
			before, _ := set[name].([]any)
			value = append(before, value)
		}
		set[name] = value
	}
	for name, value := range set {
		if err := r.Set("router."+name, value); err != nil {
			return scored{}, usage(err)
		}
	}
	return scoreSpec(ctx, w, &r, scoredOptions{})
}

// ratedBy reads all results of a router and keeps the pairs.
func ratedBy(name string, s scored) (*ratedPrompts, error) {
	r := &ratedPrompts{name: name, strong: s.strong, weak: s.weak, pairs: map[string]reports.Pair{}, routingUSD: s.routingUSD}
	for result, err := range s.results {
		if err != nil {
			return nil, err
		}
		p, ok := reports.PairOf(&result, s.strong, s.weak)
		if !ok || !p.Graded() {
			r.left++
			continue
		}
		if _, twice := r.pairs[result.PromptID]; twice {
			return nil, fmt.Errorf("two prompts have the id %q", result.PromptID)
		}
		r.ids = append(r.ids, result.PromptID)
		r.pairs[result.PromptID] = p
	}
	return r, nil
}

// compare joins the routers on the prompts that all of them have, and writes the
// page.
func (o *compareOptions) compare(ctx context.Context, w *world, all []*ratedPrompts, render reports.RouterRenderer) error {
	runs := make([]reports.RouterRun, len(all))
	for i, r := range all {
		runs[i] = reports.RouterRun{Name: r.name, RoutingUSD: r.routingUSD}
	}
	met := len(all[0].ids) + all[0].left
	for _, id := range all[0].ids {
		pairs := make([]reports.Pair, len(all))
		for i, r := range all {
			p, ok := r.pairs[id]
			if !ok {
				break
			}
			if first := all[0].pairs[id]; p.StrongQuality != first.StrongQuality || p.WeakQuality != first.WeakQuality {
				return fmt.Errorf("prompt %q has other qualities in %s than in %s: routers are compared on the same outcomes", id, r.name, all[0].name)
			}
			pairs[i] = p
			if i+1 < len(all) {
				continue
			}
			for k := range runs {
				runs[k].Pairs = append(runs[k].Pairs, pairs[k])
			}
		}
	}
	if len(runs[0].Pairs) == 0 {
		return errors.New("no prompt has a win rate of every router and the graded outcomes of both models: there is nothing to compare on")
	}
	draws := o.draws
	if draws == 0 {
		draws = -1 // none
	}
	c, err := reports.CompareRouters(ctx, runs, reports.Options{Strong: all[0].strong, Weak: all[0].weak, Draws: draws, Seed: o.seed})
	if err != nil {
		return err
	}
	if left := met - c.Pairs; left > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("Of %d prompts %d are left out: without a win rate of every router, or without the graded outcomes of both models.", met, left))
	}
	return writePage(w, o.out, func(out io.Writer) error { return render(out, c) })
}
