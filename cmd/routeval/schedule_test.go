package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
)

// Two models of one Ollama server are called one after the other, unless the server says
// that it holds both. The judge is the order in which it is called.
func TestScheduleAsksWhatIsLoaded(t *testing.T) {
	for _, tt := range []struct {
		loaded   string // what /api/ps says
		schedule string
		grouped  bool
	}{
		{`[{"name":"big:latest"},{"name":"small:latest"}]`, "auto", false},
		{`[{"name":"big:latest"},{"name":"small:latest"}]`, "grouped", true},
		{`[{"name":"small:latest"}]`, "auto", true},
		{`[]`, "auto", true},
		{`"what"`, "auto", true},
		{`[]`, "interleaved", false},
	} {
		var mu sync.Mutex
		var called []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/api/ps" {
				fmt.Fprintf(w, `{"models":%s}`, tt.loaded)
				return
			}
			var body struct {
				Model string `json:"model"`
			}
			if b, _ := io.ReadAll(r.Body); json.Unmarshal(b, &body) == nil {
				mu.Lock()
				called = append(called, body.Model)
				mu.Unlock()
			}
			io.WriteString(w, `{"model":"m","message":{"role":"assistant","content":"hello"},"done":true,"done_reason":"stop"}`)
		}))
		defer server.Close()
		dir := t.TempDir()
		var in strings.Builder
		for i := range 40 {
			fmt.Fprintf(&in, "{\"id\":%d,\"prompt\":\"prompt %[1]d\"}\n", i)
		}
		writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())
		writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
input: [%s]
models:
  strong: {provider: ollama, base_url: %[2]s, model: big, slots: 1}
  weak:   {provider: ollama, base_url: %[2]s, model: small, slots: 1}
router: {kind: random, threshold: 0.5}
schedule: %[3]s
`, filepath.Join(dir, "prompts.jsonl"), server.URL, tt.schedule))
		if out, err := routeval(t, "run", filepath.Join(dir, "run.yaml"), "-o", filepath.Join(dir, "run"), "--quiet").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		changes := 0
		for i := range called[1:] {
			if called[i] != called[i+1] {
				changes++
			}
		}
		if len(called) != 40 || (changes <= 1) != tt.grouped {
			t.Errorf("%s, loaded %s: %d calls, %d changes of the model", tt.schedule, tt.loaded, len(called), changes)
		}
	}
}
