package providertest

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"routeval/providers"
)

// statuses checks what every kind makes of a status that comes with an ordinary error.
func (w Wire) statuses(t *testing.T) {
	classes := map[int]providers.Class{
		400: providers.Rejected, 401: providers.Fatal, 402: providers.Fatal, 403: providers.Fatal,
		404: providers.Fatal, 405: providers.Fatal, 408: providers.Transient, 413: providers.Rejected,
		422: providers.Rejected, 425: providers.Transient, 429: providers.Transient, 500: providers.Transient,
		501: providers.Fatal, 502: providers.Transient, 503: providers.Transient, 504: providers.Transient, 529: providers.Transient,
	}
	for status, want := range classes {
		c := w.open(t, always(status, "application/json", w.Error("something is amiss")), nil)
		_, err := c.Complete(t.Context(), hello())
		failure := wantClass(t, fmt.Sprint(status), err, want)
		if failure.Status != status || failure.Message != "something is amiss" {
			t.Errorf("%d: status %d, message %q", status, failure.Status, failure.Message)
		}
		if w.Embeddings != nil {
			_, err = c.Embed(t.Context(), []string{"x"})
			wantClass(t, fmt.Sprint("embed ", status), err, want)
		}
	}
	// Proxies and balancers answer with a page of their own.
	c := w.open(t, always(502, "text/html", "<html><head><title>502 Bad Gateway</title></head><body>long</body></html>"), nil)
	_, err := c.Complete(t.Context(), hello())
	if f := wantClass(t, "page", err, providers.Transient); f.Message != "Bad Gateway" {
		t.Errorf("a page's title: %q", f.Message)
	}
	c = w.open(t, always(404, "application/json", w.Error(`model "tiny" not found`)), nil)
	_, err = c.Complete(t.Context(), hello())
	if f := wantClass(t, "unknown model", err, providers.Fatal); !strings.Contains(f.Hint, "tiny") {
		t.Errorf("unknown model: hint %q", f.Hint)
	}
	c = w.open(t, always(404, "text/plain", "404 page not found"), nil)
	_, err = c.Complete(t.Context(), hello())
	if f := wantClass(t, "wrong path", err, providers.Fatal); strings.Contains(f.Hint, "tiny") || f.Hint == "" {
		t.Errorf("wrong path: hint %q", f.Hint)
	}
}

func (w Wire) retryAfter(t *testing.T) {
	served := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		headers []string
		want    time.Duration
	}{
		{nil, 0},
		{[]string{"Retry-After", "7"}, 7 * time.Second},
		{[]string{"Retry-After", "0.5"}, 500 * time.Millisecond},
		{[]string{"Retry-After", "-3"}, 0},
		{[]string{"Retry-After", "soon"}, 0},
		{[]string{"Retry-After", "1e300"}, (1<<31 - 1) * time.Second},
		{[]string{"Date", served.Format(http.TimeFormat), "Retry-After", served.Add(time.Minute).Format(http.TimeFormat)}, time.Minute},
		{[]string{"Retry-After", "7", "Retry-After-Ms", "120"}, 120 * time.Millisecond},
		{[]string{"X-Ratelimit-Remaining-Tokens", "0", "X-Ratelimit-Reset-Tokens", "6m0s"}, 6 * time.Minute},
		{[]string{"X-Ratelimit-Remaining-Tokens", "12", "X-Ratelimit-Reset-Tokens", "6m0s"}, 0},
		{[]string{"X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "3"}, 3 * time.Second},
	} {
		client := w.open(t, always(429, "application/json", w.Error("slow down"), c.headers...), nil)
		_, err := client.Complete(t.Context(), hello())
		if f := wantClass(t, fmt.Sprint(c.headers), err, providers.Transient); f.RetryAfter != c.want {
			t.Errorf("%q: wait %s, want %s", c.headers, f.RetryAfter, c.want)
		}
	}
}

// keys checks that whatever a service does with the key, no error and no client
// printed in any way shows it, and that an error says where it came from.
func (w Wire) keys(t *testing.T) {
	echo := func(status int) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			always(status, "application/json", w.Error("bad key "+Key+" in "+fmt.Sprint(r.Header)))(rw, r)
		}
	}
	for _, status := range []int{400, 401, 403, 404, 429, 500} {
		c := w.open(t, echo(status), nil)
		_, err := c.Complete(t.Context(), hello())
		for _, shown := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), fmt.Sprintf("%v %+v %#v", c, c, c)} {
			if strings.Contains(shown, Key) {
				t.Errorf("%d: the key is shown: %s", status, shown)
			}
		}
		if status == 401 && !strings.Contains(err.Error(), "TINY_KEY was refused") {
			t.Errorf("401 does not name the key's variable: %v", err)
		}
	}
	c := w.open(t, echo(401), func(cfg *providers.Config) { cfg.Key = "" })
	if _, err := c.Complete(t.Context(), hello()); !strings.Contains(err.Error(), "TINY_KEY is empty or not set") {
		t.Errorf("401 without a key: %v", err)
	}
	cfg := providers.Config{Role: "r", Kind: w.Kind, BaseURL: "http://example.org/v1", Model: "tiny", Key: Key}
	if _, err := providers.New(cfg); err == nil || strings.Contains(err.Error(), Key) {
		t.Errorf("a key without TLS: got %v", err)
	}
	cfg.AllowPlainHTTP = true
	if _, err := providers.New(cfg); err != nil {
		t.Errorf("a key without TLS, allowed: %v", err)
	}
}

