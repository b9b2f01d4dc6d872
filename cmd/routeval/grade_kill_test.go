package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// referee is a judge that counts what it is asked, and tells at a count.
type referee struct {
	mu    sync.Mutex
	calls map[string]int
	total int
	at    int
	onAt  func()
}

func (f *referee) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	b, _ := io.ReadAll(req.Body)
	f.mu.Lock()
	f.calls[string(b)]++
	f.total++
	if f.total == f.at {
		f.onAt()
	}
	f.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"model":   "referee",
		"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": "VERDICT: 8"}}},
		"usage":   map[string]any{"prompt_tokens": 100, "completion_tokens": 10},
	})
}

// kill -9 while a run is graded: its old grades stand until the new ones are
// whole, and the judge is asked again at most about the prompts that it was busy
// with. The judge of that is a judge that counts.
func TestGradeKilled(t *testing.T) {
	const prompts, kills, slots = 400, 6, 8
	f := &referee{calls: map[string]int{}}
	server := httptest.NewServer(f)
	defer server.Close()
	dir := t.TempDir()
	var in strings.Builder
	for i := range prompts {
		fmt.Fprintf(&in, "{\"id\":\"p%d\",\"prompt\":\"question %[1]d\",\"reference\":\"a\",\"outcomes\":{\"strong\":{\"answer\":\"a\"},\"weak\":{\"answer\":\"b\"}}}\n", i)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())
	writeFile(t, filepath.Join(dir, "spec.yaml"), fmt.Sprintf(`
input: [%s]
models: {strong: {provider: recorded}, weak: {provider: recorded}}
router: {kind: random, threshold: 0.5}
grade: {kind: exact}
`, filepath.Join(dir, "prompts.jsonl")))
	run := filepath.Join(dir, "run")
	if out, err := routeval(t, "run", filepath.Join(dir, "spec.yaml"), "-o", run).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	before, err := os.ReadFile(filepath.Join(run, "results.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	grade := []string{"grade", run, "--grade", "judge_single", "--judge", "openai/referee", "--quiet",
		"--set", "judge.base_url=" + server.URL, "--set", fmt.Sprintf("judge.slots=%d", slots)}
	for range kills {
		cmd := routeval(t, grade...)
		f.mu.Lock()
		f.at, f.onAt = f.total+100, func() { cmd.Process.Kill() }
		f.mu.Unlock()
		if out, err := cmd.CombinedOutput(); err == nil {
			t.Fatalf("it ended before it was killed: %s", out)
		}
		if now, _ := os.ReadFile(filepath.Join(run, "results.jsonl")); string(now) != string(before) {
			t.Fatal("a grading that was killed changed the run")
		}
	}
	if out, err := routeval(t, grade...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	after, _ := os.ReadFile(filepath.Join(run, "results.jsonl"))
	if n := strings.Count(string(after), `"grader":"judge_single"`); n != 2*prompts || strings.Count(string(after), "\n") != prompts {
		t.Errorf("%d answers are graded anew, want %d", n, 2*prompts)
	}
	again := f.total - 2*prompts
	if len(f.calls) != 2*prompts || again > kills*slots {
		t.Errorf("%d questions, %d of them paid twice; want %d and at most %d", len(f.calls), again, 2*prompts, kills*slots)
	}
	t.Logf("%d kills, %d of %d verdicts paid twice, bound %d", kills, again, 2*prompts, kills*slots)
}
