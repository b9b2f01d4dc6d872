package reports

// A BandPoint is the curve at one strong share, with the interval of its
// quality there: of what the best threshold for that share reaches, whichever
// it is.
type BandPoint struct {
	StrongShare          float64
	Quality, CostUSD     float64 // of [Curve.Mix] at that share; CostUSD is NaN if unknown
	QualityLo, QualityHi float64
}

func (f *facts) bandPoints() []BandPoint {
	var points []BandPoint
	for i, ci := range f.band {
		p := f.curve.Mix(float64(i) / bandSteps)
		points = append(points, BandPoint{p.StrongShare, p.Quality, p.CostUSD, ci.lo, ci.hi})
	}
	return points
}
