//go:build e2e && unix

package main_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"routeval/cmd/routeval/internal/ollamatest"
	"routeval/datasets"
)

// A wantedRun is a run against a real server and what must come of it: prompts,
// RouteLLM-shaped weights, a spec that takes the embeddings and both
// candidates from the server, and a wanted row for every prompt.
//
// The strong model always answers B and the weak one always A, so that an answer
// tells who gave it, and its quality follows from the prompt's reference.
type wantedRun struct {
	spec string // path
	want []wantedRow
}

// A wantedRow is what a run must find for one prompt.
type wantedRow struct {
	id      string
	winRate float64 // within 1e-5: the server's vectors depend on their batch in the last digits
	route   string  // with a margin: no win rate is that close to the threshold
	answer  string  // whole
	quality float64 // by the grader "choice"
}

const (
	embeddingWidth = 64
	mfFactors      = 4
	answerForm     = "The answer is %s."
)

// newWantedRun creates the models on the server and writes n prompts, the
// weights and the spec into a directory of the test. The win rates that it wants
// are made here, from embeddings asked for one by one over plain HTTP, by RouteLLM's
// formula as it stands, without folding anything.
func newWantedRun(t *testing.T, server *ollamatest.Server, n int) wantedRun {
	t.Helper()
	server.Create(t, "embedder", ollamatest.RandomBERT(embeddingWidth, 512))
	server.Create(t, "strong", ollamatest.Scripted(fmt.Sprintf(answerForm, "B")))
	server.Create(t, "weak", ollamatest.Scripted(fmt.Sprintf(answerForm, "A")))

	weights := randomWeights()
	var rows []inputRow
	var winRates []float64
	for i := range n {
		rows = append(rows, newInputRow(i))
		var got ollamaEmbeddings
		post(t, server.URL+"/api/embed", map[string]any{"model": "embedder", "input": rows[i].query()}, &got)
		winRates = append(winRates, weights.winRate(got.Embeddings[0]))
	}
	threshold := widestGap(winRates)

	dir := t.TempDir()
	var prompts bytes.Buffer
	run := wantedRun{spec: filepath.Join(dir, "run.yaml")}
	for i, row := range rows {
		if err := json.MarshalWrite(&prompts, row); err != nil {
			t.Fatal(err)
		}
		prompts.WriteByte('\n')
		want := wantedRow{id: row.ID, winRate: winRates[i], route: "weak", answer: fmt.Sprintf(answerForm, "A")}
		if winRates[i] >= threshold {
			want.route, want.answer = "strong", fmt.Sprintf(answerForm, "B")
		}
		if want.answer == fmt.Sprintf(answerForm, row.Reference) {
			want.quality = 1
		}
		run.want = append(run.want, want)
	}
	write(t, filepath.Join(dir, "prompts.jsonl"), prompts.Bytes())
	write(t, filepath.Join(dir, "model.safetensors"), weights.safetensors(t))
	write(t, run.spec, fmt.Appendf(nil, `
input: [%[1]s/prompts.jsonl]
embedding: {provider: ollama, base_url: %[2]s, model: embedder}
models:
  strong:
    {provider: ollama, base_url: %[2]s, model: strong, max_tokens: 16, price: {input_usd_per_mtok: 10, output_usd_per_mtok: 30}}
  weak:
    {provider: ollama, base_url: %[2]s, model: weak, max_tokens: 16, price: {input_usd_per_mtok: 0.5, output_usd_per_mtok: 1.5}}
router:
  kind: mf
  weights: %[1]s/model.safetensors
  scoring_pair: {strong: "0", weak: "1"}
  threshold: %[3]v
execute: routed
grade: {kind: choice}
`, dir, server.URL, threshold))
	return run
}

// An inputRow is a row of the input; every second one is a conversation.
type inputRow struct {
	ID        string         `json:"id"`
	Prompt    string         `json:"prompt,omitzero"`
	Messages  []inputMessage `json:"messages,omitzero"`
	Reference string         `json:"reference"`
	Category  string         `json:"category"`
	Digits    []int          `json:"digits"` // a field that nobody knows, to be carried along
}

type inputMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func newInputRow(i int) inputRow {
	random := rand.New(rand.NewPCG(7, uint64(i)))
	a, b := random.IntN(90)+10, random.IntN(90)+10
	question := [...]string{
		"What is %d + %d? A: less than a hundred. B: a hundred or more.",
		"Anna has %d apples and Björn has %d. Who has more: (A) Anna or (B) Björn?",
		"A train leaves at 9:%d and another at 9:%d — which is first, A or B?",
		"Sort %d and %d. Does the first stay in front? A) yes B) no",
	}
	p := inputRow{
		ID:        fmt.Sprintf("row-%04d", i),
		Reference: [...]string{"A", "B", "B"}[i%3],
		Category:  [...]string{"sums", "counting", "times", "order"}[i%4],
		Digits:    []int{a, b},
	}
	text := fmt.Sprintf(question[i%4], a, b)
	if i%2 == 0 {
		p.Prompt = text
	} else {
		p.Messages = []inputMessage{{"system", "Answer with a letter."}, {"user", text}}
	}
	return p
}

