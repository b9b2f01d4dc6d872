package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// figures are the charts that the slider moves a marker on: those that this
// report has numbers for.
func (v *htmlView) figures() []*figure {
	list := []*figure{v.qualityByShare(), v.shareByThreshold()}
	if v.r.Curve.priced() {
		list = slices.Insert(list, 0, v.qualityByCost())
	}
	if v.r.Reliability != nil && len(v.r.Reliability.Bins) > 0 {
		list = append(list, v.reliability())
	}
	return list
}

// priced reports whether every point has a cost, and there is a width to show.
func (c *Curve) priced() bool {
	return finite(c.Weak().CostUSD) && finite(c.Strong().CostUSD)
}

// qualityByCost is what each dollar buys: the router among all that it is
// compared with.
func (v *htmlView) qualityByCost() *figure {
	r := v.r
	cost := func(p Point) float64 { return p.CostUSD }
	f := &figure{
		ID: "cost-quality", Title: "Quality over cost", Moves: true,
		About: "Mean quality of the chosen answers against what they cost on all pairs. Up and to the left is better.",
	}
	xs, ys := []float64{0}, v.qualities()
	for _, p := range v.points {
		xs = append(xs, p.CostUSD)
	}
	for _, s := range r.Singles {
		if s.CostUSD.OK() && s.Quality.OK() {
			xs, ys = append(xs, s.CostUSD.Center), append(ys, s.Quality.Center)
		}
	}
	f.X = xAxis("cost of all pairs", "cost_usd", USD, xs...)
	f.Y = yAxis("quality", "quality", Ratio, ys...)
	v.curves(f, cost, func(b BandPoint) float64 { return b.CostUSD })
	if hull := v.frontier(); len(hull) > 2 {
		f.draw("zero", hull)
		f.key("zero", "", "zero router: the best mix of single models")
	}
	singles := 0
	for _, s := range r.Singles[:min(len(r.Singles), maxRows)] {
		if s.Role != "" || !s.CostUSD.OK() || !s.Quality.OK() {
			continue
		}
		label := ""
		if s.Best {
			label = short(printable(s.Name), 28)
		}
		f.place("other", triangle, xy{s.CostUSD.Center, s.Quality.Center}, fmt.Sprintf("%s: quality %s for %s", name(s.Name), s.Quality.center(), s.CostUSD.center()), label)
		singles++
	}
	if singles > 0 {
		f.key("other", triangle, "another model alone")
	}
	v.ends(f, cost)
	return f
}

// qualityByShare is the same with calls for the axis, as RouteLLM draws it.
func (v *htmlView) qualityByShare() *figure {
	share := func(p Point) float64 { return p.StrongShare }
	f := &figure{
		ID: "share-quality", Title: "Quality over strong share", Moves: true,
		About: "Mean quality against the share of prompts that go to the strong model.",
		X:     xAxis("strong share", "strong_share", Share, 0, 1),
		Y:     yAxis("quality", "quality", Ratio, v.qualities()...),
	}
	v.curves(f, share, func(b BandPoint) float64 { return b.StrongShare })
	v.ends(f, share)
	return f
}

// curves draws the interval, the straight line of random routing, the oracle
// and the router, in this order, so that the router lies on top.
func (v *htmlView) curves(f *figure, x func(Point) float64, bandX func(BandPoint) float64) {
	r, c := v.r, v.r.Curve
	if len(r.Band) > 0 {
		var lower, upper []xy
		for _, b := range r.Band {
			lower, upper = append(lower, xy{bandX(b), b.QualityLo}), append(upper, xy{bandX(b), b.QualityHi})
		}
		f.fill("band", lower, upper)
	}
	f.draw("random", []xy{{x(c.Weak()), c.Weak().Quality}, {x(c.Strong()), c.Strong().Quality}})
	if len(r.Oracle) > 0 {
		f.draw("oracle", along(r.Oracle, x))
	}
	f.draw("router", along(v.points, x))

	f.key("router", "", cmp.Or(printable(r.Router), "router"))
	if len(r.Band) > 0 {
		f.key("band", "", v.confidence()+" interval")
	}
	f.key("random", "", "at random")
	if len(r.Oracle) > 0 {
		f.key("oracle", "", "oracle")
	}
}

