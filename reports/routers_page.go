package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A RouterRenderer writes a comparison of routers as one kind of page.
type RouterRenderer func(io.Writer, *RouterComparison) error

// routerRenderers are the pages, by name.
var routerRenderers = []struct {
	name   string
	render RouterRenderer
}{
	{"csv", writeRoutersCSV},
	{"json", writeRoutersJSON},
	{"markdown", func(w io.Writer, c *RouterComparison) error { return c.page().markdown(w) }},
	{"text", func(w io.Writer, c *RouterComparison) error { return c.page().text(w) }},
}

// RouterFormats are the names of the pages of a comparison of routers.
func RouterFormats() []string {
	var names []string
	for _, r := range routerRenderers {
		names = append(names, r.name)
	}
	return names
}

// RouterRendererFor is the page in that format.
func RouterRendererFor(format string) (RouterRenderer, error) {
	for _, r := range routerRenderers {
		if r.name == format {
			return r.render, nil
		}
	}
	return nil, fmt.Errorf("unknown format %q (have %s)", format, strings.Join(RouterFormats(), ", "))
}

// page has a table for each metric that some router has.
func (c *RouterComparison) page() *page {
	p := &page{sentence: c.sentence(), notes: slices.Clone(c.Notes), method: c.method()}
	for i := range c.Metrics {
		m := &c.Metrics[i]
		if why := m.gone(); why != "" {
			p.notes = append(p.notes, fmt.Sprintf("%s: left out, since %s.", m.About, why))
			continue
		}
		t := table{title: m.About + " (" + m.direction() + ")", head: []string{"", m.Name, "vs " + c.Routers[0]}}
		for k, name := range c.Routers {
			delta := plain("")
			if k > 0 {
				delta = plain(m.Deltas[k].signed())
			}
			t.add(plain(name), p.foot.cell(m.Values[k]), delta)
		}
		p.tables = append(p.tables, t)
	}
	return p
}

// writeRoutersCSV writes a line for each router and metric. Numbers are in full;
// an empty cell is unknown or n/a.
func writeRoutersCSV(w io.Writer, c *RouterComparison) error {
	cell := func(x float64) string {
		if math.IsNaN(x) {
			return ""
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	lines := [][]string{{"router", "metric", "value", "lo", "hi", "delta", "delta_lo", "delta_hi"}}
	for k, name := range c.Routers {
		for _, m := range c.Metrics {
			v, d := m.Values[k], m.Deltas[k]
			lines = append(lines, []string{printable(name), m.Name, cell(v.Center), cell(v.Lo), cell(v.Hi), cell(d.Center), cell(d.Lo), cell(d.Hi)})
		}
	}
	return csv.NewWriter(w).WriteAll(lines)
}

const routersSchema = "routeval.routers/1"

type (
	jsonRouters struct {
		Schema        string       `json:"schema"`
		Strong        string       `json:"strong"` // name of the candidate
		Weak          string       `json:"weak"`
		Confidence    float64      `json:"confidence"` // of lo and hi
		Draws         int          `json:"draws"`      // of the paired bootstrap
		Pairs         int          `json:"pairs"`
		Summary       string       `json:"summary"` // one sentence
		StrongQuality jsonValue    `json:"strong_quality"`
		WeakQuality   jsonValue    `json:"weak_quality"`
		OracleAPGR    jsonValue    `json:"oracle_apgr"`
		Routers       []jsonRouter `json:"routers"` // deltas are against the first
		Notes         []string     `json:"notes"`
	}
	jsonRouter struct {
		Name   string               `json:"name"`
		Values map[string]jsonValue `json:"values"` // by name, as in reports
		Deltas map[string]jsonDelta `json:"deltas,omitzero"`
	}
)

func writeRoutersJSON(w io.Writer, c *RouterComparison) error {
	out := jsonRouters{
		Schema: routersSchema, Strong: c.Strong, Weak: c.Weak, Confidence: c.Confidence, Draws: c.Draws, Pairs: c.Pairs,
		Summary: c.sentence(), StrongQuality: c.StrongQuality.json(), WeakQuality: c.WeakQuality.json(),
		OracleAPGR: c.OracleAPGR.json(), Notes: c.Notes,
	}
	for k, name := range c.Routers {
		r := jsonRouter{Name: name, Values: map[string]jsonValue{}}
		for _, m := range c.Metrics {
			r.Values[m.Name] = m.Values[k].json()
			if k == 0 {
				continue
			}
			if r.Deltas == nil {
				r.Deltas = map[string]jsonDelta{}
			}
			r.Deltas[m.Name] = m.Deltas[k].jsonDelta()
		}
		out.Routers = append(out.Routers, r)
	}
	return write(w, out)
}
