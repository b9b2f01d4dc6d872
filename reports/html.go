package reports

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// The page's own template, style and script. Nothing else is in it or fetched.
var (
	//go:embed html/page.tmpl
	pageTemplate string
	//go:embed html/style.css
	pageStyle string
	//go:embed html/script.js
	pageScript string
)

// An htmlView is what the template of the page shows. All of it is text or
// numbers, and escaped where it is written: only the page's own style and
// script, and the JSON that the script reads, are trusted as they are.
type htmlView struct {
	Title    string
	Policy   template.HTMLAttr // the content of the Content-Security-Policy
	Style    template.CSS
	Script   template.JS
	Data     template.JS // see pageData; "" if there is no curve
	Sentence string
	About    []string // what the numbers rest on, in a few words each

	Gates      []htmlGate
	Missed     int
	Cards      []htmlCard
	Dial       *htmlDial // nil if there is no curve
	NoCurve    string    // why not
	NoCost     string    // why there is no figure over cost; "" if there is one
	Figures    []*figure
	Comparison htmlTable
	Singles    htmlTable
	Areas      []htmlTable // all that is said of the curve as a whole
	Slices     htmlSlices
	Trust      []htmlCard // Brier, ECE, AUROC
	Bins       htmlTable  // of the reliability figure
	Operations htmlTable
	Calls      htmlTable
	Latency    *figure
	Misroutes  htmlMisroutes
	Notes      []string
	Footnotes  []string
	Method     string
	Provenance *htmlProvenance

	r      *Report
	page   page    // for the tables that all pages share, and their footnotes
	points []Point // of the curve, those that are drawn
}

type htmlGate struct {
	Gate, Found string
	Met         bool
}

type htmlTable struct {
	Title string
	Head  []string
	Rows  [][]htmlCell
	Left  string // how many rows are left out; "" if none
}

type htmlCell struct{ Text, Marks string }

type htmlProvenance struct {
	Facts   []htmlFact
	Spec    string
	Digests []htmlFact
}

type htmlFact struct{ Name, Value string }

// writeHTML writes one page that needs nothing but itself: it opens from a file,
// offline, and its policy forbids it to fetch anything. It is below 1 MB for any
// number of prompts, since what grows with them is thinned or cut, and says so.
func writeHTML(w io.Writer, r *Report) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	v, err := newHTMLView(r)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	if err := t.Execute(b, v); err != nil {
		return err
	}
	return b.Flush()
}

func newHTMLView(r *Report) (*htmlView, error) {
	v := &htmlView{
		r: r, Title: title(r), Policy: policy(), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Sentence: r.Sentence(), About: about(r), Notes: r.Notes, Method: r.method(),
	}
	v.gates()
	if err := v.explore(); err != nil {
		return nil, err
	}
	v.cards()
	v.Comparison = v.table(v.page.comparison(r))
	if len(r.Singles) > 0 {
		v.Singles = v.bounded(v.table(v.page.singles(r)), "models")
	}
	if r.Curve != nil {
		for _, t := range []table{v.page.savings(r), v.page.crossings(r), v.page.areas(r), v.page.measures(r)} {
			v.Areas = append(v.Areas, v.table(t))
		}
	}
	v.trust()
	v.Slices = v.slices()
	v.Operations = v.bounded(v.table(v.page.operations(r)), "candidates")
	v.Calls = v.bounded(v.table(v.page.calls(r)), "candidates")
	v.Latency = latencyFigure(r.Candidates)
	v.Misroutes = v.misroutes()
	v.Provenance = provenance(r.Provenance)
	v.Footnotes = v.page.foot.list
	return v, nil
}

func title(r *Report) string {
	return fmt.Sprintf("routeval report: %s or %s", printable(r.Strong), printable(r.Weak))
}

// policy lets the page run its own style and script, known by their digests,
// and nothing else: no request, no other script, no form, no frame.
func policy() template.HTMLAttr {
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return template.HTMLAttr(fmt.Sprintf(`content="default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'"`,
		digest(pageStyle), digest(pageScript)))
}

