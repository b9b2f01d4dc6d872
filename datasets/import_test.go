package datasets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// tree writes files below a fresh directory and returns their paths, sorted.
func tree(t testing.TB, files map[string]string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

func asked(id, text, category string, outcomes map[string]Outcome) Prompt {
	for m, o := range outcomes {
		o.Recorded = true
		outcomes[m] = o
	}
	return Prompt{ID: id, Messages: []Message{{Role: "user", Content: text}}, Category: category, Recorded: outcomes}
}

// imports reads files that must have no bad row.
func imports(t *testing.T, name string, paths []string, want []Prompt) {
	t.Helper()
	got, bad, err := gather(t, Import(name, paths, Options{}))
	if err != nil || bad != nil {
		t.Fatal(bad, err)
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Prompt{}, "Pos")); d != "" {
		t.Error(d)
	}
	// What was imported can be written and read again.
	path := filepath.Join(t.TempDir(), "prompts.jsonl")
	if _, err := WritePrompts(path, Import(name, paths, Options{})); err != nil {
		t.Fatal(err)
	}
	again, bad, err := gather(t, Prompts([]string{path}, Options{}))
	if err != nil || bad != nil {
		t.Fatal(bad, err)
	}
	if d := cmp.Diff(want, again, cmpopts.IgnoreFields(Prompt{}, "Pos")); d != "" {
		t.Errorf("written and read again: %s", d)
	}
}

func TestImportRouteLLM(t *testing.T) {
	imports(t, "routellm", tree(t, map[string]string{"gsm.csv": "\ufeff,prompt,small/m,large,small/m_response,large_response\n" +
		"0,\"2+2,\nor more?\",True,False,4,five\n" +
		"1,3+3?,,True,,6\n",
	}), []Prompt{
		func() Prompt {
			p := asked("gsm.csv:2", "2+2,\nor more?", "", map[string]Outcome{"small/m": {Quality: new(1.0), Answer: "4"}, "large": {Quality: new(0.0), Answer: "five"}})
			p.Extra = jsontext.Value(`{"":"0"}`)
			return p
		}(),
		func() Prompt {
			p := asked("gsm.csv:4", "3+3?", "", map[string]Outcome{"large": {Quality: new(1.0), Answer: "6"}})
			p.Extra = jsontext.Value(`{"":"1"}`)
			return p
		}(),
	})
}

func TestImportMTBench(t *testing.T) {
	first := asked("81", "Write a haiku.", "writing", map[string]Outcome{"strong": {Quality: new(0.85)}, "weak": {Quality: new(0.3)}})
	first.Extra = jsontext.Value(`{"turns":["Write a haiku.","Now a limerick."]}`)
	second := asked("82", "Add 1 and 1.", "math", nil)
	second.Extra = jsontext.Value(`{"turns":["Add 1 and 1."],"references":["2"]}`)
	imports(t, "mt-bench", tree(t, map[string]string{
		"judgements.jsonl": `{"question_id":81,"model":"strong","judge":["j","v"],"score":9,"turn":1,"tstamp":1.5}
{"question_id":81,"model":"strong","score":8,"turn":2}
{"question_id":81,"model":"weak","score":3,"turn":1}
{"question_id":81,"model":"weak","score":-1,"turn":2}
`,
		"question.jsonl": `{"question_id":81,"category":"writing","turns":["Write a haiku.","Now a limerick."]}
{"question_id":82,"category":"math","turns":["Add 1 and 1."],"reference":["2"]}
`}), []Prompt{first, second})
}

func TestImportLLMRouterBench(t *testing.T) {
	alpha := `{
  "performance": 0.5, "counts": 2, "notes": {"records": 1},
  "records": [
    {"index": 1, "origin_query": "2+2?", "prompt": "Q: 2+2?\nA:", "prediction": "4", "ground_truth": "4", "score": 1.0,
     "prompt_tokens": 15, "completion_tokens": 5.0, "cost": 0.0001, "raw_output": "The sum is 4."},
    {"index": 2, "origin_query": "3+3?", "prompt": [{"role": "user"}], "prediction": "5", "ground_truth": 6, "score": 0, "cost": 0}
  ], "time_taken": 3
}`
	four := func(answer string, quality, cost float64, tokens ...int64) Outcome {
		o := Outcome{Answer: answer, Quality: &quality, CostUSD: &cost}
		if tokens != nil {
			o.PromptTokens, o.CompletionTokens = &tokens[0], &tokens[1]
		}
		return o
	}
	first := asked("sums/test/1", "2+2?", "sums", map[string]Outcome{
		"alpha": four("The sum is 4.", 1, 0.0001, 15, 5), "beta": four("four", 0.5, 0.2),
	})
	first.Reference = "4"
	second := asked("sums/test/2", "3+3?", "sums", map[string]Outcome{"alpha": four("5", 0, 0)})
	second.Reference = "6"
	imports(t, "llmrouterbench", tree(t, map[string]string{
		"bench/sums/test/alpha/2025.json": alpha,
		"bench/sums/test/beta/2024.json":  `{"records":[{"index":1,"origin_query":"2+2?","prediction":"3","score":0,"cost":0.1}]}`,
		"bench/sums/test/beta/2025.json":  `{"records":[{"index":1,"origin_query":"2+2?","prediction":"four","score":0.5,"cost":0.2}]}`,
	}), []Prompt{first, second})
}

