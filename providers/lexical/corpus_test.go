package lexical

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// corpus is the prompts of recorded outcomes that lie beside the repository,
// source by source, without those marked as contaminated. The test is skipped
// where they are not.
func corpus(t testing.TB, sources ...string) []string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(dir, "go.mod")) {
		dir = filepath.Dir(dir)
	}
	var prompts []string
	for _, s := range sources {
		path := filepath.Join(dir, "..", "shared", "data", "outcomes", s, s+".jsonl.gz")
		if !exists(path) {
			t.Skipf("recorded outcomes %s are not at hand", s)
		}
		prompts = append(prompts, readPrompts(t, path)...)
	}
	return prompts
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func readPrompts(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(bufio.NewReader(f))
	if err != nil {
		t.Fatal(err)
	}
	var prompts []string
	for d := json.NewDecoder(z); ; {
		var row struct {
			Prompt       string
			Contaminated bool
		}
		if err := d.Decode(&row); errors.Is(err, io.EOF) {
			return prompts
		} else if err != nil {
			t.Fatal(err)
		}
		if !row.Contaminated {
			prompts = append(prompts, row.Prompt)
		}
	}
}

// The constants are in the definition; this says where they came from.
func TestStandardisationIsThatOfTheCorpus(t *testing.T) {
	prompts := corpus(t, "routellm_mmlu", "mmlu_pro")
	if len(prompts) != 20660 {
		t.Fatalf("%d prompts, want 20660", len(prompts))
	}
	e := New()
	var sum, squares [surfaces]float64
	for _, p := range prompts {
		var r reading
		e.read(&r, p)
		for i, x := range r.rawSurface() {
			sum[i] += x
			squares[i] += x * x
		}
	}
	n := float64(len(prompts))
	for i := range surfaces {
		mean := sum[i] / n
		sd := math.Sqrt(squares[i]/n - mean*mean)
		if math.Abs(means[i]-mean) > 1e-6*sd || math.Abs(deviations[i]/sd-1) > 1e-5 {
			t.Errorf("surface feature %d has mean %.7g and standard deviation %.6g, the definition says %g and %g", i, mean, sd, means[i], deviations[i])
		}
	}
}
