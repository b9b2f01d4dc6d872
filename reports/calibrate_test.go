package reports

import (
	"cmp"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"routeval/datasets"
)

// seededPairs are pairs on which strong is better where the win rate is high, more
// or less; many of them tie.
func seededPairs(seed uint64, n int) []Pair {
	random := rand.New(rand.NewPCG(seed, 1))
	pairs := make([]Pair, n)
	for i := range pairs {
		rate := math.Floor(random.Float64()*40) / 40
		right := func(p float64) float64 {
			if random.Float64() < p {
				return 1
			}
			return 0
		}
		pairs[i] = Pair{
			WinRate: rate, StrongQuality: right(0.85), WeakQuality: right(0.8 - 0.5*rate),
			StrongCostUSD: 0.01 + 0.01*random.Float64(), WeakCostUSD: 0.001 * random.Float64(), Weight: 1,
		}
	}
	return pairs
}

// KeepPGR and KeepQuality against brute force: every draw written out pair by
// pair, swept, and looked up at every threshold; the lower ends taken of sorted
// values.
func TestKeepIsTheFirstLowerEnd(t *testing.T) {
	const draws = 199
	for seed := range uint64(6) {
		pairs := seededPairs(seed, 120)
		opts := Options{Strong: "s", Weak: "w", Draws: draws, Seed: seed, Confidence: 0.9}
		pgr, quality := lowerEnds(t, pairs, opts)
		curve, err := Sweep(pairs)
		if err != nil {
			t.Fatal(err)
		}
		first := func(lower []float64, x float64) (Point, bool) {
			for i, lo := range lower {
				if lo >= x-rounding {
					return curve.Points[i], true
				}
			}
			return Point{}, false
		}
		for _, x := range []float64{0, 0.2, 0.5, 0.62, 0.8, 0.95, 1} {
			want, ok := first(pgr, x)
			got, err := KeepPGR(t.Context(), pairs, x, opts)
			if ok != (err == nil) || got.Threshold != want.Threshold && ok {
				t.Errorf("seed %d, PGR %v: threshold %v (%v), by brute force %v, %v", seed, x, got.Threshold, err, want.Threshold, ok)
			}
		}
		for _, q := range []float64{0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1} {
			want, ok := first(quality, q)
			got, err := KeepQuality(t.Context(), pairs, q, opts)
			if ok != (err == nil) || got.Threshold != want.Threshold && ok {
				t.Errorf("seed %d, quality %v: threshold %v (%v), by brute force %v, %v", seed, q, got.Threshold, err, want.Threshold, ok)
			}
		}
	}
}

// lowerEnds are the lower ends of PGR and quality at every point of the curve.
func lowerEnds(t *testing.T, pairs []Pair, opts Options) (pgr, quality []float64) {
	t.Helper()
	curve, err := Sweep(pairs)
	if err != nil {
		t.Fatal(err)
	}
	ordered := slices.Clone(pairs)
	slices.SortStableFunc(ordered, func(a, b Pair) int { return cmp.Compare(b.WinRate, a.WinRate) })
	pgrs, qualities := make([][]float64, len(curve.Points)), make([][]float64, len(curve.Points))
	for d := range opts.Draws {
		times := make([]uint8, len(pairs))
		drawRows(times, rand.NewPCG(opts.Seed, uint64(d)))
		var drawn []Pair
		for i, n := range times {
			for range n {
				drawn = append(drawn, ordered[i])
			}
		}
		c, err := Sweep(drawn)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range curve.Points {
			at := c.At(p.Threshold)
			if math.IsNaN(at.PGR) {
				at.PGR = math.Inf(-1) // no gap: nothing is kept
			}
			pgrs[i] = append(pgrs[i], at.PGR)
			qualities[i] = append(qualities[i], at.Quality)
		}
	}
	rank := int((1 - opts.Confidence) / 2 * float64(opts.Draws-1))
	for i := range curve.Points {
		slices.Sort(pgrs[i])
		slices.Sort(qualities[i])
		pgr, quality = append(pgr, pgrs[i][rank]), append(quality, qualities[i][rank])
	}
	return pgr, quality
}

// What is chosen by KeepPGR has, in the report, an interval that begins no lower:
// the two are one bootstrap.
func TestKeepAgreesWithTheReport(t *testing.T) {
	pairs := seededPairs(7, 2000)
	opts := Options{Strong: "s", Weak: "w", Draws: 500, Seed: 3}
	for _, x := range []float64{0.3, 0.6, 0.9} {
		p, err := KeepPGR(t.Context(), pairs, x, opts)
		if err != nil {
			t.Fatal(err)
		}
		opts.Threshold = &p.Threshold
		r, err := Routed(t.Context(), pairs, opts)
		if err != nil {
			t.Fatal(err)
		}
		pgr := r.PGR
		if pgr.Center != p.PGR || pgr.Lo < x-rounding || pgr.Lo > x+0.05 {
			t.Errorf("PGR %v: %v [%v, %v] in the report, %v at the point", x, pgr.Center, pgr.Lo, pgr.Hi, p.PGR)
		}
	}
}

