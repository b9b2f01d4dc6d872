package reports

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"routeval/datasets"
)

// simulated makes the results of a run of n prompts. Both models answered; strong
// is right on 80 % and weak on 50 %, less bump; the router of skill 1 knows which,
// of skill 0 nothing. The prompts of one seed are the same whatever the router.
func simulated(seed uint64, n int, skill, bump float64) []datasets.Result {
	prompts := rand.New(rand.NewPCG(seed, 1))
	router := rand.New(rand.NewPCG(seed, 2+uint64(1e6*(skill+bump))))
	var out []datasets.Result
	for i := range n {
		s, w := isTrueF(prompts.Float64() < 0.8), isTrueF(prompts.Float64() < 0.5-bump)
		rate := min(1, max(0, 0.5+0.4*skill*(s-w)+0.1*(router.Float64()-0.5)))
		if skill == 0 {
			rate = router.Float64()
		}
		r := datasets.Result{Seq: int64(i), PromptID: fmt.Sprint("p", i), WinRate: &rate, Route: "weak", Propensity: 1}
		if rate >= 0.5 {
			r.Route = "strong"
		}
		r.Outcomes = map[string]datasets.Outcome{
			"strong": {Answer: "a", Quality: &s, CostUSD: new(0.03), LatencyNS: 2e9},
			"weak":   {Answer: "b", Quality: &w, CostUSD: new(0.01), LatencyNS: 1e9},
		}
		out = append(out, r)
	}
	return out
}

