package reports

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxPagePoints bounds the points that a page holds, however many prompts there
// are: three for each pixel that a figure is wide.
const maxPagePoints = 1500

// thin keeps at most n points of a curve, with nothing smoothed: of each part of
// the strong share the first, the last, the lowest and the highest in quality,
// so that a drawn line has the extremes of the true one. The ends of the curve
// and the points in keep, which must be of the curve, always stay.
func thin(points []Point, n int, keep ...Point) []Point {
	if len(points) <= n {
		return points
	}
	kept := slices.Clone(keep)
	kept = append(kept, points[0], points[len(points)-1])
	parts := (n - len(kept)) / 4
	for rest := points; len(rest) > 0; {
		part := math.Floor(rest[0].StrongShare * float64(parts))
		end := slices.IndexFunc(rest, func(p Point) bool { return math.Floor(p.StrongShare*float64(parts)) > part })
		if end < 0 || part >= float64(parts-1) { // the end of the curve is in the last part
			end = len(rest)
		}
		bucket := rest[:end]
		kept = append(kept, bucket[0], bucket[end-1], slices.MinFunc(bucket, byQuality), slices.MaxFunc(bucket, byQuality))
		rest = rest[end:]
	}
	slices.SortFunc(kept, byShare)
	return slices.CompactFunc(kept, func(a, b Point) bool { return a.StrongShare == b.StrongShare })
}

func byQuality(a, b Point) int { return cmp.Compare(a.Quality, b.Quality) }
func byShare(a, b Point) int   { return cmp.Compare(a.StrongShare, b.StrongShare) }

// The numbers that the page's script moves the markers by.
type (
	pageData struct {
		Threshold     []jsonNum    `json:"threshold"` // in full; null where no threshold in [0,1] routes so
		StrongShare   []jsonNum    `json:"strong_share"`
		Quality       []jsonNum    `json:"quality"`
		CostUSD       []jsonNum    `json:"cost_usd"` // null if unknown
		BandLo        []jsonNum    `json:"band_lo"`  // at each percent of the strong share; empty without intervals
		BandHi        []jsonNum    `json:"band_hi"`  //
		Start         int          `json:"start"`    // the point that is shown first
		StrongQuality jsonNum      `json:"strong_quality"`
		StrongCostUSD jsonNum      `json:"strong_cost_usd"`
		Figures       []pageFigure `json:"figures"`
	}
	pageFigure struct {
		ID string   `json:"id"`
		X  pageAxis `json:"x"`
		Y  pageAxis `json:"y"`
	}
	pageAxis struct {
		Field string  `json:"field"`
		Lo    float64 `json:"lo"`
		Hi    float64 `json:"hi"`
		From  float64 `json:"from"`
		To    float64 `json:"to"`
	}
)

// newPageData holds the points of a curve; start is one of them.
func newPageData(r *Report, points []Point, start Point, figures []*figure) pageData {
	d := pageData{
		StrongQuality: nineDigits(r.Curve.Strong().Quality),
		StrongCostUSD: nineDigits(r.Curve.Strong().CostUSD),
		Start:         max(slices.IndexFunc(points, func(p Point) bool { return p.StrongShare == start.StrongShare }), 0),
	}
	for _, p := range points {
		d.Threshold = append(d.Threshold, jsonNum(specThreshold(r.Curve, p)))
		d.StrongShare = append(d.StrongShare, nineDigits(p.StrongShare))
		d.Quality = append(d.Quality, nineDigits(p.Quality))
		d.CostUSD = append(d.CostUSD, nineDigits(p.CostUSD))
	}
	for _, b := range r.Band {
		d.BandLo = append(d.BandLo, nineDigits(b.QualityLo))
		d.BandHi = append(d.BandHi, nineDigits(b.QualityHi))
	}
	for _, f := range figures {
		if f.Moves {
			d.Figures = append(d.Figures, pageFigure{f.ID, f.X.data(), f.Y.data()})
		}
	}
	return d
}

func (a *axis) data() pageAxis { return pageAxis{a.Field, a.Lo, a.Hi, a.From, a.To} }

// specThreshold is a threshold in [0,1], as a spec wants it, that routes like
// the point. To send nothing it is 1, unless a win rate is 1: then there is none.
func specThreshold(c *Curve, p Point) float64 {
	if !math.IsInf(p.Threshold, 1) {
		return p.Threshold
	}
	if len(c.Points) > 1 && c.Points[1].Threshold < 1 {
		return 1
	}
	return math.NaN()
}

// pointField is the number of a point that the script calls so, within [0,1] of a
// threshold; a figure without such an axis has no use for it.
func pointField(c *Curve, p Point, name string) float64 {
	switch name {
	case "threshold":
		return min(specThreshold(c, p), 1)
	case "strong_share":
		return p.StrongShare
	case "quality":
		return p.Quality
	case "cost_usd":
		return p.CostUSD
	}
	return 0
}

// nineDigits is more than is ever shown, and half as long as the whole number.
func nineDigits(x float64) jsonNum {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 9, 64), 64) // it is a number's own text
	return jsonNum(short)
}

// text is the JSON as it may stand in a script element: nothing in it can end
// the element.
func (d *pageData) text() (string, error) {
	b, err := json.Marshal(d, jsontext.EscapeForHTML(true), jsontext.EscapeForJS(true))
	return string(b), err
}
