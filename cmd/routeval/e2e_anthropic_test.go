//go:build e2e && unix

package main_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"routeval/cmd/routeval/internal/ollamatest"
	"routeval/providers"
)

// open is a client of a kind for a model of a real server.
func open(t *testing.T, kind, url, model string, params string) providers.Client {
	t.Helper()
	cfg := providers.Config{Role: "models.strong", Kind: kind, BaseURL: url, Model: model, MaxTokens: 32, Key: "ollama"}
	if params != "" {
		cfg.Params = jsontext.Value(params)
	}
	c, err := providers.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func ask(prompt string) providers.Request {
	return providers.Request{Messages: []providers.Message{{Role: "user", Content: prompt}}}
}

// TestAnthropicE2E holds the three kinds to a real server that speaks all of their APIs.
func TestAnthropicE2E(t *testing.T) {
	server := ollamatest.StartMessages(t)
	server.Create(t, "judge", ollamatest.Scripted("The answer is B."))
	server.Create(t, "embedder", ollamatest.RandomBERT(64, 512))
	kinds := []string{"anthropic", "ollama", "openai"}

	t.Run("answers and usage are the same", func(t *testing.T) {
		read := map[string]int64{}
		for _, kind := range kinds {
			got, err := open(t, kind, server.URL, "judge", "").Complete(t.Context(), providers.Request{Messages: []providers.Message{
				{Role: "system", Content: "Be brief."}, {Role: "user", Content: "A or B?"},
			}})
			if err != nil {
				t.Errorf("%s: %v", kind, err)
				continue
			}
			if got.Text != "The answer is B." || got.FinishReason != "stop" || got.Message != nil || len(got.Warnings) > 0 {
				t.Errorf("%s: %+v", kind, got)
			}
			if n := got.Usage.CompletionTokens; n == nil || *n != 5 {
				t.Errorf("%s: usage %+v, want 5 tokens: four words and the end", kind, got.Usage)
			}
			if n := got.Usage.PromptTokens; n != nil {
				read[kind] = *n
			}
		}
		if read["ollama"] == 0 || read["anthropic"] != read["ollama"] || read["openai"] != read["ollama"] {
			t.Errorf("tokens read: %v", read)
		}
	})
	t.Run("answers are bounded", func(t *testing.T) {
		for kind, params := range map[string]string{"anthropic": `{"max_tokens":2}`, "ollama": `{"num_predict":2}`, "openai": `{"max_tokens":2}`} {
			got, err := open(t, kind, server.URL, "judge", params).Complete(t.Context(), ask("A or B?"))
			if err != nil || got.Text != "The answer" || got.FinishReason != "length" {
				t.Errorf("%s: %+v, %v", kind, got, err)
			}
		}
	})
	t.Run("a row's own body", func(t *testing.T) {
		body := jsontext.Value(`{"model":"gpt","messages":[{"role":"user","content":[{"type":"text","text":"A or B?"}]}],"max_completion_tokens":3,"stop":["zzz"],"temperature":0}`)
		for _, kind := range []string{"anthropic", "ollama"} { // this server's /v1 ignores max_completion_tokens
			got, err := open(t, kind, server.URL, "judge", "").Complete(t.Context(), providers.Request{Body: body})
			if err != nil || got.Text != "The answer is" || got.FinishReason != "length" {
				t.Errorf("%s: %+v, %v", kind, got, err)
			}
		}
	})
	t.Run("logprobs", func(t *testing.T) {
		for _, kind := range []string{"ollama", "openai"} {
			got, err := open(t, kind, server.URL, "judge", `{"logprobs":true,"top_logprobs":2}`).Complete(t.Context(), ask("A or B?"))
			if err != nil || !strings.Contains(string(got.Message), `"logprob":`) || len(got.Warnings) > 0 {
				t.Errorf("%s: %+v, %v", kind, got, err)
			}
		}
	})
	t.Run("refusals", func(t *testing.T) {
		for _, kind := range kinds {
			for name, c := range map[string]struct {
				url, model string
				class      providers.Class
				status     int
				hint       string
			}{
				"unknown model":    {server.URL, "nope", providers.Fatal, 404, "nope"},
				"wrong path":       {server.URL + "/wrong", "judge", providers.Fatal, 404, "the path is wrong"},
				"no chat model":    {server.URL, "embedder", providers.Fatal, 400, "embedder is no chat model"},
				"no name of model": {server.URL, "a b/c d/e f", providers.Fatal, 0, ""},
			} {
				_, err := open(t, kind, c.url, c.model, "").Complete(t.Context(), ask("A or B?"))
				var failure *providers.Error
				if !errors.As(err, &failure) || failure.Class != c.class || c.status != 0 && failure.Status != c.status || !strings.Contains(failure.Hint, c.hint) {
					t.Errorf("%s, %s: %v", kind, name, err)
				}
			}
		}
	})
	t.Run("embeddings", func(t *testing.T) {
		var first []float32
		for _, kind := range []string{"ollama", "openai"} {
			got, err := open(t, kind, server.URL, "embedder", "").Embed(t.Context(), []string{"one text", "another text"})
			if err != nil || len(got) != 2 || len(got[0]) != 64 {
				t.Errorf("%s: %d vectors, %v", kind, len(got), err)
				continue
			}
			if first == nil {
				first = got[0]
			}
			for i, x := range got[0] {
				if math.Abs(float64(x-first[i])) > 1e-5 {
					t.Errorf("%s: value %d is %g, and %g by the other API", kind, i, x, first[i])
				}
			}
		}
	})
}

// TestAnthropicE2EProbe looks at the same server as `routeval check` does.
func TestAnthropicE2EProbe(t *testing.T) {
	server := ollamatest.StartMessages(t)
	server.Create(t, "judge", ollamatest.Scripted("The answer is B."))
	for _, kind := range []string{"anthropic", "ollama", "openai"} {
		for model, want := range map[string]bool{"judge": true, "nope": false} {
			found := open(t, kind, server.URL, model, "").Probe(t.Context(), providers.UseChat)
			failed := slices.IndexFunc(found, func(f providers.Finding) bool { return !f.OK })
			if (failed < 0) != want || failed >= 0 && found[failed].What != "model" {
				t.Errorf("%s %s: %+v", kind, model, found)
			}
		}
	}
}

// TestAnthropicE2EStory has a model that was trained go on with a story, in the structure
// that is asked for.
func TestAnthropicE2EStory(t *testing.T) {
	path := filepath.Join(repository(t), "..", "shared", "models", "stories260K.gguf")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no trained model at %s", path)
	}
	server := ollamatest.StartMessages(t)
	model := ollamatest.Read(t, path)
	server.Create(t, "stories", model)
	got, err := open(t, "anthropic", server.URL, "stories", `{"temperature":0,"max_tokens":24}`).Complete(t.Context(), ask("Once upon a time"))
	if err != nil || !strings.Contains(got.Text, "there was a") || got.FinishReason != "length" || *got.Usage.CompletionTokens != 24 {
		t.Errorf("%+v, %v", got, err)
	}
	schema := `{"type":"json_schema","json_schema":{"name":"choice","schema":{"type":"object","properties":{"win":{"enum":["A","B"]}},"required":["win"]}}}`
	for _, kind := range []string{"ollama", "openai"} {
		got, err := open(t, kind, server.URL, "stories", `{"temperature":0,"response_format":`+schema+`}`).Complete(t.Context(), ask("A or B?"))
		var choice struct {
			Win string `json:"win"`
		}
		if err == nil {
			err = json.Unmarshal([]byte(got.Text), &choice)
		}
		if err != nil || choice.Win != "A" && choice.Win != "B" {
			t.Errorf("%s: %q, %v", kind, got.Text, err)
		}
	}
}
