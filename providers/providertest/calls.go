package providertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"routeval/providers"
)

func (w Wire) answers(t *testing.T) {
	const text = "forty-two \"quoted\", é, 世界\n"
	c := w.open(t, always(200, "application/json", w.Answer(text, 7, 3)), nil)
	got, err := c.Complete(t.Context(), hello())
	if err != nil {
		t.Fatal(err)
	}
	if got.Text != text || got.Attempts != 1 || got.FinishReason != "stop" || got.Model != "tiny" || got.Message != nil {
		t.Errorf("got %+v", got)
	}
	if p, n := got.Usage.PromptTokens, got.Usage.CompletionTokens; p == nil || *p != 7 || n == nil || *n != 3 {
		t.Errorf("usage %+v, want 7 and 3", got.Usage)
	}
	if len(got.Warnings) != 0 {
		t.Errorf("warnings %q", got.Warnings)
	}
}

func (w Wire) embeddings(t *testing.T) {
	if w.Embeddings == nil {
		w.noEmbeddings(t)
		return
	}
	want := [][]float32{{1, 0.5, -2}, {0, 0, 0}, {3e-8, math.MaxFloat32, -1}}
	c := w.open(t, always(200, "application/json", w.Embeddings(want)), nil)
	got, err := c.Embed(t.Context(), []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for name, broken := range map[string][][]float32{
		"one too few":  {{1, 2}, {3, 4}},
		"one too many": {{1}, {2}, {3}, {4}},
		"two widths":   {{1, 2}, {3}, {4, 5}},
		"an empty one": {{1, 2}, {}, {3, 4}},
		"none":         {},
	} {
		c := w.open(t, always(200, "application/json", w.Embeddings(broken)), nil)
		_, err := c.Embed(t.Context(), []string{"a", "b", "c"})
		wantClass(t, name, err, providers.Rejected)
	}
	var calls atomic.Int32
	c = w.open(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) }, nil)
	if got, err := c.Embed(t.Context(), nil); err != nil || len(got) != 0 || calls.Load() != 0 {
		t.Errorf("no texts: got %v, %v after %d calls", got, err, calls.Load())
	}
}

// noEmbeddings checks that a kind that makes none says so, and asks nobody.
func (w Wire) noEmbeddings(t *testing.T) {
	c := w.open(t, func(http.ResponseWriter, *http.Request) { t.Error("a call for embeddings") }, nil)
	_, err := c.Embed(t.Context(), []string{"x"})
	if f := wantClass(t, "embeddings", err, providers.Fatal); f.Hint == "" {
		t.Error("no hint what to do about it")
	}
}

// requests checks what a chat call sends: the model, the key, and always a bound above 0
// on the answer.
func (w Wire) requests(t *testing.T) {
	var body jsontext.Value
	var key string
	record := func(rw http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		key = w.sentKey(r)
		always(200, "application/json", w.Answer("x", 1, 1))(rw, r)
	}
	own := jsontext.Value(`{"messages":[{"role":"user","content":"hello"}],"temperature":0.25}`)
	for _, c := range []struct {
		name string
		set  int
		req  providers.Request
		want int64
	}{
		{"default", 0, hello(), providers.DefaultMaxTokens},
		{"set", 17, hello(), 17},
		{"own body", 17, providers.Request{Body: own}, 17},
	} {
		client := w.open(t, record, func(cfg *providers.Config) { cfg.MaxTokens = c.set })
		if _, err := client.Complete(t.Context(), c.req); err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Model    string              `json:"model"`
			Messages []map[string]string `json:"messages"`
		}
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Fatalf("%s: %v in %s", c.name, err, body)
		}
		if sent.Model != "tiny" || len(sent.Messages) != 1 || sent.Messages[0]["content"] != "hello" {
			t.Errorf("%s: sent %s", c.name, body)
		}
		if got := numberAt(t, body, w.Bound); got != c.want {
			t.Errorf("%s: the answer's bound is %d, want %d", c.name, got, c.want)
		}
		if key != Key {
			t.Errorf("%s: sent key %q", c.name, key)
		}
	}
	client := w.open(t, record, nil)
	for name, req := range map[string]providers.Request{
		"no messages":    {},
		"not UTF-8":      {Messages: []providers.Message{{Role: "user", Content: "\xff"}}},
		"stream":         {Body: jsontext.Value(`{"messages":[{"role":"user","content":"x"}],"stream":true}`)},
		"endless":        {Body: jsontext.Value(`{"messages":[{"role":"user","content":"x"}],"max_tokens":0}`)},
		"no object":      {Body: jsontext.Value(`[]`)},
		"torn":           {Body: jsontext.Value(`{"messages":[`)},
		"trailing bytes": {Body: jsontext.Value(`{"messages":[{"role":"user","content":"x"}]} {}`)},
	} {
		_, err := client.Complete(t.Context(), req)
		wantClass(t, name, err, providers.Rejected)
	}
}

