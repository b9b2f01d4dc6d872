package reports

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"routeval/datasets"
)

// factsOf are all facts of the results but their intervals.
func factsOf(t testing.TB, results []datasets.Result, opts Options) *facts {
	t.Helper()
	opts.Strong, opts.Weak, opts.Confidence = "strong", "weak", 0.95
	rows, err := readRows(t.Context(), stream(results), opts)
	if err != nil {
		t.Fatal(err)
	}
	f, err := gather(rows.list, opts)
	if err != nil {
		t.Fatal(err)
	}
	f.candidates = rows.finish()
	if f.curve != nil {
		f.compete(rows.others, rows.candidates)
	}
	return f
}

// drawable is a small run with ties, weights, rows that are no pairs and
// sometimes a third candidate.
func drawable(t *rapid.T) []datasets.Result {
	results := world(rapid.IntRange(1, 60).Draw(t, "n"), 0.5)
	third := rapid.Bool().Draw(t, "third candidate")
	for i := range results {
		r := &results[i]
		if rapid.Bool().Draw(t, "tie") {
			r.WinRate = ptr(0.5)
		}
		if third && rapid.IntRange(0, 30).Draw(t, "third failed") > 0 {
			quality := rapid.SampledFrom([]float64{0, 0.5, 1, 1}).Draw(t, "third")
			r.Outcomes["third"] = datasets.Outcome{Quality: &quality, CostUSD: ptr(0.002)}
		}
		if rapid.IntRange(0, 5).Draw(t, "only routed") == 0 {
			onlyRouted(r)
		}
		r.Propensity = rapid.SampledFrom([]float64{1, 0.5, 0.1}).Draw(t, "propensity")
	}
	return results
}

