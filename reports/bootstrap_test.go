package reports

import (
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"routeval/datasets"
)

// Judge: the curve of the drawn prompts, written out one by one.
func TestEachDrawIsTheExactStatistic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(t, "n")
		results := world(n, 0.5)
		for i := range results {
			if rapid.Bool().Draw(t, "tie") {
				results[i].WinRate = ptr(0.5)
			}
			if rapid.IntRange(0, 5).Draw(t, "only routed") == 0 {
				onlyRouted(&results[i])
			}
			results[i].Propensity = rapid.SampledFrom([]float64{1, 0.5, 0.1}).Draw(t, "propensity")
		}
		rows, err := readRows(stream(results), Options{Strong: "strong", Weak: "weak", Confidence: 0.95})
		if err != nil {
			t.Fatal(err)
		}
		f, err := gather(rows)
		if err != nil {
			t.Fatal(err)
		}
		s := newSample(f, rows.list)
		times := make([]uint8, n)
		resample(times, rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))

		// The sample's rows are in falling order of win rate, ties in the order of the input.
		order := make([]ranked, n)
		for i := range order {
			order[i] = ranked{fallingKey(rows.list[i].winRate), uint32(i)}
		}
		var drawn []Pair
		var quality, graded, cost, routedQuality, routedCost, weight, all float64
		for i, o := range sortRanked(order) {
			r := rows.list[o.index]
			all += r.weight
			for range times[i] {
				quality += r.routedQuality
				graded++
				cost += r.routedCost
				if r.weight > 0 {
					drawn = append(drawn, Pair{r.winRate, r.strongQuality, r.weakQuality, r.strongCost, r.weakCost, r.weight})
					weight += r.weight
					routedQuality += r.weight * r.routedQuality
					routedCost += r.weight * r.routedCost
				}
			}
		}
		got := s.draw(times)
		want := func(stat int, x float64) {
			t.Helper()
			if !near(got[stat], x) {
				t.Fatalf("%s = %v, the drawn prompts have %v", statNames[stat], got[stat], x)
			}
		}
		want(statQuality, quality/graded)
		want(statCost, cost)
		if len(drawn) == 0 {
			want(statAPGR, math.NaN())
			return
		}
		curve, err := Sweep(drawn)
		if err != nil {
			t.Fatal(err)
		}
		oracle, err := NewOracle(drawn)
		if err != nil {
			t.Fatal(err)
		}
		want(statWeakQuality, curve.Weak().Quality)
		want(statStrongQuality, curve.Strong().Quality)
		want(statGap, curve.Gap())
		want(statOracleQuality, oracle.Best().Quality)
		want(statRoutedQuality, routedQuality/weight)
		want(statWeakCost, curve.Weak().CostUSD*all/weight)
		want(statStrongCost, curve.Strong().CostUSD*all/weight)
		want(statRoutedCost, routedCost*all/weight)
		want(statCostShare, routedCost/curve.Strong().CostUSD)
		if math.Abs(curve.Gap()) < 1e-9 {
			return // a gap of rounding errors may be on either side
		}
		want(statPGR, curve.PGR(routedQuality/weight))
		want(statAPGR, curve.APGR())
		want(statAPGRCost, curve.APGRCost())
		for i, x := range cptLevels {
			p, ok := curve.CPT(x)
			if !ok {
				p.StrongShare = math.NaN()
			}
			// Weights make sums inexact: a crossing that is met by a hair may move.
			if at, ok := curve.CPT(x - 1e-9); ok && at.StrongShare == p.StrongShare {
				want(statCPT50+i, p.StrongShare)
			}
		}
	})
}

// Judge: the mean and variance of a multinomial count, np and np(1−p).
func TestResampleIsMultinomial(t *testing.T) {
	const n, draws = 50, 20_000
	times := make([]uint8, n)
	var sums, squares [n]float64
	for d := range draws {
		resample(times, rand.NewPCG(1, uint64(d)))
		total := 0
		for i, k := range times {
			total += int(k)
			sums[i] += float64(k)
			squares[i] += float64(k) * float64(k)
		}
		if total != n {
			t.Fatalf("%d rows drawn out of %d", total, n)
		}
	}
	for i := range sums {
		mean := sums[i] / draws
		variance := squares[i]/draws - mean*mean
		if math.Abs(mean-1) > 0.04 || math.Abs(variance-(1-1.0/n)) > 0.08 {
			t.Errorf("row %d: mean %v and variance %v of its count, want 1 and %v", i, mean, variance, 1-1.0/n)
		}
	}
}