func along(points []Point, x func(Point) float64) []xy {
	list := make([]xy, len(points))
	for i, p := range points {
		list[i] = xy{x(p), p.Quality}
	}
	return list
}

// ends marks the two models alone, and what the run did.
func (v *htmlView) ends(f *figure, x func(Point) float64) {
	c := v.r.Curve
	say := func(p Point) string {
		return fmt.Sprintf("quality %s at %s strong, for %s", number(p.Quality), percent(p.StrongShare), orUnknown(p.CostUSD, USD))
	}
	f.place("weak", square, xy{x(c.Weak()), c.Weak().Quality}, "weak-only: "+say(c.Weak()), "")
	f.place("strong", diamond, xy{x(c.Strong()), c.Strong().Quality}, "strong-only: "+say(c.Strong()), "")
	f.key("weak", square, "weak-only")
	f.key("strong", diamond, "strong-only")
	if v.r.Threshold != nil {
		p := c.At(*v.r.Threshold)
		f.place("routed", circle, xy{x(p), p.Quality}, "as the run's threshold routes: "+say(p), "")
		f.key("routed", circle, "the run's threshold")
	}
}

// qualities are all that a quality axis must hold: everything that is drawn.
func (v *htmlView) qualities() []float64 {
	var ys []float64
	for _, points := range [][]Point{v.points, v.r.Oracle} {
		for _, p := range points {
			ys = append(ys, p.Quality)
		}
	}
	for _, b := range v.r.Band {
		ys = append(ys, b.QualityLo, b.QualityHi)
	}
	return ys
}

// frontier is the hull of the single models, from the cheapest to the best.
func (v *htmlView) frontier() []xy {
	var hull []xy
	for _, s := range v.r.Singles {
		if s.Frontier && s.CostUSD.OK() && s.Quality.OK() {
			hull = append(hull, xy{s.CostUSD.Center, s.Quality.Center})
		}
	}
	slices.SortFunc(hull, func(a, b xy) int { return cmp.Compare(a.x, b.x) })
	return hull
}

// shareByThreshold is the dial: what each threshold sends to the strong model.
// Win rates are often crowded, so the axis shows only where they are.
func (v *htmlView) shareByThreshold() *figure {
	f := &figure{
		ID: "threshold-share", Title: "What the threshold does", Moves: true,
		About: "Share of prompts whose win rate is at or above each threshold.",
	}
	var xs []float64
	var steps []xy
	for _, p := range v.points {
		t := specThreshold(v.r.Curve, p)
		if finite(p.Threshold) {
			xs = append(xs, t)
		}
		if n := len(steps); n > 0 { // the share holds down to the next threshold
			steps = append(steps, xy{t, steps[n-1].y})
		}
		steps = append(steps, xy{t, p.StrongShare})
	}
	if v.r.Threshold != nil && *v.r.Threshold <= 1 {
		xs = append(xs, *v.r.Threshold)
	}
	f.X = xAxis("threshold", "threshold", Ratio, xs...)
	f.Y = yAxis("strong share", "strong_share", Share, 0, 1)
	for i := range steps {
		steps[i].x = min(steps[i].x, f.X.Hi)
	}
	steps = append(steps, xy{f.X.Lo, 1})
	f.draw("router", steps)
	f.key("router", "", "strong share")
	if v.r.Threshold != nil && *v.r.Threshold <= 1 {
		f.place("routed", circle, xy{*v.r.Threshold, v.r.Curve.At(*v.r.Threshold).StrongShare}, "the run's threshold, "+rate(*v.r.Threshold), "")
		f.key("routed", circle, "the run's threshold")
	}
	return f
}

