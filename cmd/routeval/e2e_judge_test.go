//go:build e2e && unix

package main_test

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"routeval/cmd/routeval/internal/ollamatest"
	"routeval/datasets"
)

// A judge on a real server: in pairs, where one that always prefers the first
// place makes ties of everything, and then, on the same finished run, one by one.
func TestE2EJudge(t *testing.T) {
	server := ollamatest.Start(t, "OLLAMA_CONTEXT_LENGTH=4096") // a judge reads a page
	const n = 10
	run := newWantedRun(t, server, n)
	server.Create(t, "first", ollamatest.Scripted("VERDICT: 1"))
	server.Create(t, "rater", ollamatest.Scripted("VERDICT: 7"))

	dir := filepath.Join(t.TempDir(), "judged")
	before := server.Served(t, "/api/chat")
	mustRun(t, "run", run.spec, "-o", dir, "--execute", "both", "--grade", "judge_pair", "--judge", "ollama/first",
		"--set", "judge.base_url="+server.URL, "--set", "judge.price={input_usd_per_mtok: 0, output_usd_per_mtok: 1000}")
	if calls := server.Served(t, "/api/chat") - before; calls != 4*n {
		t.Errorf("%d chat calls for %d prompts, want two of candidates and two of the judge each", calls, n)
	}
	rows := 0
	for r, err := range datasets.Results([]string{filepath.Join(dir, "results.jsonl")}, datasets.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		rows++
		for name, o := range r.Outcomes {
			if o.Quality == nil || *o.Quality != 0.5 || len(o.Warnings) > 0 {
				t.Errorf("%s, %s: %+v", r.PromptID, name, o)
			}
		}
		if j := r.Judged; j == nil || len(j.Verdicts) != 2 || j.Verdicts[0].Winner != "strong" || j.Verdicts[1].Winner != "weak" ||
			j.CostUSD == nil || math.Abs(*j.CostUSD-float64(*j.CompletionTokens)/1000) > 1e-12 || *j.PromptTokens < 1000 {
			t.Errorf("%s: %+v", r.PromptID, j)
		}
	}
	if rows != n {
		t.Errorf("%d rows", rows)
	}
	mustRun(t, "report", dir, "--gate", "position_bias == 1", "--gate", fmt.Sprintf("judge_calls == %d", 2*n), "--gate", "quality == 0.5")

	grade := []string{"grade", dir, "--grade", "judge_single", "--judge", "ollama/rater"}
	for _, want := range []int{2 * n, 0} { // the second time all is known
		before = server.Served(t, "/api/chat")
		mustRun(t, grade...)
		if calls := server.Served(t, "/api/chat") - before; calls != want {
			t.Errorf("%d chat calls to grade, want %d", calls, want)
		}
	}
	mustRun(t, "report", dir, "--gate", "quality == 0.666666666666", "--gate", fmt.Sprintf("judge_calls == %d", 2*n))
}