// Judge: the curve and sums of the drawn prompts, written out one by one.
func TestEachDrawIsTheExactStatistic(t *testing.T) {
	top := t
	rapid.Check(t, func(t *rapid.T) {
		f := factsOf(top, drawable(t), Options{RoutingUSD: ptr(0.003)})
		s := newSample(f, true)
		w := s.newWalker()
		s.design.resample(w.times, rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		got := drawn{band: make([]float64, bandSteps+1)}
		w.draw(&got)
		want := func(stat statistic, x float64) {
			t.Helper()
			if !near(got.stats[stat], x) {
				t.Fatalf("%s = %v, the drawn prompts have %v", statNames[stat], got.stats[stat], x)
			}
		}

		var pairs []Pair
		var quality, n, cost, weight, sent, routed, routedCost, common, commonRouted, best, single float64
		for i, o := range fallingRows(f.list) {
			r := f.list[o.index]
			for range w.times[i] {
				quality, n, cost = quality+r.routedQuality, n+1, cost+r.routedCost
				if r.weight == 0 {
					continue
				}
				pairs = append(pairs, f.pairOf(&r))
				weight += r.weight
				if r.marks.is(routedStrong) {
					sent += r.weight
				}
				routed += r.weight * r.routedQuality
				routedCost += r.weight * r.routedCost
				if f.compared(int(o.index)) {
					all, _ := f.ideal(int(o.index))
					common += r.weight
					commonRouted += r.weight * r.routedQuality
					best += r.weight * all
					single += r.weight * f.singleQuality(int(o.index))
				}
			}
		}
		want(statQuality, quality/n)
		want(statCost, cost+0.003)
		if len(pairs) == 0 {
			want(statAPGR, math.NaN())
			return
		}
		curve, err := Sweep(pairs)
		if err != nil {
			t.Fatal(err)
		}
		oracle, err := NewOracle(pairs)
		if err != nil {
			t.Fatal(err)
		}
		weak, strong := curve.Weak(), curve.Strong()
		scale := s.prompts / weight // the draw stands for as many prompts as the run
		routing := 0.003 * s.prompts / float64(f.n.prompts)
		want(statWeakQuality, weak.Quality)
		want(statStrongQuality, strong.Quality)
		want(statGap, curve.Gap())
		want(statOracleQuality, oracle.Best().Quality)
		want(statOracleAllQuality, best/common)
		want(statBestSingleQuality, single/common)
		want(statRoutedQuality, routed/weight)
		want(statGainBestSingle, relative(commonRouted, single))
		want(statGainRandom, relative(routed/weight, curve.Random(sent/weight).Quality))
		want(statOracleGap, -relative(commonRouted, best))
		want(statWeakCost, weak.CostUSD*scale)
		want(statStrongCost, strong.CostUSD*scale)
		want(statRoutedCost, routedCost*scale+routing)
		want(statCostShare, (routedCost*scale+routing)/(strong.CostUSD*scale))
		want(statCostSaved, 1-(routedCost*scale+routing)/(strong.CostUSD*scale))
		want(statArenaScore, arenaScore(routed/weight, 1000*(routedCost*scale+routing)/s.prompts))
		want(statBrier, bruteBrier(pairs))
		want(statAUROC, bruteAUROC(pairs))
		curve.addRouting(routing / scale)
		for i, x := range keepLevels {
			if p, ok := curve.Keep(x); ok {
				want(statSaved95+statistic(i), curve.Saved(p))
			}
		}
		if f.field.best < 2 && common > 0 {
			usd := [...]float64{strong.CostUSD, weak.CostUSD}[f.field.best]
			x, ok := curve.QNC(single/common, usd)
			if !ok {
				x = math.NaN()
			}
			want(statQNC, x)
		}
		want(statAIQ, curve.AIQ())
		for i, x := range got.band {
			if p := curve.Mix(float64(i) / bandSteps); !near(x, p.Quality) {
				t.Fatalf("quality at %d %% = %v, want %v", i, x, p.Quality)
			}
		}
		if math.Abs(curve.Gap()) < 1e-9 {
			return // a gap of rounding errors may be on either side
		}
		want(statPGR, curve.PGR(routed/weight))
		want(statAPGR, curve.APGR())
		want(statAPGRCost, curve.APGRCost())
		for i, x := range cptLevels {
			p, ok := curve.CPT(x)
			if !ok {
				p.StrongShare = math.NaN()
			}
			// Weights make sums inexact: a crossing that is met by a hair may move.
			if at, ok := curve.CPT(x - 1e-9); ok && at.StrongShare == p.StrongShare {
				want(statCPT20+statistic(i), p.StrongShare)
			}
		}
	})
}

func bruteBrier(pairs []Pair) float64 {
	var squares, weight float64
	for _, p := range pairs {
		y := 0.0
		if p.StrongQuality > p.WeakQuality {
			y = 1
		}
		squares += p.Weight * (p.WinRate - y) * (p.WinRate - y)
		weight += p.Weight
	}
	return squares / weight
}

// bruteAUROC compares every pair with every other.
func bruteAUROC(pairs []Pair) float64 {
	var wins, all float64
	for _, p := range pairs {
		for _, q := range pairs {
			if p.StrongQuality <= p.WeakQuality || q.StrongQuality > q.WeakQuality {
				continue
			}
			all += p.Weight * q.Weight
			switch {
			case p.WinRate > q.WinRate:
				wins += p.Weight * q.Weight
			case p.WinRate == q.WinRate:
				wins += p.Weight * q.Weight / 2
			}
		}
	}
	return wins / all
}

// Judge: the mean and variance of a multinomial count, np and np(1−p).
func TestResampleIsMultinomial(t *testing.T) {
	const n, draws = 50, 20_000
	times := make([]uint8, n)
	var sums, squares [n]float64
	for d := range draws {
		design{}.resample(times, rand.NewPCG(1, uint64(d)))
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

// Judge: the definition. Strata keep their sizes, and the rows of a cluster come
// equally often; within that each unit comes once in the mean.
func TestDesigns(t *testing.T) {
	list := make([]row, 60)
	for i := range list {
		list[i].slice, list[i].cluster = uint32(i%4), uint32(i/3)
	}
	const draws = 4000
	var strata, clusters [60]float64
	for d := range draws {
		times := make([]uint8, len(list))
		newDesign(list, Options{Stratify: true}).resample(times, rand.NewPCG(2, uint64(d)))
		var sizes [4]int
		for i, n := range times {
			sizes[i%4] += int(n)
			strata[i] += float64(n) / draws
		}
		if sizes != [4]int{15, 15, 15, 15} {
			t.Fatalf("strata of 15 have %v rows in a draw", sizes)
		}
		newDesign(list, Options{ClusterBy: "group"}).resample(times, rand.NewPCG(3, uint64(d)))
		for i, n := range times {
			if n != times[i/3*3] {
				t.Fatalf("rows %d and %d of one cluster come %d and %d times", i/3*3, i, times[i/3*3], n)
			}
			clusters[i] += float64(n) / draws
		}
	}
	for i := range list {
		if math.Abs(strata[i]-1) > 0.08 || math.Abs(clusters[i]-1) > 0.08 {
			t.Errorf("row %d comes %v times in strata and %v in clusters", i, strata[i], clusters[i])
		}
	}
}

// Judge: arithmetic. Where every prompt is there four times, a bootstrap over
// prompts believes in four times the data; one over clusters of equal prompts
// has the intervals of the single ones.
func TestClustersOfCopies(t *testing.T) {
	width := func(results []datasets.Result, clusterBy string) float64 {
		v, _ := build(t, results, Options{ClusterBy: clusterBy}).Value("quality")
		return v.Hi - v.Lo
	}
	once := world(300, 0.6)
	var copies []datasets.Result
	for i, r := range once {
		r.Extra = fmt.Appendf(nil, `{"n":1,"group":"g%d"}`, i)
		copies = append(copies, r, r, r, r)
	}
	single, plain, clustered := width(once, ""), width(copies, ""), width(copies, "group")
	if math.Abs(clustered/single-1) > 0.1 || math.Abs(2*plain/single-1) > 0.1 {
		t.Errorf("width %v of single prompts, %v of copies, %v of clusters of copies", single, plain, clustered)
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
		f := benchFacts(b, bench.n, bench.draws)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bootstrap(b.Context(), f, true); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchFacts makes facts without the results that would fill the memory.
func benchFacts(b *testing.B, n, draws int) *facts {
	b.Helper()
	var list []row
	for _, p := range somePairs(n) {
		list = append(list, row{
			winRate: p.WinRate, routedQuality: p.WeakQuality, routedCost: p.WeakCostUSD,
			strongQuality: p.StrongQuality, strongCost: p.StrongCostUSD,
			weakQuality: p.WeakQuality, weakCost: p.WeakCostUSD, weight: 1, marks: answered | graded,
		})
	}
	f, err := gather(list, Options{Strong: "strong", Weak: "weak", Confidence: 0.95, Draws: draws})
	if err != nil {
		b.Fatal(err)
	}
	return f
}