func about(r *Report) []string {
	list := []string{plural(r.Prompts, "prompt"), plural(r.Pairs, "pair")}
	if r.Router != "" {
		list = append([]string{"router " + printable(r.Router)}, list...)
	}
	if r.Sampled {
		list = append(list, "pairs weighted by 1/propensity")
	}
	if r.Draws > 0 {
		list = append(list, fmt.Sprintf("%s intervals from %s draws", confidence(r), grouped(float64(r.Draws))))
	}
	return list
}

// confidence writes the report's confidence: "95 %".
func confidence(r *Report) string {
	return strings.TrimSuffix(strings.TrimSuffix(percent(r.Confidence), " %"), ".0") + " %"
}

func (v *htmlView) confidence() string { return confidence(v.r) }

func (v *htmlView) gates() {
	for _, verdict := range v.r.Verdicts {
		found := verdict.Value.center()
		if verdict.Value.OK() && verdict.Value.Unit == Share {
			found = number(verdict.Value.Center) // as the gate is written
		}
		if reason := strings.Join(verdict.Value.gone(), "; "); reason != "" {
			found += ": " + reason
		}
		v.Gates = append(v.Gates, htmlGate{verdict.Gate.String(), found, verdict.Met})
	}
	v.Missed = Missed(v.r.Verdicts)
}

// explore makes the slider and the figures that it moves.
func (v *htmlView) explore() error {
	r := v.r
	if r.Curve == nil {
		v.NoCurve = strings.Join(r.must("apgr").Warnings, "; ")
		return nil
	}
	start := v.start()
	keep := []Point{start}
	for _, p := range v.presets() {
		keep = append(keep, p.at)
	}
	v.points = thin(r.Curve.Points, maxPagePoints, keep...)
	v.Figures = v.figures()
	for _, f := range v.Figures {
		f.At.X, f.At.Y = f.X.at(pointField(r.Curve, start, f.X.Field)), f.Y.at(pointField(r.Curve, start, f.Y.Field))
	}
	if !r.Curve.priced() {
		v.NoCost = cmp.Or(strings.Join(r.must("strong_cost_usd").gone(), "; "), strings.Join(r.must("weak_cost_usd").gone(), "; "))
	}
	data := newPageData(r, v.points, start, v.Figures)
	text, err := data.text()
	v.Data = template.JS(text)
	v.Dial = v.dial(start, data.Start)
	return err
}

// table makes a table of the text pages one of this page.
func (v *htmlView) table(t table) htmlTable {
	out := htmlTable{Title: t.title, Head: t.head}
	for _, row := range t.rows {
		var cells []htmlCell
		for _, c := range row {
			cells = append(cells, htmlCell{short(c.text, maxName), c.marks})
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

// maxRows, maxName and maxSpec bound what a file of many candidates, slices or
// long names, and a long spec, can make of a page; the last two are in runes.
const (
	maxRows = 100
	maxName = 120
	maxSpec = 20_000
)

func (v *htmlView) bounded(t htmlTable, what string) htmlTable {
	if n := len(t.Rows) - maxRows; n > 0 {
		t.Rows = t.Rows[:maxRows]
		t.Left = fmt.Sprintf("%s more %s are not shown here; the JSON form has all.", grouped(float64(n)), what)
	}
	return t
}

// short cuts a text after n runes and says so with an ellipsis.
func short(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}

// provenance is nil if nothing is known.
func provenance(p *Provenance) *htmlProvenance {
	if p == nil {
		return nil
	}
	out := &htmlProvenance{Spec: short(cleanText(p.Spec), maxSpec)}
	fact := func(name, value string) {
		if value != "" {
			out.Facts = append(out.Facts, htmlFact{name, short(printable(value), 400)})
		}
	}
	fact("run", p.Run)
	fact("run by", p.Program)
	if !p.Began.IsZero() {
		fact("begun", p.Began.UTC().Format(time.RFC3339))
	}
	fact("reported by", p.Reporter)
	fact("embedding", p.Space)
	for i, name := range slices.Sorted(maps.Keys(p.Digests)) {
		if i == maxRows {
			out.Digests = append(out.Digests, htmlFact{fmt.Sprintf("and %s more", grouped(float64(len(p.Digests)-maxRows))), ""})
			break
		}
		out.Digests = append(out.Digests, htmlFact{short(printable(name), 400), printable(p.Digests[name])})
	}
	return out
}
