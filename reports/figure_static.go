package reports

import (
	"cmp"
	"errors"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The static figure: quality over cost where it is known, and over the strong
// share, side by side.
const (
	panelWidth  = 6 * vg.Inch
	panelHeight = 4.2 * vg.Inch
	staticDPI   = 160
)

// The colours of Okabe and Ito, which readers with any kind of colour vision
// tell apart. Marks differ in shape and lines in dashes besides.
var (
	blue      = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	lightBlue = color.RGBA{0x00, 0x1d, 0x2e, 0x42} // blue at 26 %, premultiplied
	green     = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	orange    = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	vermilion = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	purple    = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
	grey      = color.RGBA{0x6b, 0x72, 0x7a, 0xff}
	lightGrey = color.RGBA{0xe4, 0xe4, 0xe4, 0xff}
)

func writeSVG(w io.Writer, r *Report) error {
	panels, err := panels(r)
	if err != nil {
		return err
	}
	c := vgsvg.NewWith(vgsvg.UseWH(panelWidth*vg.Length(len(panels)), panelHeight))
	drawPanels(draw.New(c), panels)
	_, err = c.WriteTo(w)
	return err
}

func writePNG(w io.Writer, r *Report) error {
	panels, err := panels(r)
	if err != nil {
		return err
	}
	c := vgimg.NewWith(vgimg.UseWH(panelWidth*vg.Length(len(panels)), panelHeight), vgimg.UseDPI(staticDPI), vgimg.UseBackgroundColor(color.White))
	drawPanels(draw.New(c), panels)
	_, err = vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

func drawPanels(c draw.Canvas, panels []*plot.Plot) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	tiles := draw.Tiles{Rows: 1, Cols: len(panels), PadTop: 10, PadBottom: 8, PadLeft: 10, PadRight: 16, PadX: 24}
	for i, canvas := range plot.Align([][]*plot.Plot{panels}, tiles, c)[0] {
		panels[i].Draw(canvas)
	}
}

// panels are the plots of a report, each on its own axis.
func panels(r *Report) ([]*plot.Plot, error) {
	if r.Curve == nil {
		return nil, noCurve(r)
	}
	all := []*panel{{r: r, label: "strong share", unit: Share,
		x:     func(p Point) float64 { return p.StrongShare },
		bandX: func(b BandPoint) float64 { return b.StrongShare },
	}}
	if r.Curve.priced() {
		all = slices.Insert(all, 0, &panel{r: r, label: "cost of all pairs", unit: USD, singles: r.Singles,
			x:     func(p Point) float64 { return p.CostUSD },
			bandX: func(b BandPoint) float64 { return b.CostUSD },
		})
	}
	var list []*plot.Plot
	var errs []error
	for _, p := range all {
		p.draw()
		list, errs = append(list, p.Plot), append(errs, p.err)
	}
	return list, errors.Join(errs...)
}

// A panel is a plot of quality over one axis. The first error stays.
type panel struct {
	*plot.Plot
	r       *Report
	label   string
	unit    Unit
	singles []Single // the other models alone, which have a cost but no strong share
	x       func(Point) float64
	bandX   func(BandPoint) float64
	err     error
}

func newPlot(xLabel string, unit Unit) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = xLabel, "quality"
	p.X.Tick.Marker, p.Y.Tick.Marker = unitTicks(unit), unitTicks(Ratio)
	for _, style := range []*font.Font{
		&p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font,
	} {
		style.Variant, style.Size = "Sans", 10
	}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle.Color, a.Tick.LineStyle.Color, a.Tick.Label.Color, a.Label.TextStyle.Color = grey, grey, grey, grey
		a.Padding = 4
	}
	p.Legend.YPosition, p.Legend.Padding, p.Legend.ThumbnailWidth = draw.PosCenter, 1.5, 18
	p.Legend.XOffs, p.Legend.YOffs = -8, 8
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = lightGrey, lightGrey
	p.Add(grid)
	return p
}

