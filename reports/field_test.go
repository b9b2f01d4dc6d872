package reports

import (
	"math"
	"slices"
	"testing"

	"routeval/datasets"
)

// many is a run with four candidates more: one that is best, one that is cheap,
// one whose outcomes are not all there, and one that hardly has any.
func many(n int) []datasets.Result {
	results := world(n, 0.6)
	for i := range results {
		o := results[i].Outcomes
		add := func(name string, good bool, usd float64) {
			q := 0.0
			if good {
				q = 1
			}
			o[name] = datasets.Outcome{Quality: &q, CostUSD: &usd}
		}
		add("best", i%20 != 0, 0.01)
		add("cheap", i%3 == 0, 0.00001)
		if i%50 != 0 {
			add("patchy", i%5 != 0, 0.002+float64(i%7)*0.001)
		}
		if i%2 == 0 {
			add("rare", true, 0)
		}
	}
	return results
}

// Judge: every prompt and candidate looked at by itself.
func TestFieldAgainstBruteForce(t *testing.T) {
	results := many(500)
	report := build(t, results, Options{RoutingUSD: ptr(0.0)})
	names := []string{"strong", "weak", "best", "cheap", "patchy"}
	quality, cost := make(map[string]float64), make(map[string]float64)
	var n, idealQuality, idealCost, routed, routedCost, right, selected, ratio float64
	for _, r := range results {
		if _, ok := r.Outcomes["patchy"]; !ok {
			continue
		}
		n++
		best, cheapest := -1.0, 0.0
		for _, name := range names {
			q, usd := *r.Outcomes[name].Quality, *r.Outcomes[name].CostUSD
			quality[name] += q
			cost[name] += usd
			if q > best || q == best && usd < cheapest {
				best, cheapest = q, usd
			}
		}
		idealQuality += best
		idealCost += cheapest
		got := r.Outcomes[r.Route]
		routed += *got.Quality
		routedCost += *got.CostUSD
		if *got.Quality == best && best > 0 {
			right++
			ratio += cheapest / *got.CostUSD
			if *got.CostUSD <= cheapest {
				selected++
			}
		}
	}
	all := float64(len(results))
	champion := slices.MaxFunc(names, func(a, b string) int { return compare(quality[a], quality[b]) })
	for name, want := range map[string]float64{
		"best_single_quality": quality[champion] / n, "best_single_cost_usd": cost[champion] * all / n,
		"oracle_all_quality": idealQuality / n, "oracle_all_cost_usd": idealCost * all / n,
		"gain_best_single": routed/quality[champion] - 1, "oracle_gap": 1 - routed/idealQuality,
		"arena_opt_selection": selected / right, "arena_opt_cost": ratio / right, "arena_opt_accuracy": routed / idealQuality,
	} {
		v, _ := report.Value(name)
		if !near(v.Center, want) || v.N != int(n) || len(v.Warnings) != 1 {
			t.Errorf("%s = %v of %d pairs (%v), want %v of %v", name, v.Center, v.N, v.Warnings, want, n)
		}
	}
	var got []string
	for _, s := range report.Singles {
		got = append(got, s.Name)
		if s.Best != (s.Name == champion) || !near(s.Quality.Center, quality[s.Name]/n) || !near(s.CostUSD.Center, cost[s.Name]*all/n) {
			t.Errorf("single %+v, want quality %v and cost %v", s, quality[s.Name]/n, cost[s.Name]*all/n)
		}
		// On the frontier is what no two others mix to better.
		if above := dominated(s, report.Singles); s.Frontier == above {
			t.Errorf("%s: on the frontier %v, beaten by a mix %v", s.Name, s.Frontier, above)
		}
	}
	if !slices.Equal(got, []string{"strong", "weak", "best", "cheap", "patchy"}) || !slices.ContainsFunc(report.Notes, func(s string) bool { return contains(s, "rare") }) {
		t.Errorf("compared %v, notes %q", got, report.Notes)
	}
	// The zero router, by steps over what any two singles mix to.
	at := center(t, report, "cost_share") * center(t, report, "strong_cost_usd")
	if got, want := center(t, report, "zero_quality"), bestMix(report.Singles, at); !near(got, want) {
		t.Errorf("zero_quality = %v, the best mix for $%v has %v", got, at, want)
	}
	from, to := center(t, report, "weak_cost_usd"), center(t, report, "strong_cost_usd")
	const steps = 4000
	area := 0.0
	for k := range steps {
		area += bestMix(report.Singles, from+(float64(k)+0.5)/steps*(to-from)) / steps
	}
	if got := center(t, report, "aiq_zero"); math.Abs(got-area) > 1e-5 {
		t.Errorf("aiq_zero = %v, by steps %v", got, area)
	}
}