// reliability shows how far the win rate may be read as a probability.
func (v *htmlView) reliability() *figure {
	f := &figure{
		ID: "reliability", Title: "Reliability of the win rate", Moves: true, Upright: true,
		About: "How often the strong answer is strictly better, against how often the win rate says so. On the diagonal it may be read as a probability.",
	}
	var xs, ys []float64
	for _, b := range v.r.Reliability.Bins {
		xs = append(xs, b.Lo, b.Hi, b.WinRate)
		ys = append(ys, b.Better.Center, b.Better.Lo, b.Better.Hi)
	}
	f.X = xAxis("win rate", "threshold", Ratio, xs...)
	f.Y = yAxis("strong strictly better", "", Share, ys...)
	if lo, hi := max(f.X.Lo, f.Y.Lo), min(f.X.Hi, f.Y.Hi); lo < hi {
		f.draw("random", []xy{{lo, lo}, {hi, hi}})
		f.key("random", "", "as the win rate says")
	}
	var line []xy
	for _, b := range v.r.Reliability.Bins {
		line = append(line, xy{b.WinRate, b.Better.Center})
		if b.Better.HasInterval() {
			f.draw("whisker", []xy{{b.WinRate, b.Better.Lo}, {b.WinRate, b.Better.Hi}})
		}
	}
	f.draw("thread", line)
	for _, b := range v.r.Reliability.Bins {
		f.place("bin", bead, xy{b.WinRate, b.Better.Center}, fmt.Sprintf("win rates %s to %s: strong strictly better on %s of %s",
			number(b.Lo), number(b.Hi), b.Better, plural(b.Pairs, "pair")), "")
	}
	f.key("bin", bead, "what happened, with "+v.confidence()+" interval")
	return f
}

// maxLatencies bounds the candidates of the latency figure.
const maxLatencies = 12

// latencyFigure shows the spread of each candidate's latency; nil if none is known.
func latencyFigure(candidates []Candidate) *figure {
	f := &figure{
		ID: "latency", Title: "Latency", About: "From sending a call to the whole answer: median, 95th and 99th percentile, on a logarithmic scale.",
		Y: axis{Lo: 0, Hi: 1, From: plotTop, To: plotBottom},
	}
	var known []*Candidate
	var xs []float64
	for i := range candidates {
		if c := &candidates[i]; c.LatencyP50.OK() && c.LatencyP50.Center > 0 && len(known) < maxLatencies {
			known = append(known, c)
			xs = append(xs, c.LatencyP50.Center, c.LatencyP99.Center)
		}
	}
	if len(known) == 0 {
		return nil
	}
	f.X = logAxis("latency", xs...)
	for i, c := range known {
		y := (float64(i) + 0.5) / float64(len(known))
		p50, p95, p99 := c.LatencyP50.Center, c.LatencyP95.Center, c.LatencyP99.Center
		class := cmp.Or(c.Role, "other")
		title := fmt.Sprintf("%s: p50 %s, p95 %s, p99 %s", name(c.Name), seconds(p50), seconds(p95), seconds(p99))
		f.draw("span "+class, []xy{{p50, y}, {p99, y}})
		f.place(class, circle, xy{p50, y}, title, "")
		f.place(class, bead, xy{p95, y}, title, "")
		f.place(class, bead, xy{p99, y}, title, "")
		f.label(xy{math.Sqrt(p50 * p99), y}, short(printable(c.Name), 28))
	}
	return f
}

// label writes a text above a place, away from the edges.
func (f *figure) label(at xy, text string) {
	x := min(max(f.X.at(at.x), plotLeft+60), plotRight-60)
	f.Marks = append(f.Marks, mark{Class: "name", Label: text, LabelX: x, LabelY: f.Y.at(at.y) - 10, Anchor: "middle"})
}

// A spark is the quality of one slice beside that of the two models on it,
// drawn in a row of a table on an axis that all rows share.
type spark struct{ Weak, Strong, Routed, Lo, Hi, From, To float64 }

// sparkWidth is the width of the view box of a spark.
const sparkWidth = 140

func newSpark(weak, strong, routed Value, lo, hi float64) *spark {
	if !weak.OK() || !strong.OK() || !routed.OK() {
		return nil
	}
	a := axis{Lo: lo, Hi: hi, From: 8, To: sparkWidth - 8}
	s := &spark{Weak: a.at(weak.Center), Strong: a.at(strong.Center), Routed: a.at(routed.Center)}
	s.From, s.To = min(s.Weak, s.Strong), max(s.Weak, s.Strong)
	s.Lo, s.Hi = s.Routed, s.Routed
	if routed.HasInterval() {
		s.Lo, s.Hi = a.at(routed.Lo), a.at(routed.Hi)
	}
	return s
}
