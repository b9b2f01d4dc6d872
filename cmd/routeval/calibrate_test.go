package main_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"routeval/datasets"
	"routeval/reports"
	"routeval/scoring"
)

// calibrationData writes prompts with recorded outcomes, of which strong's are
// better where RouteLLM's hash ranks them high, and gives their pairs by category.
func calibrationData(t *testing.T, n int) (input string, pairs map[string][]reports.Pair) {
	t.Helper()
	random := rand.New(rand.NewPCG(8, 8))
	pairs = map[string][]reports.Pair{}
	var rows strings.Builder
	for i := range n {
		prompt, category := fmt.Sprintf("prompt number %d", i), "abc"[i%3:i%3+1]
		rate := make([]float64, 1)
		if err := (scoring.Random{}).WinRates(t.Context(), rate, []scoring.Features{{Query: prompt}}); err != nil {
			t.Fatal(err)
		}
		strong, weak := 1.0, 1.0
		if random.Float64() < 0.1 {
			strong = 0
		}
		if random.Float64() < 0.1+0.6*rate[0] {
			weak = 0
		}
		fmt.Fprintf(&rows, `{"id":"%d","prompt":%q,"category":%q,"group":"%d","outcomes":{"big":{"quality":%v,"cost_usd":0.01},"small":{"quality":%v,"cost_usd":0.001}}}`+"\n",
			i, prompt, category, i/2, strong, weak)
		p := reports.Pair{WinRate: rate[0], StrongQuality: strong, WeakQuality: weak, StrongCostUSD: 0.01, WeakCostUSD: 0.001, Weight: 1}
		pairs[category], pairs[""] = append(pairs[category], p), append(pairs[""], p)
	}
	input = filepath.Join(t.TempDir(), "outcomes.jsonl")
	writeFile(t, input, rows.String())
	return input, pairs
}

var onRandom = []string{"--router", "random", "--strong", "recorded/big", "--weak", "recorded/small", "--draws", "400", "--bootstrap-seed", "3"}

// Without a holdout the thresholds, of all prompts and of each category, are those
// of the library, and a run routed by them keeps what it was promised.
func TestCalibrateIsTheLibrary(t *testing.T) {
	input, pairs := calibrationData(t, 900)
	out := mustRun(t, append([]string{"calibrate", "-i", input, "--pgr", "0.7", "--holdout", "0", "--by", "category", "--format", "yaml"}, onRandom...)...)
	var got struct {
		Router struct {
			Threshold  float64
			Thresholds map[string]float64
		}
	}
	if err := yaml.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Router.Thresholds) != 3 {
		t.Errorf("thresholds of %d categories, want 3", len(got.Router.Thresholds))
	}
	for category, list := range pairs {
		p, err := reports.KeepPGR(t.Context(), list, 0.7, reports.Options{Strong: "strong", Weak: "weak", Draws: 400, Seed: 3})
		if err != nil {
			t.Fatal(err)
		}
		threshold := got.Router.Threshold
		if category != "" {
			threshold = got.Router.Thresholds[category]
		}
		if threshold != p.Threshold {
			t.Errorf("category %q: threshold %v, of the library %v", category, threshold, p.Threshold)
		}
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf("input: [%s]\nmodels: {strong: {provider: recorded, model: big}, weak: {provider: recorded, model: small}}\n%s  kind: random\n", input, out))
	mustRun(t, "run", filepath.Join(dir, "run.yaml"), "-o", filepath.Join(dir, "run"), "-q")
	for _, r := range resultsOf(t, filepath.Join(dir, "run")) {
		want := "weak"
		if *r.WinRate >= got.Router.Thresholds[r.Category] {
			want = "strong"
		}
		if r.Route != want {
			t.Fatalf("prompt %s of category %s went %s", r.PromptID, r.Category, r.Route)
		}
	}
}

// Half of the groups are held out, whole: rows of one group are on one side, and
// rows that change on one side change nothing on the other.
func TestCalibrateHoldsGroupsOut(t *testing.T) {
	input, _ := calibrationData(t, 900)
	args := append([]string{"--pgr", "0.7"}, onRandom...)
	threshold, chosen, held := calibrateWithWords(t, input, args...)
	if chosen+held != 900 || chosen%2 != 0 || chosen < 380 || chosen > 520 {
		t.Errorf("chosen on %d prompts, %d held out, of 900 in pairs", chosen, held)
	}
	// Groups are taken away one at a time: one side shrinks by a whole group, and
	// where that was held out the choice stays.
	kept := datasets.Prompts([]string{input}, datasets.Options{})
	groups := 0
	for p, err := range kept {
		if err != nil {
			t.Fatal(err)
		}
		if groups++; groups > 12 {
			break
		}
		without := filepath.Join(t.TempDir(), "without.jsonl")
		lines := strings.Split(string(readFile(t, input)), "\n")
		i, _ := strconv.Atoi(p.ID)
		first := i - i%2
		writeFile(t, without, strings.Join(append(append([]string{}, lines[:first]...), lines[first+2:]...), "\n"))
		other, fewer, left := calibrateWithWords(t, without, args...)
		switch {
		case fewer == chosen && left == held-2:
			if other != threshold {
				t.Errorf("the threshold changed from %s to %s with a group that was held out", threshold, other)
			}
		case fewer == chosen-2 && left == held:
		default:
			t.Errorf("without the group of prompt %s: %d and %d prompts, were %d and %d", p.ID, fewer, left, chosen, held)
		}
	}
}

// calibrateWithWords runs calibrate and reads how many prompts it says it was
// chosen on and held out.
func calibrateWithWords(t *testing.T, input string, args ...string) (threshold string, chosen, held int) {
	t.Helper()
	cmd := routeval(t, append([]string{"calibrate", "-i", input}, args...)...)
	var out, words strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &words)
	}
	m := regexp.MustCompile(`(?m)^prompts +(\d+) +(\d+)$`).FindStringSubmatch(words.String())
	if m == nil {
		t.Fatalf("no numbers of prompts in:\n%s", &words)
	}
	chosen, _ = strconv.Atoi(m[1])
	held, _ = strconv.Atoi(m[2])
	return strings.TrimSpace(out.String()), chosen, held
}

// A budget against brute force: the cost of routing every prompt at every
// threshold, from the rows.
func TestCalibrateForABudgetAgainstBruteForce(t *testing.T) {
	input, pairs := calibrationData(t, 300)
	for _, budget := range []float64{1.2, 3, 5.55, 9} {
		best, share := math.Nextafter(1, 2), 0
		for _, at := range pairs[""] {
			cost, strong := 0.0, 0
			for _, p := range pairs[""] {
				if p.WinRate >= at.WinRate {
					cost += p.StrongCostUSD
					strong++
				} else {
					cost += p.WeakCostUSD
				}
			}
			if cost*1000/300 <= budget && strong > share {
				best, share = at.WinRate, strong
			}
		}
		out := mustRun(t, append([]string{"calibrate", "-i", input, "--budget", fmt.Sprint(budget), "--prompts", "1000", "--holdout", "0"}, onRandom...)...)
		if got := strings.TrimSpace(out); got != fmt.Sprint(best) {
			t.Errorf("budget %v: threshold %s, by brute force %v (%d of 300 strong)", budget, got, best, share)
		}
	}
}
