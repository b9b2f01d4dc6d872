package providers

import (
	"bytes"
	stdjson "encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"
)

const testKey = "sk-secret-0123456789"

// However a configuration or a client is printed, encoded or logged, its key is not there.
// (Of a value that is no pointer, %p shows all, past any method; go vet refuses it.)
func TestKeysAreNotShown(t *testing.T) {
	shown := map[string]any{"key": Secret(testKey)}
	for _, p := range Presets() {
		cfg := Config{Role: "r", Kind: p.Name, Model: "m", Key: testKey, KeyEnv: "KEY", BaseURL: "https://example.org"}
		if p.Name == "builtin" {
			continue
		}
		c, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		shown[p.Name+" config"], shown[p.Name+" config's address"] = cfg, &cfg
		shown[p.Name+" client"] = c
		shown[p.Name+" retrying"] = Retry(c, RetryPolicy{})
		shown[p.Name+" batched"] = Batched(c, OpenAILimits())
		shown[p.Name+" nested"] = map[string]any{"c": []any{struct{ C Config }{cfg}, c}}
	}
	for name, v := range shown {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%b", "%o", "%U", "%e", "%T", "%10.3s", "%-40v", "%!"} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, testKey) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", testKey)) {
				t.Errorf("%s as %s: %s", name, verb, text)
			}
		}
		var logged bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
			slog.New(handler).Info("x", "v", v)
		}
		if strings.Contains(logged.String(), testKey) {
			t.Errorf("%s in a log: %s", name, logged.String())
		}
	}
	type keyed struct{ Key Secret }
	cfg := keyed{testKey}
	for name, encode := range map[string]func() ([]byte, error){
		"JSON":          func() ([]byte, error) { return json.Marshal(cfg) },
		"standard JSON": func() ([]byte, error) { return stdjson.Marshal(cfg) },
		"YAML":          func() ([]byte, error) { return yaml.Marshal(cfg) },
		"XML":           func() ([]byte, error) { return xml.Marshal(cfg) },
	} {
		b, err := encode()
		if err != nil || bytes.Contains(b, []byte(testKey)) || !bytes.Contains(b, []byte("***")) {
			t.Errorf("%s: %v: %s", name, err, b)
		}
	}
	if got := fmt.Sprintf("%s|%v|%q|%#v|%d", Secret("k"), Secret("k"), Secret("k"), Secret("k"), Secret("k")); got != `***|***|"***"|"***"|***` {
		t.Errorf("a key prints as %s", got)
	}
	if got := fmt.Sprintf("%s|%#v", Secret(""), Secret("")); got != `|""` {
		t.Errorf("no key prints as %s", got)
	}
}

// A key travels with TLS, or within this machine, or where the spec allows otherwise.
func TestKeysWithoutTLS(t *testing.T) {
	for url, want := range map[string]bool{
		"https://example.org/v1":        true,
		"http://localhost:8000":         true,
		"localhost:8000":                true,
		"http://127.0.0.1":              true,
		"http://127.8.9.1:80/v1":        true,
		"http://[::1]:8000/v1":          true,
		"http://[::ffff:127.0.0.1]/v1":  true,
		"http://sub.localhost":          true,
		"http://example.org/v1":         false,
		"example.org":                   false,
		"http://10.0.0.1":               false,
		"http://localhost.example.org":  false,
		"http://127.0.0.1.example.org":  false,
		"http://0x7f000001.example.org": false,
		"HTTP://EXAMPLE.ORG":            false,
	} {
		for _, kind := range []string{"anthropic", "azure", "ollama", "openai"} {
			cfg := Config{Role: "r", Kind: kind, Model: "m", Key: testKey, KeyEnv: "KEY", BaseURL: url}
			_, err := New(cfg)
			if (err == nil) != want {
				t.Errorf("%s %s: %v", kind, url, err)
			}
			if err != nil && !strings.Contains(err.Error(), "allow_plain_http") {
				t.Errorf("%s %s: no mend in %v", kind, url, err)
			}
			cfg.AllowPlainHTTP = true
			if _, err := New(cfg); err != nil {
				t.Errorf("%s %s, allowed: %v", kind, url, err)
			}
			cfg.AllowPlainHTTP, cfg.Key = false, ""
			if _, err := New(cfg); err != nil {
				t.Errorf("%s %s, without a key: %v", kind, url, err)
			}
		}
	}
}

// The system's authorities and proxies are read from the environment once in the life of a
// process, so each case is a process: this test's own binary, started again.
func TestEnvironmentOfTLSAndProxy(t *testing.T) {
	if url := os.Getenv("ROUTEVAL_TEST_CALL"); url != "" {
		c, err := New(Config{Role: "r", Kind: "openai", BaseURL: url, Model: "m", Key: testKey, AllowPlainHTTP: true})
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}})
		fmt.Printf("answer %q, error %v\n", got.Text, err)
		return
	}
	called := make(chan string, 1) // hosts, one a call
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called <- r.Host
		io.WriteString(w, `{"choices":[{"message":{"content":"42"}}]}`)
	})
	secure, proxy := httptest.NewUnstartedServer(handler), httptest.NewServer(handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the handshake that fails
	secure.StartTLS()
	defer secure.Close()
	defer proxy.Close()
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "none.pem")
	for _, c := range []struct{ name, url, env, want, host string }{
		{"an authority of one's own", secure.URL, "SSL_CERT_FILE=" + authority, `answer "42", error <nil>`, strings.TrimPrefix(secure.URL, "https://")},
		{"an authority nobody knows", secure.URL, "SSL_CERT_FILE=" + elsewhere, "name its file in SSL_CERT_FILE", ""},
		{"a proxy", "http://models.example/v1", "HTTP_PROXY=" + proxy.URL, `answer "42", error <nil>`, "models.example"},
		{"a proxy that is not for this host", "http://models.invalid/v1", "HTTP_PROXY=" + proxy.URL + "\nNO_PROXY=models.invalid", "no such host", ""},
		{"a proxy is not for this machine", proxy.URL, "HTTP_PROXY=http://127.0.0.1:1", `answer "42", error <nil>`, strings.TrimPrefix(proxy.URL, "http://")},
		{"a proxy that is down", "http://models.example/v1", "HTTP_PROXY=http://127.0.0.1:1", "this is the proxy of HTTP_PROXY", ""},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestEnvironmentOfTLSAndProxy$")
		cmd.Env = append(strings.Split(c.env, "\n"), "ROUTEVAL_TEST_CALL="+c.url, "SSL_CERT_DIR="+filepath.Dir(elsewhere))
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) || strings.Contains(string(out), testKey) {
			t.Errorf("%s: %v: %s; want %s", c.name, err, out, c.want)
		}
		host := ""
		select {
		case host = <-called:
		default:
		}
		if host != c.host {
			t.Errorf("%s: called %q, want %q", c.name, host, c.host)
		}
	}
}

// A redirect that gives up TLS is one to another host.
func TestRedirectWithoutTLS(t *testing.T) {
	calls := 0
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/v1/chat/completions", http.StatusTemporaryRedirect))
	defer secure.Close()
	c, err := New(Config{Role: "r", Kind: "openai", BaseURL: secure.URL, Model: "m", Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	c.(*openAI).client.Transport = secure.Client().Transport
	_, err = c.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}})
	if err == nil || !strings.Contains(err.Error(), "redirects to "+plain.URL) || calls != 0 {
		t.Errorf("%d calls, %v", calls, err)
	}
}
