package reports

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Gate is what CI demands of a report, such as "apgr >= 0.6". See [ParseGate].
type Gate struct {
	bound string  // "lower" or "upper" end of the interval; "" for the value itself
	name  string  // a metric, a figure of a point if there is an axis, or one of a comparison
	delta bool    // the figure's difference from the base run
	axis  string  // the axis that a point is chosen on; "" for a value of the report
	limit float64 // on the axis, or of cpt
	op    string
	want  float64
}

// A Verdict is a gate held against a report.
type Verdict struct {
	Gate  Gate
	Value Value // what was compared
	Met   bool
}

// pointFigures are the figures that a point of the curve has, by the names of
// the values they belong to; axes are those that a point can be chosen on.
var (
	pointFigures = []pointFigure{
		{"cost_share", Share, (*Curve).CostShare},
		{"cost_usd", USD, func(_ *Curve, p Point) float64 { return p.CostUSD }},
		{"pgr", Ratio, func(_ *Curve, p Point) float64 { return p.PGR }},
		{"quality", Ratio, func(_ *Curve, p Point) float64 { return p.Quality }},
		{"strong_share", Share, func(_ *Curve, p Point) float64 { return p.StrongShare }},
	}
	axes = []pointFigure{
		{"cost_share", Share, (*Curve).CostShare},
		{"cost_usd", USD, func(_ *Curve, p Point) float64 { return p.CostUSD }},
		{"share", Share, func(_ *Curve, p Point) float64 { return p.StrongShare }},
	}
	gateOps = []string{">=", "<=", "==", ">", "<"} // longer ones first
)

type pointFigure struct {
	name string
	unit Unit
	of   func(*Curve, Point) float64
}

// ParseGate reads a gate. In BNF, with blanks allowed between tokens:
//
//	gate   = value op number .
//	value  = plain | ( "lower" | "upper" ) "(" plain ")" | figure "@" axis "<=" number | "cpt" "(" number ")" .
//	plain  = name | "delta" "(" change "," "base" ")" .
//	op     = ">=" | "<=" | ">" | "<" | "==" .
//	name   = one of MetricNames .
//	figure = "cost_share" | "cost_usd" | "pgr" | "quality" | "strong_share" .
//	axis   = "cost_share" | "cost_usd" | "share" .
//	change = one of CompareNames .
//
// "lower" and "upper" are the ends of the value's interval. delta(quality, base)
// is by how much the quality is above that of the base run on the same prompts,
// and so for each figure of a [Comparison]. A figure "@" an axis
// is that of the point of the largest strong share that keeps to the limit,
// whatever threshold is in force: quality@share<=0.3 is the quality with at
// most 30 % of the prompts routed strong. cpt(0.9) is the CPT of any PGR in
// [0,1], the smallest strong share that reaches it. Numbers are fractions, never
// percent.
//
// Two numbers that differ by rounding alone, one part in 10¹², are equal.
//
// Names are checked here, so that a typing error shows before anything is read.
func ParseGate(s string) (Gate, error) {
	p := gateParser{rest: s}
	g := p.gate()
	if p.err == nil && p.skip() != "" {
		p.fail("%q is left over", p.rest)
	}
	if p.err != nil {
		return Gate{}, fmt.Errorf("gate %q: %w", s, p.err)
	}
	return g, nil
}

// String writes the gate in the form that ParseGate reads.
func (g Gate) String() string {
	value := g.name
	if g.delta {
		value = "delta(" + g.name + ", base)"
	}
	switch {
	case g.bound != "":
		value = g.bound + "(" + value + ")"
	case g.name == "cpt":
		value = "cpt(" + strconv.FormatFloat(g.limit, 'g', -1, 64) + ")"
	case g.axis != "":
		value = g.name + "@" + g.axis + "<=" + strconv.FormatFloat(g.limit, 'g', -1, 64)
	}
	return value + " " + g.op + " " + strconv.FormatFloat(g.want, 'g', -1, 64)
}

// gateParser reads tokens off the front; after an error it reads nothing more.
type gateParser struct {
	rest string
	err  error
}

func (p *gateParser) gate() Gate {
	var g Gate
	g.name = p.word("a name")
	if (g.name == "lower" || g.name == "upper") && p.take("(") {
		g.bound, g.name = g.name, p.word("a name")
		p.difference(&g)
		p.expect(")")
	} else {
		p.difference(&g)
	}
	switch {
	case g.delta:
		p.known(g.name, CompareNames(), "figure of a comparison")
	case g.name == "cpt" && g.bound == "":
		g.limit = p.cptLevel()
	case g.bound == "" && p.take("@"):
		g.axis = p.word("an axis")
		if !p.take("<=") {
			p.fail("expected <= at %q: an axis has an upper limit", p.rest)
		}
		g.limit = p.number()
		p.known(g.name, figureNames(pointFigures), "figure of a point")
		p.known(g.axis, figureNames(axes), "axis")
	default:
		p.known(g.name, MetricNames(), "name")
	}
	for _, op := range gateOps {
		if p.take(op) {
			g.op = op
			break
		}
	}
	if g.op == "" {
		p.fail("expected one of %s at %q", strings.Join(gateOps, " "), p.rest)
	}
	g.want = p.number()
	return g
}

// difference reads what stands after "delta" as the name of a value.
func (p *gateParser) difference(g *Gate) {
	if g.name != "delta" || !p.take("(") {
		return
	}
	g.delta, g.name = true, p.word("a name")
	p.expect(",")
	if base := p.word("base"); base != "base" && p.err == nil {
		p.fail("delta to %q: the other run is called base", base)
	}
	p.expect(")")
}

func (p *gateParser) expect(token string) {
	if !p.take(token) {
		p.fail("expected %s at %q", token, p.rest)
	}
}

