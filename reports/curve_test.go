package reports

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// drawPairs makes pairs with many ties, weights, and prices of which all, some
// or none are known.
func drawPairs(t *rapid.T) []Pair {
	quality := rapid.SampledFrom([]float64{0, 0, 1, 1, 0.25, 0.1, 0.7})
	rate := rapid.OneOf(rapid.SampledFrom([]float64{0, 0.25, 0.5, 1}), rapid.Float64Range(0, 1))
	weight := rapid.SampledFrom([]float64{1, 1, 0.5, 3, 20})
	weighted := rapid.Bool().Draw(t, "weighted")
	priced := rapid.SampledFrom([]int{0, 1, 1000}).Draw(t, "unpriced every")
	n := rapid.IntRange(1, 40).Draw(t, "n")
	pairs := make([]Pair, n)
	for i := range pairs {
		p := Pair{
			WinRate:       rate.Draw(t, "win rate"),
			StrongQuality: quality.Draw(t, "strong"),
			WeakQuality:   quality.Draw(t, "weak"),
			StrongCostUSD: rapid.Float64Range(0, 2).Draw(t, "strong cost"),
			WeakCostUSD:   rapid.Float64Range(0, 1).Draw(t, "weak cost"),
		}
		if weighted {
			p.Weight = weight.Draw(t, "weight")
		}
		if priced > 0 && i%priced == 0 {
			p.WeakCostUSD = math.NaN()
		}
		pairs[i] = p
	}
	return pairs
}

// routeAll is the judge: it routes every pair by itself and adds up.
func routeAll(pairs []Pair, strong func(Pair) bool) Point {
	var n, sent, quality, cost float64
	for _, p := range pairs {
		w := p.Weight
		if w == 0 {
			w = 1
		}
		n += w
		if strong(p) {
			sent += w
			quality += w * p.StrongQuality
			cost += w * p.StrongCostUSD
		} else {
			quality += w * p.WeakQuality
			cost += w * p.WeakCostUSD
		}
	}
	return Point{StrongShare: sent / n, Quality: quality / n, CostUSD: cost}
}

func near(a, b float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= 1e-9*(1+math.Abs(b))
}

// Judge: routing every pair at every threshold.
func TestSweepAgainstRoutingAtEveryThreshold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := drawPairs(t)
		curve, err := Sweep(pairs)
		if err != nil {
			t.Fatal(err)
		}
		thresholds := []float64{math.Inf(1), math.Nextafter(1, 2), 0.3, -1}
		for _, p := range pairs {
			thresholds = append(thresholds, p.WinRate, math.Nextafter(p.WinRate, 2))
		}
		weak := routeAll(pairs, func(Pair) bool { return false })
		strong := routeAll(pairs, func(Pair) bool { return true })
		for _, threshold := range thresholds {
			want := routeAll(pairs, func(p Pair) bool { return p.WinRate >= threshold })
			got := curve.At(threshold)
			if !near(got.StrongShare, want.StrongShare) || !near(got.Quality, want.Quality) || !near(got.CostUSD, want.CostUSD) {
				t.Fatalf("At(%v) = %+v, routing gives %+v", threshold, got, want)
			}
			pgr := math.NaN()
			if gap := strong.Quality - weak.Quality; gap > 1e-12 {
				pgr = (want.Quality - weak.Quality) / gap
			}
			if !near(got.PGR, pgr) {
				t.Fatalf("At(%v).PGR = %v, want %v", threshold, got.PGR, pgr)
			}
		}
		rates := make(map[float64]bool)
		for _, p := range pairs {
			rates[p.WinRate] = true
		}
		if len(curve.Points) != len(rates)+1 {
			t.Fatalf("%d points for %d distinct win rates", len(curve.Points), len(rates))
		}
		checkEnds(t, curve)
		checkCPT(t, curve, pairs)
	})
}

// checkEnds asserts what must hold exactly, not nearly.
func checkEnds(t *rapid.T, c *Curve) {
	weak, strong := c.Weak(), c.Strong()
	if weak.StrongShare != 0 || strong.StrongShare != 1 || !math.IsInf(weak.Threshold, 1) {
		t.Fatalf("ends are %+v and %+v", weak, strong)
	}
	if c.hasGap() && (weak.PGR != 0 || strong.PGR != 1) {
		t.Fatalf("PGR of the ends is %v and %v", weak.PGR, strong.PGR)
	}
	for i := 1; i < len(c.Points); i++ {
		if c.Points[i].Threshold >= c.Points[i-1].Threshold || c.Points[i].StrongShare <= c.Points[i-1].StrongShare {
			t.Fatalf("points %d and %d are out of order: %+v", i-1, i, c.Points[i-1:i+1])
		}
	}
}

