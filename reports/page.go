package reports

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// A page is what the text and the Markdown form say: first the sentence that
// matters, then tables, then what to know about them.
type page struct {
	sentence string
	tables   []table
	notes    []string
	gates    []string
	foot     footnotes
	method   string
}

func newPage(r *Report) *page {
	p := &page{sentence: r.Sentence(), notes: r.Notes}
	if c := r.Comparison; c != nil {
		t := c.table(&p.foot)
		t.title = "Against " + printable(c.Runs[0])
		p.tables = append(p.tables, t)
		p.notes = append(p.notes[:len(p.notes):len(p.notes)], c.Notes...)
	}
	p.tables = append(p.tables, p.comparison(r))
	if r.Curve != nil {
		p.tables = append(p.tables, p.savings(r), p.areas(r), p.crossings(r), p.measures(r), p.reliability(r))
	}
	if len(r.Singles) > 2 {
		p.tables = append(p.tables, p.singles(r))
	}
	if len(r.Slices) > 0 {
		p.tables = append(p.tables, p.slices(r))
	}
	p.tables = append(p.tables, p.operations(r))
	if t := p.calls(r); len(t.rows) > 0 {
		p.tables = append(p.tables, t)
	}
	p.gates = p.verdicts(r)
	p.method = r.method()
	return p
}

// Sentence says in one breath what routing did: the share, the quality beside
// that of both models, and the price.
func (r *Report) Sentence() string {
	var b strings.Builder
	if r.Threshold != nil {
		fmt.Fprintf(&b, "At threshold %s, ", rate(*r.Threshold))
	}
	share := r.must("strong_share")
	fmt.Fprintf(&b, "%s of %s went to %s", share.center(), plural(r.Prompts, "prompt"), called("strong", r.Strong))
	if quality := r.must("quality"); quality.OK() {
		fmt.Fprintf(&b, ": quality %s%s", quality.center(), r.besides())
	}
	switch cost := r.must("cost_usd"); {
	case cost.OK():
		fmt.Fprintf(&b, " for %s", cost.center())
		if of := r.must("cost_share"); of.OK() {
			fmt.Fprintf(&b, ", %s of strong-only", of.center())
		}
	case cost.Missing == Unknown:
		b.WriteString(", at a cost that is unknown")
	}
	return b.String() + "."
}

// besides is the quality of both models, and how much of the gap was kept.
func (r *Report) besides() string {
	weak, strong, pgr := r.must("weak_quality"), r.must("strong_quality"), r.must("pgr")
	switch {
	case !weak.OK() || !strong.OK():
		return ""
	case !pgr.OK():
		return fmt.Sprintf(" (weak %s, strong %s)", weak.center(), strong.center())
	}
	return fmt.Sprintf(" (weak %s, strong %s: %s of the gap kept)", weak.center(), strong.center(), percent(pgr.Center))
}

// must is the value of a name that is in the table of metrics.
func (r *Report) must(name string) Value {
	v, ok := r.Value(name)
	if !ok {
		return missing(name, Ratio, Undefined, "not in this report")
	}
	return v
}

// called is a role and, where it differs, the name of the candidate.
func called(role, name string) string {
	if role == name {
		return role
	}
	return role + " (" + printable(name) + ")"
}

// comparison is the router among what it is compared with.
func (p *page) comparison(r *Report) table {
	t := table{head: []string{"", "strong share", "quality", "cost", "of strong-only", "PGR"}}
	for _, b := range r.Baselines {
		t.add(plain(b.Name), p.foot.cell(b.StrongShare), p.foot.cell(b.Quality), p.foot.cell(b.CostUSD), p.foot.cell(b.CostShare), p.foot.cell(b.PGR))
	}
	return t
}

// areas are the figures that sum the curve up.
func (p *page) areas(r *Report) table {
	t := table{title: "All thresholds at once", head: []string{"", "router", "random", "oracle"}}
	row := func(name, metric string, oracle cell) {
		v, random := r.must(metric), plain("0.500") // by definition, where there is a gap
		if !v.OK() {
			random = plain("")
		}
		t.add(plain(name), p.foot.cell(v), random, oracle)
	}
	row("APGR, by strong calls", "apgr", p.foot.cell(r.must("oracle_apgr")))
	row("APGR, by cost", "apgr_cost", plain(""))
	row("APGR, as RouteLLM computes it", "apgr_routellm", plain(""))
	t.add(plain("AIQ; random: the zero router"), p.foot.cell(r.must("aiq")), bare(r.must("aiq_zero")), plain(""))
	return t
}

