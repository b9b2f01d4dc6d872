package reports

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"routeval/datasets"
)

var coverageRuns = flag.Int("coverage", 150, "simulated data sets of TestCoverage; 1000 for the figures in CHECKED.md")

// Judge: simulation. The truth is the report of a population of 200,000 prompts;
// the 95 % intervals of samples of 500 must cover it as often as they say.
func TestCoverage(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation")
	}
	const size = 500
	population := world(200_000, 0.6)
	truth := build(t, population, Options{Draws: -1})
	names := []string{"quality", "cost_usd", "cost_share", "cost_saved", "pgr", "apgr", "apgr_cost", "gap", "strong_share",
		"aiq", "auroc", "brier", "arena_score", "gain_random", "oracle_gap", "cost_saved_95", "cost_saved_99", "cost_saved_100", "cpt_20", "cpt_50", "cpt_80", "cpt_95", "qnc"}
	covered, none, above := make(map[string]int), make(map[string]int), make(map[string]int)
	r := rand.New(rand.NewPCG(11, 12))
	for range *coverageRuns {
		sample := make([]datasets.Result, size)
		for i := range sample {
			sample[i] = population[r.IntN(len(population))]
		}
		got := build(t, sample, Options{Draws: 500, Seed: r.Uint64()})
		for _, name := range names {
			v, _ := got.Value(name)
			want := center(t, truth, name)
			if name == "cost_usd" {
				want *= size / 200_000.0
			}
			switch {
			case math.IsNaN(v.Lo):
				none[name]++
			case v.Lo <= want && want <= v.Hi:
				covered[name]++
			case v.Lo > want:
				above[name]++
			}
		}
	}
	for _, name := range names {
		n := *coverageRuns - none[name]
		share := float64(covered[name]) / float64(n)
		t.Logf("%-15s truth %.4f: covered %.1f %%, interval above it %.1f %%, no interval %d", name, center(t, truth, name), 100*share, 100*float64(above[name])/float64(n), none[name])
	}
}
