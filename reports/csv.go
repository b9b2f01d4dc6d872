package reports

import (
	"bufio"
	"io"
	"math"
	"strconv"
)

// writeCSV writes every point of the curve. Numbers are in full, so that a
// threshold read back routes as here; "inf" is the threshold above every win
// rate, an empty cell is unknown or n/a.
func writeCSV(w io.Writer, r *Report) error {
	if r.Curve == nil {
		return noCurve(r)
	}
	b := bufio.NewWriter(w)
	b.WriteString("threshold,strong_share,quality,cost_usd,cost_share,pgr\n")
	var line []byte
	for _, p := range r.Curve.Points {
		line = line[:0]
		for i, x := range [...]float64{p.Threshold, p.StrongShare, p.Quality, p.CostUSD, r.Curve.CostShare(p), p.PGR} {
			if i > 0 {
				line = append(line, ',')
			}
			switch {
			case math.IsInf(x, 1):
				line = append(line, "inf"...)
			case !math.IsNaN(x):
				line = strconv.AppendFloat(line, x, 'g', -1, 64)
			}
		}
		b.Write(append(line, '\n'))
	}
	return b.Flush() // the first error of all writes
}
