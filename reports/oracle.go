package reports

// An Oracle routes knowing how good both answers will be: no router can do
// better at the same strong share.
type Oracle struct {
	curve *Curve // thresholds are differences of quality, strong − weak
	best  int    // the last point that sends only prompts on which strong is better
}

// NewOracle sorts the pairs by how much better the strong answer is. It fails
// where [Sweep] does.
func NewOracle(pairs []Pair) (*Oracle, error) {
	if err := checkPairs(pairs); err != nil {
		return nil, err
	}
	o := &Oracle{curve: sweepBy(pairs, func(p *Pair) float64 { return p.StrongQuality - p.WeakQuality })}
	for o.best+1 < len(o.curve.Points) && o.curve.Points[o.best+1].Threshold > 0 {
		o.best++
	}
	return o, nil
}

// Best sends a prompt to the strong model exactly where its answer is better:
// the highest quality there is, with the fewest strong calls.
func (o *Oracle) Best() Point { return o.curve.Points[o.best] }

// AtShare is the best quality with at most that share of strong calls. Where
// the share ends among prompts of one quality difference, cost is their mean.
func (o *Oracle) AtShare(share float64) Point {
	return o.curve.Mix(min(share, o.Best().StrongShare))
}

// percents are the points at each percent of the strong share.
func (o *Oracle) percents() []Point {
	points := make([]Point, 101)
	for i := range points {
		points[i] = o.AtShare(float64(i) / 100)
	}
	return points
}

// APGR is the area under the PGR of AtShare over all shares: the most that the
// APGR of a router can be on these pairs. It is NaN where there is no gap.
func (o *Oracle) APGR() float64 {
	best := o.Best()
	var s sum
	for i := 1; i <= o.best; i++ {
		a, b := &o.curve.Points[i-1], &o.curve.Points[i]
		s.add((b.StrongShare - a.StrongShare) * (a.PGR + b.PGR) / 2)
	}
	s.add((1 - best.StrongShare) * best.PGR)
	return s.value()
}
