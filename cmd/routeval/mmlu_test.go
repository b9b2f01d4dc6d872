package main_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"routeval/datasets"
	"routeval/providers/lexical"
	"routeval/scoring"
)

// recordedSpec is a spec of RouteLLM's pair on recorded outcomes.
func recordedSpec(t *testing.T, input, router string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run.yaml")
	writeFile(t, path, fmt.Sprintf(`
input: [%s]
models:
  strong: {provider: recorded, model: %s}
  weak: {provider: recorded, model: %s}
prices: %s
router: %s
`, input, gpt4, mixtral, shared(t, "data", "prices.json"), router))
	return path
}

// The main job on the recorded outcomes of MMLU, by weights of RouteLLM's shape:
// from JSON Lines and from Parquet the same results to the last bit. The judges
// are RouteLLM's formula as it stands, unfolded, on the dense vector, and the
// rows as encoding/json reads them.
func TestMMLU(t *testing.T) {
	rows := outcomeRows(t, "routellm_mmlu")
	mf := lexicalWeights()
	winRate := unfolded(t, mf)
	dir := t.TempDir()
	input := shared(t, "data", "outcomes", "routellm_mmlu", "routellm_mmlu.jsonl.gz")
	threshold := strings.TrimSpace(mustRun(t, "calibrate", "-i", input, "--weights", writeWeights(t, mf),
		"--strong", "recorded/"+gpt4, "--weak", "recorded/"+mixtral, "--strong-share", "0.3"))
	spec := recordedSpec(t, input, fmt.Sprintf("{kind: mf, weights: %s, threshold: %s}", writeWeights(t, mf), threshold))
	mustRun(t, "run", spec, "-o", filepath.Join(dir, "jsonl"))
	mustRun(t, "convert", input, filepath.Join(dir, "mmlu.parquet"))
	mustRun(t, "run", spec, "-o", filepath.Join(dir, "parquet"), "-i", filepath.Join(dir, "mmlu.parquet"))

	results := resultsOf(t, filepath.Join(dir, "jsonl"))
	if diff := cmp.Diff(results, resultsOf(t, filepath.Join(dir, "parquet"))); diff != "" {
		t.Errorf("results of the same prompts as Parquet differ (-JSON Lines +Parquet):\n%.2000s", diff)
	}
	if len(results) != len(rows) {
		t.Fatalf("%d results of %d prompts", len(results), len(rows))
	}
	at, err := strconv.ParseFloat(threshold, 64)
	if err != nil {
		t.Fatal(err)
	}
	strong := 0
	for i, r := range results {
		row := rows[i]
		if r.PromptID != row.ID || r.Seq != int64(i) {
			t.Fatalf("result %d is of %s, want %s", i, r.PromptID, row.ID)
		}
		if i%40 == 0 { // the formula takes half a million multiplications
			if want := winRate(row.Prompt); math.Abs(*r.WinRate-want) > 1e-9 {
				t.Errorf("%s: win rate %v, by the formula %v", r.PromptID, *r.WinRate, want)
			}
		}
		want := "weak"
		if *r.WinRate >= at {
			want = "strong"
			strong++
		}
		s, w := r.Outcomes["strong"], r.Outcomes["weak"]
		if r.Route != want || *s.Quality != row.Outcomes[gpt4].Score || *w.Quality != row.Outcomes[mixtral].Score {
			t.Fatalf("%s: routed %s, qualities %v and %v; want %s and %+v", r.PromptID, r.Route, *s.Quality, *w.Quality, want, row.Outcomes)
		}
		if s.CostUSD != nil || float64(*s.PromptTokens) != *row.PromptTokens {
			t.Fatalf("%s: cost %v and %d prompt tokens; want none, since nobody counted the completion's, and %v", r.PromptID, s.CostUSD, *s.PromptTokens, *row.PromptTokens)
		}
		var extra map[string]any
		if err := json.Unmarshal(r.Extra, &extra); err != nil || extra["contaminated"] != row.Contaminated || extra["source"] != "routellm_mmlu" {
			t.Fatalf("%s: extra %s", r.PromptID, r.Extra)
		}
	}
	if share := float64(strong) / float64(len(rows)); math.Abs(share-0.3) > 1/float64(len(rows)) {
		t.Errorf("%v of the prompts are strong, calibrated to 0.3", share)
	}
	checkCurve(t, filepath.Join(dir, "jsonl"), results)
}