func checkCPT(t *rapid.T, c *Curve, pairs []Pair) {
	const x = 0.613
	got, ok := c.CPT(x)
	best := math.Inf(1)
	for _, p := range append(pairs, Pair{WinRate: 2}) {
		at := routeAll(pairs, func(q Pair) bool { return q.WinRate >= p.WinRate })
		if c.PGR(at.Quality) >= x-rounding {
			best = min(best, at.StrongShare)
		}
	}
	if ok != !math.IsInf(best, 1) || ok && !near(got.StrongShare, best) {
		t.Fatalf("CPT(%v) = %v %v, first share that reaches it is %v", x, got.StrongShare, ok, best)
	}
}

// Judge: every order of the prompts within their ties, stepped through one by
// one; APGR must be the mean over the orders.
func TestAPGRIsTheMeanOverOrdersOfTies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "n")
		pairs := make([]Pair, n)
		for i := range pairs {
			pairs[i] = Pair{
				WinRate:       float64(rapid.IntRange(0, 2).Draw(t, "win rate")) / 2,
				StrongQuality: float64(rapid.IntRange(0, 3).Draw(t, "strong")),
				WeakQuality:   float64(rapid.IntRange(0, 3).Draw(t, "weak")),
				StrongCostUSD: float64(rapid.IntRange(2, 4).Draw(t, "strong cost")),
				WeakCostUSD:   1,
			}
		}
		curve, err := Sweep(pairs)
		if err != nil {
			t.Fatal(err)
		}
		if !curve.hasGap() {
			if !math.IsNaN(curve.APGR()) || !math.IsNaN(curve.APGRCost()) {
				t.Fatalf("APGR %v without a gap", curve.APGR())
			}
			return
		}
		var total float64
		orders := 0
		permute(pairs, 0, func(p []Pair) {
			if slices.IsSortedFunc(p, func(a, b Pair) int { return -compare(a.WinRate, b.WinRate) }) {
				total += prefixArea(p)
				orders++
			}
		})
		if want := total / float64(orders); !near(curve.APGR(), want) {
			t.Fatalf("APGR = %v, mean over %d orders is %v", curve.APGR(), orders, want)
		}
	})
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func permute(p []Pair, k int, visit func([]Pair)) {
	if k == len(p) {
		visit(p)
		return
	}
	for i := k; i < len(p); i++ {
		p[k], p[i] = p[i], p[k]
		permute(p, k+1, visit)
		p[k], p[i] = p[i], p[k]
	}
}

// prefixArea integrates PGR over the N+1 prefixes, each step at its middle.
func prefixArea(p []Pair) float64 {
	var weak, strong float64
	for _, x := range p {
		weak += x.WeakQuality
		strong += x.StrongQuality
	}
	area, gained := 0.0, 0.0
	for _, x := range p {
		before := gained
		gained += x.StrongQuality - x.WeakQuality
		area += (before + gained) / 2
	}
	return area / (strong - weak) / float64(len(p))
}

func TestAPGRKnowsNothing(t *testing.T) {
	pairs := []Pair{
		{0.5, 1, 0, 3, 1, 0}, {0.5, 1, 1, 2, 1, 0}, {0.5, 0, 0, 4, 1, 0}, {0.5, 0.5, 0.25, 4, 1, 0},
	}
	curve, err := Sweep(pairs)
	if err != nil {
		t.Fatal(err)
	}
	if curve.APGR() != 0.5 || curve.APGRCost() != 0.5 {
		t.Errorf("one win rate for all: APGR %v, by cost %v, want exactly 0.5", curve.APGR(), curve.APGRCost())
	}
}