func (p *gateParser) cptLevel() float64 {
	if !p.take("(") {
		p.fail("expected ( at %q: cpt(0.9) is the strong share that keeps 90 %% of the gap", p.rest)
	}
	x := p.number()
	if x < 0 || x > 1 {
		p.fail("cpt(%v): a PGR is in [0,1]", x)
	}
	if !p.take(")") {
		p.fail("expected ) at %q", p.rest)
	}
	return x
}

func figureNames(figures []pointFigure) []string {
	var names []string
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

func (p *gateParser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
}

func (p *gateParser) known(name string, names []string, what string) {
	if !slices.Contains(names, name) {
		p.fail("unknown %s %q (have %s)", what, name, strings.Join(names, ", "))
	}
}

func (p *gateParser) skip() string {
	p.rest = strings.TrimLeft(p.rest, " \t")
	return p.rest
}

func (p *gateParser) take(token string) bool {
	rest, ok := strings.CutPrefix(p.skip(), token)
	if ok && p.err == nil {
		p.rest = rest
	}
	return ok && p.err == nil
}

func (p *gateParser) word(what string) string {
	return p.span(what, func(r rune) bool {
		return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	})
}

func (p *gateParser) number() float64 {
	s := p.span("a number", func(r rune) bool { return strings.ContainsRune("+-.0123456789eE", r) })
	x, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && !finite(x):
		p.fail("%s is out of range", s)
	case err != nil:
		p.fail("%q is not a number", s)
	case strings.HasPrefix(p.rest, "%"):
		p.fail("write %v %% as a fraction, %v", x, x/100)
	}
	return x
}

// span takes the longest run of such characters; there must be one.
func (p *gateParser) span(what string, in func(rune) bool) string {
	if p.err != nil {
		return ""
	}
	s := p.skip()
	end := strings.IndexFunc(s, func(r rune) bool { return !in(r) })
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		p.fail("expected %s at %q", what, s)
	}
	p.rest = s[end:]
	return s[:end]
}

// Check holds the report against the gates, in their order. A value that is
// unknown or n/a, or an end of an interval that there is not, meets no gate.
func Check(r *Report, gates []Gate) []Verdict {
	verdicts := make([]Verdict, len(gates))
	for i, g := range gates {
		v := g.value(r)
		verdicts[i] = Verdict{Gate: g, Value: v, Met: v.OK() && compareBy(g.op, v.Center, g.want)}
	}
	return verdicts
}

// Missed counts the verdicts that were not met.
func Missed(verdicts []Verdict) int {
	n := 0
	for _, v := range verdicts {
		if !v.Met {
			n++
		}
	}
	return n
}

func compareBy(op string, x, want float64) bool {
	slack := rounding * max(1, math.Abs(want))
	equal := math.Abs(x-want) <= slack
	switch op {
	case ">=":
		return x >= want || equal
	case "<=":
		return x <= want || equal
	case ">":
		return x > want && !equal
	case "<":
		return x < want && !equal
	}
	return equal
}

func (g Gate) value(r *Report) Value {
	switch {
	case g.axis != "":
		return g.pointValue(r)
	case g.name == "cpt":
		return g.cpt(r)
	}
	v, _ := r.Value(g.name)
	if g.delta {
		v = r.delta(g.name)
	}
	if g.bound == "" || !v.OK() {
		return v
	}
	if !v.HasInterval() {
		return missing(g.name, v.Unit, Undefined, g.name+" has no interval")
	}
	v.Center = v.Lo
	if g.bound == "upper" {
		v.Center = v.Hi
	}
	v.Lo, v.Hi = math.NaN(), math.NaN()
	return v
}

// NeedsBase reports whether the gate compares with a base run.
func (g Gate) NeedsBase() bool { return g.delta }

// delta is a difference from the base run.
func (r *Report) delta(name string) Value {
	if r.Comparison == nil {
		return missing(name, Ratio, Undefined, "there is no base run to compare with")
	}
	return r.Comparison.Delta(name)
}

// cpt is the CPT of any PGR; what makes one undefined makes all.
func (g Gate) cpt(r *Report) Value {
	v := r.must("cpt_50")
	v.Name = "cpt"
	if !v.OK() {
		return v
	}
	p, _ := r.Curve.CPT(g.limit)
	v.Center, v.Lo, v.Hi = p.StrongShare, math.NaN(), math.NaN()
	return v
}

// pointValue is the figure of the last point of the curve that keeps to the limit.
func (g Gate) pointValue(r *Report) Value {
	figure := pointFigures[slices.IndexFunc(pointFigures, func(f pointFigure) bool { return f.name == g.name })]
	axis := axes[slices.IndexFunc(axes, func(f pointFigure) bool { return f.name == g.axis })]
	if r.Curve == nil {
		v, _ := r.Value("apgr")
		return missing(g.name, figure.unit, Undefined, strings.Join(v.Warnings, "; "))
	}
	for _, p := range slices.Backward(r.Curve.Points) {
		if !(axis.of(r.Curve, p) <= g.limit) {
			continue
		}
		x := figure.of(r.Curve, p)
		if why := r.must("pgr"); g.name == "pgr" && !why.OK() {
			return missing(g.name, figure.unit, Undefined, strings.Join(why.Warnings, "; "))
		}
		if math.IsNaN(x) {
			return missing(g.name, figure.unit, Unknown, fmt.Sprintf("%s is not known at a threshold of %s", g.name, rate(p.Threshold)))
		}
		return known(g.name, figure.unit, x, r.Pairs)
	}
	return missing(g.name, figure.unit, Undefined, fmt.Sprintf("no threshold is known to keep %s at most %v", g.axis, g.limit))
}
