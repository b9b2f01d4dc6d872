package providers

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
)

func testEndpoint(t *testing.T, kind, url string) *endpoint {
	t.Helper()
	c, err := New(Config{Role: "models.strong", Kind: kind, BaseURL: url, Model: "tiny"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	switch c := c.(type) {
	case *anthropic:
		return c.endpoint
	case *ollama:
		return c.endpoint
	}
	return c.(*openAI).endpoint
}

// asSeen builds the chain of errors that net/http gave for a recorded failure.
func asSeen(name, text string) error {
	switch name {
	case "connection_refused":
		return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case "proxy_refused":
		return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
	case "dns_failure":
		return &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "no-such-host.invalid", IsNotFound: true}}
	}
	return errors.New(text)
}

// The two ends of TLS that do not fit are real servers here.
func TestTLSMismatch(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
	plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of every handshake
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	swap := strings.NewReplacer("http://", "https://", "https://", "http://")
	for _, c := range []struct{ name, url, hint string }{
		{"https to a plain port", swap.Replace(plain.URL), "set base_url to " + plain.URL},
		{"http to a TLS port", swap.Replace(secure.URL), "set base_url to " + secure.URL},
		{"an authority nobody knows", secure.URL, "SSL_CERT_FILE"},
	} {
		for _, kind := range []string{"anthropic", "azure", "ollama", "openai"} {
			e := testEndpoint(t, kind, c.url)
			err := e.get(t.Context(), "/models", new(any))
			var failure *Error
			if !errors.As(err, &failure) || failure.Class != Fatal || !strings.Contains(failure.Hint, c.hint) {
				t.Errorf("%s, %s: got %v, want a fatal error with %q", kind, c.name, err, c.hint)
			}
		}
	}
}

func TestRefusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	listener.Close()
	for kind, hint := range map[string]string{"ollama": "ollama serve", "openai": "is the server running at " + closed} {
		err := testEndpoint(t, kind, "http://"+closed).get(t.Context(), "/x", new(any))
		var failure *Error
		if !errors.As(err, &failure) || failure.Class != Transient || !strings.Contains(failure.Hint, hint) || !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%s: got %v, want a transient error with %q", kind, err, hint)
		}
		if !strings.HasPrefix(err.Error(), "models.strong http://"+closed) || strings.Contains(err.Error(), "Get \"") {
			t.Errorf("%s: the text does not begin with role and endpoint, once: %v", kind, err)
		}
	}
}

// A connection that dies in the middle is worth another call.
func TestResets(t *testing.T) {
	for _, err := range []error{io.ErrUnexpectedEOF, io.EOF, syscall.ECONNRESET, syscall.EPIPE, &net.DNSError{Err: "server misbehaving", IsTemporary: true}} {
		e := testEndpoint(t, "openai", "https://host/v1")
		if class, _, _ := e.diagnose(&url.Error{Op: "Post", URL: "x", Err: err}); class != Transient {
			t.Errorf("%v is %s", err, class)
		}
	}
}
