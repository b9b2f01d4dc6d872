//go:build e2e && unix

package main_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"routeval/cmd/routeval/internal/ollamatest"
)

// ollamaChat and ollamaEmbeddings are what these tests read of Ollama's answers.
type ollamaChat struct {
	Message struct {
		Content string `json:"content"`
	} `json:"message"`
	DoneReason      string `json:"done_reason"`
	PromptEvalCount int    `json:"prompt_eval_count"`
	EvalCount       int    `json:"eval_count"`
}

type ollamaEmbeddings struct {
	Embeddings [][]float64 `json:"embeddings"`
}

// TestE2EServer holds the ground that the other e2e tests stand on: the models
// that we write do on a real server, over plain HTTP, what they promise.
func TestE2EServer(t *testing.T) {
	server := ollamatest.Start(t)

	scripts := map[string]string{
		"sentence":  "The answer is B.",
		"number":    "42",
		"repeating": "no no, a  b; no",
		"letters":   "größer als 7 €",
		"lines":     "A:\n\t1. B",
	}
	for name, answer := range scripts {
		t.Run("scripted "+name, func(t *testing.T) {
			server.Create(t, name, ollamatest.Scripted(answer))
			// The prompts hold the answer's own words, and end in one.
			for _, prompt := range []string{"Which one?", "Is the answer B. or 42", "€ ☃ " + answer} {
				var got ollamaChat
				post(t, server.URL+"/api/chat", chatRequest(name, prompt, 64), &got)
				if got.Message.Content != answer || got.DoneReason != "stop" {
					t.Errorf("%q brings %q, done: %s; want %q and stop", prompt, got.Message.Content, got.DoneReason, answer)
				}
			}
		})
	}
	t.Run("scripted in many words", func(t *testing.T) {
		words := make([]string, 100)
		for i := range words {
			words[i] = fmt.Sprintf("w%d", i)
		}
		server.Create(t, "long", ollamatest.Scripted(strings.Join(words, " ")))
		var got ollamaChat
		post(t, server.URL+"/api/chat", chatRequest("long", "Go on.", 70), &got)
		if want := strings.Join(words[:70], " "); got.Message.Content != want || got.DoneReason != "length" || got.EvalCount != 70 {
			t.Errorf("70 tokens are %q (%d tokens, done: %s), want %q", got.Message.Content, got.EvalCount, got.DoneReason, want)
		}
	})

	for _, width := range []int{64, 256} {
		t.Run(fmt.Sprintf("embeddings %d wide", width), func(t *testing.T) {
			name := fmt.Sprintf("embed%d", width)
			server.Create(t, name, ollamatest.RandomBERT(width, 512))
			before := server.Served(t, "/api/embed")
			var got ollamaEmbeddings
			texts := []string{"one text", "another text", "one text", "zwölf, 12 & 3.5?"}
			post(t, server.URL+"/api/embed", map[string]any{"model": name, "input": texts}, &got)
			if len(got.Embeddings) != len(texts) {
				t.Fatalf("%d texts have %d embeddings", len(texts), len(got.Embeddings))
			}
			for i, vector := range got.Embeddings {
				if norm := math.Sqrt(dot(vector, vector)); len(vector) != width || math.Abs(norm-1) > 1e-4 {
					t.Errorf("embedding %d is %d wide with norm %g, want %d and 1", i, len(vector), norm, width)
				}
			}
			if same := dot(got.Embeddings[0], got.Embeddings[2]); same < 0.9999 {
				t.Errorf("equal texts have cosine %g, want 1", same)
			}
			if other := dot(got.Embeddings[0], got.Embeddings[1]); other > 0.99 {
				t.Errorf("different texts have cosine %g, want less", other)
			}
			if requests := server.Served(t, "/api/embed") - before; requests != 1 {
				t.Errorf("the server has counted %d requests, want 1", requests)
			}
		})
	}
}

// TestE2ETrainedModel runs a language model that was trained: its answers are
// its own, so that what is held is that it goes on in English, the same again,
// and that the server counts.
func TestE2ETrainedModel(t *testing.T) {
	path := filepath.Join(repository(t), "..", "shared", "models", "stories260K.gguf")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no trained model at hand: %v", err)
	}
	server := ollamatest.Start(t)
	model := ollamatest.Read(t, path)
	model.Parameters = map[string]any{"temperature": 0}
	server.Create(t, "stories", model)

	var first, again ollamaChat
	post(t, server.URL+"/api/chat", chatRequest("stories", "Once upon a time", 24), &first)
	post(t, server.URL+"/api/chat", chatRequest("stories", "Once upon a time", 24), &again)
	if !strings.Contains(first.Message.Content, "there was a") || first.EvalCount != 24 || first.DoneReason != "length" {
		t.Errorf("24 tokens of a story are %q (%d tokens, done: %s)", first.Message.Content, first.EvalCount, first.DoneReason)
	}
	if diff := cmp.Diff(first.Message, again.Message); diff != "" {
		t.Errorf("at temperature 0 the story changes (-first +again):\n%s", diff)
	}
}

func chatRequest(model, prompt string, tokens int) map[string]any {
	return map[string]any{
		"model":    model,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
		"options":  map[string]any{"num_predict": tokens},
		"stream":   false,
	}
}

// post sends request as JSON and reads the answer into answer.
func post(t *testing.T, url string, request, answer any) {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s %s %v", url, response.Status, text, err)
	}
	if err := json.Unmarshal(text, answer); err != nil {
		t.Fatalf("POST %s: %v in %s", url, err, text)
	}
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// repository is the root of the checkout.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return root
}