// unfolded is RouteLLM's win rate, factor by factor in float64, of the pair that
// its table of models names.
func unfolded(t *testing.T, mf *scoring.MF) func(text string) float64 {
	t.Helper()
	const strong, weak = 24, 36 // rows of gpt-4-1106-preview and mixtral-8x7b-instruct-v0.1
	embedder := lexical.New()
	return func(text string) float64 {
		e := make([]float32, lexical.Dim)
		embedder.Embed(e, text)
		logit := func(model int) (sum float64) {
			row := mf.P[model*mf.Dim:][:mf.Dim]
			var square float64
			for _, x := range row {
				square += float64(x) * float64(x)
			}
			for k := range mf.Dim {
				var projected float64
				for d, w := range mf.Projection[k*lexical.Dim:][:lexical.Dim] {
					projected += float64(w) * float64(e[d])
				}
				sum += float64(mf.Classifier[k]) * float64(row[k]) / math.Sqrt(square) * projected
			}
			return sum
		}
		return 1 / (1 + math.Exp(logit(weak)-logit(strong)))
	}
}

// reportFigures is what tests read of a report's JSON.
type reportFigures struct {
	Values map[string]struct {
		Center  *float64
		Missing string
	}
}

// checkCurve holds sweep and report on a run against brute force: routing every
// prompt anew at every threshold.
func checkCurve(t *testing.T, dir string, results []datasets.Result) {
	t.Helper()
	want := bruteForce(results)
	got := sweepOf(t, dir)
	if len(got) != len(want) {
		t.Fatalf("%d points, by brute force %d", len(got), len(want))
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-12 || math.IsNaN(a) && math.IsNaN(b) }
	for i := range want {
		g, w := got[i], want[i]
		if g.threshold != w.threshold || !near(g.share, w.share) || !near(g.quality, w.quality) || !near(g.pgr, w.pgr) ||
			!near(g.cost, w.cost) && math.Abs(g.cost/w.cost-1) > 1e-12 {
			t.Fatalf("point %d is %+v, by brute force %+v", i, g, w)
		}
	}

	var report reportFigures
	out := mustRun(t, "report", dir, "--format", "json", "--draws", "0")
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	for name, w := range bruteFigures(results, want) {
		g := report.Values[name]
		switch {
		case math.IsNaN(w) != (g.Center == nil):
			t.Errorf("%s is %v (%s), by brute force %v", name, g.Center, g.Missing, w)
		case g.Center != nil && math.Abs(*g.Center-w) > 1e-12*max(1, math.Abs(w)):
			t.Errorf("%s is %v, by brute force %v", name, *g.Center, w)
		}
	}
}

// A point is one line of a sweep; NaN is an empty cell.
type point struct{ threshold, share, quality, cost, pgr float64 }

// sweepOf is the sweep of a run directory as CSV.
func sweepOf(t *testing.T, dir string) (points []point) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(mustRun(t, "sweep", dir, "--format", "csv", "--draws", "0")), "\n")
	for _, line := range lines[1:] {
		numbers := [6]float64{}
		for i, cell := range strings.Split(line, ",") {
			if cell == "" {
				cell = "NaN"
			}
			var err error
			if numbers[i], err = strconv.ParseFloat(cell, 64); err != nil {
				t.Fatal(err)
			}
		}
		points = append(points, point{numbers[0], numbers[1], numbers[2], numbers[3], numbers[5]})
	}
	return points
}

// bruteForce routes every prompt at every threshold that is a win rate, and at
// one above them all.
func bruteForce(results []datasets.Result) (points []point) {
	n := len(results)
	rates, qualities, costs := make([]float64, n), make([][2]float64, n), make([][2]float64, n)
	for i, r := range results {
		rates[i] = *r.WinRate
		for side, name := range []string{"weak", "strong"} {
			o := r.Outcomes[name]
			qualities[i][side], costs[i][side] = *o.Quality, math.NaN()
			if o.CostUSD != nil {
				costs[i][side] = *o.CostUSD
			}
		}
	}
	thresholds := slices.Compact(slices.Sorted(slices.Values(append(slices.Clone(rates), math.Inf(1)))))
	for _, threshold := range slices.Backward(thresholds) {
		p := point{threshold: threshold}
		for i, rate := range rates {
			side := 0
			if rate >= threshold {
				p.share++
				side = 1
			}
			p.quality += qualities[i][side]
			p.cost += costs[i][side]
		}
		p.share /= float64(n)
		p.quality /= float64(n)
		points = append(points, p)
	}
	weak, strong := points[0].quality, points[len(points)-1].quality
	for i := range points {
		points[i].pgr = (points[i].quality - weak) / (strong - weak)
	}
	return points
}

