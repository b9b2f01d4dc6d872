package main_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"routeval/datasets"
	"routeval/providers/lexical"
	"routeval/scoring"
)

// Names of RouteLLM's pair in the data.
const (
	gpt4    = "gpt-4-1106-preview"
	mixtral = "mixtral-8x7b-instruct-v0.1"
)

// shared is a path in the folder of large data beside the repository; the test
// is skipped where it is missing.
func shared(t testing.TB, path ...string) string {
	t.Helper()
	full := filepath.Join(append([]string{"..", "..", "..", "shared"}, path...)...)
	if _, err := os.Stat(full); err != nil {
		t.Skipf("the data is not beside the repository: %v", err)
	}
	return full
}

// outcomeRow is what tests read of a row of recorded outcomes, with their own
// reader, and the row as it stands.
type outcomeRow struct {
	ID           string
	Prompt       string
	Contaminated bool
	PromptTokens *float64 `json:"prompt_tokens"`
	Outcomes     map[string]struct {
		Score            float64
		PromptTokens     *float64 `json:"prompt_tokens"`
		CompletionTokens *float64 `json:"completion_tokens"`
	}
	raw string
}

// outcomeRows reads a data set of recorded outcomes.
func outcomeRows(t *testing.T, name string) (rows []outcomeRow) {
	t.Helper()
	file, err := os.Open(shared(t, "data", "outcomes", name, name+".jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		row := outcomeRow{raw: lines.Text()}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// lexicalWeights are seeded weights of RouteLLM's shape, 64 models of 128
// factors, on the embedder in the binary.
func lexicalWeights() *scoring.MF {
	const models, factors = 64, 128
	random := rand.New(rand.NewPCG(64, 128))
	gauss := func(n int, sd float64) []float32 {
		numbers := make([]float32, n)
		for i := range numbers {
			numbers[i] = float32(random.NormFloat64() * sd)
		}
		return numbers
	}
	return &scoring.MF{
		Card: scoring.Card{Embedding: scoring.Space{
			Model: lexical.Name, Dim: lexical.Dim, Fingerprint: lexical.New().Fingerprint(),
		}},
		Dim: factors, P: gauss(models*factors, 1), Projection: gauss(factors*lexical.Dim, 0.3), Classifier: gauss(factors, 1),
	}
}

// writeWeights writes weights into a file of the test.
func writeWeights(t testing.TB, mf *scoring.MF) (path string) {
	t.Helper()
	var file bytes.Buffer
	if err := mf.Encode(&file); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "weights.safetensors")
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// mustRun runs the program and gives its standard output.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	var out, words strings.Builder
	cmd := routeval(t, args...)
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("routeval %s: %v\n%s", strings.Join(args, " "), err, &words)
	}
	return out.String()
}

// resultsOf reads the journal of a run directory.
func resultsOf(t *testing.T, dir string) (results []datasets.Result) {
	t.Helper()
	for r, err := range datasets.Results([]string{filepath.Join(dir, "results.jsonl")}, datasets.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	return results
}
