package reports

import (
	"fmt"
	"html"
	"math"
	"strings"
	"unicode"
)

// htmlSlices are the slices, each with its quality drawn between that of the
// two models on it.
type htmlSlices struct {
	By     string
	Head   []string
	Rows   []htmlSlice
	Lo, Hi string // ends of the axis that all sparks share
	Width  int
	Left   string
}

type htmlSlice struct {
	Name  htmlCell
	Spark *spark
	Cells []htmlCell
}

func (v *htmlView) slices() htmlSlices {
	out := htmlSlices{By: v.r.SliceBy, Width: sparkWidth,
		Head: []string{"pairs", "strong share", "quality", "weak", "strong", "PGR", "APGR", "cost", "of strong-only"}}
	if len(v.r.Slices) == 0 {
		return out
	}
	shown := v.r.Slices[:min(len(v.r.Slices), maxRows)]
	if n := len(v.r.Slices) - len(shown); n > 0 {
		out.Left = fmt.Sprintf("%s smaller slices are not shown here; the JSON form has all.", grouped(float64(n)))
	}
	var all []float64
	for _, s := range shown {
		all = append(all, s.WeakQuality.Center, s.StrongQuality.Center, s.Quality.Center, s.Quality.Lo, s.Quality.Hi)
	}
	lo, hi := extent(all)
	out.Lo, out.Hi = number(lo), number(hi)
	for _, s := range shown {
		row := htmlSlice{Name: htmlCell{Text: name(s.Name)}, Spark: newSpark(s.WeakQuality, s.StrongQuality, s.Quality, lo, hi)}
		row.Cells = append(row.Cells, htmlCell{Text: grouped(float64(s.Pairs))})
		weak, strong, cost := s.WeakQuality.alone(), s.StrongQuality.alone(), s.CostUSD.alone()
		foot := &v.page.foot
		for _, c := range []cell{
			foot.cell(s.StrongShare), foot.cell(s.Quality), foot.cell(weak), foot.cell(strong),
			v.page.slice(s.PGR), v.page.slice(s.APGR), foot.cell(cost), foot.cell(s.CostShare),
		} {
			row.Cells = append(row.Cells, htmlCell{c.text, c.marks})
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

// alone is the value without its interval, where a row would get too long.
func (v Value) alone() Value {
	v.Lo, v.Hi = math.NaN(), math.NaN()
	return v
}

// htmlMisroutes are the prompts that cost most, with both answers.
type htmlMisroutes struct {
	Strong, Weak string
	Rows         []htmlMisroute
	Left         string
}

type htmlMisroute struct {
	ID, Category, Route, WinRate string
	Lost, Wasted                 string // "" for none
	Kind                         string // "quality", "money" or both, for the filter
	Reference                    string
	Sides                        [2]htmlAnswer
}

type htmlAnswer struct {
	Role, Name, Quality, CostUSD string
	Routed                       bool
	Text                         string
}

// textBudget bounds the texts of all misroutes, in bytes as they stand in the
// page; maxAnswer that of a single one, in runes. The rest of a page with 1,500
// points and 100 rows a table is below 400 KB.
const (
	textBudget = 500_000
	maxAnswer  = 2000
)

func (v *htmlView) misroutes() htmlMisroutes {
	r := v.r
	out := htmlMisroutes{Strong: called("strong", r.Strong), Weak: called("weak", r.Weak)}
	left := textBudget
	for i := range r.Misroutes {
		row := newHTMLMisroute(r, &r.Misroutes[i])
		left -= len(html.EscapeString(row.Reference + row.Sides[0].Text + row.Sides[1].Text + row.ID + row.Category))
		if left < 0 {
			out.Left = fmt.Sprintf("%s more are left out to keep this page small.", grouped(float64(len(r.Misroutes)-i)))
			break
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func newHTMLMisroute(r *Report, m *Misroute) htmlMisroute {
	row := htmlMisroute{
		ID: short(printable(m.PromptID), maxName), Category: short(printable(m.Category), maxName),
		Route: short(printable(m.Route), maxName), WinRate: orUndefined(m.WinRate), Reference: short(cleanText(m.Reference), maxAnswer),
	}
	var kinds []string
	if m.LostQuality > 0 {
		row.Lost = number(m.LostQuality)
		kinds = append(kinds, "quality")
	}
	if m.WastedUSD > 0 {
		row.Wasted = dollars(m.WastedUSD)
		kinds = append(kinds, "money")
	}
	row.Kind = strings.Join(kinds, " ")
	side := func(role, name string, a Answered) htmlAnswer {
		return htmlAnswer{
			Role: role, Name: short(called(role, name), maxName), Quality: orUndefined(a.Quality), CostUSD: orUnknown(a.CostUSD, USD),
			Routed: m.Route == name, Text: short(cleanText(a.Answer), maxAnswer),
		}
	}
	row.Sides = [2]htmlAnswer{side("strong", r.Strong, m.Strong), side("weak", r.Weak, m.Weak)}
	return row
}

// cleanText is a text of several lines as a page shows it: its own lines, but
// nothing that could move or hide the text around it.
func cleanText(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\r':
			return -1
		case c == '\n', c == '\t', c == '\u200c', c == '\u200d', unicode.IsPrint(c), unicode.Is(unicode.Zs, c):
			return c
		}
		return '�'
	}, s)
}
