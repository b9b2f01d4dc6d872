package providers

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// serving opens a client of kind at a server with an answer for each path.
func serving(t *testing.T, kind, params string, answers map[string]string) (Client, map[string]int) {
	t.Helper()
	calls := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls[r.URL.Path]++
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	cfg := Config{Role: "models.strong", Kind: kind, BaseURL: server.URL, Model: "tiny"}
	if params != "" {
		cfg.Params = []byte(params)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, calls
}

func TestOpenAIAnswers(t *testing.T) {
	chat := func(message, rest string) string {
		return `{"model":"m","choices":[{"message":` + message + `,"finish_reason":"stop"` + rest + `}],` +
			`"usage":{"prompt_tokens":9,"completion_tokens":8,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}`
	}
	for _, c := range []struct{ name, answer, text, message string }{
		{"plain", chat(`{"role":"assistant","content":"a"}`, ""), "a", ""},
		{"parts", chat(`{"content":[{"type":"text","text":"a"},{"type":"thinking"},{"type":"text","text":"b"}]}`, ""), "a\nb", ""},
		{"tool call", chat(`{"content":null,"tool_calls":[{"id":"1"}]}`, ""), "", `{"content":null,"tool_calls":[{"id":"1"}]}`},
		{"log probabilities", chat(`{"content":"a"}`, `,"logprobs":{"content":[]}`), "a", `{"content":"a","logprobs":{"content":[]}}`},
		{"log probabilities beside nothing", chat(`{}`, `,"logprobs":[]`), "", `{"logprobs":[]}`},
	} {
		client, _ := serving(t, "openai", "", map[string]string{"/v1/chat/completions": c.answer})
		got, err := client.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got.Text != c.text || string(got.Message) != c.message {
			t.Errorf("%s: %q, %s", c.name, got.Text, got.Message)
		}
		if *got.Usage.CachedTokens != 4 || *got.Usage.ReasoningTokens != 3 {
			t.Errorf("%s: usage %+v", c.name, got.Usage)
		}
	}
	client, _ := serving(t, "openai", "", map[string]string{"/v1/chat/completions": `{"choices":[{"message":{"content":""},"finish_reason":"content_filter"}]}`})
	_, err := client.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}})
	if e, ok := err.(*Error); !ok || e.Class != Rejected {
		t.Errorf("an answer that was filtered away: %v", err)
	}
	client, _ = serving(t, "openai", "", map[string]string{"/v1/chat/completions": `{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`})
	got, err := client.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}})
	if err != nil || len(got.Warnings) != 1 || got.Usage.PromptTokens != nil {
		t.Errorf("an answer cut before it began: %+v, %v", got, err)
	}
}

// A cut prompt shows in the count of tokens. The figures 512 and 5 are a real server's for a
// prompt over its context of 512 and for a short one.
func TestCutPrompts(t *testing.T) {
	chat := func(tokens int) string {
		return fmt.Sprintf(`{"model":"tiny","message":{"content":"x"},"done":true,"done_reason":"stop","load_duration":1000,"prompt_eval_count":%d}`, tokens)
	}
	const loaded = `{"models":[{"name":"other:latest","context_length":99},{"name":"tiny:latest","context_length":512}]}`
	long := strings.Repeat("Once upon a time there was a cat. ", 100)
	for _, c := range []struct {
		name, params, ps, prompt string
		tokens                   int
		warned                   bool
		asked                    int // calls of /api/ps in two completions
	}{
		{"short", "", loaded, "hi", 5, false, 0},
		{"fits", "", loaded, long, 511, false, 1},
		{"fills the context", "", loaded, long, 512, true, 1},
		{"fills the context asked for", `{"num_ctx":300}`, `{"models":[{"name":"tiny:latest","context_length":4096}]}`, long, 300, true, 1},
		{"server does not say", "", `{"models":[]}`, long, 512, true, 1}, // /api/show does
		{"far too few", "", loaded, strings.Repeat("word and ", 2000), 20, true, 0},
		{"blanks weigh nothing", "", loaded, "hi" + strings.Repeat(" ", 9000), 20, false, 0},
	} {
		client, calls := serving(t, "ollama", c.params, map[string]string{
			"/api/chat": chat(c.tokens), "/api/ps": c.ps,
			"/api/show": `{"model_info":{"general.architecture":"llama","llama.context_length":512}}`,
		})
		for range 2 {
			got, err := client.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: c.prompt}}})
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if (len(got.Warnings) == 1) != c.warned || got.LoadTime != time.Microsecond {
				t.Errorf("%s: warnings %q, load time %s", c.name, got.Warnings, got.LoadTime)
			}
		}
		if calls["/api/ps"] != c.asked {
			t.Errorf("%s: asked for the context %d times, want %d", c.name, calls["/api/ps"], c.asked)
		}
	}
}

