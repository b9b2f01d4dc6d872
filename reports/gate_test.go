package reports

import (
	"strings"
	"testing"
)

func parseGates(t *testing.T, sources []string) []Gate {
	t.Helper()
	var gates []Gate
	for _, s := range sources {
		g, err := ParseGate(s)
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, g)
	}
	return gates
}

func TestParseGate(t *testing.T) {
	for source, want := range map[string]string{
		"apgr >= 0.6":                   "apgr >= 0.6",
		"apgr>=.6":                      "apgr >= 0.6",
		" cost_usd\t<= 25 ":             "cost_usd <= 25",
		"lower(apgr) > 5.5e-1":          "lower(apgr) > 0.55",
		"upper ( error_rate ) < 1":      "upper(error_rate) < 1",
		"quality @ share <= .3 >= 0.8":  "quality@share<=0.3 >= 0.8",
		"strong_share@cost_usd<=2==0.1": "strong_share@cost_usd<=2 == 0.1",
		"gap > -0.1":                    "gap > -0.1",
		"cpt ( .9 )<=0.5":               "cpt(0.9) <= 0.5",
	} {
		g, err := ParseGate(source)
		if err != nil || g.String() != want {
			t.Errorf("%q reads as %q, %v", source, g.String(), err)
		}
	}
	for source, want := range map[string]string{
		"":                            "expected a name",
		"aprg >= 0.6":                 `unknown name "aprg" (have aiq, aiq_zero,`,
		"apgr":                        "expected one of >= <= == > <",
		"apgr = 0.6":                  "expected one of",
		"apgr >= ":                    "expected a number",
		"apgr >= 0.6.1":               "not a number",
		"apgr >= 1e999":               "out of range",
		"apgr >= 0.6 x":               "left over",
		"strong_share <= 30%":         "as a fraction, 0.3",
		"lower(apgr >= 0.6":           "expected )",
		"lower(nope) >= 0.6":          `unknown name "nope"`,
		"apgr@share<=0.3 >= 0.8":      `unknown figure of a point "apgr" (have cost_share,`,
		"quality@calls<=0.3 >= 0.8":   `unknown axis "calls" (have cost_share, cost_usd, share)`,
		"quality@share>=0.3 >= 0.8":   "an axis has an upper limit",
		"lower(quality@share<=0.3)>1": "expected )",
		"cpt >= 0.5":                  "expected (",
		"cpt(1.5) >= 0.5":             "a PGR is in [0,1]",
		"cpt(0.5 >= 0.5":              "expected )",
		"lower(cpt(0.5)) >= 0.5":      "expected )",
	} {
		if _, err := ParseGate(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one that says %q", source, err, want)
		}
	}
}

func FuzzParseGate(f *testing.F) {
	for _, seed := range []string{"apgr >= 0.6", "lower(apgr)<1", "quality@share<=0.3 >= 0.8", "((", "cost_usd == 1e3", "\xff>="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		g, err := ParseGate(source)
		if err != nil {
			return
		}
		again, err := ParseGate(g.String())
		if err != nil || again != g {
			t.Errorf("%q reads as %q, which reads as %+v, %v", source, g, again, err)
		}
	})
}

func TestCheck(t *testing.T) {
	report := situations(t)["paired"]
	apgr, _ := report.Value("apgr")
	for _, c := range []struct {
		gate string
		met  bool
	}{
		{"pairs == 400", true},
		{"pairs >= 400", true},
		{"pairs > 400", false},
		{"pairs <= 400", true},
		{"pairs < 400", false},
		{"apgr >= 0.5", true},
		{"lower(apgr) < 0.75", true},
		{"quality@share<=0 < 0.65", true},
		{"strong_share@share<=0.3 <= 0.3", true},
		{"strong_share@share<=0.3 >= 0.29", true},
		{"cost_usd@cost_usd<=1 <= 1", true},
		{"quality@cost_usd<=0 >= 0", false}, // no such point
		{"pairs >= 400.0000000001", true},   // one part in 10¹²
		{"pairs >= 400.000001", false},
		{"cpt(0.5) > 0.2", true},
		{"cpt(0.5) <= 0.3", true},
		{"cpt(0) == 0", true},
	} {
		v := Check(report, parseGates(t, []string{c.gate}))[0]
		if v.Met != c.met {
			t.Errorf("%s: met %v, value %v (apgr %v)", c.gate, v.Met, v.Value, apgr)
		}
	}
}

func TestUndefinedMeetsNoGate(t *testing.T) {
	gates := parseGates(t, []string{
		"cpt(0.9) <= 1", "apgr >= -9", "apgr <= 9", "lower(apgr) < 9", "pgr == 0", "quality@share<=1 >= 0", "cost_share >= 0",
	})
	verdicts := Check(situations(t)["routed"], gates)
	if Missed(verdicts) != len(gates) {
		t.Errorf("an undefined value meets a gate: %+v", verdicts)
	}
	// A gap within noise makes shares of it undefined, whatever they would be.
	noise := world(200, 0.6)
	for i := range noise {
		o := noise[i].Outcomes["weak"]
		o.Quality = ptr(*noise[(i+1)%len(noise)].Outcomes["strong"].Quality)
		noise[i].Outcomes["weak"] = o
	}
	gates = parseGates(t, []string{"pgr >= -99", "apgr >= -99", "cpt_50 <= 1", "cpt(0.3) <= 1", "pgr@share<=1 >= 0", "oracle_apgr >= 0", "apgr_routellm >= -99"})
	for _, v := range Check(build(t, noise, Options{}), gates) {
		if v.Met || v.Value.Missing != Undefined || !contains(strings.Join(v.Value.Warnings, ""), "within noise") && !contains(strings.Join(v.Value.Warnings, ""), "no gap") {
			t.Errorf("%s: met %v with %+v", v.Gate, v.Met, v.Value)
		}
	}
	lower := Check(situations(t)["paired"], parseGates(t, []string{"lower(apgr) >= 0"}))[0].Value
	if lower.HasInterval() {
		t.Errorf("the end of an interval has an interval: %v", lower)
	}
	// A value without an interval has no ends.
	report := build(t, world(20, 0.5), Options{})
	if v := Check(report, parseGates(t, []string{"lower(apgr) > -9"}))[0]; v.Met {
		t.Errorf("lower(apgr) without an interval meets a gate: %+v", v)
	}
	if v := Check(report, parseGates(t, []string{"apgr > -9"}))[0]; !v.Met {
		t.Errorf("apgr of 20 pairs: %+v", v)
	}
}