// bestMix is the highest quality of any two singles at random for at most usd.
func bestMix(singles []Single, usd float64) float64 {
	best := math.Inf(-1)
	for _, a := range singles {
		if a.CostUSD.Center <= usd {
			best = max(best, a.Quality.Center)
		}
		for _, b := range singles {
			if a.CostUSD.Center < usd && usd < b.CostUSD.Center {
				best = max(best, line(a.CostUSD.Center, a.Quality.Center, b.CostUSD.Center, b.Quality.Center, usd))
			}
		}
	}
	return best
}

func dominated(s Single, singles []Single) bool {
	others := slices.DeleteFunc(slices.Clone(singles), func(o Single) bool { return o.Name == s.Name })
	return bestMix(others, s.CostUSD.Center) >= s.Quality.Center
}

// With two candidates the zero router is the straight line of the random one.
func TestZeroRouterOfTwoIsRandom(t *testing.T) {
	report := build(t, world(300, 0.6), Options{Draws: -1})
	if got, want := center(t, report, "aiq_zero"), (center(t, report, "weak_quality")+center(t, report, "strong_quality"))/2; !near(got, want) {
		t.Errorf("aiq_zero = %v, half way is %v", got, want)
	}
	if a, b := center(t, report, "oracle_all_quality"), center(t, report, "oracle_quality"); a != b {
		t.Errorf("oracles of %v and %v on the same two candidates", a, b)
	}
}

// Judge: the reports of the slices' rows alone.
func TestSlicesAreReportsOfTheirRows(t *testing.T) {
	results := world(900, 0.6)
	parts := make(map[string][]datasets.Result)
	for i := range results {
		r := &results[i]
		language := []string{"en", "en", "de", ""}[i%4]
		switch {
		case i < 20:
			language = "tiny"
			r.Extra = []byte(`{"language":"tiny"}`)
		case language != "":
			r.Extra = []byte(`{"x":[1,{"language":"no"}],"language":"` + language + `"}`)
		default:
			r.Extra = []byte(`{"language":null}`)
		}
		parts[language] = append(parts[language], *r)
	}
	report := build(t, results, Options{SliceBy: "language", Seed: 3, RoutingUSD: ptr(9.0)})
	if len(report.Slices) != 4 || report.Slices[0].Name != "en" || report.SliceBy != "language" {
		t.Fatalf("slices by %q: %+v", report.SliceBy, report.Slices)
	}
	for _, s := range report.Slices {
		rows := parts[s.Name]
		want := build(t, rows, Options{Seed: 3, RoutingUSD: ptr(9.0 * float64(len(rows)) / 900)})
		if s.Prompts != len(rows) || s.Pairs != want.Pairs || s.Small != (len(rows) < minPairs) {
			t.Errorf("slice %q: %+v", s.Name, s)
		}
		for name, v := range map[string]Value{
			"strong_share": s.StrongShare, "quality": s.Quality, "cost_usd": s.CostUSD, "cost_share": s.CostShare,
			"weak_quality": s.WeakQuality, "strong_quality": s.StrongQuality, "pgr": s.PGR, "apgr": s.APGR,
		} {
			w, _ := want.Value(name)
			if !near(v.Center, w.Center) || !near(v.Lo, w.Lo) || !near(v.Hi, w.Hi) || !slices.Equal(v.Warnings, w.Warnings) {
				t.Errorf("slice %q: %s = %+v, the rows alone have %+v", s.Name, name, v, w)
			}
		}
	}
	if one := build(t, results, Options{SliceBy: "no such field"}); one.Slices != nil {
		t.Errorf("a field that nobody has makes slices %+v", one.Slices)
	}
}

func TestSlicesAreBounded(t *testing.T) {
	results := world(300, 0.6)
	for i := range results {
		results[i].Category = results[i].PromptID
	}
	report := build(t, results, Options{SliceBy: "category", Draws: -1})
	if len(report.Slices) != maxSlices || !slices.ContainsFunc(report.Notes, func(s string) bool { return contains(s, "200 slices") }) {
		t.Errorf("%d slices, notes %q", len(report.Slices), report.Notes)
	}
}