// numberAt is the number in a JSON object at the end of a way of names.
func numberAt(t *testing.T, v jsontext.Value, way []string) int64 {
	t.Helper()
	for _, name := range way {
		var object map[string]jsontext.Value
		if err := json.Unmarshal(v, &object); err != nil {
			t.Fatal(err)
		}
		v = object[name]
	}
	var n int64
	if err := json.Unmarshal(v, &n); err != nil {
		t.Fatalf("%v: %v", way, err)
	}
	return n
}

// time checks that a caller who stops waiting is let go at once, and that nobody waits
// longer than the call's own deadline. The server never answers, so a client that
// did not hold to either would hang.
func (w Wire) time(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	defer close(done)
	hang := func(rw http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}

	c := w.open(t, hang, nil)
	_, err := c.Complete(ctx, hello())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	var failure *providers.Error
	if errors.As(err, &failure) {
		t.Errorf("a call that was given up is a failed one: %v", err)
	}

	c = w.open(t, hang, func(cfg *providers.Config) { cfg.Timeout = 30 * time.Millisecond })
	_, err = c.Complete(t.Context(), hello())
	wantClass(t, "deadline", err, providers.Transient)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the endpoint's deadline looks like the caller's: %v", err)
	}
}

func (w Wire) oddBodies(t *testing.T) {
	whole := w.Answer("fine", 1, 1)
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		want    providers.Class
	}{
		{"empty", always(200, "application/json", ""), providers.Transient},
		{"no members", always(200, "application/json", "{}"), providers.Transient},
		{"cut JSON", always(200, "application/json", whole[:len(whole)-4]), providers.Transient},
		{"no JSON", always(200, "text/plain", "I am a teapot"), providers.Transient},
		{"a web page", always(200, "text/html; charset=utf-8", "<html><title>Sign in</title></html>"), providers.Fatal},
		{"a stream", always(200, "text/event-stream", "data: "+whole+"\n\ndata: [DONE]\n\n"), providers.Transient},
		{"invalid UTF-8", always(200, "application/json", string(bytes.Replace([]byte(whole), []byte("fine"), []byte("f\xffne"), 1))), providers.Transient},
		{"deep JSON", always(200, "application/json", `{"x":`+string(bytes.Repeat([]byte("["), 1<<15))), providers.Transient},
		{"broken off", brokenOff(whole), providers.Transient},
		{"an error under 200", always(200, "application/json", w.Error("the runner died")), providers.Transient},
		{"longer than allowed", always(200, "application/json", w.Answer(string(bytes.Repeat([]byte("x"), 1<<17)), 1, 1)), providers.Rejected},
		{"endless", endless, providers.Rejected},
		{"endless header", always(200, "application/json", whole, "X-Long", string(bytes.Repeat([]byte("x"), 2<<20))), providers.Rejected},
	} {
		client := w.open(t, c.handler, func(cfg *providers.Config) { cfg.MaxResponseBytes = 1 << 16 })
		_, err := client.Complete(t.Context(), hello())
		wantClass(t, c.name, err, c.want)
	}
}

// brokenOff announces more bytes than come.
func brokenOff(body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Content-Length", "60000")
		io.WriteString(rw, body)
		rw.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// endless never ends its answer.
func endless(rw http.ResponseWriter, r *http.Request) {
	rw.Header().Set("Content-Type", "application/json")
	for {
		if _, err := rw.Write(bytes.Repeat([]byte(" "), 4096)); err != nil {
			return
		}
	}
}

// wantClass checks that err is a failure of a class, as an *Error that names its role.
func wantClass(t *testing.T, name string, err error, want providers.Class) *providers.Error {
	t.Helper()
	var failure *providers.Error
	if !errors.As(err, &failure) {
		t.Errorf("%s: got %v, want an *Error", name, err)
		return &providers.Error{}
	}
	if failure.Class != want {
		t.Errorf("%s: %s, want %s: %v", name, failure.Class, want, err)
	}
	if failure.Role != "models.weak" || failure.Attempts < 1 || failure.Message == "" {
		t.Errorf("%s: role %q, attempts %d, message %q", name, failure.Role, failure.Attempts, failure.Message)
	}
	return failure
}
