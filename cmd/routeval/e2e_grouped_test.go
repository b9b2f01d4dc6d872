//go:build e2e && unix

package main_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"routeval/cmd/routeval/internal/ollamatest"
	"routeval/pipeline"
)

// On a real server that keeps one model loaded, a grouped run loads each model at
// most once a chunk, and an interleaved one many times. The judge is the server:
// it says of every answer how long it was loading.
func TestE2EGroupedLoads(t *testing.T) {
	server := ollamatest.Start(t, "OLLAMA_MAX_LOADED_MODELS=1")
	server.Create(t, "strong", ollamatest.Scripted("The answer is B."))
	server.Create(t, "weak", ollamatest.Scripted("The answer is A."))
	const prompts, chunk = 40, 20
	dir := t.TempDir()
	var in strings.Builder
	for i := range prompts {
		fmt.Fprintf(&in, "{\"id\":%d,\"prompt\":\"question number %[1]d\"}\n", i)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())
	writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
input: [%s]
models:
  strong: {provider: ollama, base_url: %[2]s, model: strong, max_tokens: 16, slots: 1, price: {usd_per_hour: 1}}
  weak:   {provider: ollama, base_url: %[2]s, model: weak, max_tokens: 16, slots: 1, price: {usd_per_hour: 1}}
router: {kind: random, threshold: 0.5}
chunk: %d
`, filepath.Join(dir, "prompts.jsonl"), server.URL, chunk))
	loads := func(schedule string) (n int) {
		t.Helper()
		run := filepath.Join(dir, schedule)
		cmd := routeval(t, "run", filepath.Join(dir, "run.yaml"), "-o", run, "--schedule", schedule, "--quiet")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		_, results, err := pipeline.ReadRun(run)
		if err != nil {
			t.Fatal(err)
		}
		answered := 0
		for r, err := range results {
			if err != nil {
				t.Fatal(err)
			}
			o := r.Outcomes[r.Route]
			answered++
			// A warm model takes milliseconds, a cold one some tenths of a second.
			if time.Duration(o.LoadNS) > 100*time.Millisecond {
				n++
			}
		}
		if answered != prompts {
			t.Errorf("%d prompts answered of %d", answered, prompts)
		}
		return n
	}
	grouped, interleaved, auto := loads("grouped"), loads("interleaved"), loads("auto")
	t.Logf("%d prompts in %d chunks: %d loads grouped, %d interleaved, %d auto", prompts, prompts/chunk, grouped, interleaved, auto)
	for name, n := range map[string]int{"grouped": grouped, "auto": auto} {
		if n > 2*prompts/chunk {
			t.Errorf("%s: %d loads in %d chunks", name, n, prompts/chunk)
		}
	}
	if interleaved < 2*grouped+2 {
		t.Errorf("interleaved: %d loads, grouped %d", interleaved, grouped)
	}
}
