package reports

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Judge: the definition of the non-decreasing hull, at each x the highest mix of
// any two points for at most x.
func TestHullAgainstEveryMix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		coordinate := rapid.OneOf(rapid.Float64Range(0, 4), rapid.Map(rapid.IntRange(0, 4), func(i int) float64 { return float64(i) }))
		n := rapid.IntRange(1, 12).Draw(t, "n")
		x, y := make([]float64, n), make([]float64, n)
		var h hull
		for i := range n {
			x[i], y[i] = coordinate.Draw(t, "x"), coordinate.Draw(t, "y")
			h.add(x[i], y[i])
		}
		lo, hi := slices.Min(x), slices.Max(x)+1
		highest := func(at float64) float64 {
			best := math.Inf(-1)
			for i := range n {
				if x[i] <= at {
					best = max(best, y[i])
				}
				for j := range n {
					if x[i] < at && at < x[j] {
						best = max(best, y[i]+(at-x[i])/(x[j]-x[i])*(y[j]-y[i]))
					}
				}
			}
			return best
		}
		const steps = 2000
		area := 0.0
		for k := range steps {
			at := lo + (float64(k)+0.5)/steps*(hi-lo)
			want := highest(at)
			if got := h.at(at); math.Abs(got-want) > 1e-9 {
				t.Fatalf("hull at %v is %v, the best mix of %v, %v has %v", at, got, x, y, want)
			}
			area += want / steps
		}
		if got := h.mean(lo, hi); math.Abs(got-area) > 4e-3 {
			t.Fatalf("mean %v, by steps %v", got, area)
		}
		if got := h.at(lo - 1e-6); !math.IsNaN(got) {
			t.Fatalf("hull is %v where nothing is so cheap", got)
		}
	})
}

// routerBench is RouterBench's computation, written down anew and slowly: the
// points in order of cost, each raised to the best line over it, those that fall
// taken out, the area by trapezoids up to the largest cost, over a width.
func routerBench(x, y []float64, from, to float64) float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return compare(x[a], x[b]) })
	type point struct{ x, y float64 }
	var hull []point
	for _, k := range order {
		top := y[k]
		for i := range x {
			for j := range x {
				if x[i] < x[k] && x[k] < x[j] {
					top = max(top, y[i]+(x[k]-x[i])/(x[j]-x[i])*(y[j]-y[i]))
				}
				if x[i] == x[k] {
					top = max(top, y[i])
				}
			}
		}
		if len(hull) > 0 && hull[len(hull)-1].y > top {
			top = hull[len(hull)-1].y // what falls is taken out: the line goes on level
		}
		hull = append(hull, point{x[k], top})
	}
	area := 0.0
	for i := 1; i < len(hull); i++ {
		a, b := hull[i-1], hull[i]
		if a.x >= from && b.x <= to {
			area += (b.x - a.x) * (a.y + b.y) / 2
		}
	}
	return area / (to - from)
}

// Judge: RouterBench's computation by an independent, slow one.
func TestAIQAgainstRouterBench(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := drawPairs(t)
		for i := range pairs {
			pairs[i].StrongCostUSD += 2 // no step back in cost, which RouterBench's thresholds do not have
			if math.IsNaN(pairs[i].WeakCostUSD) {
				pairs[i].WeakCostUSD = 0.5
			}
		}
		c, err := Sweep(pairs)
		if err != nil {
			t.Fatal(err)
		}
		var x, y []float64
		for _, p := range c.Points {
			x, y = append(x, p.CostUSD), append(y, p.Quality)
		}
		want := routerBench(x, y, c.Weak().CostUSD, c.Strong().CostUSD)
		if got := c.AIQ(); !near(got, want) {
			t.Fatalf("AIQ = %v, RouterBench's way %v", got, want)
		}
	})
}

