package reports

import (
	"io"

	"github.com/parquet-go/parquet-go"
)

// A parquetPoint is one row of a curve in Parquet, with the columns of the CSV
// form. The threshold above every win rate is +Inf; null is unknown or n/a.
type parquetPoint struct {
	Threshold   float64  `parquet:"threshold"`
	StrongShare float64  `parquet:"strong_share"`
	Quality     float64  `parquet:"quality"`
	CostUSD     *float64 `parquet:"cost_usd,optional"`
	CostShare   *float64 `parquet:"cost_share,optional"`
	PGR         *float64 `parquet:"pgr,optional"`
}

// parquetBatch is the number of rows that are handed over at a time.
const parquetBatch = 1024

// writeParquet writes every point of the curve.
func writeParquet(w io.Writer, r *Report) error {
	if r.Curve == nil {
		return noCurve(r)
	}
	pw := parquet.NewGenericWriter[parquetPoint](w, parquet.Compression(&parquet.Snappy))
	batch := make([]parquetPoint, 0, parquetBatch)
	for i, p := range r.Curve.Points {
		batch = append(batch, parquetPoint{
			p.Threshold, p.StrongShare, p.Quality, numberOrNil(p.CostUSD), numberOrNil(r.Curve.CostShare(p)), numberOrNil(p.PGR),
		})
		if len(batch) < parquetBatch && i+1 < len(r.Curve.Points) {
			continue
		}
		if _, err := pw.Write(batch); err != nil {
			return err
		}
		batch = batch[:0]
	}
	return pw.Close()
}

func numberOrNil(x float64) *float64 {
	if !finite(x) {
		return nil
	}
	return &x
}
