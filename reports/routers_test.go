package reports

import (
	"bytes"
	"encoding/csv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// threeRouters are a good router, one that agrees with it but for some noise, and
// one that knows nothing, on the same prompts.
func threeRouters(seed uint64, n int) []RouterRun {
	random := rand.New(rand.NewPCG(seed, 3))
	good := seededPairs(seed, n)
	runs := []RouterRun{{Name: "good", Pairs: good}, {Name: "near"}, {Name: "blind"}}
	for _, p := range good {
		near, blind := p, p
		near.WinRate = min(max(math.Floor(40*(p.WinRate+0.1*random.NormFloat64()))/40, 0), 1)
		blind.WinRate = random.Float64()
		runs[1].Pairs, runs[2].Pairs = append(runs[1].Pairs, near), append(runs[2].Pairs, blind)
	}
	free := 0.0
	for i := range runs {
		runs[i].RoutingUSD = &free
	}
	return runs
}

// Values, differences and their intervals against brute force: every draw written
// out pair by pair, the same pairs for all routers, and swept.
func TestCompareRoutersAgainstBruteForce(t *testing.T) {
	const draws, n = 99, 200
	runs := threeRouters(1, n)
	opts := Options{Strong: "s", Weak: "w", Draws: draws, Seed: 5}
	c, err := CompareRouters(t.Context(), runs, opts)
	if err != nil {
		t.Fatal(err)
	}
	figures := map[string]func(*Curve) float64{
		"apgr":          (*Curve).APGR,
		"apgr_cost":     (*Curve).APGRCost,
		"cpt_50":        func(c *Curve) float64 { p, _ := c.CPT(0.5); return p.StrongShare },
		"cpt_80":        func(c *Curve) float64 { p, _ := c.CPT(0.8); return p.StrongShare },
		"cpt_95":        func(c *Curve) float64 { p, _ := c.CPT(0.95); return p.StrongShare },
		"cost_saved_95": func(c *Curve) float64 { p, _ := c.Keep(0.95); return c.Saved(p) },
		"cost_saved_99": func(c *Curve) float64 { p, _ := c.Keep(0.99); return c.Saved(p) },
	}
	drawn := func(pairs []Pair, times []uint8) *Curve {
		var list []Pair
		for i, k := range times {
			for range k {
				list = append(list, pairs[i])
			}
		}
		curve, err := Sweep(list)
		if err != nil {
			t.Fatal(err)
		}
		return curve
	}
	curves := make([][]*Curve, len(runs)) // by router and draw, the whole last
	for i, run := range runs {
		for d := range draws {
			times := make([]uint8, n)
			drawRows(times, rand.NewPCG(opts.Seed, uint64(d)))
			curves[i] = append(curves[i], drawn(run.Pairs, times))
		}
		curves[i] = append(curves[i], drawn(run.Pairs, bytes.Repeat([]byte{1}, n)))
	}
	if len(c.Metrics) != len(figures) {
		t.Fatalf("%d metrics, want %d", len(c.Metrics), len(figures))
	}
	for _, m := range c.Metrics {
		of := figures[m.Name]
		for i := range runs {
			var values, deltas []float64
			for d := range draws {
				values = append(values, of(curves[i][d]))
				deltas = append(deltas, of(curves[i][d])-of(curves[0][d]))
			}
			whole, base := of(curves[i][draws]), of(curves[0][draws])
			near := func(what string, v Value, center float64, all []float64) {
				lo, hi := percentiles(all, 0.95)
				if !(math.Abs(v.Center-center) < 1e-9) || !(math.Abs(v.Lo-lo) < 1e-9) || !(math.Abs(v.Hi-hi) < 1e-9) {
					t.Errorf("%s of %s, %s: %v [%v, %v], by brute force %v [%v, %v]", m.Name, runs[i].Name, what, v.Center, v.Lo, v.Hi, center, lo, hi)
				}
			}
			near("value", m.Values[i], whole, values)
			near("delta", m.Deltas[i], whole-base, deltas)
		}
	}
}

// Two routers that know nothing differ by luck alone: the interval of their
// difference must hold 0 about as often as it says.
func TestCompareRoutersIsTiedByLuck(t *testing.T) {
	const sets = 200
	tied := 0
	for seed := range uint64(sets) {
		runs := threeRouters(seed, 300)
		random := rand.New(rand.NewPCG(seed, 4))
		for i := range runs[0].Pairs {
			runs[0].Pairs[i].WinRate = random.Float64()
		}
		c, err := CompareRouters(t.Context(), []RouterRun{runs[0], runs[2]}, Options{Strong: "s", Weak: "w", Draws: 200, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if c.Metrics[0].Deltas[1].Tied() {
			tied++
		}
	}
	t.Logf("%d of %d differences are tied", tied, sets)
	if tied < sets*90/100 || tied == sets {
		t.Errorf("%d of %d differences are tied, want about 95 %%", tied, sets)
	}
}

// What two routers share leaves their difference: it is surer than the values are.
func TestCompareRoutersIsPaired(t *testing.T) {
	c, err := CompareRouters(t.Context(), threeRouters(2, 1500), Options{Strong: "s", Weak: "w", Draws: 400})
	if err != nil {
		t.Fatal(err)
	}
	apgr := c.Metrics[0]
	width := func(v Value) float64 { return v.Hi - v.Lo }
	if got, unpaired := width(apgr.Deltas[1]), math.Hypot(width(apgr.Values[0]), width(apgr.Values[1])); got > 0.8*unpaired {
		t.Errorf("the interval of the difference is %v wide, of unpaired ones it would be %v", got, unpaired)
	}
	if apgr.Deltas[2].Tied() || apgr.Deltas[2].Hi > 0 {
		t.Errorf("a router that knows nothing has a difference of %v", apgr.Deltas[2])
	}
	if d := apgr.Deltas[0]; d.Center != 0 || d.Lo != 0 || d.Hi != 0 {
		t.Errorf("a router differs from itself by %v [%v, %v]", d.Center, d.Lo, d.Hi)
	}
}

func TestRouterPages(t *testing.T) {
	runs := threeRouters(2, 1500)
	opts := Options{Strong: "s", Weak: "w", Draws: 400}
	c, err := CompareRouters(t.Context(), runs, opts)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, format := range RouterFormats() {
		render, err := RouterRendererFor(format)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := render(&b, c); err != nil {
			t.Fatal(err)
		}
		pages[format] = b.String()
	}
	for format, want := range map[string][]string{
		"text":     {"3 routers on 1,500 prompts: strong (s) 0.", "APGR, by strong calls (more is better)\n", "vs good\n", "near", " -0.1", "the same prompts for all routers"},
		"markdown": {"|  | apgr | vs good |", "| blind |"},
		"csv":      {"router,metric,value,lo,hi,delta,delta_lo,delta_hi\n", "good,apgr,0.", "blind,cost_saved_99,"},
		"json":     {`"schema": "routeval.routers/1"`, `"tied": false`},
	} {
		for _, text := range want {
			if !strings.Contains(pages[format], text) {
				t.Errorf("%s has no %q:\n%s", format, text, pages[format])
			}
		}
	}
	if lines, err := csv.NewReader(strings.NewReader(pages["csv"])).ReadAll(); err != nil || len(lines) != 1+3*len(c.Metrics) {
		t.Errorf("%d lines of CSV: %v", len(lines), err)
	}
	var read struct {
		Routers []struct {
			Name   string `json:"name"`
			Deltas map[string]struct {
				Center *float64 `json:"center"`
				Tied   bool     `json:"tied"`
			} `json:"deltas"`
		} `json:"routers"`
	}
	if err := json.Unmarshal([]byte(pages["json"]), &read); err != nil || len(read.Routers) != 3 {
		t.Fatalf("%d routers in JSON: %v", len(read.Routers), err)
	}
	if d := read.Routers[2].Deltas["apgr"]; *d.Center != c.Metrics[0].Deltas[2].Center || d.Tied {
		t.Errorf("the difference in JSON is %v, tied %v", *d.Center, d.Tied)
	}
	for i := range runs {
		for k := range runs[i].Pairs {
			runs[i].Pairs[k].WeakCostUSD = math.NaN()
		}
	}
	if c, err = CompareRouters(t.Context(), runs, opts); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := c.page().text(&b); err != nil {
		t.Fatal(err)
	}
	if page := b.String(); strings.Contains(page, "(more is better)\n        apgr_cost") || !strings.Contains(page, "APGR, by cost: left out, since 1,500 of 1,500 pairs lack a price.") {
		t.Errorf("a page without prices:\n%s", page)
	}
}

func TestCompareRoutersRefuses(t *testing.T) {
	runs := threeRouters(1, 40)
	opts := Options{Strong: "s", Weak: "w"}
	if _, err := CompareRouters(t.Context(), runs[:1], opts); err == nil || err.Error() != "a comparison takes at least two routers" {
		t.Errorf("one router: %v", err)
	}
	runs[1].Pairs = runs[1].Pairs[:39]
	if _, err := CompareRouters(t.Context(), runs, opts); err == nil || err.Error() != "near has 39 pairs, good has 40" {
		t.Errorf("fewer pairs: %v", err)
	}
	if _, err := CompareRouters(t.Context(), []RouterRun{{Name: "a"}, {Name: "b"}}, opts); err == nil {
		t.Error("no pairs: no error")
	}
}

// BenchmarkCompareRouters compares three routers on 10,000 pairs by 2,000 draws.
func BenchmarkCompareRouters(b *testing.B) {
	runs := threeRouters(1, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := CompareRouters(b.Context(), runs, Options{Strong: "s", Weak: "w"}); err != nil {
			b.Fatal(err)
		}
	}
}