// bruteFigures are figures of a report by their definitions.
func bruteFigures(results []datasets.Result, points []point) map[string]float64 {
	weak, strong := points[0], points[len(points)-1]
	figures := map[string]float64{
		"weak_quality": weak.quality, "strong_quality": strong.quality, "gap": strong.quality - weak.quality,
		"weak_cost_usd": weak.cost, "strong_cost_usd": strong.cost, "pairs": float64(len(results)),
	}
	var share, quality, cost, oracle, better float64
	for _, r := range results {
		s, w, o := r.Outcomes["strong"], r.Outcomes["weak"], r.Outcomes[r.Route]
		if r.Route == "strong" {
			share++
		}
		quality += *o.Quality
		if o.CostUSD == nil {
			cost = math.NaN()
		} else {
			cost += *o.CostUSD
		}
		oracle += max(*s.Quality, *w.Quality)
		if *s.Quality > *w.Quality {
			better++
		}
	}
	n := float64(len(results))
	figures["strong_share"], figures["quality"], figures["cost_usd"] = share/n, quality/n, cost
	figures["cost_share"] = cost / strong.cost
	figures["pgr"] = (quality/n - weak.quality) / (strong.quality - weak.quality)
	figures["oracle_quality"], figures["oracle_share"] = oracle/n, better/n
	figures["random_quality"] = weak.quality + share/n*(strong.quality-weak.quality)
	for i := 1; i < len(points); i++ { // area by trapezoids, ends anchored
		figures["apgr"] += (points[i].share - points[i-1].share) * (points[i].pgr + points[i-1].pgr) / 2
	}
	for name, x := range map[string]float64{"cpt_50": 0.5, "cpt_80": 0.8, "cpt_95": 0.95} {
		i := slices.IndexFunc(points, func(p point) bool { return p.pgr >= x-1e-12 })
		figures[name] = points[i].share
	}
	return figures
}

// pseudo are the win rates of RouteLLM's golden pseudo-routers.
var pseudo = map[string]func(text string) float64{
	"hash": hashRate,
	"digits": func(text string) float64 {
		var digits, letters float64
		for _, c := range []byte(text) {
			switch {
			case '0' <= c && c <= '9':
				digits++
			case 'a' <= c|0x20 && c|0x20 <= 'z':
				letters++
			}
		}
		return (digits + 1) / (letters + digits + 2)
	},
	"len": func(text string) float64 {
		n := float64(len([]rune(text)))
		return n / (n + 400)
	},
	"coarse": func(text string) float64 { return math.Floor(20*hashRate(text)) / 20 },
	"two":    func(text string) float64 { return math.Floor(2 * hashRate(text)) },
	"const":  func(string) float64 { return 0.25 },
}

// hashRate is FNV-1a mixed once more, as golden/README.md has it.
func hashRate(text string) float64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

// goldenResults is what tests read of RouteLLM's own evaluation.
type goldenResults struct {
	Benchmarks map[string]struct {
		N              int
		StrongAccuracy float64 `json:"strong_accuracy"`
		WeakAccuracy   float64 `json:"weak_accuracy"`
		Optimal        map[string]float64
		Runs           map[string]struct {
			Error  string
			APGR   *float64
			Points []struct {
				Threshold   float64
				StrongCalls float64 `json:"strong_calls"`
				Total       float64
				Accuracy    float64
			}
		}
	}
}