func isTrueF(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func sequence(results []datasets.Result) iter.Seq2[datasets.Result, error] {
	return func(yield func(datasets.Result, error) bool) {
		for _, r := range results {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func comparedRun(name string, results []datasets.Result) Run {
	return Run{Name: name, Strong: "strong", Weak: "weak", Results: sequence(results), Grading: "exact", Input: "the same"}
}

func comparison(t *testing.T, opts CompareOptions, runs ...Run) *Comparison {
	t.Helper()
	c, err := Compare(t.Context(), runs, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The judge of every value is the report of the run alone.
func TestComparisonAgreesWithReports(t *testing.T) {
	a, b := simulated(1, 400, 0.3, 0), simulated(1, 400, 0.9, 0)
	rand.New(rand.NewPCG(5, 5)).Shuffle(len(b), func(i, j int) { b[i], b[j] = b[j], b[i] })
	c := comparison(t, CompareOptions{Draws: -1}, comparedRun("a", a), comparedRun("b", b))
	for i, results := range [][]datasets.Result{a, b} {
		r, err := Build(t.Context(), sequence(results), Options{Strong: "strong", Weak: "weak", Draws: -1})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range c.Rows {
			if row.Name == "latency_s" {
				continue
			}
			want := r.must(row.Name)
			if got := row.Values[i]; math.Abs(got.Center-want.Center) > 1e-12 || got.N != 400 {
				t.Errorf("%s of run %d: %v of %d, the report says %v", row.Name, i, got.Center, got.N, want.Center)
			}
		}
	}
	share := c.base("strong_share").Center
	if got := c.base("latency_s").Center; math.Abs(got-(1+share)) > 1e-12 {
		t.Errorf("latency %v at a strong share of %v", got, share)
	}
	for _, row := range c.Rows {
		if d := row.Deltas[1].Center; math.Abs(d-(row.Values[1].Center-row.Values[0].Center)) > 1e-12 {
			t.Errorf("%s: delta %v of %v and %v", row.Name, d, row.Values[0].Center, row.Values[1].Center)
		}
	}
}

// The judge of an interval is the paired bootstrap written as its definition says,
// with another generator: agreement is to the noise of the draws.
func TestDeltaIntervalsAgainstTheDefinition(t *testing.T) {
	const n, draws = 300, 4000
	a, b := simulated(3, n, 0.2, 0), simulated(3, n, 0.8, 0)
	c := comparison(t, CompareOptions{Draws: draws}, comparedRun("a", a), comparedRun("b", b))
	random := rand.New(rand.NewPCG(77, 78))
	deltas := map[string][]float64{}
	for range draws {
		var x, y []datasets.Result
		for range n {
			i := random.IntN(n)
			x, y = append(x, a[i]), append(y, b[i])
		}
		for name, of := range map[string]func([]datasets.Result) float64{"quality": slowQuality, "apgr": slowAPGR} {
			deltas[name] = append(deltas[name], of(y)-of(x))
		}
	}
	for name, d := range deltas {
		slices.Sort(d)
		lo, hi := d[draws/40], d[draws-draws/40]
		got := c.Delta(name)
		if width := hi - lo; math.Abs(got.Lo-lo) > 0.07*width || math.Abs(got.Hi-hi) > 0.07*width {
			t.Errorf("%s: [%v, %v], by the definition [%v, %v]", name, got.Lo, got.Hi, lo, hi)
		}
	}
}

func slowQuality(rs []datasets.Result) (mean float64) {
	for _, r := range rs {
		o := r.Outcomes[r.Route]
		mean += *o.Quality / float64(len(rs))
	}
	return mean
}

// slowAPGR is the mean, over pairs (i, j) of prompts, of what i gains where i is
// sent strong before j, half where they tie: Σᵢⱼ gᵢ·[rᵢ > rⱼ or half] / (n·Σ g).
func slowAPGR(rs []datasets.Result) float64 {
	var area, total float64
	rates := make([]float64, len(rs))
	for i, r := range rs {
		rates[i] = *r.WinRate
	}
	slices.Sort(rates)
	for _, r := range rs {
		s, w := r.Outcomes["strong"], r.Outcomes["weak"]
		gain := *s.Quality - *w.Quality
		below, _ := slices.BinarySearch(rates, *r.WinRate)
		upTo, _ := slices.BinarySearchFunc(rates, *r.WinRate, func(a, b float64) int {
			if a <= b {
				return -1
			}
			return 1
		})
		area += gain * (float64(below) + float64(upTo-below)/2)
		total += gain
	}
	return area / (float64(len(rs)) * total)
}

// A 95 % interval of the delta of two routers that are equally good holds zero in
// about 95 % of simulated pairs of runs, and that of a better one seldom.
func TestDeltaCoverage(t *testing.T) {
	const trials = 300
	held, missed := 0, 0
	for i := range trials {
		seed := uint64(100 + i)
		equal := comparison(t, CompareOptions{Draws: 400, Seed: seed}, comparedRun("a", simulated(seed, 200, 0, 0)), comparedRun("b", simulated(seed, 200, 0, 0.000001)))
		if d := equal.Delta("quality"); d.Lo <= 0 && d.Hi >= 0 {
			held++
		}
		better := comparison(t, CompareOptions{Draws: 400, Seed: seed}, comparedRun("a", simulated(seed, 200, 0, 0)), comparedRun("b", simulated(seed, 200, 1, 0)))
		if d := better.Delta("quality"); d.Lo <= 0 {
			missed++
		}
	}
	if share := float64(held) / trials; share < 0.91 || share > 0.98 {
		t.Errorf("%.3f of the intervals hold zero, want about 0.95", share)
	}
	if missed > trials/20 {
		t.Errorf("%d of %d intervals miss a difference that is there", missed, trials)
	}
	t.Logf("%.3f of the intervals hold the truth; %d of %d miss a difference", float64(held)/trials, missed, trials)
}

func TestPairing(t *testing.T) {
	a, b := simulated(1, 60, 0, 0), simulated(1, 60, 1, 0)
	graded := comparedRun("b", b)
	graded.Grading = "number"
	asked := comparedRun("b", b)
	asked.Input = "other"
	unknown := comparedRun("b", b)
	unknown.Input = ""
	other := slices.Clone(b)
	other[3].Reference = "another"
	for _, c := range []struct {
		run  Run
		want string
	}{
		{graded, "a is graded by exact, b by number"},
		{asked, "the inputs of a and b differ"},
		{unknown, "not known whether a and b were asked the same"},
		{comparedRun("b", other), "1 prompt of a and b have the same id and another reference"},
	} {
		var refused *PairingError
		_, err := Compare(t.Context(), []Run{comparedRun("a", a), c.run}, CompareOptions{Draws: -1})
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
		forced := comparison(t, CompareOptions{Draws: -1, Force: true}, comparedRun("a", a), c.run)
		if !strings.Contains(strings.Join(forced.Notes, "\n"), c.want) {
			t.Errorf("forced, the notes are %q, want %q", forced.Notes, c.want)
		}
	}
	for i := range b {
		b[i].PromptID += "x"
	}
	if _, err := Compare(t.Context(), []Run{comparedRun("a", a), comparedRun("b", b)}, CompareOptions{Force: true}); err == nil {
		t.Error("runs without a common prompt are paired")
	}
	if _, err := Compare(t.Context(), []Run{comparedRun("a", a)}, CompareOptions{}); err == nil {
		t.Error("one run is compared")
	}
}

// What is not in every run is left out, and said to be.
func TestPairingLeavesOut(t *testing.T) {
	a, b, d := simulated(1, 100, 0, 0), simulated(1, 100, 1, 0), simulated(1, 100, 1, 0)
	for _, i := range []int{7, 8} { // ungraded in d
		o := d[i].Outcomes[d[i].Route]
		o.Quality = nil
		d[i].Outcomes[d[i].Route] = o
	}
	b = append(b[10:], datasets.Result{PromptID: "new", Route: "weak"})
	c := comparison(t, CompareOptions{Draws: 100}, comparedRun("a", a), comparedRun("b", b), comparedRun("d", d[:95]))
	if c.Prompts != 85 {
		t.Errorf("%d prompts are paired", c.Prompts)
	}
	want := []string{"1 prompt of b is not in a: left out.", "15 prompts of a are not in every run: left out."}
	if !slices.Equal(c.Notes, want) {
		t.Errorf("notes %q", c.Notes)
	}
	c = comparison(t, CompareOptions{Draws: 100}, comparedRun("a", a), comparedRun("d", d))
	if v := c.Delta("quality"); v.N != 98 || !v.HasInterval() {
		t.Errorf("%+v", v)
	}
	if v := c.base("quality"); len(v.Warnings) == 0 || !strings.Contains(v.Warnings[0], "98 prompts that have a grade in every run") {
		t.Errorf("%+v", v)
	}
}

func TestComparisonPages(t *testing.T) {
	a, b := simulated(1, 200, 0, 0), simulated(1, 200, 1, 0)
	c := comparison(t, CompareOptions{Draws: 500}, comparedRun("main|x", a), comparedRun("new", b))
	pages := map[string]string{}
	for _, format := range []string{"text", "markdown", "json"} {
		render, err := ComparisonRendererFor(format)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := render(&out, c); err != nil {
			t.Fatal(err)
		}
		pages[format] = out.String()
	}
	if testing.Verbose() {
		t.Log(pages["text"])
	}
	quality := c.Delta("quality")
	for page, want := range map[string]string{
		"text":     fmt.Sprintf("%+.3f ± %.3f", quality.Center, max(quality.Hi-quality.Center, quality.Center-quality.Lo)),
		"markdown": `| main\|x |`,
	} {
		if !strings.Contains(pages[page], want) {
			t.Errorf("%s lacks %q:\n%s", page, want, pages[page])
		}
	}
	type figure struct {
		Name   string
		Deltas []struct {
			Center float64
			N      int
			Tied   *bool
		}
	}
	var got struct {
		Schema  string
		Figures []figure
	}
	if err := json.Unmarshal([]byte(pages["json"]), &got); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got.Figures, func(f figure) bool { return f.Name == "quality" })
	d := got.Figures[i].Deltas[0]
	if got.Schema != "routeval.comparison/1" || d.Center != quality.Center || d.N != 200 || d.Tied == nil || *d.Tied {
		t.Errorf("%+v", got)
	}
	same := comparison(t, CompareOptions{Draws: 100}, comparedRun("a", a), comparedRun("b", a))
	if text := same.change(same.Delta("quality"), same.base("quality")); text != "~" {
		t.Errorf("no difference is written %q", text)
	}
	if _, err := ComparisonRendererFor("pdf"); err == nil || !strings.Contains(err.Error(), "have json, markdown, text") {
		t.Errorf("got %v", err)
	}
	if !slices.IsSortedFunc(figures, func(a, b comparedFigure) int { return cmp.Compare(a.name, b.name) }) {
		t.Error("the figures are not sorted")
	}
}

func TestDeltaGates(t *testing.T) {
	a, b := simulated(1, 200, 0, 0), simulated(1, 200, 1, 0)
	r, err := Build(t.Context(), sequence(b), Options{Strong: "strong", Weak: "weak", Draws: -1})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{
		"delta(quality, base) >= -0.01", "lower( delta(quality,base) ) > 0", "delta(quality, base) <= 0",
		"upper(delta(cost_usd, base)) < 100", "delta(error_rate, base) == 0",
	}
	gates := parseGates(t, texts)
	for i, g := range gates {
		if again, err := ParseGate(g.String()); err != nil || again != g || !g.NeedsBase() {
			t.Errorf("%s is written %s: %v", texts[i], g, err)
		}
	}
	for _, v := range Check(r, gates) {
		if v.Met {
			t.Errorf("%s is met without a base", v.Gate)
		}
	}
	r.Comparison = comparison(t, CompareOptions{Draws: 300}, comparedRun("a", a), comparedRun("b", b))
	for i, want := range []bool{true, true, false, true, true} {
		if v := Check(r, gates)[i]; v.Met != want {
			t.Errorf("%s: %+v", v.Gate, v)
		}
	}
	for text, want := range map[string]string{
		"delta(agpr, base) > 0":      `unknown figure of a comparison "agpr" (have apgr, cost_usd,`,
		"delta(quality, main) > 0":   `the other run is called base`,
		"delta(quality) > 0":         `expected ,`,
		"delta(quality, base > 0":    `expected )`,
		"lower(delta(quality,base)>": `expected )`,
	} {
		if _, err := ParseGate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, n := range []int{1000, 14_000} {
		x, y := simulated(1, n, 0.2, 0), simulated(1, n, 0.8, 0)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compare(b.Context(), []Run{comparedRun("a", x), comparedRun("b", y)}, CompareOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
