//go:build e2e && unix

package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"routeval/cmd/routeval/internal/ollamatest"
	"routeval/datasets"
)

// The main job through the real program against a real server: embeddings and
// both candidates come from it, by its own API and by its OpenAI-compatible one;
// every row is as wanted, and check, report and sweep understand the run.
func TestE2EMainJob(t *testing.T) {
	server := ollamatest.Start(t)
	const n = 60
	run := newWantedRun(t, server, n)
	dir := t.TempDir()

	before := server.Served(t, "/api/chat")
	embeds := server.Served(t, "/api/embed")
	native := filepath.Join(dir, "native")
	mustRun(t, "run", run.spec, "-o", native)
	run.compare(t, native)
	if calls := server.Served(t, "/api/chat") - before; calls != n {
		t.Errorf("%d chat calls for %d prompts", calls, n)
	}
	if calls := server.Served(t, "/api/embed") - embeds; calls != 1 {
		t.Errorf("%d embedding calls for %d prompts in one batch", calls, n)
	}

	t.Run("openai", func(t *testing.T) {
		args := []string{"run", run.spec, "-o", filepath.Join(dir, "openai")}
		for _, role := range []string{"embedding", "models.strong", "models.weak"} {
			args = append(args, "--set", role+".provider=openai", "--set", role+".base_url="+server.URL)
		}
		mustRun(t, args...)
		run.compare(t, filepath.Join(dir, "openai"))
	})
	t.Run("check", func(t *testing.T) {
		out := mustRun(t, "check", run.spec)
		for _, want := range []string{
			"spec: ok", "embedding: ok +ollama/embedder ", "models.strong: ok +ollama/strong ", "models.weak: ok +ollama/weak ",
			"  ok +embedding +width 64, norm 1\\b", "  ok +server +Ollama " + regexp.QuoteMeta(ollamatest.Version),
		} {
			if !regexp.MustCompile("(?m)^" + want).MatchString(out) {
				t.Errorf("check prints no line %q:\n%s", want, out)
			}
		}
	})
	t.Run("check finds", func(t *testing.T) {
		out, err := routeval(t, "check", run.spec, "--set", "models.weak.model=absent", "--set", "embedding.model=strong").CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
			t.Errorf("check ends with %v, want status 1", err)
		}
		for _, want := range []string{"absent is not among the 3 models served", "mend: run `ollama pull absent`", "check: 2 of 4 parts failed"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("check does not print %q:\n%s", want, out)
			}
		}
	})
	t.Run("report", func(t *testing.T) {
		var quality, strong float64
		for _, w := range run.want {
			quality += w.quality / n
			if w.route == "strong" {
				strong += 1. / n
			}
		}
		report := reportOf(t, native)
		for name, want := range map[string]float64{"quality": quality, "strong_share": strong, "prompts": n, "error_rate": 0} {
			if got := report.Values[name].Center; got == nil || math.Abs(*got-want) > 1e-12 {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		for _, name := range []string{"cost_usd", "strong_latency_p50_s", "weak_latency_p99_s"} {
			if got := report.Values[name].Center; got == nil || *got <= 0 {
				t.Errorf("%s is %v, want it above 0", name, got)
			}
		}
	})
	t.Run("both", func(t *testing.T) {
		both := filepath.Join(dir, "both")
		mustRun(t, "run", run.spec, "-o", both, "--execute", "both")
		run.compare(t, both)
		checkCurve(t, both, resultsOf(t, both))
	})
}

// compare holds the results of a run directory against what is wanted.
func (w wantedRun) compare(t *testing.T, dir string) {
	t.Helper()
	results := map[string]datasets.Result{}
	for _, r := range resultsOf(t, dir) {
		if _, twice := results[r.PromptID]; twice {
			t.Errorf("%s has two lines", r.PromptID)
		}
		results[r.PromptID] = r
	}
	if len(results) != len(w.want) {
		t.Errorf("%d results of %d prompts", len(results), len(w.want))
	}
	for i, want := range w.want {
		r := results[want.id]
		o := r.Outcomes[r.Route]
		switch {
		case r.WinRate == nil || o.Quality == nil || o.CostUSD == nil || o.PromptTokens == nil || o.CompletionTokens == nil:
			t.Fatalf("%s: a figure is missing: %+v", want.id, r)
		case math.Abs(*r.WinRate-want.winRate) > 1e-5 || r.Route != want.route:
			t.Errorf("%s: win rate %v to %s, want %v to %s", want.id, *r.WinRate, r.Route, want.winRate, want.route)
		case o.Answer != want.answer || *o.Quality != want.quality || o.FinishReason != "stop":
			t.Errorf("%s: answer %q of quality %v (%s), want %q of %v", want.id, o.Answer, *o.Quality, o.FinishReason, want.answer, want.quality)
		case o.LatencyNS <= 0 || o.Attempts != 1 || len(o.Warnings) > 0:
			t.Errorf("%s: latency %d ns, %d attempts, warnings %q", want.id, o.LatencyNS, o.Attempts, o.Warnings)
		}
		price := [2]float64{0.5, 1.5}
		if r.Route == "strong" {
			price = [2]float64{10, 30}
		}
		cost := (float64(*o.PromptTokens)*price[0] + float64(*o.CompletionTokens)*price[1]) / 1e6
		if math.Abs(*o.CostUSD-cost) > 1e-15 {
			t.Errorf("%s: costs %v, by its tokens %v", want.id, *o.CostUSD, cost)
		}
		row := newInputRow(i)
		if extra := fmt.Sprintf(`{"digits":[%d,%d]}`, row.Digits[0], row.Digits[1]); string(r.Extra) != extra || r.Category != row.Category || r.Reference != row.Reference {
			t.Errorf("%s: extra %s, category %q, reference %q; want %s, %q, %q", want.id, r.Extra, r.Category, r.Reference, extra, row.Category, row.Reference)
		}
	}
}

// A run against the real server is killed in the middle and resumed: every row is
// there once, as wanted, and the server has worked at most on the calls that were
// in flight again. Interrupted gently, it repeats none.
func TestE2EKilledAndResumed(t *testing.T) {
	server := ollamatest.Start(t)
	const n, slots = 300, 4 // of each candidate
	run := newWantedRun(t, server, n)
	for _, c := range []struct {
		name   string
		signal os.Signal
		status int // -1 for an end by the signal
		again  int // calls at most
	}{{"killed", os.Kill, -1, 2 * slots}, {"interrupted", os.Interrupt, 130, 0}} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "run")
			before := server.Served(t, "/api/chat")
			cmd := routeval(t, "run", run.spec, "-o", out, "--quiet")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for server.Served(t, "/api/chat") < before+n/4 {
				time.Sleep(5 * time.Millisecond)
			}
			cmd.Process.Signal(c.signal)
			cmd.Wait()
			if status := cmd.ProcessState.ExitCode(); status != c.status {
				t.Fatalf("ended with status %d (%v), want %d", status, cmd.ProcessState, c.status)
			}
			if c.status < 0 && cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("ended by %v", cmd.ProcessState)
			}
			finished := len(journalLines(t, out))
			if finished == 0 || finished >= n {
				t.Fatalf("%d of %d prompts were finished: not in the middle", finished, n)
			}
			mustRun(t, "run", run.spec, "-o", out, "--quiet")
			run.compare(t, out)
			calls := server.Served(t, "/api/chat") - before
			if calls < n || calls > n+c.again {
				t.Errorf("%d chat calls for %d prompts, want at most %d again", calls, n, c.again)
			}
			t.Logf("stopped at %d of %d prompts, %d calls in all", finished, n, calls)
		})
	}
}

