package reports

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// wilson is the interval of a share of k in n (E. B. Wilson, "Probable
// inference, the law of succession, and statistical inference", JASA 22, 1927):
// with z the normal quantile of the confidence,
//
//	(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n),  p = k/n.
//
// Unlike p ± z·s it stays in [0,1] and has a width at 0 and at n. Without any
// trial it is NaN.
func wilson(k, n int, confidence float64) (lo, hi float64) {
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	return wilsonShare(float64(k)/float64(n), float64(n), confidence)
}

// wilsonShare is the same for a share p in m trials, which need not be whole.
func wilsonShare(p, m, confidence float64) (lo, hi float64) {
	z := distuv.UnitNormal.Quantile(0.5 + confidence/2)
	center := p + z*z/(2*m)
	half := z * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	scale := 1 + z*z/m
	return max(0, (center-half)/scale), min(1, (center+half)/scale)
}

// percentiles is the percentile interval of bootstrap draws (Efron and
// Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13): the middle share
// of them. It sorts draws. A draw in which the statistic has no meaning is NaN;
// if more of them are than lie outside one end, so has the interval.
func percentiles(draws []float64, confidence float64) (lo, hi float64) {
	outside := (1 - confidence) / 2
	slices.Sort(draws) // NaN first
	defined := draws
	for len(defined) > 0 && math.IsNaN(defined[0]) {
		defined = defined[1:]
	}
	if len(defined) == 0 || float64(len(draws)-len(defined)) > outside*float64(len(draws)) {
		return math.NaN(), math.NaN()
	}
	return sortedQuantile(defined, outside), sortedQuantile(defined, 1-outside)
}

// sortedQuantile interpolates linearly between the two nearest ranks.
func sortedQuantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	j := min(i+1, len(sorted)-1)
	return sorted[i] + (at-float64(i))*(sorted[j]-sorted[i])
}
