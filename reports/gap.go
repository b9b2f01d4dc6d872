package reports

import "math"

// rounding is how far a ratio of sums may be off: (0.6 − 0.4) / (0.8 − 0.4) is
// less than one half in floating point, and must still keep half of the gap.
const rounding = 1e-12

// Gap is how much better the strong model is than the weak one, in quality.
func (c *Curve) Gap() float64 { return c.Strong().Quality - c.Weak().Quality }

// hasGap reports whether the strong model is better at all. A gap that is no
// more than the rounding of the sums is none.
func (c *Curve) hasGap() bool {
	scale := math.Max(math.Abs(c.Strong().Quality), math.Abs(c.Weak().Quality))
	return !c.noise && c.Gap() > rounding*scale
}

// dismissGap makes PGR, and all that is made of it, undefined: what looks like a
// gap is within noise, and a share of noise is no figure.
func (c *Curve) dismissGap() {
	c.noise = true
	c.fillPGR()
}

// PGR is the performance gap recovered by a quality r,
//
//	PGR = (r − r_weak) / (r_strong − r_weak)
//
// (RouteLLM, arXiv 2406.18665): 0 is the weak model's quality, 1
// the strong model's; it may lie outside. It is NaN unless the strong model is
// better, for then there is no gap to recover.
func (c *Curve) PGR(quality float64) float64 {
	if !c.hasGap() {
		return math.NaN()
	}
	return (quality - c.Weak().Quality) / c.Gap()
}

// fillPGR sets the PGR of every point from its quality.
func (c *Curve) fillPGR() {
	weak, gap := c.Weak().Quality, c.Gap()
	if !c.hasGap() {
		gap = math.NaN()
	}
	for i := range c.Points {
		c.Points[i].PGR = (c.Points[i].Quality - weak) / gap
	}
}

// APGR is the mean PGR over all strong shares,
//
//	APGR = ∫₀¹ PGR(c) dc
//
// (arXiv 2406.18665), exact and anchored at (0, r_weak) and (1, r_strong). Between
// two points the curve is the straight line that sending a random part of the
// prompts of one win rate reaches in the mean. Prompts of equal win rate thus
// count as all their orders averaged: the result does not depend on the order
// of rows, and a router that knows nothing has exactly 0.5. With N distinct win
// rates it is the step curve over the N+1 prefixes, each step taken at its
// middle. It is NaN where there is no gap.
func (c *Curve) APGR() float64 {
	return c.area(func(p *Point) float64 { return p.StrongShare })
}

// APGRCost is APGR with money for its axis,
//
//	1/(1−x₀) ∫ PGR dx  from x₀ to 1,  x = cost / cost of strong-only
//
// where x₀ is the cost of weak-only. Routing at random has exactly 0.5 here too.
// Where a prompt is cheaper on the strong model the curve steps back in x and
// the integral counts that step as negative. It is NaN where there is no gap, a
// price is unknown, or the strong model does not cost more.
func (c *Curve) APGRCost() float64 {
	return c.area(func(p *Point) float64 { return p.CostUSD })
}

// area is the mean PGR over the axis, by trapezoids, over the axis' whole width.
func (c *Curve) area(axis func(*Point) float64) float64 {
	first, last := c.Weak(), c.Strong()
	width := axis(&last) - axis(&first)
	if !c.hasGap() || !(width > 0) {
		return math.NaN()
	}
	var s sum
	for i := 1; i < len(c.Points); i++ {
		a, b := &c.Points[i-1], &c.Points[i]
		s.add((axis(b) - axis(a)) * (a.PGR + b.PGR) / 2)
	}
	return s.value() / width
}

// CPT is the call-performance threshold (arXiv 2406.18665): the point of the
// smallest strong share whose PGR is at least x,
//
//	CPT(x) = min{ c : PGR(c) ≥ x }.
//
// It is the first crossing, so the curve need not rise all the way, and a point
// of the curve, so its Threshold is what reaches it. A PGR that misses x by
// rounding alone has reached it. It is false where there is no gap, or x is
// above 1 and never reached.
func (c *Curve) CPT(x float64) (Point, bool) {
	for i := range c.Points {
		if c.Points[i].PGR >= x-rounding {
			return c.Points[i], true
		}
	}
	return Point{}, false
}
