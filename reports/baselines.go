package reports

import "math"

// baselines are the rows that a router is compared with, from the weak model to
// the strong one, all on the same pairs. Without pairs there is only what was
// routed.
func (f *facts) baselines() []Baseline {
	if f.curve == nil {
		return []Baseline{f.observed("routed")}
	}
	share := f.routed.StrongShare
	rows := []Baseline{
		f.baseline("weak-only", f.alone(f.curve.Weak()), "weak_quality", "weak_cost_usd", "", ""),
		f.baseline("random, same share", f.alone(f.curve.Random(share)), "", "", "", ""),
		f.baseline("routed", f.routed, "routed_quality", "routed_cost_usd", "cost_share", "pgr"),
		f.baseline("oracle, up to that share", f.oracle.AtShare(share), "", "", "", ""),
		f.baseline("oracle", f.oracle.Best(), "oracle_quality", "", "", ""),
	}
	if len(f.field.singles) > 2 {
		all := f.oracleAll
		all.PGR = f.curve.PGR(all.Quality)
		rows = append(rows, f.baseline("oracle, all candidates", all, "oracle_all_quality", "", "", ""))
	}
	rows = append(rows,
		f.baseline("strong-only", f.alone(f.curve.Strong()), "strong_quality", "strong_cost_usd", "", ""))
	if len(f.pairs) != f.n.answered {
		rows = append(rows, f.observed("routed, all prompts"))
	}
	return rows
}

// baseline makes a row of a point. The names are those of the intervals that
// the bootstrap knows for its quality, cost, cost share and PGR.
func (f *facts) baseline(name string, p Point, quality, cost, costShare, pgr string) Baseline {
	cell := func(name string, of float64, unit Unit, value source) Value {
		return f.withInterval(value(f, metric{name: name, unit: unit}))
	}
	share := cell("", p.StrongShare, Share, paired(func(*facts) float64 { return p.StrongShare }))
	if math.IsNaN(p.StrongShare) {
		share = notApplicable(Share)
	}
	at := func(x float64) func(*facts) float64 { return func(*facts) float64 { return x } }
	return Baseline{
		Name:        name,
		StrongShare: share,
		Quality:     cell(quality, p.Quality, Ratio, paired(at(p.Quality))),
		CostUSD:     cell(cost, p.CostUSD, USD, paid(paired(at(p.CostUSD)))),
		CostShare:   cell(costShare, f.curve.CostShare(p), Share, paid(paired(at(f.curve.CostShare(p))))),
		PGR:         cell(pgr, p.PGR, Ratio, gap(at(p.PGR))),
	}
}

// observed is the row of what was routed on all prompts, paired or not.
func (f *facts) observed(name string) Baseline {
	return Baseline{
		Name:        name,
		StrongShare: f.value("strong_share"),
		Quality:     f.value("quality"),
		CostUSD:     f.value("cost_usd"),
		CostShare:   notApplicable(Share),
		PGR:         notApplicable(Ratio),
	}
}

// notApplicable is a cell that the row has no number for, which needs no reason.
func notApplicable(unit Unit) Value {
	return Value{Unit: unit, Center: math.NaN(), Lo: math.NaN(), Hi: math.NaN(), Missing: Undefined}
}
