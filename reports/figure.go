package reports

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// A figure is one chart of the HTML page: numbers turned into coordinates of an
// SVG view box. It holds no markup. The template writes it, and so escapes
// whatever a label says.
type figure struct {
	ID, Title, About string
	X, Y             axis
	Lines            []stroke
	Marks            []mark
	Keys             []key                  // the legend
	Moves            bool                   // the slider moves a marker on it
	Upright          bool                   // the marker is a line over the whole height: only its X shows
	At               struct{ X, Y float64 } // where the marker is at first
}

// A stroke is a path through the view box; its class says what it stands for.
type stroke struct{ Class, D string }

// A mark is a single point, told apart by shape as well as by colour.
type mark struct {
	Class, D string
	X, Y     float64
	Title    string // shown on hovering
	Label    string // written beside it; "" for none
	LabelX   float64
	LabelY   float64
	Anchor   string // of the label: "start" or "end"
}

// A key is an entry of the legend: a line's class, or a mark's class and shape.
type key struct{ Class, D, Name string }

// The view box of every figure and the part of it that is plotted on, in the
// units of the text, which is 13 high. A figure is half as wide as the page, so
// these are about pixels.
const (
	figureWidth, figureHeight = 480, 330
	plotLeft, plotRight       = 56, 464
	plotTop, plotBottom       = 30, 278
)

// Frame is the plotted part of the view box, for the template.
func (*figure) Frame() struct{ Width, Height, Left, Right, Top, Bottom, Middle int } {
	return struct{ Width, Height, Left, Right, Top, Bottom, Middle int }{
		figureWidth, figureHeight, plotLeft, plotRight, plotTop, plotBottom, (plotLeft + plotRight) / 2,
	}
}

// An axis maps numbers to coordinates, linearly or by their logarithms.
type axis struct {
	Label    string
	Field    string // of a point, that the script reads
	Lo, Hi   float64
	From, To float64 // coordinates of Lo and Hi
	Log      bool
	Ticks    []tick
}

type tick struct {
	At    float64 // coordinate
	Label string
}

// xAxis and yAxis are linear axes that hold all the values that are numbers,
// from one tick to another.
func xAxis(label, field string, unit Unit, values ...float64) axis {
	return linearAxis(axis{Label: label, Field: field, From: plotLeft, To: plotRight}, unit, values)
}

func yAxis(label, field string, unit Unit, values ...float64) axis {
	return linearAxis(axis{Label: label, Field: field, From: plotBottom, To: plotTop}, unit, values)
}

func linearAxis(a axis, unit Unit, values []float64) axis {
	a.Lo, a.Hi = extent(values)
	step := niceStep((a.Hi - a.Lo) / 5)
	first, last := math.Floor(a.Lo/step+rounding), math.Ceil(a.Hi/step-rounding)
	a.Lo, a.Hi = first*step, last*step
	for i := first; i <= last; i++ {
		a.Ticks = append(a.Ticks, tick{a.at(i * step), tickLabel(i*step, step, unit)})
	}
	return a
}

// extent is the range of the values that are numbers; it is never empty.
func extent(values []float64) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if finite(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if lo > hi {
		return 0, 1
	}
	if pad := 1e-6 * max(1, math.Abs(lo)); hi-lo < pad {
		return lo - pad, hi + pad
	}
	return lo, hi
}

// niceStep is the next of 1, 2, 2.5 and 5 times a power of ten.
func niceStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if x <= m*power*(1+rounding) {
			return m * power
		}
	}
	return 10 * power
}

// tickLabel writes a tick with as many decimals as the step needs.
func tickLabel(x, step float64, unit Unit) string {
	if unit == Share {
		x, step = 100*x, 100*step
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+rounding)))
	if scaled := step * math.Pow(10, float64(decimals)); math.Abs(scaled-math.Round(scaled)) > 0.1 {
		decimals++ // a step of 2.5
	}
	if unit == USD && decimals == 1 {
		decimals = 2
	}
	if math.Abs(x) < step/2 {
		x = 0 // not -0
	}
	text := strconv.FormatFloat(x, 'f', decimals, 64)
	whole, fraction, dot := strings.Cut(text, ".")
	if text = thousands(whole); dot {
		text += "." + fraction
	}
	switch unit {
	case Share:
		return text + " %"
	case USD:
		return "$" + text
	}
	return text
}

