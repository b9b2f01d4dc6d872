package scoring

import "math"

// Quantile is the q-quantile of sorted values, interpolated linearly between
// the two nearest ranks: numpy.quantile's default ("linear"; type 7 of Hyndman
// and Fan 1996), to the last bit. The values must ascend, at least one and none
// NaN; q is in [0,1].
//
// The conversions to float64 keep products from being fused into a sum, which
// numpy does not do.
func Quantile(sorted []float64, q float64) float64 {
	last := len(sorted) - 1
	rank := float64(float64(last) * q)
	i := int(math.Floor(rank))
	if i >= last {
		return sorted[last]
	}
	// numpy comes from the nearer end, so that either end is met exactly.
	a, b, t := sorted[i], sorted[i+1], rank-float64(i)
	if t < 0.5 {
		return a + float64((b-a)*t)
	}
	return b - float64((b-a)*(1-t))
}

// QuantileEdges are the n+1 edges of n bins of equal count: the quantiles at
// numpy.linspace(0, 1, n+1), as RouteLLM takes its thresholds. Equal values may
// make equal edges. The values are as in [Quantile]; n is at least 1.
func QuantileEdges(sorted []float64, n int) []float64 {
	step := 1 / float64(n)
	edges := make([]float64, n+1)
	for i := range n {
		edges[i] = Quantile(sorted, float64(i)*step)
	}
	edges[n] = sorted[len(sorted)-1]
	return edges
}
