package reports

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// A ComparisonRenderer writes a comparison as one kind of page.
type ComparisonRenderer func(io.Writer, *Comparison) error

// comparisonRenderers are the pages of a comparison, by name.
var comparisonRenderers = []struct {
	name   string
	render ComparisonRenderer
}{
	{"json", writeComparisonJSON},
	{"markdown", func(w io.Writer, c *Comparison) error { return c.page().markdown(w) }},
	{"text", func(w io.Writer, c *Comparison) error { return c.page().text(w) }},
}

// ComparisonRendererFor is the page of a comparison in that format.
func ComparisonRendererFor(format string) (ComparisonRenderer, error) {
	var names []string
	for _, r := range comparisonRenderers {
		if r.name == format {
			return r.render, nil
		}
		names = append(names, r.name)
	}
	return nil, fmt.Errorf("no comparison in format %q (have %s)", format, strings.Join(names, ", "))
}

func (c *Comparison) page() *page {
	p := &page{sentence: c.sentence(), notes: c.Notes, method: c.method()}
	p.tables = append(p.tables, c.table(&p.foot))
	return p
}

// sentence says of the last run what became of quality and cost.
func (c *Comparison) sentence() string {
	last := len(c.Runs) - 1
	parts := []string{fmt.Sprintf("%s against %s on %s", printable(c.Runs[last]), printable(c.Runs[0]), plural(c.Prompts, "prompt"))}
	for _, f := range []struct{ name, say string }{{"quality", "quality"}, {"cost_usd", "cost"}} {
		if d := c.Delta(f.name); d.OK() {
			parts = append(parts, f.say+" "+c.change(d, c.base(f.name)))
		}
	}
	return strings.Join(parts, ", ") + "."
}

func (c *Comparison) base(name string) Value {
	for _, r := range c.Rows {
		if r.Name == name {
			return r.Values[0]
		}
	}
	return Value{Missing: Undefined}
}

// table has a column for each run and, but for the base, one for its delta.
func (c *Comparison) table(foot *footnotes) table {
	t := table{head: []string{"", c.Runs[0]}}
	for _, name := range c.Runs[1:] {
		t.head = append(t.head, name, "delta")
	}
	t.head = append(t.head, "n")
	for _, row := range c.Rows {
		cells := []cell{plain(row.Name), foot.cell(row.Values[0])}
		for r := 1; r < len(c.Runs); r++ {
			cells = append(cells, bare(row.Values[r]), plain(c.change(row.Deltas[r], row.Values[0])))
		}
		t.add(append(cells, plain(grouped(float64(row.Values[0].N))))...)
	}
	return t
}

// change writes a delta as benchstat does: ~ where its interval holds zero. Of
// money and time it gives the percentage too.
func (c *Comparison) change(d, base Value) string {
	if !d.OK() {
		return d.Missing
	}
	half := ""
	switch {
	case d.HasInterval() && d.Lo == d.Hi && d.Center == 0:
		return "~" // no draw tells them apart: an interval without a width would promise too much
	case d.HasInterval():
		half = " ± " + strings.TrimPrefix(signed(max(d.Hi-d.Center, d.Center-d.Lo), d.Unit), "+")
		if d.Lo <= 0 && d.Hi >= 0 {
			return "~" + half
		}
	}
	text := signed(d.Center, d.Unit)
	if (d.Unit == USD || d.Unit == Seconds) && base.OK() && base.Center > 0 {
		text += " (" + signed(d.Center/base.Center, Share) + ")"
	}
	return text + half
}

// signed writes a difference with its sign.
func signed(x float64, unit Unit) string {
	if x < 0 {
		return "-" + quantity(math.Abs(x), unit)
	}
	return "+" + quantity(x, unit)
}

func (c *Comparison) method() string {
	confidence := strings.TrimSuffix(strings.TrimSuffix(percent(c.Confidence), " %"), ".0") + " %"
	if c.Draws == 0 {
		return "Deltas are against the first run, over the n prompts that all runs have; there are no intervals."
	}
	return fmt.Sprintf("Deltas are against the first run, over the n prompts that all runs have; ~ where the interval holds zero. ± is the farther end of a %s interval: paired percentile bootstrap over prompts, %s draws.",
		confidence, grouped(float64(c.Draws)))
}

// comparisonSchema is the JSON form, under the rules of reportSchema.
const comparisonSchema = "routeval.comparison/1"

type (
	jsonComparison struct {
		Schema     string            `json:"schema"`
		Runs       []string          `json:"runs"` // the base first
		Prompts    int               `json:"prompts"`
		Confidence float64           `json:"confidence"` // of lo and hi
		Draws      int               `json:"draws"`      // of the bootstrap
		Figures    []jsonComparedRow `json:"figures"`
		Notes      []string          `json:"notes"`
	}
	jsonComparedRow struct {
		Name   string      `json:"name"`
		Values []jsonValue `json:"values"` // by run
		Deltas []jsonDelta `json:"deltas"` // of the runs after the base
	}
)

func (c *Comparison) json() jsonComparison {
	out := jsonComparison{
		Schema: comparisonSchema, Runs: c.Runs, Prompts: c.Prompts, Confidence: c.Confidence, Draws: c.Draws, Notes: c.Notes,
	}
	for _, row := range c.Rows {
		j := jsonComparedRow{Name: row.Name}
		for r, v := range row.Values {
			j.Values = append(j.Values, v.json())
			if r > 0 {
				j.Deltas = append(j.Deltas, row.Deltas[r].jsonDelta())
			}
		}
		out.Figures = append(out.Figures, j)
	}
	return out
}

func writeComparisonJSON(w io.Writer, c *Comparison) error { return write(w, c.json()) }
