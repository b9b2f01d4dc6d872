package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"routeval/reports"
	"routeval/scoring"
)

// calibrateOptions are what calibrate is asked for.
type calibrateOptions struct {
	share, budget, pgr, quality float64
	goal                        goal

	prompts      int64   // that the budget is for
	answerTokens int64   // assumed of answers that nobody counted; 0 for no assumption
	holdout      float64 // share of the groups, in [0,1), that has no part in the choice; below 0 for the default
	by           string
	format       string
	draws        int
	seed         uint64
}

// A goal is one way to say what a threshold is chosen for.
type goal struct {
	flag        string
	onOutcomes  bool // it rests on recorded outcomes, so that its choice must be checked on others
	perCategory bool // it has a meaning for the prompts of one category
	choose      func(ctx context.Context, o *calibrateOptions, rows []calibrationRow) (threshold float64, err error)
}

// goals is the table of goals.
var goals = []goal{
	{"strong-share", false, true, forShare},
	{"budget", true, false, forBudget},
	{"pgr", true, true, func(ctx context.Context, o *calibrateOptions, rows []calibrationRow) (float64, error) {
		return forFloor(ctx, o, rows, reports.KeepPGR, o.pgr)
	}},
	{"quality", true, true, func(ctx context.Context, o *calibrateOptions, rows []calibrationRow) (float64, error) {
		return forFloor(ctx, o, rows, reports.KeepQuality, o.quality)
	}},
}

func (o *calibrateOptions) addTo(c *cobra.Command) {
	f := c.Flags()
	f.Float64VarP(&o.share, "strong-share", "s", 0, "goal: this share of the prompts, in [0,1], goes strong")
	f.Float64Var(&o.budget, "budget", 0, "goal: the largest strong share whose expected cost for --prompts is at most so many US dollars")
	f.Float64Var(&o.pgr, "pgr", 0, "goal: the smallest strong share that keeps this share of the gap, in [0,1]")
	f.Float64Var(&o.quality, "quality", 0, "goal: the smallest strong share that keeps this mean quality, in [0,1]")
	f.Int64Var(&o.prompts, "prompts", 0, "number of prompts that --budget is for")
	f.Int64Var(&o.answerTokens, "answer-tokens", 0, "tokens that --budget takes an answer to have that nobody counted; prompts: bytes/4")
	f.Float64Var(&o.holdout, "holdout", -1, "share of the groups of prompts, in [0,1), kept out of the choice to check it on (default 0.5 where the goal rests on outcomes)")
	f.StringVar(&o.by, "by", "", "category: a threshold for each category as well")
	f.StringVarP(&o.format, "format", "f", "text", "what goes to standard output: text (the threshold) or yaml (a piece of a spec)")
	f.IntVar(&o.draws, "draws", reports.DefaultDraws, "bootstrap draws behind the intervals")
	f.Uint64Var(&o.seed, "bootstrap-seed", 0, "of the split and of the bootstrap")
}

// check reports what is wrong with the flags, and finds the goal.
func (o *calibrateOptions) check(c *cobra.Command) error {
	var asked []string
	for _, g := range goals {
		if c.Flags().Changed(g.flag) {
			o.goal = g
			asked = append(asked, "--"+g.flag)
		}
	}
	var errs []error
	bad := func(when bool, text string) {
		if when {
			errs = append(errs, errors.New(text))
		}
	}
	bad(len(asked) == 0, "--strong-share: missing: say what to calibrate for: --strong-share S, --budget USD --prompts N, --pgr X or --quality Q")
	bad(len(asked) > 1, strings.Join(asked, ", ")+": one goal at a time")
	bad(!(o.budget >= 0) || math.IsInf(o.budget, 0), "--budget: want US dollars from 0")
	bad(o.goal.flag == "budget" && o.prompts < 1, "--prompts: missing: say how many prompts the budget is for")
	bad(o.goal.flag != "budget" && c.Flags().Changed("prompts"), "--prompts: goes with --budget")
	bad(o.goal.flag != "budget" && c.Flags().Changed("answer-tokens"), "--answer-tokens: goes with --budget")
	bad(o.answerTokens < 0, "--answer-tokens: want a number of tokens from 1")
	bad(c.Flags().Changed("holdout") && !(o.holdout >= 0 && o.holdout < 1), "--holdout: want a share in [0,1)")
	bad(o.by != "" && o.by != "category", fmt.Sprintf("--by: unknown slice %q (have category)", o.by))
	bad(o.by != "" && !o.goal.perCategory && len(asked) == 1, "--by: a budget is for all prompts together; a threshold for each category needs --strong-share, --pgr or --quality")
	bad(!slices.Contains([]string{"text", "yaml"}, o.format), fmt.Sprintf("--format: unknown format %q (have text, yaml)", o.format))
	bad(o.draws < 1, "--draws: want at least 1")
	return usage(errors.Join(errs...))
}

func (o *calibrateOptions) bootstrap(threshold *float64) reports.Options {
	return reports.Options{Strong: "strong", Weak: "weak", Threshold: threshold, Draws: o.draws, Seed: o.seed}
}

func forShare(_ context.Context, o *calibrateOptions, rows []calibrationRow) (float64, error) {
	c, err := scoring.Calibrate(ratesOf(rows), o.share)
	return c.Threshold, err
}

// forFloor chooses the least strong share that keeps a floor.
func forFloor(ctx context.Context, o *calibrateOptions, rows []calibrationRow, keep func(context.Context, []reports.Pair, float64, reports.Options) (reports.Point, error), floor float64) (float64, error) {
	p, err := keep(ctx, gradedPairs(rows), floor, o.bootstrap(nil))
	return thresholdOf(p), err
}

// forBudget chooses the largest strong share whose expected cost fits: the mean
// cost of a prompt on these rows, times the number that the budget is for.
func forBudget(_ context.Context, o *calibrateOptions, rows []calibrationRow) (float64, error) {
	pairs, err := pricedPairs(rows)
	if err != nil {
		return 0, err
	}
	curve, err := reports.Sweep(pairs)
	if err != nil {
		return 0, err
	}
	per := float64(o.prompts) / curve.Prompts
	p, ok := curve.AtCost(o.budget / per)
	if !ok {
		return 0, fmt.Errorf("%d prompts cost $%.4f if all go to the weak model: no threshold fits a budget of $%v", o.prompts, curve.Weak().CostUSD*per, o.budget)
	}
	return thresholdOf(p), nil
}

// thresholdOf is the threshold of a point, such that none and all of the prompts
// are none and all of any other prompts too.
func thresholdOf(p reports.Point) float64 {
	switch p.StrongShare {
	case 0:
		return math.Nextafter(1, 2)
	case 1:
		return 0
	}
	return p.Threshold
}
