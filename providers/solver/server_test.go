package solver

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// twoWide is an embedding model for tests.
var twoWide = Embedding{Model: "two-wide", Dim: 2, Embed: func(dst []float32, text string) { dst[0], dst[1] = float32(len(text)), 0.1 }}

// call sends a request to a handler and returns the status and the body.
func call(t *testing.T, h http.Handler, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: content type %q", method, path, got)
	}
	return w.Code, w.Body.String()
}

// The bodies are in the form of OpenAI's API reference, field by field.
func TestServerAnswers(t *testing.T) {
	h := Handler(Options{Embedding: twoWide})
	for _, c := range []struct{ name, method, path, body, want string }{
		{"models", "GET", "/v1/models", "", `{"data":[
			{"id":"solver-small","object":"model","created":0,"owned_by":"routeval"},
			{"id":"solver-large","object":"model","created":0,"owned_by":"routeval"},
			{"id":"two-wide","object":"model","created":0,"owned_by":"routeval"}],"object":"list"}`},
		{"model", "GET", "/v1/models/solver-small", "", `{"id":"solver-small","object":"model","created":0,"owned_by":"routeval"}`},
		{"chat", "POST", "/v1/chat/completions", `{"model":"solver-small","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What is 2 + 3?"},{"role":"assistant","content":null}],"max_tokens":1024,"temperature":0}`,
			`{"id":"","object":"chat.completion","created":0,"model":"solver-small","choices":[{"index":0,"message":{"role":"assistant","content":"The answer is 5."},"finish_reason":"stop"}],
			"usage":{"prompt_tokens":7,"completion_tokens":4,"total_tokens":11}}`},
		{"parts", "POST", "/v1/chat/completions", `{"model":"solver-small","messages":[{"role":"user","content":[{"type":"text","text":"What is"},{"type":"text","text":"2 + 3?"}]}]}`,
			`{"id":"","object":"chat.completion","created":0,"model":"solver-small","choices":[{"index":0,"message":{"role":"assistant","content":"The answer is 5."},"finish_reason":"stop"}],
			"usage":{"prompt_tokens":4,"completion_tokens":4,"total_tokens":8}}`},
		{"cut", "POST", "/v1/chat/completions", `{"model":"solver-large","messages":[{"role":"user","content":"What is 2 + 3?"}],"max_completion_tokens":2}`,
			`{"id":"","object":"chat.completion","created":0,"model":"solver-large","choices":[{"index":0,"message":{"role":"assistant","content":"2 + 3 = "},"finish_reason":"length"}],
			"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}`},
		{"embedding", "POST", "/v1/embeddings", `{"model":"two-wide","input":["abc","abcde"]}`,
			`{"data":[{"object":"embedding","index":0,"embedding":[3,0.1]},{"object":"embedding","index":1,"embedding":[5,0.1]}],"model":"two-wide","object":"list","usage":{"prompt_tokens":3,"total_tokens":3}}`},
	} {
		status, body := call(t, h, c.method, c.path, c.body)
		if status != 200 {
			t.Errorf("%s: %d %s", c.name, status, body)
			continue
		}
		if diff := cmp.Diff(decode(t, c.want), decode(t, body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// decode makes a value of JSON without the ids of chats.
func decode(t *testing.T, text string) any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if v["object"] == "chat.completion" {
		delete(v, "id")
	}
	return v
}

func TestServerRefuses(t *testing.T) {
	h := Handler(Options{Embedding: twoWide})
	user := `"messages":[{"role":"user","content":"1 + 1"}]`
	for _, c := range []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"GET", "/", "", 404, "Invalid URL (GET /)"},
		{"POST", "/chat/completions", "{}", 404, "Invalid URL (POST /chat/completions)"},
		{"GET", "/v1/models/gpt-4", "", 404, "The model `gpt-4` does not exist or you do not have access to it."},
		{"DELETE", "/v1/models", "", 405, "Not allowed to DELETE on /v1/models."},
		{"GET", "/v1/chat/completions", "", 405, "Not allowed to GET on /v1/chat/completions."},
		{"POST", "/v1/chat/completions", `{"model":"gpt-4",` + user + `}`, 404, "The model `gpt-4` does not exist"},
		{"POST", "/v1/chat/completions", `{"model":"solver-small"`, 400, "We could not parse the JSON body"},
		{"POST", "/v1/chat/completions", `{"model":7}`, 400, "We could not parse the JSON body"},
		{"POST", "/v1/chat/completions", `{"model":"solver-small","messages":[{"role":"user","content":7}]}`, 400, "We could not parse the JSON body"},
		{"POST", "/v1/chat/completions", `{"model":"solver-small","messages":[]}`, 400, "messages: expected at least one"},
		{"POST", "/v1/chat/completions", `{"model":"solver-small","stream":true,` + user + `}`, 400, "stream: this server does not stream"},
		{"POST", "/v1/chat/completions", `{"model":"solver-small","max_tokens":0,` + user + `}`, 400, "max_tokens must be at least 1, got 0"},
		{"POST", "/v1/embeddings", `{"model":"solver-small","input":"a"}`, 404, "The model `solver-small` does not exist"},
		{"POST", "/v1/embeddings", `{"model":"two-wide"}`, 400, "input: expected a text"},
		{"POST", "/v1/embeddings", `{"model":"two-wide","input":[]}`, 400, "input: expected a text"},
		{"POST", "/v1/embeddings", `{"model":"two-wide","input":["a",""]}`, 400, "input: expected a text"},
		{"POST", "/v1/embeddings", `{"model":"two-wide","input":[1,2]}`, 400, "input: expected a text"},
		{"POST", "/v1/embeddings", `{"model":"two-wide","input":["a"` + strings.Repeat(`,"a"`, maxInputs) + `]}`, 400, "input: expected a text"},
		{"POST", "/v1/embeddings", `{"model":"two-wide","input":"a","encoding_format":"int8"}`, 400, "encoding_format: expected"},
		{"POST", "/v1/embeddings", `{"model":"two-wide","input":"` + strings.Repeat("a", maxBody) + `"}`, 400, "request body too large"},
	} {
		status, body := call(t, h, c.method, c.path, c.body)
		var got struct {
			Error struct {
				Message, Type string
				Param, Code   *string
			}
		}
		if err := json.Unmarshal([]byte(body), &got, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("%s %s: %v in %s", c.method, c.path, err, body)
		}
		if status != c.status || !strings.Contains(got.Error.Message, c.message) || got.Error.Type != "invalid_request_error" {
			t.Errorf("%s %s %.80s: %d %s, want %d %q", c.method, c.path, c.body, status, body, c.status, c.message)
		}
		if noModel := strings.Contains(c.message, "does not exist"); noModel != (got.Error.Code != nil && *got.Error.Code == "model_not_found") {
			t.Errorf("%s %s: the code is wrong in %s", c.method, c.path, body)
		}
	}
}

func TestServerWithoutEmbedding(t *testing.T) {
	if status, body := call(t, Handler(Options{}), "POST", "/v1/embeddings", `{"model":"","input":"a"}`); status != 404 {
		t.Errorf("%d %s", status, body)
	}
}

func TestEmbeddingInBase64(t *testing.T) {
	_, body := call(t, Handler(Options{Embedding: twoWide}), "POST", "/v1/embeddings", `{"model":"two-wide","input":"abc","encoding_format":"base64"}`)
	var got struct {
		Data []struct {
			Embedding string `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(got.Data[0].Embedding)
	if err != nil || len(b) != 8 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if x, y := math.Float32frombits(binary.LittleEndian.Uint32(b)), math.Float32frombits(binary.LittleEndian.Uint32(b[4:])); x != 3 || y != 0.1 {
		t.Errorf("%v %v", x, y)
	}
}

func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := Handler(Options{Latency: map[string]time.Duration{"solver-large": 12 * time.Millisecond}})
		for model, want := range map[string]time.Duration{"solver-small": 0, "solver-large": 12 * time.Millisecond} {
			start := time.Now()
			call(t, h, "POST", "/v1/chat/completions", `{"model":"`+model+`","messages":[{"role":"user","content":"1 + 1"}]}`)
			if got := time.Since(start); got != want {
				t.Errorf("%s took %v, want %v", model, got, want)
			}
		}
	})
}

// Over a real connection, with a request that its client gives up.
func TestServerOverLoopback(t *testing.T) {
	s := httptest.NewServer(Handler(Options{Latency: map[string]time.Duration{"solver-large": time.Hour}}))
	defer s.Close()
	post := func(client *http.Client, model string) (*http.Response, error) {
		return client.Post(s.URL+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"`+model+`","messages":[{"role":"user","content":"What is 40 + 2?"}]}`))
	}
	if _, err := post(&http.Client{Timeout: 20 * time.Millisecond}, "solver-large"); err == nil {
		t.Error("an answer came before its time")
	}
	resp, err := post(s.Client(), "solver-small")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "The answer is 42.") {
		t.Errorf("%s %v", body, err)
	}
}