func TestOllamaUndone(t *testing.T) {
	for answer, want := range map[string]Class{
		`{"message":{"content":"Onc"},"done":false}`:                           Transient,
		`{"message":{"content":"Onc"}}`:                                        Transient,
		`{"error":"an error was encountered while running the model"}`:         Transient,
		`{"message":{"content":""},"done":true,"done_reason":"load"}`:          Rejected,
		`{"message":{"role":"assistant","content":5},"done":true}`:             Transient,
		`{"message":{"role":"assistant","content":"a"},"done":true}{"more":1}`: Transient,
	} {
		client, _ := serving(t, "ollama", "", map[string]string{"/api/chat": answer})
		_, err := client.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}})
		if e, ok := err.(*Error); !ok || e.Class != want {
			t.Errorf("%s: got %v, want it %s", answer, err, want)
		}
	}
}

func TestVectorRefuses(t *testing.T) {
	for _, text := range []string{`null`, `[1,null]`, `["1"]`, `[1e39]`, `[[1]]`, `"AAA"`, `"AAAA"`, `"AADAfw=="`, `"AACAfw=="`, `{}`, `[1`, `true`} {
		var v vector
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s is taken as %v", text, v)
		}
	}
}

// The judge is encoding with math.Float32bits: every float32 comes back bit for bit from its
// shortest decimal form.
func FuzzVector(f *testing.F) {
	f.Add(uint32(0x3f800000))
	f.Add(uint32(1))
	f.Add(uint32(0x7f7fffff))
	f.Fuzz(func(t *testing.T, bits uint32) {
		x := math.Float32frombits(bits)
		if x != x || math.IsInf(float64(x), 0) {
			t.Skip()
		}
		text, err := json.Marshal([]float32{x})
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(text, &v); err != nil || math.Float32bits(v[0]) != bits {
			t.Errorf("%s: %v, %v", text, v, err)
		}
	})
}

// Ollama's own API under a base URL that ends in /api answers an embeddings call so.
func TestOtherEmbeddingsAPI(t *testing.T) {
	client, _ := serving(t, "openai", "", map[string]string{"/v1/embeddings": `{"embedding":[]}`})
	_, err := client.Embed(t.Context(), []string{"x"})
	if e, ok := err.(*Error); !ok || !strings.Contains(e.Hint, "path is wrong") {
		t.Errorf("got %v", err)
	}
}

func TestIndexes(t *testing.T) {
	at := func(i int) *int { return &i }
	for _, c := range []struct {
		name string
		data []indexed
		want [][]float32 // nil: refused
	}{
		{"in order", []indexed{{at(0), vector{1}}, {at(1), vector{2}}}, [][]float32{{1}, {2}}},
		{"shuffled", []indexed{{at(1), vector{2}}, {at(0), vector{1}}}, [][]float32{{1}, {2}}},
		{"not said", []indexed{{nil, vector{1}}, {nil, vector{2}}}, [][]float32{{1}, {2}}},
		{"twice", []indexed{{at(0), vector{1}}, {at(0), vector{2}}}, nil},
		{"outside", []indexed{{at(2), vector{1}}, {at(0), vector{2}}}, nil},
		{"below", []indexed{{at(-1), vector{1}}}, nil},
	} {
		got, err := inOrder(c.data)
		if d := cmp.Diff(c.want, got); d != "" || (err != nil) != (c.want == nil) {
			t.Errorf("%s: %v %s", c.name, err, d)
		}
	}
}

// Ollama gives logprobs beside the message; older versions leave them out in silence.
func TestOllamaLogprobs(t *testing.T) {
	const answer = `{"message":{"role":"assistant","content":"B"},"done":true,"done_reason":"stop"`
	for _, c := range []struct{ rest, message, warning string }{
		{`,"logprobs":[{"token":"B","logprob":-0.5}]}`, `{"role":"assistant","content":"B","logprobs":[{"token":"B","logprob":-0.5}]}`, ""},
		{`}`, "", "logprobs were asked for, but the server gave none: older ones do not know them"},
	} {
		client, _ := serving(t, "ollama", `{"logprobs":true}`, map[string]string{"/api/chat": answer + c.rest})
		got, err := client.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "A or B?"}}})
		if err != nil || got.Text != "B" || string(got.Message) != c.message || strings.Join(got.Warnings, "") != c.warning {
			t.Errorf("%s: %+v, %v", c.rest, got, err)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	_, err := New(Config{Role: "models.strong", Kind: "olama"})
	const want = `models.strong.provider: unknown provider "olama": did you mean "ollama"? (have `
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s…", err, want)
	}
	if _, err := New(Config{Role: "judge", Kind: "grpcs"}); err == nil || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("got %v", err)
	}
	for i, k := range kinds[1:] {
		if kinds[i].name >= k.name {
			t.Errorf("kinds are not sorted: %s before %s", kinds[i].name, k.name)
		}
	}
}
