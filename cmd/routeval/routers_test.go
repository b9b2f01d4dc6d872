package main_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"routeval/datasets"
	"routeval/providers/lexical"
	"routeval/scoring"
)

// knn by the program is knn by the library, to the last bit, wherever the vectors
// of the recorded prompts come from.
func TestKNNRunIsTheLibrary(t *testing.T) {
	const recorded, routed = 300, 80
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	sampled := gradeSample(3, recorded+routed)
	var past, now strings.Builder
	var qualities []scoring.QualityPair
	var table []float32
	embedder := lexical.New()
	embed := func(text string) []float32 {
		e := make([]float32, lexical.Dim)
		embedder.Embed(e, text)
		return e
	}
	for i, g := range sampled {
		prompt, _ := json.Marshal(g.Query())
		if i >= recorded {
			fmt.Fprintf(&now, "{\"prompt\":%s}\n", prompt)
			continue
		}
		fmt.Fprintf(&past, "{\"id\":\"past %d\",\"prompt\":%s,\"outcomes\":{\"big\":{\"quality\":%v},\"small\":{\"quality\":%v}}}\n", i, prompt, g.strong, g.weak)
		qualities = append(qualities, scoring.QualityPair{Strong: g.strong, Weak: g.weak})
		table = append(table, embed(g.Query())...)
	}
	writeFile(t, file("past.jsonl"), past.String())
	writeFile(t, file("now.jsonl"), now.String())
	mustRun(t, "embed", "-i", file("past.jsonl"), "-o", file("past.arrow"))
	mustRun(t, "embed", "-i", file("past.jsonl"), "-o", file("past.npy"))
	space := scoring.Space{Dim: lexical.Dim}
	knn, err := scoring.NewKNN(space, qualities, table, scoring.KNNOptions{K: 7, Temperature: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	for _, embeddings := range []string{"", "past.arrow", "past.npy"} {
		router := fmt.Sprintf("{kind: knn, outcomes: [%s], k: 7, temperature: 0.1}", file("past.jsonl"))
		if embeddings != "" {
			router = strings.TrimSuffix(router, "}") + ", embeddings: " + file(embeddings) + "}"
		}
		writeFile(t, file("run.yaml"), fmt.Sprintf("input: [%s]\nexecute: route-only\nmodels: {strong: {model: big}, weak: {model: small}}\nrouter: %s\n", file("now.jsonl"), router))
		out := filepath.Join(t.TempDir(), "run")
		mustRun(t, "run", file("run.yaml"), "-o", out, "-q")
		for i, r := range resultsOf(t, out) {
			want := make([]float64, 1)
			if err := knn.WinRates(t.Context(), want, []scoring.Features{{Embedding: embed(sampled[recorded+i].Query())}}); err != nil {
				t.Fatal(err)
			}
			if *r.WinRate != want[0] {
				t.Fatalf("embeddings %q, prompt %d: win rate %v, of the library %v", embeddings, i, *r.WinRate, want[0])
			}
		}
		m, err := datasets.ReadManifest(filepath.Join(out, "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		files := []string{file("past.jsonl"), file("now.jsonl")}
		if embeddings != "" {
			files = append(files, file(embeddings))
		}
		for _, f := range files {
			if m.Digests[f] == "" {
				t.Errorf("embeddings %q: the manifest has no digest of %s", embeddings, f)
			}
		}
	}
}

// sw_ranking by the program, with an endpoint that makes RouteLLM's vectors, gives
// the win rates of RouteLLM's problem at its exact optimum.
func TestSWRankingRunIsRouteLLM(t *testing.T) {
	battles, vectors := shared(t, "golden", "sw", "battles.json"), shared(t, "golden", "sw", "battle_embeddings.npy")
	var want struct {
		Runs map[string]struct {
			Exact []float64 `json:"win_rates_exact"`
		}
	}
	data, err := os.ReadFile(shared(t, "golden", "sw", "expected.json"))
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, prompts, err := datasets.Embeddings(shared(t, "golden", "sw", "prompt_embeddings.npy"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	answers := map[string]string{}
	var in strings.Builder
	for e, err := range prompts {
		if err != nil {
			t.Fatal(err)
		}
		text := "prompt " + e.ID
		fmt.Fprintf(&in, "{\"prompt\":%q}\n", text)
		var b []byte
		for _, x := range e.Vector {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		answers[text] = base64.StdEncoding.EncodeToString(b)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var body struct{ Input []string }
		if json.NewDecoder(req.Body).Decode(&body) != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		var items []string
		for i, text := range body.Input {
			items = append(items, fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":%q}`, i, answers[text]))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"object":"list","model":"test","data":[%s],"usage":{"prompt_tokens":1,"total_tokens":1}}`, strings.Join(items, ","))
	}))
	defer endpoint.Close()
	writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
input: [%s]
execute: route-only
cache: off
models: {strong: {}, weak: {}}
embedding: {provider: openai, model: test, base_url: %q}
router: {kind: sw_ranking, battles: %s, embeddings: %s, scoring_pair: {strong: %s, weak: %s}}
`, filepath.Join(dir, "prompts.jsonl"), endpoint.URL, battles, vectors, gpt4, mixtral))
	mustRun(t, "run", filepath.Join(dir, "run.yaml"), "-o", filepath.Join(dir, "run"), "-q")
	results := resultsOf(t, filepath.Join(dir, "run"))
	if len(results) != len(want.Runs["10"].Exact) {
		t.Fatalf("%d results, RouteLLM has %d", len(results), len(want.Runs["10"].Exact))
	}
	worst := 0.0
	for i, r := range results {
		worst = max(worst, math.Abs(*r.WinRate-want.Runs["10"].Exact[i]))
	}
	t.Logf("win rates differ from the exact optimum by at most %.2g", worst)
	if worst > 1e-7 {
		t.Errorf("win rates differ from the exact optimum by %v", worst)
	}
}
