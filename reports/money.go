package reports

import "math"

// Keep is the point of the smallest strong share whose quality is at least the
// share x of the strong model's: what threshold to use in order to keep that
// much. Like [Curve.CPT] it is a first crossing and a point of the curve; x is a
// share of the strong model's quality, not of the gap, so that it exists, and
// means something, where there is no gap as well. It is false where no point
// keeps so much.
func (c *Curve) Keep(x float64) (Point, bool) {
	want := x * c.Strong().Quality
	for _, p := range c.Points {
		if p.Quality >= want-rounding*math.Abs(want) {
			return p, true
		}
	}
	return Point{}, false
}

// Saved is what a point saves of the cost of strong-only, 1 − [Curve.CostShare].
func (c *Curve) Saved(p Point) float64 { return 1 - c.CostShare(p) }

// AIQ is RouterBench's average improvement in quality (arXiv 2403.12031),
//
//	AIQ = 1/(c_max − c_min) ∫ R̃(c) dc  from c_min to c_max
//
// where R̃ is the non-decreasing convex hull of the points in (cost, quality):
// the best that a mix of thresholds reaches for at most that cost. Here c_min
// and c_max are the costs of the curve's ends, so it is the mean quality over
// all budgets between weak-only and strong-only, and lies in the range of the
// qualities. RouterBench's program divides by c_max alone, and takes for c_max
// the dearest point of all routers that it compares. It is NaN where a price is
// unknown or the strong model does not cost more.
func (c *Curve) AIQ() float64 {
	h := c.hull()
	return h.mean(c.Weak().CostUSD, c.Strong().CostUSD)
}

// hull is that of all points; empty if a price is unknown.
func (c *Curve) hull() *hull {
	var h hull
	for i := range c.Points {
		if math.IsNaN(c.Points[i].CostUSD) {
			return new(hull)
		}
		h.add(c.Points[i].CostUSD, c.Points[i].Quality)
	}
	return &h
}

// DeferralArea is the area under the deferral curve, quality over cost, up to
// the share x of the cost of strong-only, as UniRoute reports it
// (arXiv 2502.08773) for 50 and 100 %, over its width:
//
//	1/(x·c_strong − c_weak) ∫ r(c) dc  from c_weak to x·c_strong.
//
// It is the mean quality over these budgets, without a hull: between two points
// the curve is straight as in [Curve.APGRCost]. It ends where the cost first
// reaches the limit, and is NaN where a price is unknown or the limit does not
// pay for weak-only.
func (c *Curve) DeferralArea(x float64) float64 {
	start, limit := c.Weak().CostUSD, x*(c.Strong().CostUSD-c.RoutingUSD)
	if !(start < limit) {
		return math.NaN()
	}
	var area sum
	for i := 1; i < len(c.Points); i++ {
		a, b := c.Points[i-1], c.Points[i]
		if b.CostUSD > limit {
			b.Quality = line(a.CostUSD, a.Quality, b.CostUSD, b.Quality, limit)
			b.CostUSD = limit
		}
		area.add((b.CostUSD - a.CostUSD) * (a.Quality + b.Quality) / 2)
		if b.CostUSD == limit {
			return area.value() / (limit - start)
		}
	}
	return math.NaN()
}

// QNC is UniRoute's quality-neutral cost (arXiv 2502.08773) against a single
// model of that quality and cost: the cost of the point of the smallest strong
// share that is as good, over the single model's,
//
//	QNC = min{ cost : r ≥ r_single } / cost_single,
//
// the lower the better; above 1 the router is the dearer way to that quality. It
// is false where no threshold is as good.
func (c *Curve) QNC(quality, usd float64) (float64, bool) {
	for _, p := range c.Points {
		if p.Quality >= quality-rounding*math.Abs(quality) {
			return p.CostUSD / usd, usd > 0 && !math.IsNaN(p.CostUSD)
		}
	}
	return math.NaN(), false
}

// addRouting adds what routing itself cost to every point.
func (c *Curve) addRouting(usd float64) {
	c.RoutingUSD = usd
	for i := range c.Points {
		c.Points[i].CostUSD += usd
	}
}
