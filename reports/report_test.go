package reports

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"routeval/datasets"
)

var update = flag.Bool("update", false, "write the golden pages anew")

func ptr[T any](x T) *T { return &x }

// world is a run on n prompts with both outcomes, seeded: the strong model is
// better the higher the win rate, dearer and slower.
func world(n int, threshold float64) []datasets.Result {
	var results []datasets.Result
	for r := range worldStream(n, threshold) {
		results = append(results, r)
	}
	return results
}

func worldStream(n int, threshold float64) iter.Seq2[datasets.Result, error] {
	return func(yield func(datasets.Result, error) bool) {
		r := rand.New(rand.NewPCG(7, 7))
		for i := range n {
			if !yield(worldRow(r, i, threshold), nil) {
				return
			}
		}
	}
}

func worldRow(r *rand.Rand, i int, threshold float64) datasets.Result {
	rate := math.Round(r.Float64()*1000) / 1000
	outcome := func(good, usdPerToken, ms float64) datasets.Outcome {
		tokens := 50 + r.Int64N(200)
		o := datasets.Outcome{
			Quality: ptr(0.0), PromptTokens: ptr[int64](40), CompletionTokens: &tokens,
			CostUSD: ptr(usdPerToken * float64(tokens+40)), LatencyNS: int64(ms*1e6) + tokens*1e6, Attempts: 1,
		}
		if r.Float64() < good {
			*o.Quality = 1
		}
		return o
	}
	result := datasets.Result{
		Seq: int64(i), PromptID: fmt.Sprint("p", i), WinRate: &rate, Route: "weak", Propensity: 1,
		Outcomes: map[string]datasets.Outcome{
			"strong": outcome(0.9, 30e-6, 800),
			"weak":   outcome(0.95-0.7*rate, 0.5e-6, 150),
		},
	}
	if rate >= threshold {
		result.Route = "strong"
	}
	return result
}

// onlyRouted takes the outcome away that the run would not have.
func onlyRouted(r *datasets.Result) {
	r.Outcomes = map[string]datasets.Outcome{r.Route: r.Outcomes[r.Route]}
}

