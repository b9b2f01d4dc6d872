package reports

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// sweepSteps is the number of steps of the strong share in a table for people.
const sweepSteps = 20

func writeSweepText(w io.Writer, r *Report) error {
	if r.Curve == nil {
		return noCurve(r)
	}
	return sweepPage(r).text(w)
}

func writeSweepMarkdown(w io.Writer, r *Report) error {
	if r.Curve == nil {
		return noCurve(r)
	}
	return sweepPage(r).markdown(w)
}

// sweepPage is a point for about every twentieth of the strong share, and the
// one in force.
func sweepPage(r *Report) *page {
	c := r.Curve
	p := &page{notes: r.Notes}
	apgr := r.must("apgr")
	p.sentence = fmt.Sprintf("%s make %s: APGR %s%s.", plural(c.Pairs, "pair"), plural(len(c.Points), "point"), apgr, p.foot.marks(apgr.Warnings))
	t := table{head: []string{"", "threshold", "strong share", "quality", "cost", "of strong-only", "PGR"}}
	for _, at := range selected(r) {
		t.add(plain(sweepName(r, at)), plain(rate(at.Threshold)), plain(percent(at.StrongShare)), plain(number(at.Quality)),
			plain(orUnknown(at.CostUSD, USD)), plain(orUnknown(c.CostShare(at), Share)), cell{orUndefined(at.PGR), p.foot.marks(r.must("pgr").gone())})
	}
	p.tables = []table{t}
	return p
}

// selected are the points that a table for people shows.
func selected(r *Report) []Point {
	points := r.Curve.thinned(sweepSteps)
	if r.Threshold == nil {
		return points
	}
	inForce := r.Curve.At(*r.Threshold)
	i, found := slices.BinarySearchFunc(points, inForce, func(a, b Point) int { return cmp.Compare(a.StrongShare, b.StrongShare) })
	if found {
		return points
	}
	return slices.Insert(points, i, inForce)
}

func sweepName(r *Report, p Point) string {
	var names []string
	switch p.StrongShare {
	case 0:
		names = append(names, "weak-only")
	case 1:
		names = append(names, "strong-only")
	}
	if r.Threshold != nil && r.Curve.At(*r.Threshold).Threshold == p.Threshold {
		names = append(names, "in force")
	}
	return strings.Join(names, ", ")
}

// gone are the warnings of a value without a number.
func (v Value) gone() []string {
	if v.OK() {
		return nil
	}
	return v.Warnings
}

func orUndefined(x float64) string {
	if math.IsNaN(x) {
		return Undefined
	}
	return number(x)
}