// Judge: the sum of the trapezoids on the money axis by hand.
func TestAPGRCost(t *testing.T) {
	curve, err := Sweep([]Pair{
		{WinRate: 0.9, StrongQuality: 1, WeakQuality: 0, StrongCostUSD: 3, WeakCostUSD: 1},
		{WinRate: 0.1, StrongQuality: 1, WeakQuality: 1, StrongCostUSD: 9, WeakCostUSD: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Costs 2, 4, 12; PGR 0, 1, 1: (2·½ + 8·1) / 10.
	if got := curve.APGRCost(); !near(got, 0.9) {
		t.Errorf("APGRCost = %v, want 0.9", got)
	}
	if got := curve.APGR(); !near(got, 0.75) {
		t.Errorf("APGR = %v, want 0.75", got)
	}
	if p, ok := curve.AtCost(11); !ok || p.CostUSD != 4 {
		t.Errorf("AtCost(11) = %+v %v, want the point of cost 4", p, ok)
	}
	if _, ok := curve.AtCost(1.9); ok {
		t.Error("AtCost below weak-only finds a point")
	}
}

func TestUnknownPricesStayUnknown(t *testing.T) {
	nan := math.NaN()
	curve, err := Sweep([]Pair{
		{WinRate: 0.9, StrongQuality: 1, StrongCostUSD: 3, WeakCostUSD: nan},
		{WinRate: 0.1, StrongQuality: 1, StrongCostUSD: 5, WeakCostUSD: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	var costs []float64
	for _, p := range curve.Points {
		costs = append(costs, p.CostUSD)
	}
	if !math.IsNaN(costs[0]) || costs[1] != 4 || costs[2] != 8 {
		t.Errorf("costs %v, want unknown while the unpriced answer is used, then 4 and 8", costs)
	}
	if got := curve.APGRCost(); !math.IsNaN(got) {
		t.Errorf("APGRCost = %v with an unknown price", got)
	}
}

func TestSweepRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, p := range []Pair{
		{WinRate: nan}, {WinRate: -0.1}, {WinRate: 1.1}, {StrongQuality: nan}, {WeakQuality: inf},
		{StrongCostUSD: -1}, {WeakCostUSD: inf}, {Weight: -1}, {Weight: nan}, {Weight: inf},
	} {
		if _, err := Sweep([]Pair{{}, p}); err == nil {
			t.Errorf("Sweep takes %+v", p)
		}
	}
	if _, err := Sweep(nil); err == nil {
		t.Error("Sweep takes no pairs")
	}
}

// Judge: every subset of the pairs.
func TestOracleAgainstEverySubset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := drawPairs(t)
		pairs = pairs[:min(len(pairs), 10)]
		for i := range pairs {
			pairs[i].Weight = 1
		}
		oracle, err := NewOracle(pairs)
		if err != nil {
			t.Fatal(err)
		}
		best := make([]float64, len(pairs)+1) // by number of strong calls
		for set := range 1 << len(pairs) {
			calls, quality := 0, 0.0
			for i, p := range pairs {
				if set>>i&1 == 1 {
					calls++
					quality += p.StrongQuality
				} else {
					quality += p.WeakQuality
				}
			}
			best[calls] = max(best[calls], quality/float64(len(pairs)))
		}
		for k := range best {
			if k > 0 {
				best[k] = max(best[k], best[k-1]) // at most k calls
			}
			share := float64(k) / float64(len(pairs))
			if got := oracle.AtShare(share).Quality; !near(got, best[k]) {
				t.Fatalf("AtShare(%v) = %v, best subset has %v", share, got, best[k])
			}
		}
		if !near(oracle.Best().Quality, best[len(pairs)]) {
			t.Fatalf("Best = %v, want %v", oracle.Best().Quality, best[len(pairs)])
		}
		better := routeAll(pairs, func(p Pair) bool { return p.StrongQuality > p.WeakQuality })
		if got := oracle.Best(); !near(got.StrongShare, better.StrongShare) || !near(got.CostUSD, better.CostUSD) {
			t.Fatalf("Best = %+v, want %+v", got, better)
		}
		if curve, err := Sweep(pairs); err != nil || curve.APGR() > oracle.APGR()+1e-9 {
			t.Fatalf("a router's APGR %v is above the oracle's %v", curve.APGR(), oracle.APGR())
		}
	})
}

func TestFallingKeyOrders(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64().Draw(t, "a")
		b := rapid.Float64().Draw(t, "b")
		if (fallingKey(a) < fallingKey(b)) != (a > b) {
			t.Fatalf("keys of %v and %v are in the wrong order", a, b)
		}
		if fallingValue(fallingKey(a)) != a {
			t.Fatalf("%v comes back as %v", a, fallingValue(fallingKey(a)))
		}
	})
	if fallingKey(0) != fallingKey(math.Copysign(0, -1)) {
		t.Error("the two zeros have two keys")
	}
}

// Judge: slices.SortStableFunc.
func TestSortRanked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOf(rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64())).Draw(t, "keys")
		a := make([]ranked, len(keys))
		for i, k := range keys {
			a[i] = ranked{k, uint32(i)}
		}
		want := slices.Clone(a)
		slices.SortStableFunc(want, func(x, y ranked) int {
			if x.key < y.key {
				return -1
			} else if x.key > y.key {
				return 1
			}
			return 0
		})
		if got := sortRanked(a); !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func somePairs(n int) []Pair {
	r := rand.New(rand.NewPCG(1, 2))
	pairs := make([]Pair, n)
	for i := range pairs {
		rate := r.Float64()
		pairs[i] = Pair{WinRate: rate, StrongCostUSD: 0.01 + 0.02*r.Float64(), WeakCostUSD: 0.001}
		if r.Float64() < 0.85 {
			pairs[i].StrongQuality = 1
		}
		if r.Float64() < 0.9-0.6*rate {
			pairs[i].WeakQuality = 1
		}
	}
	return pairs
}

func BenchmarkSweep(b *testing.B) {
	for _, bench := range []struct {
		name string
		n    int
	}{{"14k", 14_000}, {"1M", 1_000_000}} {
		pairs := somePairs(bench.n)
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(pairs)) * int64(unsafe.Sizeof(pairs[0])))
			for b.Loop() {
				if _, err := Sweep(pairs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
