package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// counting is a loopback OpenAI-compatible server that answers a prompt with
// itself and counts the calls of each. Every call takes a while, so that some
// are always in flight.
type counting struct {
	mu       sync.Mutex
	calls    map[string]int
	total    int
	inFlight int
	at       int    // when total reaches this, onAt is called
	onAt     func() // once
}

func (c *counting) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Messages []struct{ Content string }
	}
	b, _ := io.ReadAll(req.Body)
	if json.Unmarshal(b, &body) != nil || len(body.Messages) == 0 {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	text := body.Messages[0].Content
	c.mu.Lock()
	c.calls[text]++
	c.total++
	c.inFlight++
	if c.total == c.at {
		c.onAt()
	}
	c.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{
		"model":   "echo",
		"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}},
		"usage":   map[string]any{"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6},
	})
	c.mu.Lock()
	c.inFlight--
	c.mu.Unlock()
}

// kill -9 at 20 random points of a run of 5,000 prompts: resumed each time, every
// prompt ends with exactly one line, and what was paid twice is bounded by the
// calls in flight at the kills. The judge is a server that counts.
func TestKilledTwentyTimes(t *testing.T) {
	const prompts, kills, slots = 5000, 20, 16
	server := &counting{calls: map[string]int{}}
	http := httptest.NewServer(server)
	defer http.Close()
	dir := t.TempDir()
	spec := filepath.Join(dir, "run.yaml")
	writeFile(t, spec, fmt.Sprintf(`
input: [%s]
models:
  strong: {provider: openai, base_url: %[2]s, model: echo, slots: %[3]d}
  weak:   {provider: openai, base_url: %[2]s, model: echo, slots: %[3]d}
router: {kind: random, threshold: 0.5}
grade: {kind: exact}
`, filepath.Join(dir, "prompts.jsonl"), http.URL, slots))
	var in strings.Builder
	for i := range prompts {
		fmt.Fprintf(&in, "{\"id\":%d,\"prompt\":\"prompt %[1]d\",\"reference\":\"prompt %[1]d\",\"carried\":%[1]d}\n", i)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())

	rng := rand.New(rand.NewPCG(20, 5000))
	bound := 0
	for range kills {
		var out strings.Builder
		cmd := routeval(t, "run", spec, "-o", filepath.Join(dir, "run"), "--quiet")
		cmd.Stdout, cmd.Stderr = &out, &out
		server.mu.Lock()
		server.at = server.total + 20 + rng.IntN(300)
		server.onAt = func() {
			cmd.Process.Kill()
			bound += 2 * slots
		}
		err := cmd.Start() // under the lock, since the kill reads what it sets
		server.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("the run ended before it was killed: %s", &out)
		}
		drained(t, server)
	}
	if out, err := routeval(t, "run", spec, "-o", filepath.Join(dir, "run")).CombinedOutput(); err != nil {
		t.Fatalf("the last session: %v\n%s", err, out)
	}
	lines := map[string]int{}
	f, err := os.Open(filepath.Join(dir, "run", "results.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		var r struct {
			ID       string
			Route    string
			Outcomes map[string]struct{ Answer string }
			Extra    struct{ Carried json.Number }
		}
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, s.Text())
		}
		lines[r.ID]++
		if r.Outcomes[r.Route].Answer != "prompt "+r.ID || string(r.Extra.Carried) != r.ID {
			t.Fatalf("prompt %s has %s", r.ID, s.Text())
		}
	}
	for i := range prompts {
		if n := lines[fmt.Sprint(i)]; n != 1 {
			t.Errorf("prompt %d has %d lines", i, n)
		}
	}
	if len(lines) != prompts || len(server.calls) != prompts {
		t.Errorf("%d lines and %d prompts called for %d", len(lines), len(server.calls), prompts)
	}
	if again := server.total - prompts; again > bound {
		t.Errorf("%d calls were repeated; at most %d were in flight at the kills", again, bound)
	} else {
		t.Logf("%d kills, %d of %d calls repeated, bound %d", kills, again, prompts, bound)
	}
}

// drained waits until the server has answered what a killed client left behind.
func drained(t *testing.T, s *counting) {
	for range 1000 {
		s.mu.Lock()
		n := s.inFlight
		s.mu.Unlock()
		if n == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the server still works on calls of a killed client")
}

// routeval is the real program, as a process of its own, with an empty cache.
func routeval(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "ROUTEVAL_TEST_MAIN=1", "XDG_CACHE_HOME="+t.TempDir(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