// Sweep and report on GSM8K and MT-bench, by the win rates of six pseudo-routers,
// give the figures of RouteLLM's own evaluator: accuracy of both models and of the
// oracle, share and accuracy at each of its thresholds, its APGR. Where it fails (win
// rates that are often equal) or is wrong (the oracle of MT-bench counts
// questions that it has dropped) brute force is the only judge.
func TestRouteLLMBenchmarks(t *testing.T) {
	golden := shared(t, "golden", "eval")
	var want goldenResults
	data, err := os.ReadFile(filepath.Join(golden, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for name, scale := range map[string]float64{"gsm8k": 100, "mt-bench": 10} {
		t.Run(name, func(t *testing.T) {
			rows := slices.DeleteFunc(outcomeRows(t, "routellm_"+strings.ReplaceAll(name, "-", "_")), func(r outcomeRow) bool { return r.Contaminated })
			bench := want.Benchmarks[name]
			if len(rows) != bench.N {
				t.Fatalf("%d rows, RouteLLM has %d", len(rows), bench.N)
			}
			dir := t.TempDir()
			var input strings.Builder
			for _, row := range rows {
				input.WriteString(row.raw + "\n")
			}
			writeFile(t, filepath.Join(dir, "kept.jsonl"), input.String())
			spec := recordedSpec(t, filepath.Join(dir, "kept.jsonl"), "{kind: random, threshold: 0.5}")
			mustRun(t, "run", spec, "-o", filepath.Join(dir, "hash"))
			results := resultsOf(t, filepath.Join(dir, "hash"))
			for router, rate := range pseudo {
				t.Run(router, func(t *testing.T) {
					run := filepath.Join(dir, router)
					if router == "hash" {
						checkRates(t, results, rows, rate)
					} else {
						rerouted(t, filepath.Join(dir, "hash"), run, results, rows, rate)
					}
					checkCurve(t, run, resultsOf(t, run))
					checkEnds(t, run, name, bench.StrongAccuracy/scale, bench.WeakAccuracy/scale, bench.Optimal["100"]/scale)
					curve := sweepOf(t, run)
					for _, bins := range []string{"/10", "/100"} {
						g := bench.Runs[router+bins]
						for i, p := range g.Points {
							threshold := p.Threshold
							if i == len(g.Points)-1 {
								threshold = math.Inf(1) // its last point compares with >, so nothing is strong
							}
							at := curve[0]
							for _, c := range curve {
								if c.threshold >= threshold {
									at = c
								}
							}
							if math.Abs(at.share-p.StrongCalls/p.Total) > 1e-12 || math.Abs(at.quality-p.Accuracy/scale) > 1e-12 {
								t.Errorf("at %v: share %v and quality %v, RouteLLM has %v and %v", p.Threshold, at.share, at.quality, p.StrongCalls/p.Total, p.Accuracy/scale)
							}
						}
					}
					checkAPGR(t, run, bench.Runs[router+"/10"].APGR)
				})
			}
		})
	}
}

// checkRates holds the random router of the program against the golden hash.
func checkRates(t *testing.T, results []datasets.Result, rows []outcomeRow, rate func(string) float64) {
	t.Helper()
	for i, r := range results {
		if want := rate(rows[i].Prompt); *r.WinRate != want {
			t.Fatalf("%s: win rate %v, want %v", r.PromptID, *r.WinRate, want)
		}
	}
}

// rerouted writes a run directory whose results have other win rates, and the
// routes that follow.
func rerouted(t *testing.T, from, to string, results []datasets.Result, rows []outcomeRow, rate func(string) float64) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	_, err := datasets.WriteResults(filepath.Join(to, "results.jsonl"), func(yield func(datasets.Result, error) bool) {
		for i, r := range results {
			winRate := rate(rows[i].Prompt)
			r.WinRate, r.Route = &winRate, "weak"
			if winRate >= 0.5 {
				r.Route = "strong"
			}
			if !yield(r, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkEnds(t *testing.T, run, name string, strong, weak, optimal float64) {
	t.Helper()
	report := reportOf(t, run)
	want := map[string]float64{"strong_quality": strong, "weak_quality": weak}
	if name != "mt-bench" {
		want["oracle_quality"] = optimal
	}
	for value, w := range want {
		if g := report.Values[value].Center; g == nil || math.Abs(*g-w) > 1e-12 {
			t.Errorf("%s is %v, RouteLLM has %v", value, g, w)
		}
	}
}

// checkAPGR compares RouteLLM's own APGR, which the report repeats; nil where
// RouteLLM fails.
func checkAPGR(t *testing.T, run string, want *float64) {
	t.Helper()
	got := reportOf(t, run).Values["apgr_routellm"].Center
	if (got == nil) != (want == nil) || got != nil && math.Abs(*got-*want) > 1e-12 {
		t.Errorf("apgr_routellm is %v, RouteLLM has %v", got, want)
	}
}

func reportOf(t *testing.T, run string) (report reportFigures) {
	t.Helper()
	if err := json.Unmarshal([]byte(mustRun(t, "report", run, "--format", "json", "--draws", "0")), &report); err != nil {
		t.Fatal(err)
	}
	return report
}