// logAxis is an axis of seconds, with ticks at some multiples of each power of
// ten: the fewer the wider it is.
func logAxis(label string, values ...float64) axis {
	lo, hi := extent(values)
	lo, hi = max(lo/1.25, 1e-9), hi*1.25
	a := axis{Label: label, From: plotLeft, To: plotRight, Lo: lo, Hi: hi, Log: true}
	steps := []float64{1}
	switch {
	case hi/lo < 10:
		steps = []float64{1, 1.5, 2, 3, 5, 7}
	case hi/lo < 100:
		steps = []float64{1, 2, 5}
	}
	for power := math.Floor(math.Log10(lo)); power <= math.Log10(hi); power++ {
		for _, m := range steps {
			if x := m * math.Pow(10, power); x >= lo && x <= hi {
				a.Ticks = append(a.Ticks, tick{a.at(x), seconds(x)})
			}
		}
	}
	return a
}

// at is the coordinate of a number, to a tenth.
func (a *axis) at(x float64) float64 {
	t := (x - a.Lo) / (a.Hi - a.Lo)
	if a.Log {
		t = math.Log(x/a.Lo) / math.Log(a.Hi/a.Lo)
	}
	return tenth(a.From + t*(a.To-a.From))
}

func tenth(x float64) float64 { return math.Round(10*x) / 10 }

// An xy is a point in the numbers of the axes.
type xy struct{ x, y float64 }

// draw adds a line through the points; one that is not a number interrupts it.
func (f *figure) draw(class string, points []xy) {
	f.Lines = append(f.Lines, stroke{class, f.path(points)})
}

func (f *figure) path(points []xy) string {
	var d []byte
	pen := byte('M')
	for _, p := range points {
		if !finite(p.x) || !finite(p.y) {
			pen = 'M'
			continue
		}
		d = append(d, pen)
		d = strconv.AppendFloat(d, f.X.at(p.x), 'f', -1, 64)
		d = append(d, ' ')
		d = strconv.AppendFloat(d, f.Y.at(p.y), 'f', -1, 64)
		pen = 'L'
	}
	return string(d)
}

// fill adds the area between a lower and an upper line.
func (f *figure) fill(class string, lower, upper []xy) {
	outline := slices.Clone(upper)
	slices.Reverse(outline)
	if d := f.path(append(slices.Clone(lower), outline...)); d != "" {
		f.Lines = append(f.Lines, stroke{class, d + "Z"})
	}
}

// The shapes of marks, around the origin.
const (
	circle   = "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0Z"
	square   = "M-4.5-4.5h9v9h-9Z"
	diamond  = "M0-6.2L6.2 0L0 6.2L-6.2 0Z"
	triangle = "M0-6L5.8 4.4H-5.8Z"
	bead     = "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0Z"
)

// place adds a mark; one without coordinates is left out. A label stands on the
// side where there is more room.
func (f *figure) place(class, shape string, at xy, title, label string) {
	if !finite(at.x) || !finite(at.y) {
		return
	}
	m := mark{Class: class, D: shape, X: f.X.at(at.x), Y: f.Y.at(at.y), Title: title, Label: label}
	m.Anchor, m.LabelX, m.LabelY = "start", m.X+10, m.Y+5
	if m.X > (plotLeft+plotRight)/2 {
		m.Anchor, m.LabelX = "end", m.X-10
	}
	m.LabelY = min(max(m.LabelY, plotTop+10), plotBottom-6)
	f.Marks = append(f.Marks, m)
}

func (f *figure) key(class, shape, name string) { f.Keys = append(f.Keys, key{class, shape, name}) }