// query is the text that is routed on: the last user turn.
func (p inputRow) query() string {
	if p.Messages == nil {
		return p.Prompt
	}
	return p.Messages[len(p.Messages)-1].Content
}

// mfWeights are MF weights of two models: p is 2 × mfFactors, projection
// mfFactors × embeddingWidth.
type mfWeights struct{ p, projection, classifier []float32 }

func randomWeights() mfWeights {
	random := rand.New(rand.NewPCG(8, 9))
	gauss := func(n int, sd float64) []float32 {
		numbers := make([]float32, n)
		for i := range numbers {
			numbers[i] = float32(random.NormFloat64() * sd)
		}
		return numbers
	}
	return mfWeights{gauss(2*mfFactors, 1), gauss(mfFactors*embeddingWidth, 1), gauss(mfFactors, 2)}
}

// winRate is σ(c·(p̂₀ ∘ W e) − c·(p̂₁ ∘ W e)), step by step.
func (w mfWeights) winRate(e []float64) float64 {
	logit := func(model int) (sum float64) {
		row := w.p[model*mfFactors:][:mfFactors]
		var square float64
		for _, x := range row {
			square += float64(x) * float64(x)
		}
		for k, x := range row {
			var projected float64
			for d := range e {
				projected += float64(w.projection[k*embeddingWidth+d]) * e[d]
			}
			sum += float64(w.classifier[k]) * float64(x) / math.Sqrt(square) * projected
		}
		return sum
	}
	return 1 / (1 + math.Exp(logit(1)-logit(0)))
}

// safetensors is the weights' file as RouteLLM would write it.
func (w mfWeights) safetensors(t *testing.T) []byte {
	t.Helper()
	header := map[string]any{}
	var data []byte
	for _, tensor := range []struct {
		name    string
		rows    int
		numbers []float32
	}{{"P.weight", 2, w.p}, {"text_proj.0.weight", mfFactors, w.projection}, {"classifier.0.weight", 1, w.classifier}} {
		begin := len(data)
		data, _ = binary.Append(data, binary.LittleEndian, tensor.numbers)
		header[tensor.name] = map[string]any{
			"dtype":        "F32",
			"shape":        []int{tensor.rows, len(tensor.numbers) / tensor.rows},
			"data_offsets": []int{begin, len(data)},
		}
	}
	head, err := json.Marshal(header, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head, data)
}

// widestGap is the middle of the widest gap between neighbours in the middle
// half of win rates: a threshold on which nothing depends at the last digit.
func widestGap(winRates []float64) (middle float64) {
	sorted := slices.Sorted(slices.Values(winRates))
	var widest float64
	for i := len(sorted) / 4; i < len(sorted)*3/4; i++ {
		if gap := sorted[i+1] - sorted[i]; gap > widest {
			widest, middle = gap, sorted[i]+gap/2
		}
	}
	return middle
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestE2EWantedRun holds that the run can tell right from wrong: a quarter of the
// prompts on either side of the threshold, none too close to it, right and wrong
// answers on both sides, a spec that reads, and models that answer as wanted.
func TestE2EWantedRun(t *testing.T) {
	server := ollamatest.Start(t)
	run := newWantedRun(t, server, 60)

	source, err := os.ReadFile(run.spec)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := datasets.ParseSpec(run.spec, source)
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(); err != nil {
		t.Error(err)
	}
	sides := map[string]int{}
	for i, want := range run.want {
		sides[want.route]++
		sides[fmt.Sprint(want.route, want.quality)]++
		if margin := math.Abs(want.winRate - *spec.Router.Threshold); margin < 1e-4 {
			t.Errorf("%s has win rate %g, %g from the threshold", want.id, want.winRate, margin)
		}
		if i%10 == 0 {
			var got ollamaChat
			post(t, server.URL+"/api/chat", chatRequest(want.route, newInputRow(i).query(), 16), &got)
			if got.Message.Content != want.answer {
				t.Errorf("%s: %s answers %q, want %q", want.id, want.route, got.Message.Content, want.answer)
			}
		}
	}
	for side, least := range map[string]int{"strong": 15, "weak": 15, "strong0": 3, "strong1": 3, "weak0": 3, "weak1": 3} {
		if sides[side] < least {
			t.Errorf("%d prompts are %s, want %d at least (all: %v)", sides[side], side, least, sides)
		}
	}
	if t.Failed() || testing.Verbose() {
		t.Logf("threshold %g: %v", *spec.Router.Threshold, sides)
	}
}