// Judge: quality at the best point within each of many budgets.
func TestDeferralAreaBySteps(t *testing.T) {
	c, err := Sweep(somePairs(300))
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []float64{0.5, 1} {
		from, to := c.Weak().CostUSD, share*c.Strong().CostUSD
		const steps = 20_000
		area := 0.0
		for k := range steps {
			budget := from + (float64(k)+0.5)/steps*(to-from)
			i := slices.IndexFunc(c.Points, func(p Point) bool { return p.CostUSD >= budget })
			a, b := c.Points[i-1], c.Points[i]
			area += (a.Quality + (budget-a.CostUSD)/(b.CostUSD-a.CostUSD)*(b.Quality-a.Quality)) / steps
		}
		if got := c.DeferralArea(share); math.Abs(got-area) > 1e-6 {
			t.Errorf("deferral area to %v: %v, by steps %v", share, got, area)
		}
	}
	// Over all budgets it is APGR on the money axis in other units.
	if got, want := c.DeferralArea(1), c.Weak().Quality+c.APGRCost()*c.Gap(); !near(got, want) {
		t.Errorf("deferral area to 1: %v, by APGRCost %v", got, want)
	}
	if got := c.DeferralArea(0.01); !math.IsNaN(got) {
		t.Errorf("an area of %v below the cost of weak-only", got)
	}
}

// Judge: routing every pair at every threshold.
func TestKeepAndQNCAgainstEveryThreshold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := drawPairs(t)
		c, err := Sweep(pairs)
		if err != nil {
			t.Fatal(err)
		}
		x := float64(rapid.IntRange(0, 100).Draw(t, "x")) / 100
		first := Point{StrongShare: math.Inf(1)}
		for _, p := range append(pairs, Pair{WinRate: 2}) {
			at := routeAll(pairs, func(q Pair) bool { return q.WinRate >= p.WinRate })
			if at.Quality >= x*c.Strong().Quality*(1-1e-12) && at.StrongShare < first.StrongShare {
				first = at
			}
		}
		got, ok := c.Keep(x)
		if !ok || !near(got.StrongShare, first.StrongShare) || !near(got.CostUSD, first.CostUSD) {
			t.Fatalf("Keep(%v) = %+v %v, the first such point is %+v", x, got, ok, first)
		}
		if qnc, ok := c.QNC(x*c.Strong().Quality, 2); ok && !near(qnc, first.CostUSD/2) {
			t.Fatalf("QNC = %v, want %v", qnc, first.CostUSD/2)
		}
	})
}

// Judge: RouterArena's board (arXiv 2510.00202, as of late 2025) and its formula
// in decimal logarithms.
func TestArenaScore(t *testing.T) {
	for _, c := range []struct{ accuracy, usd, board float64 }{
		{0.6688, 0.15, 0.6689}, {0.6809, 0.54, 0.6666}, {0.6634, 0.21, 0.6612}, {0.7396, 10.02, 0.6432},
	} {
		if got := arenaScore(c.accuracy, c.usd); math.Abs(got-c.board) > 0.004 { // costs there are rounded to cents
			t.Errorf("score of %v at $%v: %.4f, the board has %.4f", c.accuracy, c.usd, got, c.board)
		}
		k := (math.Log10(200) - math.Log10(c.usd)) / (math.Log10(200) - math.Log10(0.0044))
		if got, want := arenaScore(c.accuracy, c.usd), 1.1*c.accuracy*k/(0.1*c.accuracy+k); !near(got, want) {
			t.Errorf("score of %v at $%v: %v, want %v", c.accuracy, c.usd, got, want)
		}
	}
	if arenaScore(0.5, 0) != arenaScore(0.5, 0.0044) || arenaScore(0.5, 300) != 0 || arenaScore(0, 1) != 0 || !math.IsNaN(arenaScore(0.5, math.NaN())) {
		t.Error("outside the range of costs the score is not held to it")
	}
}

// Routing that costs something moves the router's points, and no model alone.
func TestRoutingCost(t *testing.T) {
	results := world(200, 0.6)
	free := build(t, results, Options{Draws: -1, RoutingUSD: ptr(0.0)})
	paid := build(t, results, Options{Draws: -1, RoutingUSD: ptr(0.5)})
	for name, more := range map[string]float64{
		"cost_usd": 0.5, "routing_cost_usd": 0.5, "strong_cost_usd": 0, "weak_cost_usd": 0, "apgr": 0, "apgr_cost": 0,
		"cost_share": 0.5 / center(t, free, "strong_cost_usd"), "cost_saved_95": -0.5 / center(t, free, "strong_cost_usd"),
	} {
		if got, want := center(t, paid, name), center(t, free, name)+more; !near(got, want) {
			t.Errorf("%s = %v with routing at $0.5, want %v", name, got, want)
		}
	}
	if v, _ := build(t, results, Options{Draws: -1}).Value("routing_cost_usd"); v.Missing != Unknown {
		t.Errorf("routing_cost_usd = %+v where nobody said", v)
	}
}