// The lower end is worth what it says: of seeded data sets, at most about as many
// miss the demand on a large population as an interval may leave out, doubled for
// having chosen the first threshold that will do.
func TestKeepHoldsOnThePopulation(t *testing.T) {
	population := seededPairs(99, 400_000)
	whole, err := Sweep(population)
	if err != nil {
		t.Fatal(err)
	}
	const sets, x = 200, 0.8
	missed := 0
	for seed := range uint64(sets) {
		p, err := KeepPGR(t.Context(), seededPairs(seed, 400), x, Options{Strong: "s", Weak: "w", Draws: 200, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if whole.At(p.Threshold).PGR < x {
			missed++
		}
	}
	t.Logf("%d of %d thresholds miss a PGR of %v on the population", missed, sets, x)
	if missed > sets/10 {
		t.Errorf("%d of %d thresholds miss a PGR of %v on the population", missed, sets, x)
	}
}

func TestKeepRefuses(t *testing.T) {
	opts := Options{Strong: "s", Weak: "w", Draws: 100}
	pairs := seededPairs(1, 200)
	equal := slices.Clone(pairs)
	for i := range equal {
		equal[i].StrongQuality = equal[i].WeakQuality
	}
	for name, tt := range map[string]struct {
		pairs   []Pair
		x       float64
		quality bool
		draws   int
		want    string
	}{
		"few":     {pairs[:29], 0.5, false, 100, "29 prompts with both outcomes graded: the lower end of an interval needs 30"},
		"no gap":  {equal, 0.5, false, 100, "the gap between strong and weak, 0.000, is within noise on 200 pairs: no threshold is known to keep a share of it"},
		"too far": {pairs, 1.5, false, 100, "PGR 1.5: want a share of the gap in [0,1]"},
		"no draw": {pairs, 0.5, false, -1, "the lower end of an interval needs bootstrap draws"},
		"quality": {equal, math.NaN(), true, 100, "quality NaN: want one in [0,1]"},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Draws = tt.draws
			choose := KeepPGR
			if tt.quality {
				choose = KeepQuality
			}
			if _, err := choose(t.Context(), tt.pairs, tt.x, opts); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// Routed must say of pairs what Build says of the results of a run at that
// threshold.
func TestRoutedIsBuildAtThatThreshold(t *testing.T) {
	pairs := seededPairs(5, 300)
	threshold := 0.6
	opts := Options{Strong: "s", Weak: "w", Draws: 200, Threshold: &threshold}
	got, err := Routed(t.Context(), pairs, opts)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Build(t.Context(), resultsOf(pairs, threshold), opts)
	if err != nil {
		t.Fatal(err)
	}
	cost := want.must("cost_usd")
	cost.Name = "routed_cost_usd"
	wants := []Value{want.must("strong_share"), want.must("quality"), want.must("pgr"), cost}
	for i, g := range []Value{got.StrongShare, got.Quality, got.PGR, got.CostUSD} {
		v := wants[i]
		if g.Name != v.Name || g.Center != v.Center || !(math.Abs(g.Lo-v.Lo) < 1e-12) || !(math.Abs(g.Hi-v.Hi) < 1e-12) {
			t.Errorf("%s: %v [%v, %v], of the results %v [%v, %v]", v.Name, g.Center, g.Lo, g.Hi, v.Center, v.Lo, v.Hi)
		}
	}
}

// resultsOf are the results of a run on recorded outcomes.
func resultsOf(pairs []Pair, threshold float64) iter.Seq2[datasets.Result, error] {
	return func(yield func(datasets.Result, error) bool) {
		for i := range pairs {
			p := &pairs[i]
			route := "w"
			if p.WinRate >= threshold {
				route = "s"
			}
			ok := yield(datasets.Result{
				Seq: int64(i), PromptID: strconv.Itoa(i), WinRate: &p.WinRate, Route: route, Propensity: 1,
				Outcomes: map[string]datasets.Outcome{
					"s": {Quality: &p.StrongQuality, CostUSD: &p.StrongCostUSD},
					"w": {Quality: &p.WeakQuality, CostUSD: &p.WeakCostUSD},
				},
			}, nil)
			if !ok {
				return
			}
		}
	}
}

// BenchmarkKeepPGR chooses a threshold on 10,000 pairs by 2,000 draws.
func BenchmarkKeepPGR(b *testing.B) {
	pairs := seededPairs(1, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := KeepPGR(b.Context(), pairs, 0.8, Options{Strong: "s", Weak: "w"}); err != nil {
			b.Fatal(err)
		}
	}
}