// redirects checks that one to the same host is followed, body and all, and that any
// other ends the call before anything is sent there.
func (w Wire) redirects(t *testing.T) {
	var foreign atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { foreign.Add(1) }))
	defer other.Close()
	away := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, other.URL+r.URL.Path+"?key="+Key, http.StatusTemporaryRedirect)
	}
	_, err := w.open(t, away, nil).Complete(t.Context(), hello())
	f := wantClass(t, "to another host", err, providers.Fatal)
	if foreign.Load() != 0 || !strings.Contains(f.Hint, other.URL) || strings.Contains(f.Hint, Key) {
		t.Errorf("to another host: %d calls, hint %q", foreign.Load(), f.Hint)
	}

	moved := func(rw http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/moved") {
			http.Redirect(rw, r, "/moved"+r.URL.Path, http.StatusTemporaryRedirect)
			return
		}
		if r.ContentLength <= 0 || w.sentKey(r) != Key {
			t.Errorf("a redirect lost the body or the key")
		}
		always(200, "application/json", w.Answer("moved", 1, 1))(rw, r)
	}
	if c, err := w.open(t, moved, nil).Complete(t.Context(), hello()); err != nil || c.Text != "moved" {
		t.Errorf("to the same host: %q, %v", c.Text, err)
	}

	circle := func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, r.URL.Path, http.StatusTemporaryRedirect)
	}
	_, err = w.open(t, circle, nil).Complete(t.Context(), hello())
	wantClass(t, "in a circle", err, providers.Rejected)

	get := func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, "/other", http.StatusFound) }
	_, err = w.open(t, get, nil).Complete(t.Context(), hello())
	wantClass(t, "to a GET", err, providers.Fatal)
}

// An Exchange is a recorded refusal and what is to be made of it.
type Exchange struct {
	From    string            `json:"from"` // server, version and what was asked
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Class   providers.Class   `json:"class"`
	Hint    string            `json:"hint"` // part of the hint
}

// Replay serves the exchanges of a JSON lines file to a client of kind and compares
// what it makes of them.
func Replay(t *testing.T, kind, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var now Exchange
	w := Wire{Kind: kind}
	client := w.open(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header()["Content-Type"] = nil
		for k, v := range now.Headers {
			rw.Header().Set(k, v)
		}
		rw.WriteHeader(now.Status)
		rw.Write([]byte(now.Body))
	}, nil)
	lines, n := bufio.NewScanner(f), 0
	for lines.Scan() {
		now = Exchange{}
		if err := json.Unmarshal(lines.Bytes(), &now); err != nil {
			t.Fatal(err)
		}
		_, err := client.Complete(t.Context(), hello())
		failure := wantClass(t, now.From, err, now.Class)
		if failure.Status != now.Status || !strings.Contains(failure.Hint, now.Hint) {
			t.Errorf("%s: status %d, hint %q; want %d and %q", now.From, failure.Status, failure.Hint, now.Status, now.Hint)
		}
		n++
	}
	if err := lines.Err(); err != nil || n == 0 {
		t.Errorf("%d exchanges: %v", n, err)
	}
}
