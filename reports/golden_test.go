package reports

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// shared is the folder of large golden data beside the repository; the test is
// skipped where it is missing.
func shared(t *testing.T, path ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	full := filepath.Join(append([]string{dir, "..", "shared"}, path...)...)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("the golden data is not beside the repository: %v", err)
	}
	return full
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
}

// readNPY reads a one-dimensional little-endian float64 .npy file, version 1.0.
func readNPY(t *testing.T, path string) []float64 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(data, []byte("\x93NUMPY\x01\x00")) || !bytes.Contains(data[:128], []byte("'<f8'")) {
		t.Fatalf("%s is not a float64 .npy file of version 1.0", path)
	}
	data = data[10+int(binary.LittleEndian.Uint16(data[8:])):]
	v := make([]float64, len(data)/8)
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
	}
	return v
}

// atol is how far a figure may be from RouteLLM's, which adds in another order.
const atol = 1e-12

// Judge: RouteLLM's own evaluator, on the figures committed here.
func TestAgainstRouteLLM(t *testing.T) {
	var golden struct {
		Benchmarks []struct {
			Name           string
			QualityScale   float64 `json:"quality_scale"`
			Strong, Weak   []float64
			Length, Hash   []float64
			StrongAccuracy float64 `json:"strong_accuracy"`
			WeakAccuracy   float64 `json:"weak_accuracy"`
			Optimal        []float64
			Runs           []struct {
				Run    string
				Error  bool
				Points [][3]float64
				APGR   float64
			}
		}
	}
	readJSON(t, filepath.Join("testdata", "routellm.json"), &golden)
	if len(golden.Benchmarks) != 2 {
		t.Fatalf("%d benchmarks", len(golden.Benchmarks))
	}
	for _, b := range golden.Benchmarks {
		routers := map[string][]float64{"hash": b.Hash}
		for _, l := range b.Length {
			routers["len"] = append(routers["len"], l/(l+400))
		}
		for _, run := range b.Runs {
			t.Run(b.Name+"/"+run.Run, func(t *testing.T) {
				router, bins := splitRun(run.Run)
				curve := sweepQualities(t, routers[router], b.Strong, b.Weak)
				compareEnds(t, curve, b.QualityScale, b.StrongAccuracy, b.WeakAccuracy)
				comparePoints(t, curve, b.QualityScale, bins, run.Error, run.Points, run.APGR)
			})
		}
		if b.Optimal != nil {
			compareOptimal(t, b.Strong, b.Weak, b.QualityScale, b.Optimal)
		}
	}
}

// Judge: RouteLLM's own evaluator, all of its runs on GSM8K and MT-bench.
func TestAgainstRouteLLMInFull(t *testing.T) {
	eval := shared(t, "golden", "eval")
	results := readResults(t, eval)
	for _, name := range []string{"gsm8k", "mt-bench"} {
		b := results.Benchmarks[name]
		strong, weak := recordedQualities(t, name, false)
		if len(b.Runs) != 12 {
			t.Fatalf("%d runs of %s", len(b.Runs), name)
		}
		for key, run := range b.Runs {
			t.Run(name+"/"+key, func(t *testing.T) {
				router, bins := splitRun(key)
				curve := sweepQualities(t, readNPY(t, filepath.Join(eval, "winrates_"+name+"_"+router+".npy")), strong, weak)
				compareEnds(t, curve, b.scale(name), b.Strong, b.Weak)
				comparePoints(t, curve, b.scale(name), bins, run.Error != "", run.triples(), run.APGR)
			})
		}
	}
}

// Judge: RouteLLM's evaluator with the two models exchanged. Its APGR of a
// negative gap is a plausible number; ours must not exist.
func TestSwappedPairHasNoAPGR(t *testing.T) {
	eval := shared(t, "golden", "eval")
	strong, weak := recordedQualities(t, "gsm8k", false)
	curve := sweepQualities(t, readNPY(t, filepath.Join(eval, "winrates_gsm8k_hash.npy")), weak, strong)
	b := readResults(t, eval).Benchmarks["gsm8k_swapped"]
	compareEnds(t, curve, 100, b.Strong, b.Weak)
	if routellm, err := curve.APGRRouteLLM(10); err == nil || !math.IsNaN(routellm) || !math.IsNaN(curve.APGR()) {
		t.Errorf("APGR %v, RouteLLM's %v %v of a negative gap", curve.APGR(), routellm, err)
	}
	if p, ok := curve.CPT(0.5); ok {
		t.Errorf("CPT(50 %%) = %+v of a negative gap", p)
	}
}

