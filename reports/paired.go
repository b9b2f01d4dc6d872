package reports

import (
	"context"
	"math"
)

// pairedDraws are the statistics of several samples, whose rows are of the same
// prompts in the same order, by sample and draw. Draw d holds the same prompts in
// every sample, so that the luck of having met easy ones is in all of them and
// leaves their differences.
func pairedDraws(ctx context.Context, samples []*sample, opts Options) ([][][numStats]float64, error) {
	stats := make([][][numStats]float64, len(samples))
	for i := range stats {
		stats[i] = make([][numStats]float64, opts.Draws)
	}
	n := samples[0].n
	err := eachDraw(ctx, design{}, opts.Draws, opts.Seed, func() ([]uint8, func(int)) {
		prompts := make([]uint8, n) // how often each came
		var walkers []*walker
		for _, s := range samples {
			walkers = append(walkers, s.newWalker())
		}
		var out drawn
		return prompts, func(d int) {
			for i, w := range walkers {
				for place, row := range w.row {
					w.times[place] = prompts[row]
				}
				w.draw(&out)
				stats[i][d] = out.stats
			}
		}
	})
	return stats, err
}

// intervalsOf are the intervals of the statistics of one sample's draws.
func intervalsOf(stats [][numStats]float64, confidence float64) map[string]interval {
	intervals := make(map[string]interval)
	for stat, name := range statNames {
		column := make([]float64, len(stats))
		for d := range stats {
			column[d] = stats[d][stat]
		}
		lo, hi := percentiles(column, confidence)
		intervals[name] = interval{lo, hi}
	}
	return intervals
}

// difference is how much greater a value is than base, with the interval of that
// in the draws of both; no number where one of the two has none.
func difference(v, base Value, draws, baseDraws [][numStats]float64, confidence float64) Value {
	for _, x := range []Value{v, base} {
		if !x.OK() {
			return x
		}
	}
	d := known(v.Name, v.Unit, v.Center-base.Center, min(v.N, base.N))
	for stat, name := range statNames {
		if name != v.Name || len(draws) == 0 {
			continue
		}
		column := make([]float64, len(draws))
		for i := range draws {
			column[i] = draws[i][stat] - baseDraws[i][stat]
		}
		d.Lo, d.Hi = percentiles(column, confidence)
	}
	return d
}

// Tied reports whether an interval of a difference holds 0, so that the sides may
// be as good as each other.
func (v Value) Tied() bool { return v.HasInterval() && v.Lo <= 0 && v.Hi >= 0 }

// signed writes a difference: "~" where it is tied, else with its sign.
func (v Value) signed() string {
	switch {
	case v.Tied():
		return "~"
	case !v.OK() || math.Signbit(v.Center):
		return v.String()
	}
	return "+" + v.String()
}

// jsonDelta is a difference as the JSON pages write it.
type jsonDelta struct {
	jsonValue `json:",inline"`
	Tied      *bool `json:"tied"` // whether the interval holds 0; null if there is none
}

func (v Value) jsonDelta() jsonDelta {
	d := jsonDelta{jsonValue: v.json()}
	if v.HasInterval() {
		d.Tied = new(v.Tied())
	}
	return d
}