func TestIntervalsDependOnTheSeedAlone(t *testing.T) {
	opts := Options{Draws: 200, Seed: 5}
	one := runtime.GOMAXPROCS(1)
	a := build(t, world(100, 0.5), opts)
	runtime.GOMAXPROCS(max(one, 2))
	b := build(t, world(100, 0.5), opts)
	runtime.GOMAXPROCS(one)
	if diff := cmp.Diff(a.Values, b.Values, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("one worker and several differ:\n%s", diff)
	}
	opts.Seed = 6
	if c := build(t, world(100, 0.5), opts); cmp.Equal(a.Values, c.Values, cmpopts.EquateNaNs()) {
		t.Error("another seed gives the same intervals")
	}
}

// Judge: simulation. The truth is the report of a population of 40,000 prompts;
// 95 % intervals of samples of 300 must cover it about as often as they say.
func TestCoverage(t *testing.T) {
	if testing.Short() {
		t.Skip("a simulation")
	}
	const size, repeats = 300, 400
	population := world(40_000, 0.6)
	truth := build(t, population, Options{Draws: -1})
	names := []string{"quality", "pgr", "apgr", "apgr_cost", "cost_share", "strong_share", "gap"}
	covered := make(map[string]int)
	r := rand.New(rand.NewPCG(11, 12))
	for range repeats {
		sample := make([]datasets.Result, size)
		for i := range sample {
			sample[i] = population[r.IntN(len(population))]
		}
		got := build(t, sample, Options{Draws: 400, Seed: r.Uint64()})
		for _, name := range names {
			if v, _ := got.Value(name); v.Lo <= center(t, truth, name) && center(t, truth, name) <= v.Hi {
				covered[name]++
			}
		}
	}
	for _, name := range names {
		share := float64(covered[name]) / repeats
		t.Logf("%s: %.1f %%", name, 100*share)
		if share < 0.91 || share > 0.985 { // 95 % ± 3.7 standard errors, less the bias of small samples
			t.Errorf("95 %% intervals of %s cover the truth in %.1f %% of %d samples", name, 100*share, repeats)
		}
	}
}

// Judge: the worked examples of R. G. Newcombe, "Two-sided confidence intervals
// for the single proportion", Statistics in Medicine 17 (1998), table I, method 3.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n   int
		lo, hi float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		lo, hi := wilson(c.k, c.n, 0.95)
		if math.Abs(lo-c.lo) > 5e-5 || math.Abs(hi-c.hi) > 5e-5 {
			t.Errorf("%d of %d: %.4f to %.4f, Newcombe has %.4f to %.4f", c.k, c.n, lo, hi, c.lo, c.hi)
		}
	}
	if lo, hi := wilson(0, 0, 0.95); !math.IsNaN(lo) || !math.IsNaN(hi) {
		t.Errorf("0 of 0: %v to %v", lo, hi)
	}
}

func TestPercentilesRefuseUndefinedDraws(t *testing.T) {
	draws := make([]float64, 100)
	for i := range draws {
		draws[i] = float64(i)
	}
	draws[7], draws[8] = math.NaN(), math.NaN()
	if lo, hi := percentiles(append([]float64(nil), draws...), 0.95); math.IsNaN(lo) || !(lo < 5) || !(hi > 95) {
		t.Errorf("2 undefined of 100: %v to %v", lo, hi)
	}
	draws[9] = math.NaN()
	if lo, hi := percentiles(draws, 0.95); !math.IsNaN(lo) || !math.IsNaN(hi) {
		t.Errorf("3 undefined of 100: %v to %v, more than an end holds", lo, hi)
	}
}

func BenchmarkBootstrap(b *testing.B) {
	for _, bench := range []struct {
		name     string
		n, draws int
	}{{"14k,2000draws", 14_000, 2000}, {"1M,20draws", 1_000_000, 20}} {
		list, f := benchFacts(b, bench.n, bench.draws)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bootstrap(f, list)
			}
		})
	}
}

// benchFacts makes facts without the results that would fill the memory.
func benchFacts(b *testing.B, n, draws int) ([]row, *facts) {
	b.Helper()
	f := &rows{opts: Options{Strong: "strong", Weak: "weak", Confidence: 0.95, Draws: -1}, candidates: make(map[string]*tally)}
	for _, p := range somePairs(n) {
		f.list = append(f.list, row{
			winRate: p.WinRate, routedQuality: p.WeakQuality, routedCost: p.WeakCostUSD,
			strongQuality: p.StrongQuality, strongCost: p.StrongCostUSD,
			weakQuality: p.WeakQuality, weakCost: p.WeakCostUSD, weight: 1, answered: true,
		})
	}
	f.n = counts{prompts: n, answered: n, graded: n, scored: n}
	out, err := gather(f)
	if err != nil {
		b.Fatal(err)
	}
	out.opts.Draws = draws
	return f.list, out
}