// unitTicks writes ticks as the figures of the page do.
func unitTicks(unit Unit) plot.Ticker {
	return plot.TickerFunc(func(lo, hi float64) []plot.Tick {
		a := linearAxis(axis{}, unit, []float64{lo, hi})
		step := niceStep((hi - lo) / 5)
		var ticks []plot.Tick
		for i := range a.Ticks {
			if x := a.Lo + float64(i)*step; x >= lo-step/1e6 && x <= hi+step/1e6 {
				ticks = append(ticks, plot.Tick{Value: x, Label: a.Ticks[i].Label})
			}
		}
		return ticks
	})
}

// draw adds what every panel shows, the router on top.
func (p *panel) draw() {
	c := p.r.Curve
	p.Plot = newPlot(p.label, p.unit)
	p.band()
	p.line("at random", grey, []vg.Length{4, 3}, []Point{c.Weak(), c.Strong()})
	p.line("oracle", green, []vg.Length{8, 3, 2, 3}, p.r.Oracle)
	p.line(cmp.Or(printable(p.r.Router), "router"), blue, nil, thin(c.Points, maxPagePoints))
	p.mark("weak-only", orange, draw.BoxGlyph{}, c.Weak())
	p.mark("strong-only", vermilion, draw.PyramidGlyph{}, c.Strong())
	if p.r.Threshold != nil {
		p.mark("the run's threshold", blue, draw.CircleGlyph{}, c.At(*p.r.Threshold))
	}
	p.mark("another model alone", purple, draw.TriangleGlyph{}, p.others()...)
	widen(&p.X, p.unit)
	widen(&p.Y, Ratio)
}

// widen lets an axis begin and end at a tick.
func widen(a *plot.Axis, unit Unit) {
	nice := linearAxis(axis{}, unit, []float64{a.Min, a.Max})
	a.Min, a.Max = nice.Lo, nice.Hi
}

func (p *panel) band() {
	var lower, upper plotter.XYs
	for _, b := range p.r.Band {
		lower, upper = append(lower, plotter.XY{X: p.bandX(b), Y: b.QualityLo}), append(upper, plotter.XY{X: p.bandX(b), Y: b.QualityHi})
	}
	if len(lower) == 0 {
		return
	}
	for i := range upper {
		lower = append(lower, upper[len(upper)-1-i])
	}
	polygon, err := plotter.NewPolygon(lower)
	if err != nil {
		p.fail(err)
		return
	}
	polygon.Color, polygon.LineStyle.Width = lightBlue, 0
	p.Add(polygon)
	p.Legend.Add(confidence(p.r)+" interval", polygon)
}

func (p *panel) line(name string, c color.Color, dashes []vg.Length, points []Point) {
	if len(points) == 0 {
		return
	}
	var xys plotter.XYs
	for _, at := range points {
		xys = append(xys, plotter.XY{X: p.x(at), Y: at.Quality})
	}
	l, err := plotter.NewLine(xys)
	if err != nil {
		p.fail(err)
		return
	}
	l.Color, l.Width, l.Dashes = c, 1.4, dashes
	p.Add(l)
	p.Legend.Add(name, l)
}

func (p *panel) mark(name string, c color.Color, shape draw.GlyphDrawer, points ...Point) {
	if len(points) == 0 {
		return
	}
	var xys plotter.XYs
	for _, at := range points {
		xys = append(xys, plotter.XY{X: p.x(at), Y: at.Quality})
	}
	s, err := plotter.NewScatter(xys)
	if err != nil {
		p.fail(err)
		return
	}
	s.GlyphStyle = draw.GlyphStyle{Color: c, Radius: 4, Shape: shape}
	p.Add(s)
	p.Legend.Add(name, s)
}

func (p *panel) others() []Point {
	var points []Point
	for _, s := range p.singles {
		if s.Role == "" && s.CostUSD.OK() && s.Quality.OK() {
			points = append(points, Point{CostUSD: s.CostUSD.Center, Quality: s.Quality.Center})
		}
	}
	return points
}

func (p *panel) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}
