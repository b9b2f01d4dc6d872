package reports

import (
	"cmp"
	"fmt"
	"math"
	"strings"
)

// A card is one number that the page shows large.
type htmlCard struct {
	Name    string
	Text    string // the number, or the word that stands for it
	Within  string // its interval; "" if it has none
	Below   []string
	Paste   string // for the clipboard: a line of a spec
	Missing bool
}

// cards are the three numbers that a decision needs, and what the run did.
func (v *htmlView) cards() {
	r := v.r
	v.Cards = append(v.Cards, v.savedCard(), v.thresholdCard())
	apgr := card("APGR", r.must("apgr"))
	if oracle := r.must("oracle_apgr"); r.must("apgr").OK() {
		apgr.Below = append(apgr.Below, fmt.Sprintf("Mean share of the quality gap recovered. Routing at random has 0.500, the oracle %s.", oracle.center()))
	}
	quality := card("Quality, as routed", r.must("quality"))
	if cost := r.must("cost_usd"); cost.OK() {
		quality.Below = append(quality.Below, fmt.Sprintf("For %s, with %s of the prompts routed strong.", cost.center(), r.must("strong_share").center()))
	} else {
		quality.Below = append(quality.Below, fmt.Sprintf("With %s of the prompts routed strong. Cost is %s: %s.", r.must("strong_share").center(), cost.Missing, strings.Join(cost.Warnings, "; ")))
	}
	v.Cards = append(v.Cards, apgr, quality)
}

// card shows a value: its number and interval, or why there is none.
func card(name string, v Value) htmlCard {
	c := htmlCard{Name: name, Text: v.center(), Missing: !v.OK(), Below: sentences(v.Warnings)}
	if v.HasInterval() {
		c.Within = fmt.Sprintf("%s to %s", quantity(v.Lo, v.Unit), quantity(v.Hi, v.Unit))
	}
	return c
}

// sentences writes warnings as a reader expects them outside of a footnote.
func sentences(warnings []string) []string {
	var list []string
	for _, w := range warnings {
		if w != "" {
			list = append(list, strings.ToUpper(w[:1])+w[1:]+".")
		}
	}
	return list
}

// keepShare is the share of the strong model's quality that headlines keep.
const keepShare = 0.95

func (v *htmlView) savedCard() htmlCard {
	name := fmt.Sprintf("Cost saved, keeping %s of strong’s quality", wholePercent(keepShare))
	s := v.saving()
	if s == nil {
		gone := v.r.must("apgr_cost")
		if gone.OK() {
			gone = missing("", Share, Undefined, "no saving was computed")
		}
		return card(name, gone)
	}
	c := card(name, s.Saved)
	if s.Saved.OK() {
		c.Below = append(c.Below, fmt.Sprintf("%s instead of %s for all pairs.", orUnknown(s.At.CostUSD, USD), orUnknown(v.r.Curve.Strong().CostUSD, USD)))
	}
	return c
}

func (v *htmlView) saving() *Saving {
	for i := range v.r.Savings {
		if s := &v.r.Savings[i]; math.Abs(s.Keep-keepShare) < rounding {
			return s
		}
	}
	return nil
}

// thresholdCard recommends the cheapest threshold that keeps enough, or where
// prices are unknown the one with the fewest strong calls.
func (v *htmlView) thresholdCard() htmlCard {
	name := "Threshold to use"
	if v.r.Curve == nil {
		return card(name, missing("", Ratio, Undefined, v.NoCurve))
	}
	at, ok := v.recommended()
	if !ok {
		return card(name, missing("", Ratio, Undefined, fmt.Sprintf("no threshold keeps %s of strong's quality", wholePercent(keepShare))))
	}
	how := "with the fewest strong calls"
	if v.priced(v.saving()) {
		how = "at the lowest cost"
	}
	c := htmlCard{Name: name, Text: shortRate(specThreshold(v.r.Curve, at)), Paste: pasteThreshold(v.r.Curve, at)}
	c.Below = append(c.Below,
		fmt.Sprintf("Keeps %s of strong’s quality %s: %s of the prompts go strong.", wholePercent(keepShare), how, percent(at.StrongShare)),
		"Chosen and measured on the same prompts: confirm it on others.")
	return c
}

func (v *htmlView) recommended() (Point, bool) {
	if s := v.saving(); v.priced(s) {
		return s.At, true
	}
	return v.r.Curve.Keep(keepShare)
}

// priced reports whether a saving is there and known.
func (v *htmlView) priced(s *Saving) bool { return s != nil && s.Saved.OK() }

func wholePercent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }

// shortRate writes a threshold to look at; what is pasted is exact.
func shortRate(x float64) string {
	if math.IsNaN(x) {
		return "above all"
	}
	return fmt.Sprintf("%.4f", x)
}

