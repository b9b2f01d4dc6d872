package main_test

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"routeval/datasets"
	"routeval/providers/faulttest"
)

// weather is a run of the real program through a server that spoils 30 % of its calls and is
// away twice.
type weather struct {
	prompts int
	slots   string  // as in a spec
	rate    float64 // calls a second that the server admits
	outages []faulttest.Span
}

// The same at full length is TestE2ERoughWeather.
func TestRoughWeather(t *testing.T) {
	weather{200, "{min: 1, start: 8, max: 256}", 800, []faulttest.Span{
		{From: 200 * time.Millisecond, To: 700 * time.Millisecond},
		{From: 2 * time.Second, To: 2500 * time.Millisecond},
	}}.run(t)
}

// run fails unless every prompt has exactly one line, every failure a class, and calls are at
// most 1.6 a prompt. The judge is what the server counts.
// It returns how many calls the server had admitted after each second.
func (w weather) run(t *testing.T) (admitted []int) {
	server, err := faulttest.New(faulttest.Options{
		Seed: 1, Latency: 20 * time.Millisecond, Share: 0.3, Stall: 200 * time.Millisecond,
		Rate: w.rate, Outages: w.outages,
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewUnstartedServer(server)
	listener.Config.ErrorLog = log.New(io.Discard, "", 0)
	listener.Start()
	defer listener.Close()
	dir := t.TempDir()
	var in strings.Builder
	for i := range w.prompts {
		fmt.Fprintf(&in, "{\"id\":%d,\"prompt\":\"prompt %[1]d\"}\n", i)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())
	writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
input: [%s]
models:
  strong: {provider: openai, base_url: %[2]s, model: echo, slots: %[3]s}
  weak:   {provider: openai, base_url: %[2]s, model: echo, slots: %[3]s}
router: {kind: random, threshold: 0}
`, filepath.Join(dir, "prompts.jsonl"), listener.URL, w.slots))
	start, over, seconds := time.Now(), make(chan struct{}), make(chan []int)
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		var admitted []int
		for {
			select {
			case <-tick.C:
				n := server.Counts()
				admitted = append(admitted, n.Calls-n.Cut-n.Refused)
			case <-over:
				seconds <- admitted
				return
			}
		}
	}()
	out, err := routeval(t, "run", filepath.Join(dir, "run.yaml"), "-o", filepath.Join(dir, "run"), "--quiet").CombinedOutput()
	took, counts := time.Since(start), server.Counts()
	close(over)
	admitted = <-seconds
	if err != nil && !strings.Contains(string(out), "have no answer") {
		t.Fatalf("%v\n%s", err, out)
	}
	failed, lines := map[string]int{}, 0
	for r, err := range datasets.Results([]string{filepath.Join(dir, "run", "results.jsonl")}, datasets.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		lines++ // the journal refuses a prompt's second line
		o := r.Outcomes[r.Route]
		switch {
		case o.Failure != nil && (o.Failure.Class != "transient" || o.Failure.Message == ""):
			t.Errorf("prompt %s: %+v", r.PromptID, o.Failure)
		case o.Failure != nil:
			failed[fmt.Sprint(o.Failure.Status)]++
		case o.Answer != "prompt "+r.PromptID:
			t.Errorf("prompt %s: %q", r.PromptID, o.Answer)
		}
	}
	n := 0
	for _, k := range failed {
		n += k
	}
	t.Logf("%d prompts in %s: %d calls (%.2f a prompt), %d without an answer %v; the server: %+v",
		lines, took.Round(time.Millisecond), counts.Calls, float64(counts.Calls)/float64(w.prompts), n, failed, counts)
	if lines != w.prompts || float64(counts.Calls) > 1.6*float64(w.prompts) || n > w.prompts/50 || len(server.Answers()) < w.prompts-n {
		t.Errorf("%d lines of %d, %d calls, %d failures", lines, w.prompts, counts.Calls, n)
	}
	return admitted
}
