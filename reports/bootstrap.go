package reports

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// A statistic is what a bootstrap draw computes, by the name under which
// metrics and baselines find its interval.
type statistic int

const (
	statQuality statistic = iota
	statCost
	statWeakQuality
	statStrongQuality
	statGap
	statOracleQuality
	statOracleAllQuality
	statBestSingleQuality
	statRoutedQuality
	statGainBestSingle
	statGainRandom
	statOracleGap
	statWeakCost
	statStrongCost
	statRoutedCost
	statCostShare
	statCostSaved
	statArenaScore
	statBrier
	statPGR
	statAPGR
	statAPGRCost
	statAIQ
	statAUROC
	statQNC
	statCPT20
	statCPT50
	statCPT80
	statCPT95
	statSaved95
	statSaved99
	statSaved100
	numStats
)

var statNames = [numStats]string{
	statQuality:           "quality",
	statCost:              "cost_usd",
	statWeakQuality:       "weak_quality",
	statStrongQuality:     "strong_quality",
	statGap:               "gap",
	statOracleQuality:     "oracle_quality",
	statOracleAllQuality:  "oracle_all_quality",
	statBestSingleQuality: "best_single_quality",
	statRoutedQuality:     "routed_quality",
	statGainBestSingle:    "gain_best_single",
	statGainRandom:        "gain_random",
	statOracleGap:         "oracle_gap",
	statWeakCost:          "weak_cost_usd",
	statStrongCost:        "strong_cost_usd",
	statRoutedCost:        "routed_cost_usd",
	statCostShare:         "cost_share",
	statCostSaved:         "cost_saved",
	statArenaScore:        "arena_score",
	statBrier:             "brier",
	statPGR:               "pgr",
	statAPGR:              "apgr",
	statAPGRCost:          "apgr_cost",
	statAIQ:               "aiq",
	statAUROC:             "auroc",
	statQNC:               "qnc",
	statCPT20:             "cpt_20",
	statCPT50:             "cpt_50",
	statCPT80:             "cpt_80",
	statCPT95:             "cpt_95",
	statSaved95:           "cost_saved_95",
	statSaved99:           "cost_saved_99",
	statSaved100:          "cost_saved_100",
}

var (
	cptLevels  = [...]float64{0.20, 0.50, 0.80, 0.95} // of statCPT20 and on, ascending
	keepLevels = [...]float64{0.95, 0.99, 1}          // of statSaved95 and on, ascending
)

// bootstrap fills in the intervals of the facts: the paired percentile
// bootstrap over prompts. Each draw takes as many prompts as there are, with
// replacement, each with all that is known of it, and computes the exact
// statistic of the drawn prompts: not an approximation, and not another
// estimand.
//
// Rows are sorted once. A draw is then a number of times for each row, and one
// pass over the rows in order gives every area and crossing. Draw d has its own
// generator, seeded by (seed, d), so the intervals do not depend on how many
// processors share the work.
//
// For a slice, whole is false: only what a [Slice] shows is computed.
func bootstrap(ctx context.Context, f *facts, whole bool) error {
	s := newSample(f, whole)
	draws := make([]drawn, f.opts.Draws)
	if whole && s.rated {
		table := make([]float64, len(draws)*(bandSteps+1))
		for d := range draws {
			draws[d].band = table[d*(bandSteps+1):][:bandSteps+1]
		}
	}
	if err := s.drawAll(ctx, draws, f.opts.Seed); err != nil {
		return err
	}
	column := make([]float64, len(draws))
	ends := func(of func(*drawn) float64) interval {
		for d := range draws {
			column[d] = of(&draws[d])
		}
		lo, hi := percentiles(column, f.opts.Confidence)
		return interval{lo, hi}
	}
	for stat, name := range statNames {
		if whole || slices.Contains(sliceStats, statistic(stat)) {
			f.intervals[name] = ends(func(d *drawn) float64 { return d.stats[stat] })
		}
	}
	for i := range draws[0].band {
		f.band = append(f.band, ends(func(d *drawn) float64 { return d.band[i] }))
	}
	return nil
}

// sliceStats are those that a slice shows or needs.
var sliceStats = []statistic{statQuality, statCost, statWeakQuality, statStrongQuality, statGap, statCostShare, statPGR, statAPGR}

// bandSteps is the number of steps of the strong share at which the curve has an
// interval.
const bandSteps = 100

// drawn is what one draw computed; NaN where a statistic has no meaning.
type drawn struct {
	stats [numStats]float64
	band  []float64 // quality at each percent of the strong share; nil if it is not wanted
}

// drawAll computes the draws.
func (s *sample) drawAll(ctx context.Context, draws []drawn, seed uint64) error {
	return eachDraw(ctx, s.design, len(draws), seed, func() ([]uint8, func(int)) {
		w := s.newWalker()
		return w.times, func(d int) { w.draw(&draws[d]) }
	})
}

// eachDraw makes draws, as many side by side as there are processors. Each of
// these has a worker of its own: where to write how often every row came, and
// what to do with the draw of that number then. The error is that of ctx.
func eachDraw(ctx context.Context, from design, draws int, seed uint64, worker func() (times []uint8, use func(d int))) error {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), draws) {
		times, use := worker()
		workers.Go(func() {
			for ctx.Err() == nil {
				d := int(next.Add(1)) - 1
				if d >= draws {
					return
				}
				from.resample(times, rand.NewPCG(seed, uint64(d)))
				use(d)
			}
		})
	}
	workers.Wait()
	return ctx.Err()
}