func pasteThreshold(c *Curve, p Point) string {
	t := specThreshold(c, p)
	if math.IsNaN(t) {
		return ""
	}
	return "router: {threshold: " + rate(t) + "}"
}

// An htmlDial is the slider with what it reads at the point that is shown first;
// the script writes the same in its place as the slider moves.
type htmlDial struct {
	Last, Start int // indices of points
	Shown       string
	Readings    []htmlReading
	Paste       string
	Presets     []htmlPreset
}

type htmlReading struct{ ID, Name, Text, Below string }

type htmlPreset struct {
	Name  string
	Index int
}

// dial describes the slider; the point at the index is start.
func (v *htmlView) dial(start Point, index int) *htmlDial {
	c := v.r.Curve
	d := &htmlDial{Last: len(v.points) - 1, Start: index, Paste: pasteThreshold(c, start)}
	if left := len(c.Points) - len(v.points); left > 0 {
		d.Shown = fmt.Sprintf("%s of %s thresholds are on this page; every one is in the CSV form.", grouped(float64(len(v.points))), grouped(float64(len(c.Points))))
	}
	d.Readings = []htmlReading{
		{"threshold", "threshold", shortRate(specThreshold(c, start)), ""},
		{"strong_share", "strong share", percent(start.StrongShare), ""},
		{"quality", "quality", number(start.Quality), v.bandAt(start.StrongShare)},
		{"cost_usd", "cost", orUnknown(start.CostUSD, USD), ""},
		{"kept", "of strong’s quality", ratioText(start.Quality, c.Strong().Quality), ""},
		{"saved", "saved over strong-only", savedText(start.CostUSD, c.Strong().CostUSD), ""},
	}
	for _, p := range v.presets() {
		for i := range v.points {
			if v.points[i].StrongShare == p.at.StrongShare {
				d.Presets = append(d.Presets, htmlPreset{p.name, i})
			}
		}
	}
	return d
}

func ratioText(x, of float64) string {
	if !(of > 0) {
		return Undefined
	}
	return percent(x / of)
}

func savedText(cost, strong float64) string {
	switch {
	case math.IsNaN(cost) || math.IsNaN(strong):
		return Unknown
	case !(strong > 0):
		return Undefined
	}
	return percent(1 - cost/strong)
}

// bandAt is the interval of the quality at the percent nearest to the share.
func (v *htmlView) bandAt(share float64) string {
	if len(v.r.Band) == 0 {
		return ""
	}
	b := v.r.Band[int(math.Round(share*float64(len(v.r.Band)-1)))]
	return number(b.QualityLo) + " to " + number(b.QualityHi)
}

type preset struct {
	name string
	at   Point
}

// presets are the points that one may want to look at first.
func (v *htmlView) presets() []preset {
	c := v.r.Curve
	list := []preset{{"weak-only", c.Weak()}}
	if v.r.Threshold != nil {
		list = append(list, preset{"the run’s", c.At(*v.r.Threshold)})
	}
	for _, s := range v.r.Savings {
		if s.Saved.OK() {
			list = append(list, preset{"keep " + wholePercent(s.Keep) + " of strong", s.At})
		}
	}
	if at, ok := v.recommended(); ok && !v.priced(v.saving()) {
		list = append(list, preset{"keep " + wholePercent(keepShare) + " of strong", at})
	}
	return append(list, preset{"strong-only", c.Strong()})
}

// start is the point that is shown first: the run's own, or the recommended one.
func (v *htmlView) start() Point {
	if v.r.Threshold != nil {
		return v.r.Curve.At(*v.r.Threshold)
	}
	at, ok := v.recommended()
	if !ok {
		return v.r.Curve.AtShare(0.5)
	}
	return at
}

// trust are the figures of the win rate as a probability.
func (v *htmlView) trust() {
	rel := v.r.Reliability
	if rel == nil {
		return
	}
	v.Bins = v.table(v.page.reliability(v.r))
	for _, f := range []struct {
		name, below string
		v           Value
	}{
		{"AUROC", "How well the win rate tells where strong is strictly better; 0.500 is knowing nothing.", rel.AUROC},
		{"Brier", "Mean squared distance of win rate and what happened; lower is better.", rel.Brier},
		{"ECE", "Mean distance of win rate and what happened, over the bins; lower is better.", rel.ECE},
	} {
		c := card(f.name, f.v)
		c.Below = append(c.Below, f.below)
		v.Trust = append(v.Trust, c)
	}
}

// name is what a slice or a category without one is called.
func name(s string) string { return cmp.Or(short(printable(s), maxName), "(none)") }