func stream(results []datasets.Result) iter.Seq2[datasets.Result, error] {
	return func(yield func(datasets.Result, error) bool) {
		for _, r := range results {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func build(t *testing.T, results []datasets.Result, opts Options) *Report {
	t.Helper()
	if opts.Strong == "" {
		opts.Strong, opts.Weak = "strong", "weak"
	}
	r, err := Build(t.Context(), stream(results), opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func center(t *testing.T, r *Report, name string) float64 {
	t.Helper()
	v, ok := r.Value(name)
	if !ok {
		t.Fatalf("no value %q", name)
	}
	return v.Center
}

// reports of every kind of run, for the golden pages.
func situations(t *testing.T) map[string]*Report {
	paired := build(t, world(400, 0.6), Options{Router: "mf", Threshold: ptr(0.6)})
	gates := []string{"apgr >= 0.6", "lower(apgr) >= 0.7", "cost_share <= 0.5", "quality@share<=0.3 >= 0.8"}
	paired.Verdicts = Check(paired, parseGates(t, gates))

	routed := world(200, 0.6)
	for i := range routed {
		onlyRouted(&routed[i])
	}

	sampled := world(2000, 0.6)
	for i := range sampled {
		sampled[i].Propensity = 0.1
		if i%10 != 0 {
			onlyRouted(&sampled[i])
		}
	}

	flawed := world(100, 0.6)
	for i := range flawed {
		for name, o := range flawed[i].Outcomes {
			switch {
			case i%10 == 0 && name == "strong":
				o = datasets.Outcome{Failure: &datasets.Failure{Class: "transient", Status: 503, Message: "busy"}, Attempts: 4}
			case i%7 == 0 && name == "weak":
				o.CostUSD = nil
			case i%13 == 0:
				o.Quality = nil
			}
			flawed[i].Outcomes[name] = o
		}
	}

	swapped := build(t, world(60, 0.6), Options{Strong: "weak", Weak: "strong"})

	only := world(50, 0.6)
	for i := range only {
		only[i].Outcomes = nil
	}
	return map[string]*Report{
		"paired":     paired,
		"routed":     build(t, routed, Options{Router: "mf", Threshold: ptr(0.6)}),
		"sampled":    build(t, sampled, Options{Router: "mf", Threshold: ptr(0.6)}),
		"flawed":     build(t, flawed, Options{Router: "mf", Threshold: ptr(0.6)}),
		"swapped":    swapped,
		"route-only": build(t, only, Options{Router: "mf", Threshold: ptr(0.6)}),
	}
}

func TestPages(t *testing.T) {
	for name, report := range situations(t) {
		for _, format := range []string{"csv", "json", "markdown", "text"} {
			people := format == "text" || format == "markdown"
			if people || name == "flawed" || name == "routed" {
				render, err := RendererFor(format)
				golden(t, name+"."+format, report, render, err)
			}
			if name == "flawed" {
				render, err := SweepRendererFor(format)
				golden(t, name+".sweep."+format, report, render, err)
			}
		}
	}
	if _, err := RendererFor("html4"); err == nil || !strings.Contains(err.Error(), "have csv, html, json, junit, markdown") {
		t.Errorf("an unknown format: %v", err)
	}
}

func golden(t *testing.T, name string, report *Report, render Renderer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".csv") && report.Curve == nil {
		if err := render(io.Discard, report); err == nil || !strings.Contains(err.Error(), "there is no curve: ") {
			t.Errorf("%s: error %v", name, err)
		}
		return
	}
	var got bytes.Buffer
	if err := render(&got, report); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "pages", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shorter(string(want)), shorter(got.String())); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update if it should:\n%s", path, diff)
	}
}

// shorter rounds the numbers of a page that shows them in full to nine digits:
// processors that fuse multiplications and additions differ in the last ones.
func shorter(page string) string {
	return longNumber.ReplaceAllStringFunc(page, func(s string) string {
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return s
		}
		return strconv.FormatFloat(x, 'g', 9, 64)
	})
}

var longNumber = regexp.MustCompile(`-?[0-9]+\.[0-9]{9,}(e[-+][0-9]+)?`)

// Judge: sums over the rows by hand.
func TestBuildAgainstHandSums(t *testing.T) {
	results := world(300, 0.37)
	report := build(t, results, Options{Threshold: ptr(0.37), Draws: -1})
	var quality, cost, strongCost, strong, weak, share float64
	for _, r := range results {
		quality += *r.Outcomes[r.Route].Quality
		cost += *r.Outcomes[r.Route].CostUSD
		strongCost += *r.Outcomes["strong"].CostUSD
		strong += *r.Outcomes["strong"].Quality
		weak += *r.Outcomes["weak"].Quality
		if r.Route == "strong" {
			share++
		}
	}
	n := float64(len(results))
	for name, want := range map[string]float64{
		"quality": quality / n, "cost_usd": cost, "strong_cost_usd": strongCost, "strong_share": share / n,
		"cost_share": cost / strongCost, "strong_quality": strong / n, "weak_quality": weak / n,
		"pgr": (quality - weak) / (strong - weak), "gap": (strong - weak) / n, "pairs": n, "prompts": n, "error_rate": 0,
	} {
		if got := center(t, report, name); !near(got, want) {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	if at := report.Curve.At(0.37); !near(at.Quality, quality/n) || !near(at.CostUSD, cost) {
		t.Errorf("the curve has %+v at the threshold, the rows %v and %v", at, quality/n, cost)
	}
}

// Judge: the full data. Over many random samples of a tenth of the pairs the
// weighted estimates must have the full data's figures for their mean.
func TestSampledRunsAreUnbiased(t *testing.T) {
	full := many(1000)
	want := build(t, full, Options{Draws: -1})
	names := []string{"strong_quality", "weak_quality", "pgr", "apgr", "strong_cost_usd", "cost_share", "auroc", "brier", "arena_score",
		"gain_random", "gain_best_single", "oracle_gap", "oracle_all_cost_usd", "best_single_quality", "zero_quality", "arena_opt_cost", "deferral_area_100", "cpt_50"}
	sums, squares := make([]float64, len(names)), make([]float64, len(names))
	const repeats = 300
	r := rand.New(rand.NewPCG(3, 4))
	for range repeats {
		sample := make([]datasets.Result, len(full))
		copy(sample, full)
		for i := range sample {
			// Prompts of low win rate are sampled less: only the weights can undo that.
			sample[i].Propensity = 0.1 + 0.4**sample[i].WinRate
			if r.Float64() >= sample[i].Propensity {
				onlyRouted(&sample[i])
			}
		}
		got := build(t, sample, Options{Draws: -1})
		for i, name := range names {
			x := center(t, got, name)
			sums[i] += x
			squares[i] += x * x
		}
	}
	for i, name := range names[:len(names)-1] { // a crossing is a quantile: only its size is compared below
		mean := sums[i] / repeats
		stderr := math.Sqrt((squares[i]/repeats - mean*mean) / repeats)
		if truth := center(t, want, name); math.Abs(mean-truth) > 4*stderr+0.002*math.Abs(truth) {
			t.Errorf("%s: mean of the samples %v ± %v, the full data has %v", name, mean, stderr, truth)
		}
	}
	last := len(names) - 1
	if mean, truth := sums[last]/repeats, center(t, want, names[last]); math.Abs(mean-truth) > 0.05 {
		t.Errorf("%s: mean of the samples %v, the full data has %v", names[last], mean, truth)
	}
}

func TestRoutedOnlyEstimatesNothingElse(t *testing.T) {
	report := situations(t)["routed"]
	for _, name := range []string{"pgr", "apgr", "apgr_cost", "cpt_50", "oracle_quality", "random_quality", "strong_quality", "gap", "cost_share"} {
		if v, _ := report.Value(name); v.OK() || !math.IsNaN(v.Center) || len(v.Warnings) == 0 {
			t.Errorf("%s = %+v without a single pair", name, v)
		}
	}
	for _, name := range []string{"quality", "cost_usd", "strong_share", "strong_latency_p95_s"} {
		if v, _ := report.Value(name); !v.OK() {
			t.Errorf("%s = %+v", name, v)
		}
	}
}

func TestUnknownPriceIsNotZero(t *testing.T) {
	results := world(40, 0.6)
	for name, o := range results[3].Outcomes {
		o.CostUSD = nil
		results[3].Outcomes[name] = o
	}
	report := build(t, results, Options{})
	for _, name := range []string{"cost_usd", "cost_share", "strong_cost_usd", "weak_cost_usd", "apgr_cost"} {
		if v, _ := report.Value(name); v.Missing != Unknown || !math.IsNaN(v.Center) || !strings.Contains(strings.Join(v.Warnings, ""), "1 of 40") {
			t.Errorf("%s = %+v with an unpriced row", name, v)
		}
	}
	if v, _ := report.Value("apgr"); !v.OK() {
		t.Errorf("apgr = %+v", v)
	}
}

func TestNoWinRates(t *testing.T) {
	results := world(40, 0.6)
	for i := range results {
		results[i].WinRate = nil
	}
	report := build(t, results, Options{})
	if v, _ := report.Value("apgr"); v.OK() || report.Curve != nil {
		t.Errorf("apgr = %+v without win rates", v)
	}
	for _, name := range []string{"pgr", "oracle_quality", "cost_share"} {
		if v, _ := report.Value(name); !v.OK() {
			t.Errorf("%s = %+v", name, v)
		}
	}
}

// The same rows in another order make the same report.
func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	results := world(200, 0.6)
	for i := range results {
		results[i].WinRate = ptr(math.Round(*results[i].WinRate*10) / 10)
	}
	a := build(t, results, Options{Draws: -1})
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	b := build(t, results, Options{Draws: -1})
	approx := cmpopts.EquateApprox(1e-12, 1e-12)
	if diff := cmp.Diff(a, b, approx, cmpopts.EquateNaNs(), cmp.AllowUnexported(Curve{})); diff != "" {
		t.Error(diff)
	}
}

func TestBuildRefuses(t *testing.T) {
	good := Options{Strong: "strong", Weak: "weak"}
	for _, c := range []struct {
		name string
		bend func(*datasets.Result)
	}{
		{"win rate", func(r *datasets.Result) { r.WinRate = ptr(math.NaN()) }},
		{"propensity", func(r *datasets.Result) { r.Propensity = 1.5 }},
		{"quality", func(r *datasets.Result) { r.Outcomes["weak"] = datasets.Outcome{Quality: ptr(1.01)} }},
		{"cost_usd", func(r *datasets.Result) { r.Outcomes["weak"] = datasets.Outcome{CostUSD: ptr(-1.0)} }},
		{"latency_ns", func(r *datasets.Result) { r.Outcomes["weak"] = datasets.Outcome{LatencyNS: -1} }},
		{"tokens", func(r *datasets.Result) { r.Outcomes["weak"] = datasets.Outcome{PromptTokens: ptr[int64](-1)} }},
	} {
		results := world(3, 0.5)
		c.bend(&results[1])
		if _, err := Build(t.Context(), stream(results), good); err == nil || !strings.Contains(err.Error(), c.name) || !strings.Contains(err.Error(), `"p1"`) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
	broken := errors.New("broken")
	if _, err := Build(t.Context(), func(yield func(datasets.Result, error) bool) { yield(datasets.Result{}, broken) }, good); !errors.Is(err, broken) {
		t.Errorf("error of the stream comes out as %v", err)
	}
	if _, err := Build(t.Context(), stream(nil), good); err == nil {
		t.Error("no results make a report")
	}
	for _, opts := range []Options{{}, {Strong: "a", Weak: "a"}, {Strong: "a", Weak: "b", Confidence: 1}, {Strong: "a", Weak: "b", Threshold: ptr(math.NaN())}} {
		if _, err := Build(t.Context(), stream(world(3, 0.5)), opts); err == nil {
			t.Errorf("options %+v make a report", opts)
		}
	}
}

// Nearest rank by definition: the smallest value that p of the calls do not exceed.
func TestLatencyIsTheNearestRank(t *testing.T) {
	for n := 1; n <= 100; n++ {
		var c tally
		for i := range n {
			c.latencies = append(c.latencies, int64(i+1)*1e9)
		}
		for _, percent := range []int{50, 95, 99} {
			want := 1
			for want*100 < percent*n {
				want++
			}
			if got := c.latency("", float64(percent)/100).Center; got != float64(want) {
				t.Errorf("p%d of 1..%d = %v, want %d", percent, n, got, want)
			}
		}
	}
}

func TestMetricTableIsSorted(t *testing.T) {
	names := MetricNames()
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			t.Errorf("%s is before %s", names[i-1], names[i])
		}
	}
}

// A page must not choke on what a file may call a model.
func TestNamesStayText(t *testing.T) {
	name := "<script>|`*_x_*`|\n# [a](b)\x1b[31m"
	results := world(3, 0.5)
	for i := range results {
		results[i].Outcomes[name] = results[i].Outcomes["weak"]
	}
	for format, forbidden := range map[string][]string{
		"markdown": {"<script>", "\n# [a]", "\x1b", "[a](b)"},
		"text":     {"\n# [a]", "\x1b"},
	} {
		render, err := RendererFor(format)
		if err != nil {
			t.Fatal(err)
		}
		var page bytes.Buffer
		if err := render(&page, build(t, results, Options{})); err != nil {
			t.Fatal(err)
		}
		for _, s := range forbidden {
			if strings.Contains(page.String(), s) {
				t.Errorf("%q got through to %s:\n%s", s, format, page.String())
			}
		}
	}
}

func TestJSONIsReadBack(t *testing.T) {
	for name, report := range situations(t) {
		var page bytes.Buffer
		if err := writeJSON(&page, report); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Schema string
			Values map[string]struct{ Center *float64 }
		}
		if err := json.Unmarshal(page.Bytes(), &got, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		for _, v := range report.Values {
			if c := got.Values[v.Name].Center; (c == nil) != !v.OK() || c != nil && *c != v.Center {
				t.Errorf("%s: %s is %v in JSON, %v in the report", name, v.Name, c, v.Center)
			}
		}
	}
}

func TestBuildStopsWithItsContext(t *testing.T) {
	opts := Options{Strong: "strong", Weak: "weak", Draws: 1 << 20}
	ctx, cancel := context.WithCancelCause(t.Context())
	n := 0
	counted := func(yield func(datasets.Result, error) bool) {
		for r, err := range worldStream(5000, 0.6) {
			if n++; !yield(r, err) {
				return
			}
		}
		time.AfterFunc(10*time.Millisecond, func() { cancel(nil) }) // while it draws
	}
	if _, err := Build(ctx, counted, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while drawing: %v", err)
	}
	n = 0
	if _, err := Build(ctx, counted, opts); !errors.Is(err, context.Canceled) || n > 1024 {
		t.Errorf("cancelled before: %v after %d rows", err, n)
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, bench := range []struct {
		name   string
		n      int
		draws  int
		slices int
	}{{"14k/2000draws", 14_000, 2000, 1}, {"14k/2000draws/50slices", 14_000, 2000, 50}, {"14k/0draws", 14_000, -1, 1}, {"1M/0draws", 1_000_000, -1, 1}, {"1M/2000draws", 1_000_000, 2000, 1}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			opts := Options{Strong: "strong", Weak: "weak", Draws: bench.draws, SliceBy: "category"}
			for b.Loop() {
				if _, err := Build(b.Context(), inSlices(worldStream(bench.n, 0.6), bench.slices), opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func inSlices(results iter.Seq2[datasets.Result, error], n int) iter.Seq2[datasets.Result, error] {
	return func(yield func(datasets.Result, error) bool) {
		for r, err := range results {
			r.Category = strconv.FormatInt(r.Seq%int64(n), 10)
			if !yield(r, err) {
				return
			}
		}
	}
}
