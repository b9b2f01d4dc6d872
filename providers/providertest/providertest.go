// Package providertest is the contract that every kind of service holds, as a suite of
// tests over loopback servers and recorded exchanges.
package providertest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"routeval/providers"
)

// Wire is how the servers of a kind speak, as far as the suite needs it.
type Wire struct {
	Kind  string
	Bound []string // where a chat body bounds the answer's tokens: the names on the way

	// KeyHeader is the header that holds nothing but the key; "" for Authorization, where
	// it is a bearer's token.
	KeyHeader string

	// Bodies of answers. Embeddings may hold the vectors in another order if the
	// wire says which is which; nil for a kind that makes none.
	Answer     func(text string, promptTokens, completionTokens int) string
	Embeddings func(vectors [][]float32) string
	Error      func(message string) string
}

// Key is the key that the suite's clients send. It must never be seen in an error.
const Key = "sk-contract-0123456789"

// Run holds w's kind to the contract.
func Run(t *testing.T, w Wire) {
	leaks := goleak.IgnoreCurrent()
	t.Run("answers", w.answers)
	t.Run("embeddings", w.embeddings)
	t.Run("requests", w.requests)
	t.Run("statuses", w.statuses)
	t.Run("retry after", w.retryAfter)
	t.Run("time", w.time)
	t.Run("odd bodies", w.oddBodies)
	t.Run("keys", w.keys)
	t.Run("redirects", w.redirects)
	goleak.VerifyNone(t, leaks)
}

// sentKey is the key that came with a request, if it came where it belongs.
func (w Wire) sentKey(r *http.Request) string {
	if w.KeyHeader != "" {
		return r.Header.Get(w.KeyHeader)
	}
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return key
}

// open starts a server of handler and a client of it. Change may be nil.
func (w Wire) open(t *testing.T, handler http.HandlerFunc, change func(*providers.Config)) providers.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	cfg := providers.Config{
		Role: "models.weak", Kind: w.Kind, BaseURL: server.URL, Model: "tiny",
		Key: Key, KeyEnv: "TINY_KEY", Timeout: 20 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	client, err := providers.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return client
}

// always answers every call the same.
func always(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(headers); i += 2 {
			rw.Header().Set(headers[i], headers[i+1])
		}
		rw.WriteHeader(status)
		rw.Write([]byte(body))
	}
}

// hello is the suite's prompt.
func hello() providers.Request {
	return providers.Request{Messages: []providers.Message{{Role: "user", Content: "hello"}}}
}
