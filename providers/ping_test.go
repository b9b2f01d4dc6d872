package providers_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"routeval/providers"
)

// A server that answers anything below 500 is up, whoever it thinks is asking.
func TestPing(t *testing.T) {
	for _, kind := range []struct{ name, path string }{{"ollama", "/api/version"}, {"openai", "/v1/models"}} {
		for status, up := range map[int]bool{200: true, 401: true, 404: true, 429: true, 500: false, 503: false} {
			var path string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path = r.URL.Path
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				w.Write([]byte(`{"data":[]}`))
			}))
			err := ping(t, kind.name, server.URL)
			if (err == nil) != up || path != kind.path {
				t.Errorf("%s, %d at %s: %v", kind.name, status, path, err)
			}
			server.Close()
			if ping(t, kind.name, server.URL) == nil {
				t.Errorf("%s: a server that is gone is up", kind.name)
			}
		}
	}
}

func ping(t *testing.T, kind, url string) error {
	t.Helper()
	c, err := providers.New(providers.Config{Role: "models.weak", Kind: kind, BaseURL: url, Model: "tiny"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.(providers.Pinger).Ping(t.Context())
}

// Connecting, the first byte and the whole answer have bounds of their own; a call that may
// have to load its model has the grace on top.
func TestTimeouts(t *testing.T) {
	begin, end := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-begin:
		case <-r.Context().Done():
			return
		}
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		select {
		case <-end:
			w.Write([]byte(`{"message":{"content":"hello"},"done":true}`))
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	cfg := providers.Config{
		Role: "models.weak", Kind: "ollama", BaseURL: server.URL, Model: "tiny",
		FirstByteTimeout: 20 * time.Millisecond, LoadGrace: time.Nanosecond, Timeout: time.Minute,
	}
	if err := complete(t, cfg); !isTransient(err, "no answer began within 20ms") {
		t.Errorf("first byte: %v", err)
	}
	cfg.LoadGrace = time.Minute
	time.AfterFunc(60*time.Millisecond, func() { close(begin) })
	time.AfterFunc(90*time.Millisecond, func() { close(end) })
	if err := complete(t, cfg); err != nil {
		t.Errorf("with grace: %v", err)
	}
	end = make(chan struct{})
	cfg.LoadGrace, cfg.Timeout = time.Nanosecond, 50*time.Millisecond
	if err := complete(t, cfg); !isTransient(err, "no whole answer within 50ms") {
		t.Errorf("whole answer: %v", err)
	}
}

// A host that says nothing while TLS is agreed on is given up after the connect timeout.
func TestConnectTimeout(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := providers.Config{
		Role: "models.weak", Kind: "openai", BaseURL: "https://" + l.Addr().String(), Model: "tiny",
		ConnectTimeout: 30 * time.Millisecond, Timeout: time.Minute,
	}
	if err := complete(t, cfg); !isTransient(err, "timeout") {
		t.Errorf("error %v", err)
	}
}

func complete(t *testing.T, cfg providers.Config) error {
	t.Helper()
	c, err := providers.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Complete(t.Context(), providers.Request{Messages: []providers.Message{{Role: "user", Content: "hello"}}})
	return err
}

func isTransient(err error, says string) bool {
	var e *providers.Error
	return errors.As(err, &e) && e.Class == providers.Transient && strings.Contains(e.Message, says)
}