// Judge: RouteLLM's thresholds and strong shares on all of MMLU, which need win
// rates alone.
func TestThresholdsAgainstRouteLLMOnMMLU(t *testing.T) {
	eval := shared(t, "golden", "eval")
	runs := readResults(t, eval).Benchmarks["mmlu"].Runs
	if len(runs) != 12 {
		t.Fatalf("%d runs", len(runs))
	}
	for key, run := range runs {
		t.Run(key, func(t *testing.T) {
			router, bins := splitRun(key)
			rates := readNPY(t, filepath.Join(eval, "winrates_mmlu_"+router+".npy"))
			curve := sweepQualities(t, rates, make([]float64, len(rates)), make([]float64, len(rates)))
			comparePoints(t, curve, math.NaN(), bins, run.Error != "", run.triples(), math.NaN())
		})
	}
}

// Judge: RouteLLM's optimal accuracy. Its budget at p percent is a fraction of
// a call on GSM8K; on MT-bench it is ⌊72p⌋ of all 80 questions, though it routes 72.
func TestOracleAgainstRouteLLM(t *testing.T) {
	eval := shared(t, "golden", "eval")
	results := readResults(t, eval)
	strong, weak := recordedQualities(t, "gsm8k", false)
	compareOptimal(t, strong, weak, 100, results.Benchmarks["gsm8k"].optimal(t))
	compareOptimal(t, weak, strong, 100, results.Benchmarks["gsm8k_swapped"].optimal(t))

	strong, weak = recordedQualities(t, "mt-bench", true)
	oracle, err := NewOracle(pairsOf(make([]float64, len(strong)), strong, weak))
	if err != nil {
		t.Fatal(err)
	}
	for percent, want := range results.Benchmarks["mt-bench"].optimal(t) {
		budget := math.Floor(72 * float64(percent) / 100)
		if got := oracle.AtShare(budget / 80).Quality; math.Abs(got-want) > atol*10 {
			t.Errorf("MT-bench optimal at %d %%: %v, RouteLLM has %v", percent, got, want)
		}
	}
}

func compareEnds(t *testing.T, c *Curve, scale, strong, weak float64) {
	t.Helper()
	if got := c.Strong().Quality * scale; math.Abs(got-strong) > atol*100 {
		t.Errorf("strong model's quality %v, RouteLLM has %v", got, strong)
	}
	if got := c.Weak().Quality * scale; math.Abs(got-weak) > atol*100 {
		t.Errorf("weak model's quality %v, RouteLLM has %v", got, weak)
	}
}

// comparePoints compares thresholds and shares exactly, accuracy and APGR to
// atol; qualities are left out where the scale is NaN.
func comparePoints(t *testing.T, c *Curve, scale float64, bins int, refused bool, want [][3]float64, apgr float64) {
	t.Helper()
	got, err := c.RouteLLM(bins)
	if refused != (err != nil) {
		t.Fatalf("error %v, RouteLLM fails: %v", err, refused)
	}
	if refused {
		return
	}
	if len(got) != len(want) {
		t.Fatalf("%d points, RouteLLM has %d", len(got), len(want))
	}
	for i, p := range got {
		w := want[i]
		if p.Threshold != w[0] {
			t.Errorf("point %d: threshold %v, RouteLLM has %v", i, p.Threshold, w[0])
		}
		if math.Abs(p.StrongShare-w[1]) > atol {
			t.Errorf("point %d: strong share %v, RouteLLM has %v", i, p.StrongShare, w[1])
		}
		if math.Abs(p.Quality*scale-w[2]) > atol*100 {
			t.Errorf("point %d: quality %v, RouteLLM has %v", i, p.Quality*scale, w[2])
		}
	}
	if math.IsNaN(scale) {
		return
	}
	if got, err := c.APGRRouteLLM(bins); err != nil || math.Abs(got-apgr) > atol {
		t.Errorf("APGR %v %v, RouteLLM has %v", got, err, apgr)
	}
}