// crossings are the thresholds that keep a share of the gap.
func (p *page) crossings(r *Report) table {
	t := table{title: "To keep a share of the gap (CPT)", head: []string{"", "strong share", "threshold", "quality", "cost", "of strong-only"}}
	for i, x := range cptLevels {
		share := r.must(statNames[statCPT20+statistic(i)])
		at, ok := r.Curve.CPT(x)
		if !share.OK() || !ok {
			t.add(plain(percent(x)), p.foot.cell(share), plain(Undefined), plain(Undefined), plain(Undefined), plain(Undefined))
			continue
		}
		t.add(plain(percent(x)), p.foot.cell(share), plain(rate(at.Threshold)), plain(number(at.Quality)),
			plain(orUnknown(at.CostUSD, USD)), plain(orUnknown(r.Curve.CostShare(at), Share)))
	}
	return t
}

func orUnknown(x float64, unit Unit) string {
	if math.IsNaN(x) {
		return Unknown
	}
	return quantity(x, unit)
}

// operations are what the candidates did, each on its own prompts.
func (p *page) operations(r *Report) table {
	t := table{title: "Candidates", head: []string{"", "routed", "called", "error rate", "quality", "cost", "tokens in", "out", "p50", "p95", "p99"}}
	for _, c := range r.Candidates {
		quality := c.Quality
		if quality.OK() && quality.N < r.Prompts {
			quality.Warnings = []string{"over the prompts that it answered: not to be compared between candidates"}
		}
		name := c.Name
		if c.Role != "" && c.Role != c.Name {
			name += " (" + c.Role + ")"
		}
		t.add(plain(name), plain(grouped(float64(c.Routed))), plain(grouped(float64(c.Outcomes))),
			p.foot.cell(c.ErrorRate), p.foot.cell(quality), p.foot.cell(c.CostUSD), p.foot.cell(c.PromptTokens), p.foot.cell(c.CompletionTokens),
			p.foot.cell(c.LatencyP50), p.foot.cell(c.LatencyP95), p.foot.cell(c.LatencyP99))
	}
	return t
}

func (p *page) verdicts(r *Report) []string {
	var lines []string
	for _, v := range r.Verdicts {
		word := "missed"
		if v.Met {
			word = "met"
		}
		found := v.Value.center()
		if v.Value.OK() && v.Value.Unit == Share {
			found = number(v.Value.Center) // as the gate is written
		}
		lines = append(lines, fmt.Sprintf("%s: %s (%s%s)", word, v.Gate, found, p.foot.marks(v.Value.Warnings)))
	}
	return lines
}

// method says what the intervals are.
func (r *Report) method() string {
	confidence := strings.TrimSuffix(strings.TrimSuffix(percent(r.Confidence), " %"), ".0") + " %"
	if r.Draws == 0 {
		return fmt.Sprintf("± is the farther end of a %s interval: Wilson's; only shares of prompts and of calls have one.", confidence)
	}
	return fmt.Sprintf("± is the farther end of a %s interval: paired percentile bootstrap over %s, %s draws; Wilson's for shares of prompts and of calls.",
		confidence, r.drawn(), grouped(float64(r.Draws)))
}

// drawn is what the bootstrap draws.
func (r *Report) drawn() string {
	switch {
	case r.ClusterBy != "":
		return "whole clusters of prompts by " + printable(r.ClusterBy)
	case r.Stratified:
		return "prompts within each " + printable(r.SliceBy)
	}
	return "prompts"
}

func writeText(w io.Writer, r *Report) error { return newPage(r).text(w) }

func (p *page) text(w io.Writer) error {
	var b strings.Builder
	b.WriteString(p.sentence + "\n")
	for i := range p.tables {
		b.WriteString("\n")
		p.tables[i].text(&b)
	}
	block(&b, "Gates", p.gates)
	block(&b, "Notes", p.notes)
	if len(p.foot.list) > 0 {
		b.WriteString("\n")
	}
	for i, note := range p.foot.list {
		b.WriteString(superscript(i+1) + " " + note + "\n")
	}
	if p.method != "" {
		b.WriteString("\n" + p.method + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func block(b *strings.Builder, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	b.WriteString("\n" + title + "\n")
	for _, l := range lines {
		b.WriteString("  " + l + "\n")
	}
}

func writeMarkdown(w io.Writer, r *Report) error { return newPage(r).markdown(w) }

func (p *page) markdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("### routeval\n\n" + escapeMarkdown(p.sentence) + "\n")
	list := func(title string, lines []string) {
		if len(lines) == 0 {
			return
		}
		b.WriteString("\n**" + title + "**\n\n")
		for _, l := range lines {
			b.WriteString("- " + escapeMarkdown(l) + "\n")
		}
	}
	list("Gates", p.gates)
	for i := range p.tables {
		b.WriteString("\n")
		p.tables[i].markdown(&b)
	}
	list("Notes", p.notes)
	b.WriteString("\n")
	for i, note := range p.foot.list {
		b.WriteString(superscript(i+1) + " " + escapeMarkdown(note) + "<br>\n")
	}
	if p.method != "" {
		b.WriteString("<sub>" + escapeMarkdown(p.method) + "</sub>\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