// Judge: the definition, prompt by prompt.
func TestMisroutes(t *testing.T) {
	results := world(2000, 0.6)
	report := build(t, results, Options{Threshold: ptr(0.6), Draws: -1})
	var lost, wasted []float64
	for _, r := range results {
		got, strong, weak := r.Outcomes[r.Route], r.Outcomes["strong"], r.Outcomes["weak"]
		loss := max(*strong.Quality, *weak.Quality) - *got.Quality
		switch {
		case loss > 0:
			lost = append(lost, loss+math.Abs(*r.WinRate-0.6)/10) // of equal losses, the surest first
		case r.Route == "strong" && *weak.Quality >= *strong.Quality && *strong.CostUSD > *weak.CostUSD:
			wasted = append(wasted, *strong.CostUSD-*weak.CostUSD)
		}
	}
	falling := func(x []float64) []float64 {
		slices.SortFunc(x, func(a, b float64) int { return compare(b, a) })
		return x[:maxMisroutes]
	}
	lost, wasted = falling(lost), falling(wasted)
	if len(report.Misroutes) != 2*maxMisroutes {
		t.Fatalf("%d misroutes", len(report.Misroutes))
	}
	for i := range maxMisroutes {
		m := report.Misroutes[i]
		if !near(m.LostQuality+math.Abs(m.WinRate-0.6)/10, lost[i]) {
			t.Errorf("misroute %d: %+v, want a rank of %v", i, m, lost[i])
		}
		m = report.Misroutes[maxMisroutes+i]
		if m.LostQuality != 0 || !near(m.WastedUSD, wasted[i]) || m.PromptID != results[m.Seq].PromptID {
			t.Errorf("misroute %d by money: %+v, want %v", i, m, wasted[i])
		}
	}
}

func TestMisroutesAreCutAndCopied(t *testing.T) {
	long := ""
	for len(long) < 3*maxText {
		long += "zwölf "
	}
	if got := cut(long); len(got) > maxText+len(" …") || !contains(got, " …") || contains(got, "�") {
		t.Errorf("cut to %d bytes", len(got))
	}
	if got := cut("short"); got != "short" {
		t.Errorf("cut to %q", got)
	}
}

// Judge: counting in each bin by hand, Brier and AUROC over all couples.
func TestReliability(t *testing.T) {
	results := world(1000, 0.6)
	report := build(t, results, Options{Draws: -1})
	c := report.Reliability
	var pairs []Pair
	for _, r := range results {
		pairs = append(pairs, Pair{WinRate: *r.WinRate, StrongQuality: *r.Outcomes["strong"].Quality, WeakQuality: *r.Outcomes["weak"].Quality, Weight: 1})
	}
	if got, want := c.Brier.Center, bruteBrier(pairs); !near(got, want) {
		t.Errorf("Brier = %v, want %v", got, want)
	}
	if got, want := c.AUROC.Center, bruteAUROC(pairs); !near(got, want) {
		t.Errorf("AUROC = %v, want %v", got, want)
	}
	if len(c.Bins) != reliabilityBins {
		t.Fatalf("%d bins", len(c.Bins))
	}
	off, seen, above := 0.0, 0, math.Inf(-1)
	for _, b := range c.Bins {
		var n, rate, better float64
		for _, p := range pairs {
			if b.Lo <= p.WinRate && p.WinRate <= b.Hi {
				n++
				rate += p.WinRate
				if p.StrongQuality > p.WeakQuality {
					better++
				}
			}
		}
		if int(n) != b.Pairs || n < 95 || n > 105 || b.Lo <= above || !near(b.WinRate, rate/n) || !near(b.Better.Center, better/n) {
			t.Errorf("bin %+v, counted %v pairs, mean %v, better %v", b, n, rate/n, better/n)
		}
		off += math.Abs(rate - better)
		seen += b.Pairs
		above = b.Hi
	}
	if seen != len(pairs) || !near(c.ECE.Center, off/float64(len(pairs))) {
		t.Errorf("ECE = %v over %d pairs, want %v", c.ECE.Center, seen, off/float64(len(pairs)))
	}
}

func TestReliabilityOfAConstant(t *testing.T) {
	results := world(100, 0.6)
	for i := range results {
		results[i].WinRate = ptr(0.25)
	}
	c := build(t, results, Options{Draws: -1}).Reliability
	if len(c.Bins) != 1 || c.AUROC.Center != 0.5 || !near(c.ECE.Center, math.Abs(0.25-c.Bins[0].Better.Center)) {
		t.Errorf("one win rate for all: %+v", c)
	}
}
