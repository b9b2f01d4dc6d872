package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"routeval/reports"
)

// calibrated is a threshold, what it was chosen on and what it achieves.
type calibrated struct {
	*calibrateOptions
	threshold  float64
	categories map[string]*calibratedCategory // nil unless asked for

	chosenOn, heldOut []calibrationRow // heldOut is nil if nothing was kept out
}

type calibratedCategory struct {
	threshold         float64
	fallback          error // why it is that of all prompts; nil if it is its own
	chosenOn, heldOut []calibrationRow
}

// calibrate chooses the threshold of the goal, and one for each category if asked.
func (o *calibrateOptions) calibrate(ctx context.Context, rows []calibrationRow) (*calibrated, error) {
	if o.holdout < 0 {
		o.holdout = 0
		if o.goal.onOutcomes && slices.ContainsFunc(rows, func(r calibrationRow) bool { return r.Graded() }) {
			o.holdout = 0.5
		}
	}
	cal := &calibrated{calibrateOptions: o}
	cal.chosenOn, cal.heldOut = split(rows, o.holdout, o.seed)
	if len(cal.chosenOn) == 0 || o.holdout > 0 && len(cal.heldOut) == 0 {
		return nil, fmt.Errorf("%d prompts in groups cannot be split at a holdout of %v; --holdout 0 does without", len(rows), o.holdout)
	}
	var err error
	if cal.threshold, err = o.goal.choose(ctx, o, cal.chosenOn); err != nil {
		if o.holdout > 0 {
			err = fmt.Errorf("%w (%d of %d prompts are held out)", err, len(cal.heldOut), len(rows))
		}
		return nil, err
	}
	if o.by != "" {
		cal.chooseByCategory(ctx)
	}
	return cal, nil
}

// chooseByCategory chooses a threshold for each category. One that is too small
// or too uniform for a choice of its own has that of all prompts.
func (cal *calibrated) chooseByCategory(ctx context.Context) {
	cal.categories = map[string]*calibratedCategory{}
	heldOut := byCategory(cal.heldOut)
	for name, rows := range byCategory(cal.chosenOn) {
		c := &calibratedCategory{chosenOn: rows, heldOut: heldOut[name]}
		var err error
		switch {
		case name == "":
			err = errors.New("these prompts have no category")
		case len(rows) < minCategory:
			err = fmt.Errorf("%d prompts are too few", len(rows))
		default:
			c.threshold, err = cal.goal.choose(ctx, cal.calibrateOptions, rows)
		}
		if err != nil {
			c.threshold, c.fallback = cal.threshold, err
		}
		cal.categories[name] = c
	}
}

// minCategory is the number of prompts below which a category has no threshold of
// its own.
const minCategory = 30

// thresholds are those of the categories that have one of their own.
func (cal *calibrated) thresholds() map[string]float64 {
	own := map[string]float64{}
	for name, c := range cal.categories {
		if c.fallback == nil {
			own[name] = c.threshold
		}
	}
	return own
}

// byThreshold routes every row by one threshold.
func byThreshold(threshold float64) func(*calibrationRow) bool {
	return func(r *calibrationRow) bool { return r.WinRate >= threshold }
}

// byThresholds routes every row by the threshold of its category.
func (cal *calibrated) byThresholds(r *calibrationRow) bool {
	if c, ok := cal.categories[r.category]; ok {
		return r.WinRate >= c.threshold
	}
	return r.WinRate >= cal.threshold
}

// figures are what a way of routing rows achieves, each with its interval; one
// that is not known at all has an empty name.
type figures struct {
	prompts                         int
	strongShare, quality, pgr, cost reports.Value
	notes                           []string
}

// achieved routes rows and sums up.
func (o *calibrateOptions) achieved(ctx context.Context, rows []calibrationRow, strong func(*calibrationRow) bool) (figures, error) {
	f := figures{prompts: len(rows)}
	routed, n := make([]calibrationRow, len(rows)), 0
	for i := range rows {
		routed[i] = rows[i]
		routed[i].WinRate = 0 // and 1 for strong, so that any rule is a threshold
		if strong(&rows[i]) {
			routed[i].WinRate = 1
			n++
		}
	}
	f.strongShare = reports.ShareOf(n, len(rows))
	half := 0.5
	if pairs := gradedPairs(routed); len(pairs) > 0 {
		r, err := reports.Routed(ctx, pairs, o.bootstrap(&half))
		if err != nil {
			return f, err
		}
		f.quality, f.pgr, f.notes = r.Quality, r.PGR, r.PGR.Warnings
	}
	pairs, err := pricedPairs(routed)
	if err != nil {
		return f, nil // unknown, and so not shown
	}
	r, err := reports.Routed(ctx, pairs, o.bootstrap(&half))
	if err != nil {
		return f, err
	}
	per := float64(o.costOf()) / float64(len(pairs)) // a report scales weights to the number of pairs
	f.cost = r.CostUSD
	f.cost.Center, f.cost.Lo, f.cost.Hi = f.cost.Center*per, f.cost.Lo*per, f.cost.Hi*per
	return f, nil
}

// costOf is the number of prompts that costs are told for.
func (o *calibrateOptions) costOf() int64 { return cmp.Or(o.prompts, 1000) }

// categoryNames are the names of the categories, sorted.
func (cal *calibrated) categoryNames() []string { return slices.Sorted(maps.Keys(cal.categories)) }
