package reports

import (
	"fmt"
	"slices"
)

// savings are the thresholds that keep a share of the strong model's quality.
func (p *page) savings(r *Report) table {
	t := table{title: "To keep a share of strong's quality", head: []string{"", "saved", "threshold", "strong share", "quality", "cost"}}
	for _, s := range r.Savings {
		t.add(plain(percent(s.Keep)), p.foot.cell(s.Saved), plain(rate(s.At.Threshold)), plain(percent(s.At.StrongShare)),
			plain(number(s.At.Quality)), plain(orUnknown(s.At.CostUSD, USD)))
	}
	return t
}

// measures are the figures of other benchmarks, one a line.
func (p *page) measures(r *Report) table {
	t := table{title: "Other measures", head: []string{"", "router"}}
	for _, m := range []struct{ name, metric string }{
		{"gain over random at that share", "gain_random"},
		{"gain over the best single model" + r.champion(), "gain_best_single"},
		{"short of the best answer of all candidates by", "oracle_gap"},
		{"QNC: cost of matching the best single model", "qnc"},
		{"deferral area to 50 % of the cost", "deferral_area_50"},
		{"deferral area to 100 %", "deferral_area_100"},
		{"RouterArena score", "arena_score"},
		{"  optimal selection", "arena_opt_selection"},
		{"  optimal cost", "arena_opt_cost"},
		{"  optimal accuracy", "arena_opt_accuracy"},
	} {
		t.add(plain(m.name), p.foot.cell(r.must(m.metric)))
	}
	return t
}

// champion is the name of the best single model, where there are more than two.
func (r *Report) champion() string {
	i := slices.IndexFunc(r.Singles, func(s Single) bool { return s.Best })
	if i < 0 || len(r.Singles) == 2 {
		return ""
	}
	return ", " + r.Singles[i].Name
}

// singles are the candidates alone, all on the same pairs.
func (p *page) singles(r *Report) table {
	t := table{title: "Each candidate alone, on the same prompts", head: []string{"", "quality", "cost", ""}}
	for _, s := range r.Singles {
		mark := ""
		switch {
		case s.Best:
			mark = "best"
		case s.Frontier:
			mark = "on the frontier"
		}
		t.add(plain(s.Name), p.foot.cell(s.Quality), p.foot.cell(s.CostUSD), plain(mark))
	}
	return t
}

// shownSlices is the number of slices in a page for people; JSON has all.
const shownSlices = 20

func (p *page) slices(r *Report) table {
	t := table{title: "By " + printable(r.SliceBy), head: []string{"", "prompts", "strong share", "quality", "weak", "strong", "PGR", "APGR", "of strong-only"}}
	for i, s := range r.Slices {
		if i == shownSlices {
			t.add(plain(fmt.Sprintf("and %d smaller", len(r.Slices)-i)), cell{}, cell{}, cell{}, cell{}, cell{}, cell{}, cell{}, cell{})
			break
		}
		name := s.Name
		if name == "" {
			name = "(none)"
		}
		t.add(plain(name), plain(grouped(float64(s.Prompts))), p.foot.cell(s.StrongShare), p.foot.cell(s.Quality),
			p.foot.cell(s.WeakQuality), p.foot.cell(s.StrongQuality), p.slice(s.PGR), p.slice(s.APGR), p.foot.cell(s.CostShare))
	}
	return t
}

// slice is a share of a slice's gap. That this is within noise is so common
// there that one footnote says it for all.
func (p *page) slice(v Value) cell {
	if v.OK() || v.Missing == Unknown {
		return p.foot.cell(v)
	}
	return cell{v.center(), p.foot.marks([]string{"the gap between strong and weak is none or within noise, or there are no pairs, in such a slice"})}
}

func (p *page) reliability(r *Report) table {
	c := r.Reliability
	t := table{title: "Win rates against what happened", head: []string{"win rate", "pairs", "mean", "strong better"}}
	for _, b := range c.Bins {
		t.add(plain(number(b.Lo)+" to "+number(b.Hi)), plain(grouped(float64(b.Pairs))), plain(number(b.WinRate)), p.foot.cell(b.Better))
	}
	t.add(plain("AUROC"), cell{}, cell{}, p.foot.cell(c.AUROC))
	t.add(plain("Brier score"), cell{}, cell{}, p.foot.cell(c.Brier))
	t.add(plain("ECE"), cell{}, cell{}, p.foot.cell(c.ECE))
	return t
}

// calls are what the candidates' endpoints did, where they were called.
func (p *page) calls(r *Report) table {
	t := table{title: "Calls", head: []string{"", "retries", "warned", "tokens/s", "loading", "cached", "reasoning"}}
	for _, c := range r.Candidates {
		if !c.Throughput.OK() && !c.LoadTime.OK() && c.Retries+c.Warned == 0 {
			continue
		}
		t.add(plain(c.Name), plain(grouped(float64(c.Retries))), plain(grouped(float64(c.Warned))), bare(c.Throughput), bare(c.LoadTime),
			bare(c.CachedTokens), bare(c.ReasoningTokens))
	}
	return t
}

// bare is a value without footnotes.
func bare(v Value) cell { return plain(v.center()) }