// journalLines are the whole lines of a journal whose writer may have been killed.
func journalLines(t *testing.T, dir string) []string {
	t.Helper()
	journal, err := os.ReadFile(filepath.Join(dir, "results.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(journal), "\n")
	return lines[:len(lines)-1] // what is behind the last newline was never acknowledged
}

// A trained language model behind the strong side: its answers are its own, so
// what is held is that a run records them as the server gives them, bounded by
// max_tokens, and the same again.
func TestE2EMainJobTrainedModel(t *testing.T) {
	path := shared(t, "models", "stories260K.gguf")
	server := ollamatest.Start(t)
	model := ollamatest.Read(t, path)
	model.Parameters = map[string]any{"temperature": 0}
	server.Create(t, "stories", model)
	server.Create(t, "weak", ollamatest.Scripted("The end."))
	dir := t.TempDir()
	var prompts strings.Builder
	begins := []string{"Once upon a time", "Lily went to the park and", "The dog was sad because", "One day, a boy named Tim"}
	for i, text := range begins {
		fmt.Fprintf(&prompts, "{\"id\":\"%d\",\"prompt\":%q}\n", i, text)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), prompts.String())
	writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
input: [%[1]s/prompts.jsonl]
models:
  strong: {provider: ollama, base_url: %[2]s, model: stories, max_tokens: 24, price: {input_usd_per_mtok: 0, output_usd_per_mtok: 0}}
  weak: {provider: ollama, base_url: %[2]s, model: weak, price: {input_usd_per_mtok: 0, output_usd_per_mtok: 0}}
router: {kind: random, threshold: 0.5}
execute: both
`, dir, server.URL))
	for _, out := range []string{"first", "again"} {
		mustRun(t, "run", filepath.Join(dir, "run.yaml"), "-o", filepath.Join(dir, out))
	}
	again := resultsOf(t, filepath.Join(dir, "again"))
	for i, r := range resultsOf(t, filepath.Join(dir, "first")) {
		var plain ollamaChat
		text := begins[r.Seq]
		post(t, server.URL+"/api/chat", chatRequest("stories", text, 24), &plain)
		strong, weak := r.Outcomes["strong"], r.Outcomes["weak"]
		if strong.Answer != plain.Message.Content || strong.Answer == "" || strong.FinishReason != plain.DoneReason ||
			*strong.CompletionTokens != int64(plain.EvalCount) || *strong.PromptTokens <= 0 || *strong.CostUSD != 0 {
			t.Errorf("%q goes on %+v, asked plainly %+v", text, strong, plain)
		}
		if weak.Answer != "The end." {
			t.Errorf("the weak model says %q", weak.Answer)
		}
		if again[i].Seq == r.Seq && again[i].Outcomes["strong"].Answer != strong.Answer {
			t.Errorf("%q goes on differently again", text)
		}
		if testing.Verbose() {
			out, _ := json.Marshal(strong.Answer)
			t.Logf("%s … %s", text, out)
		}
	}
}
