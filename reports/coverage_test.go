package reports

import (
	"flag"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"routeval/datasets"
)

var coverageRuns = flag.Int("coverage", 200, "simulated data sets of TestCoverage; 1000 for the figures in CHECKED.md")

// Judge: simulation. The truth is the report of a population of 200,000 prompts;
// the 95 % intervals of samples of 500 must cover it as often as they say: 93 to
// 97 % of 1,000 samples, and within four standard errors of fewer.
func TestCoverage(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation")
	}
	population := world(200_000, 0.6)
	coverage(t, "prompts", *coverageRuns, build(t, population, Options{Draws: -1}), Options{}, func(r *rand.Rand) []datasets.Result {
		return sampled500(r, population)
	})
}

// Judge: the same, for samples in which every prompt has three variants that
// tend to be answered alike, drawn by cluster; and for samples that hold as many
// prompts of each category as the population, drawn by stratum.
func TestCoverageOfDesigns(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation")
	}
	population := world(60_000, 0.6)
	for i := range population {
		population[i].Category = strconv.Itoa(int(10 * *population[i].WinRate))
	}
	truth := build(t, population, Options{Draws: -1})
	runs := *coverageRuns
	if runs < 1000 {
		runs /= 4
	}
	coverage(t, "clusters", runs, truth, Options{ClusterBy: "group"}, func(r *rand.Rand) []datasets.Result {
		var sample []datasets.Result
		for i := range 170 {
			one, other := population[r.IntN(len(population))], population[r.IntN(len(population))]
			one.Extra = fmt.Appendf(nil, `{"group":%d}`, i)
			other.Extra = one.Extra
			sample = append(sample, one, one, other)
		}
		return sample
	})
	strata := make(map[string][]datasets.Result)
	for _, p := range population {
		strata[p.Category] = append(strata[p.Category], p)
	}
	coverage(t, "strata", runs, truth, Options{SliceBy: "category", Stratify: true}, func(r *rand.Rand) []datasets.Result {
		var sample []datasets.Result
		for _, name := range slices.Sorted(maps.Keys(strata)) {
			for range (len(strata[name]) + 60) / 120 {
				sample = append(sample, strata[name][r.IntN(len(strata[name]))])
			}
		}
		return sample
	})
}

func sampled500(r *rand.Rand, population []datasets.Result) []datasets.Result {
	sample := make([]datasets.Result, 500)
	for i := range sample {
		sample[i] = population[r.IntN(len(population))]
	}
	return sample
}

// coverage reports how often the intervals of samples cover the truth, and fails
// where it is not as often as they say.
func coverage(t *testing.T, what string, runs int, truth *Report, opts Options, sample func(*rand.Rand) []datasets.Result) {
	t.Helper()
	// Those after the gap are printed only: the hull of AIQ and what is measured
	// at the far end of the curve are biased in small samples.
	names := []string{"apgr", "quality", "cost_saved", "cost_saved_95", "cost_saved_99", "apgr_cost", "pgr", "auroc", "brier", "gain_random", "gap",
		"", "cost_share", "strong_quality", "arena_score", "oracle_gap", "cpt_20", "cpt_50", "cpt_80", "cpt_95", "aiq", "qnc", "cost_saved_100"}
	covered, above, defined := make(map[string]int), make(map[string]int), make(map[string]int)
	r := rand.New(rand.NewPCG(11, 12))
	for range runs {
		opts.Draws, opts.Seed = max(400, runs), r.Uint64()
		got := build(t, sample(r), opts)
		for _, name := range names {
			v, ok := got.Value(name)
			if !ok || !v.HasInterval() {
				continue
			}
			defined[name]++
			switch want := center(t, truth, name); {
			case v.Lo > want:
				above[name]++
			case want <= v.Hi:
				covered[name]++
			}
		}
	}
	slack := 0.02
	if runs < 1000 {
		slack = 4 * math.Sqrt(0.95*0.05/float64(runs))
	}
	checked := true
	for _, name := range names {
		if checked = checked && name != ""; name == "" {
			continue
		}
		share := float64(covered[name]) / float64(defined[name])
		t.Logf("%s: %-15s %.4f covered by %.1f %% of %d, interval above it %.1f %%", what, name, center(t, truth, name), 100*share, defined[name], 100*float64(above[name])/float64(defined[name]))
		if checked && math.Abs(share-0.95) > slack {
			t.Errorf("%s: 95 %% intervals of %s cover the truth in %.1f %% of %d samples", what, name, 100*share, defined[name])
		}
	}
}