func compareOptimal(t *testing.T, strong, weak []float64, scale float64, want []float64) {
	t.Helper()
	oracle, err := NewOracle(pairsOf(make([]float64, len(strong)), strong, weak))
	if err != nil {
		t.Fatal(err)
	}
	for percent, w := range want {
		if got := oracle.AtShare(float64(percent)/100).Quality * scale; math.Abs(got-w) > atol*100 {
			t.Errorf("optimal at %d %%: %v, RouteLLM has %v", percent, got, w)
		}
	}
}

type routeLLMResults struct {
	Benchmarks map[string]routeLLMBenchmark
}

type routeLLMBenchmark struct {
	Strong  float64 `json:"strong_accuracy"`
	Weak    float64 `json:"weak_accuracy"`
	Optimal map[string]float64
	Runs    map[string]routeLLMRun
}

type routeLLMRun struct {
	Error  string
	APGR   float64
	Points []struct {
		Threshold   float64
		StrongCalls float64 `json:"strong_calls"`
		Total       float64
		Accuracy    float64
	}
}

func readResults(t *testing.T, eval string) routeLLMResults {
	t.Helper()
	var results routeLLMResults
	readJSON(t, filepath.Join(eval, "results.json"), &results)
	return results
}

func (routeLLMBenchmark) scale(name string) float64 {
	if name == "mt-bench" {
		return 1
	}
	return 100
}

func (b routeLLMBenchmark) optimal(t *testing.T) []float64 {
	t.Helper()
	v := make([]float64, 101)
	if len(b.Optimal) != len(v) {
		t.Fatalf("%d optimal figures", len(b.Optimal))
	}
	for i := range v {
		v[i] = b.Optimal[strconv.Itoa(i)]
	}
	return v
}

func (r routeLLMRun) triples() [][3]float64 {
	var v [][3]float64
	for _, p := range r.Points {
		v = append(v, [3]float64{p.Threshold, p.StrongCalls / p.Total, p.Accuracy})
	}
	return v
}

// recordedQualities reads the outcomes of RouteLLM's pair: percent right on
// GSM8K, the mean of the two turns' judge scores on MT-bench.
func recordedQualities(t *testing.T, benchmark string, contaminated bool) (strong, weak []float64) {
	t.Helper()
	name := "routellm_" + strings.ReplaceAll(benchmark, "-", "_")
	f, err := os.Open(shared(t, "data", "outcomes", name, name+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	type outcome struct {
		Score      float64
		TurnScores []float64 `json:"turn_scores"`
	}
	quality := func(o outcome) float64 {
		if o.TurnScores != nil {
			return (o.TurnScores[0] + o.TurnScores[1]) / 2
		}
		return o.Score
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row struct {
			Contaminated bool
			Outcomes     map[string]outcome
		}
		if err := json.Unmarshal(lines.Bytes(), &row, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		if row.Contaminated && !contaminated {
			continue
		}
		strong = append(strong, quality(row.Outcomes["gpt-4-1106-preview"]))
		weak = append(weak, quality(row.Outcomes["mixtral-8x7b-instruct-v0.1"]))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return strong, weak
}

func pairsOf(rates, strong, weak []float64) []Pair {
	pairs := make([]Pair, len(rates))
	for i := range pairs {
		pairs[i] = Pair{WinRate: rates[i], StrongQuality: strong[i], WeakQuality: weak[i]}
	}
	return pairs
}

func sweepQualities(t *testing.T, rates, strong, weak []float64) *Curve {
	t.Helper()
	if len(rates) != len(strong) || len(rates) != len(weak) {
		t.Fatalf("%d win rates, %d and %d qualities", len(rates), len(strong), len(weak))
	}
	curve, err := Sweep(pairsOf(rates, strong, weak))
	if err != nil {
		t.Fatal(err)
	}
	return curve
}

func splitRun(run string) (router string, bins int) {
	router, n, _ := strings.Cut(run, "/")
	if n == "100" {
		return router, 100
	}
	return router, 10
}