func TestImportRouterArena(t *testing.T) {
	imports(t, "routerarena", tree(t, map[string]string{
		"router.json": `[
  {"global index": "AIME_12", "prompt": "2+2?", "prediction": "alpha", "cost": 0.002, "accuracy": 1.0,
   "generated_result": {"generated_answer": "4", "success": true, "token_usage": {"input_tokens": 7, "output_tokens": 1, "total_tokens": 8}, "error": null}},
  {"global index": "AIME_12", "prompt": "2+2?", "prediction": "beta", "for_optimality": true, "cost": 0.001, "accuracy": 0},
  {"global_index": "Geo_1", "prompt": "Where?", "prediction": "beta", "cost": null, "accuracy": 0.0,
   "generated_result": {"generated_answer": "", "success": false, "token_usage": {}, "error": "timed out"}}
]`}), []Prompt{
		asked("AIME_12", "2+2?", "AIME", map[string]Outcome{
			"alpha": {Answer: "4", Quality: new(1.0), CostUSD: new(0.002), PromptTokens: new(int64(7)), CompletionTokens: new(int64(1))},
			"beta":  {Quality: new(0.0), CostUSD: new(0.001)},
		}),
		asked("Geo_1", "Where?", "Geo", map[string]Outcome{"beta": {Failure: &Failure{Class: "rejected", Message: "timed out"}}}),
	})
}

func TestImportRefuses(t *testing.T) {
	for _, c := range []struct{ name, file, data, want string }{
		{"routellm", "a.csv", "prompt,m\nx,maybe\n", "2: no model"},
		{"routellm", "a.csv", "question,m\nx,True\n", "2: no column prompt"},
		{"routellm", "a.csv", "prompt,m\n ,True\n", "2: empty prompt"},
		{"routellm", "a.csv", "prompt,m,outcomes\nx,True,y\n", "2: column outcomes: is a field of a prompt"},
		{"routellm", "a.csv", "prompt,m\nx\n", "2: wrong number of fields"},
		{"mt-bench", "a.jsonl", `{"question_id":1,"model":"m","score":5,"turn":1}`, "1: question 1 has judgements and no text"},
		{"mt-bench", "a.jsonl", `{"question_id":1,"model_1":"m","g1_winner":"tie"}`, "1: neither a question"},
		{"mt-bench", "a.jsonl", `{"question_id":1,"model":"m","score":11}`, "1: score: want 1 to 10, have 11"},
		{"mt-bench", "a.jsonl", `{"turns":["x"]}`, "1: question_id: missing"},
		{"llmrouterbench", "d/s/m/t.json", `{"records":[{"index":1,"origin_query":"x","score":2}]}`, "1: m: quality: 2 is outside [0,1]"},
		{"llmrouterbench", "d/s/m/t.json", `{"records":[{"index":1,"origin_query":"x","prompt_tokens":1.5}]}`, "1: prompt_tokens: 1.5 is not a count"},
		{"llmrouterbench", "d/s/m/t.json", `{"records":[{"origin_query":"x"}]}`, "1: want an index"},
		{"routerarena", "a.json", `[{"prompt":"x","prediction":"m"}]`, "1: global_index: missing"},
		{"routerarena", "a.json", `[{"global_index":"a_1","prompt":"x"}]`, "1: the model has no name"},
		{"routerarena", "a.json", `[{"global_index":"a_1","prompt":"x","prediction":"m"},{"global_index":"a_1","prompt":"y","prediction":"n"}]`, "2: prompt a_1: another row of it asks another question"},
	} {
		_, bad, err := gather(t, Import(c.name, tree(t, map[string]string{c.file: c.data}), Options{}))
		if err != nil || len(bad) != 1 || !strings.HasPrefix(bad[0], c.want) {
			t.Errorf("%s %s: %q, %v; want %q", c.name, c.data, bad, err, c.want)
		}
	}
	if _, _, err := gather(t, Import("routellama", nil, Options{})); err == nil || !strings.Contains(err.Error(), "have llmrouterbench, mt-bench, routellm, routerarena") {
		t.Errorf("unknown source: %v", err)
	}
	if _, _, err := gather(t, Import("llmrouterbench", tree(t, map[string]string{"d/s/m/t.json": `{"records":[{"index":1`}), Options{})); err == nil {
		t.Error("a torn document: no error")
	}
}

func FuzzImport(f *testing.F) {
	f.Add("routellm", []byte("prompt,m,m_response\nx,True,\"y\n\"\n"))
	f.Add("mt-bench", []byte(`{"question_id":1,"turns":["x"]}`+"\n"+`{"question_id":1,"model":"m","score":5}`))
	f.Add("llmrouterbench", []byte(`{"a":[1],"records":[{"index":1,"origin_query":"x","score":1}],"b":2}`))
	f.Add("routerarena", []byte(`[{"global_index":"a_1","prompt":"x","prediction":"m","generated_result":{"success":false}}]`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		file := map[string]string{"routellm": "a.csv", "mt-bench": "a.jsonl", "llmrouterbench": "d/s/m/t.json", "routerarena": "a.json"}[name]
		if file == "" {
			t.Skip()
		}
		for p, err := range Import(name, tree(t, map[string]string{file: string(data)}), Options{MaxLine: 1 << 10}) {
			if err != nil {
				continue
			}
			if _, err := appendPrompt(nil, &p); err != nil {
				t.Errorf("%v makes a prompt that cannot be written: %v", p, err)
			}
		}
	})
}
