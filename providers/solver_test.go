package providers

import (
	"errors"
	"net/http/httptest"
	"slices"
	"testing"

	"routeval/providers/lexical"
	"routeval/providers/solver"
)

// The server that the demo starts is an OpenAI-compatible one for the client
// that every such server gets.
func TestOpenAIClientOfSolverServer(t *testing.T) {
	embedder := lexical.New()
	server := httptest.NewServer(solver.Handler(solver.Options{
		Embedding: solver.Embedding{Model: lexical.Name, Dim: lexical.Dim, Embed: embedder.Embed},
	}))
	defer server.Close()
	open := func(role, model string) Client {
		c, err := New(Config{Role: role, Kind: "openai", BaseURL: server.URL + "/v1", Model: model})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ask := Request{Messages: []Message{{Role: "user", Content: "What is 6 × 7?"}}}

	got, err := open("models.weak", "solver-small").Complete(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	if got.Text != "The answer is 42." || got.FinishReason != "stop" || *got.Usage.PromptTokens != 4 || *got.Usage.CompletionTokens != 5 {
		t.Errorf("%+v", got)
	}

	vectors, err := open("embedding", lexical.Name).Embed(t.Context(), []string{"one text", "another"})
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, lexical.Dim)
	if embedder.Embed(want, "another"); !slices.Equal(vectors[1], want) {
		t.Error("a vector changed on its way")
	}

	var e *Error
	if _, err := open("models.weak", "gpt-9").Complete(t.Context(), ask); !errors.As(err, &e) || e.Class != Fatal || e.Status != 404 {
		t.Errorf("of an unknown model: %v", err)
	}
	for _, f := range open("embedding", lexical.Name).Probe(t.Context(), UseEmbedding) {
		if !f.OK {
			t.Errorf("probe: %+v", f)
		}
	}
}
