package reports

import (
	"errors"
	"fmt"
	"math"
	"sort"
)

// RouteLLM is the curve as RouteLLM's evaluator samples it: at the edges of
// bins that hold equally many win rates, from 100 % strong at the first to 0 %
// at the last, which it alone compares with > instead of >=. The thresholds are
// numpy's linear quantiles of the win rates.
//
// Like the evaluator it refuses win rates of which one is so frequent that two
// edges coincide; it knows no weights, so weighted pairs are refused as well.
func (c *Curve) RouteLLM(bins int) ([]Point, error) {
	if bins < 1 {
		return nil, fmt.Errorf("%d bins: there must be at least one", bins)
	}
	if c.weighted {
		return nil, errors.New("RouteLLM's evaluator knows no weighted prompts")
	}
	points := make([]Point, bins+1)
	step := 1 / float64(bins)
	for i := range points {
		q := float64(i) * step
		if i == bins {
			q = 1
		}
		edge := c.quantile(q)
		if i > 0 && edge == points[i-1].Threshold {
			return nil, fmt.Errorf("RouteLLM's evaluator fails on these win rates: two of the %d edges are %v", bins+1, edge)
		}
		points[i] = c.At(edge)
		points[i].Threshold = edge
	}
	points[bins] = c.Weak()
	points[bins].Threshold = c.quantile(1)
	return points, nil
}

// APGRRouteLLM is RouteLLM's APGR: the area between the router's curve and the
// weak model over the area between strong and weak, both by trapezoids over the
// points of [Curve.RouteLLM]. It differs from [Curve.APGR] by what lies between
// those points and depends on their number; RouteLLM uses 10 bins.
func (c *Curve) APGRRouteLLM(bins int) (float64, error) {
	points, err := c.RouteLLM(bins)
	if err != nil {
		return math.NaN(), err
	}
	if !c.hasGap() {
		return math.NaN(), errors.New("strong is not better than weak")
	}
	weak, strong := c.Weak().Quality, c.Strong().Quality
	var area, weakArea, strongArea sum
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		width := a.StrongShare - b.StrongShare
		area.add(width * (a.Quality + b.Quality) / 2)
		weakArea.add(width * weak)
		strongArea.add(width * strong)
	}
	return (area.value() - weakArea.value()) / (strongArea.value() - weakArea.value()), nil
}

// quantile is numpy's default (linear) quantile of the win rates, to the last
// bit: at rank v = (n−1)q with fraction t, a + (b−a)t below t = ½ and
// b − (b−a)(1−t) from there on. The conversions forbid fused operations, which
// would round once instead of twice.
func (c *Curve) quantile(q float64) float64 {
	v := float64(float64(c.Pairs-1) * q)
	rank := math.Floor(v)
	t := v - rank
	a, b := c.winRate(int(rank)), c.winRate(min(int(rank)+1, c.Pairs-1))
	if t < 0.5 {
		return a + float64((b-a)*t)
	}
	return b - float64((b-a)*(1-t))
}

// winRate is the win rate of that rank, from 0 for the smallest. The curve must
// not be weighted.
func (c *Curve) winRate(rank int) float64 {
	above := float64(c.Pairs - rank) // pairs from the largest down to this one
	i := sort.Search(len(c.Points)-1, func(i int) bool {
		return math.Round(c.Points[i].StrongShare*c.Prompts) >= above
	})
	return c.Points[i].Threshold
}
