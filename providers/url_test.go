package providers

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// The judge is Ollama's own envconfig.Host, whose answers testdata/ollama/ollama_host.jsonl
// records.
func TestOllamaHost(t *testing.T) {
	f, err := os.Open("testdata/ollama/ollama_host.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, n := bufio.NewScanner(f), 0
	for lines.Scan() {
		var row struct {
			Host string `json:"OLLAMA_HOST"`
			URL  string `json:"url"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if got := ollamaHost(row.Host).String(); got != row.URL {
			t.Errorf("OLLAMA_HOST=%q: got %s, Ollama makes %s", row.Host, got, row.URL)
		}
		n++
	}
	if n != 37 {
		t.Errorf("%d values, want 37", n)
	}
}

func TestOllamaURL(t *testing.T) {
	for _, c := range []struct{ typed, want, refused string }{
		{typed: "", want: "http://127.0.0.1:11434"},
		{typed: "localhost", want: "http://localhost:11434"},
		{typed: "localhost:11434", want: "http://localhost:11434"},
		{typed: "0.0.0.0", want: "http://127.0.0.1:11434"},
		{typed: ":1234", want: "http://127.0.0.1:1234"},
		{typed: "[::]:1234", want: "http://[::1]:1234"},
		{typed: "::1", want: "http://[::1]:11434"},
		{typed: "http://host", want: "http://host:80"},
		{typed: "HTTP://1.2.3.4:11434", want: "http://1.2.3.4:11434"},
		{typed: "https://host/ollama/", want: "https://host:443/ollama"},
		{typed: "http://127.0.0.1:11434/v1", want: "http://127.0.0.1:11434"},
		{typed: "http://127.0.0.1:11434//v1//", want: "http://127.0.0.1:11434"},
		{typed: "http://user:pw@host:11434", refused: "api_key_env"},
		{typed: "tcp://1.2.3.4:99", refused: "not http or https"},
		{typed: "http://host:11434?x=1", refused: "write http://host:11434"},
		{typed: "http://host/a b", refused: "no blanks"},
	} {
		checkURL(t, "ollama", c.typed, c.want, c.refused)
	}
}

func TestOpenAIURL(t *testing.T) {
	for _, c := range []struct{ typed, want, refused string }{
		{typed: "", want: "https://api.openai.com/v1"},
		{typed: "localhost:11434", want: "http://localhost:11434/v1"},
		{typed: "http://host", want: "http://host/v1"},
		{typed: "http://host/", want: "http://host/v1"},
		{typed: " 'https://host/v1' ", want: "https://host/v1"},
		{typed: "https://host/openai/v1/", want: "https://host/openai/v1"},
		{typed: "https://host/models/v2", want: "https://host/models/v2"},
		{typed: "https://host//v1//", want: "https://host/v1"},
		{typed: "http://0.0.0.0:8000/v1", want: "http://127.0.0.1:8000/v1"},
		{typed: "http://[::]:8000", want: "http://[::1]:8000/v1"},
		{typed: "HTTPS://Host/v1", want: "https://Host/v1"},
		{typed: "https://host/v1/chat/completions", refused: "write https://host/v1"},
		{typed: "https://host/v1/embeddings/", refused: "write https://host/v1"},
		{typed: "https://sk-secret@host/v1", refused: "api_key_env"},
		{typed: "https://host/v1?api-version=1", refused: "write https://host/v1"},
		{typed: "ftp://host/v1", refused: "not http or https"},
		{typed: "http://host:port", refused: "not a URL"},
		{typed: "http://host:70000", refused: "above 65535"},
		{typed: "http://", refused: "no host"},
	} {
		checkURL(t, "openai", c.typed, c.want, c.refused)
	}
}

// checkURL opens a client at a base URL and compares where it would call, or why not.
func checkURL(t *testing.T, kind, typed, want, refused string) {
	t.Helper()
	c, err := New(Config{Role: "models.weak", Kind: kind, BaseURL: typed, Model: "m"})
	switch {
	case refused != "":
		if err == nil || !strings.HasPrefix(err.Error(), "models.weak.base_url: ") || !strings.Contains(err.Error(), refused) {
			t.Errorf("%s %q: got error %v, want one with %q", kind, typed, err, refused)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "pw@")) {
			t.Errorf("%s %q: the error repeats the credentials: %v", kind, typed, err)
		}
	case err != nil:
		t.Errorf("%s %q: %v", kind, typed, err)
	default:
		if got := c.(Located).Endpoint(); got != want {
			t.Errorf("%s %q: got %s, want %s", kind, typed, got, want)
		}
	}
}

// Whatever is typed, reading it neither panics nor makes a URL that is not plain
// http(s) with a host and without doubled or trailing slashes.
func FuzzBaseURL(f *testing.F) {
	for _, s := range []string{"localhost:11434", "http://[::]:1", "https://host/openai/v1/", "a@b", "://", "http://%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		for _, kind := range []string{"ollama", "openai"} {
			c, err := New(Config{Role: "r", Kind: kind, BaseURL: typed, Model: "m"})
			if err != nil {
				continue
			}
			got := c.(Located).Endpoint()
			_, rest, _ := strings.Cut(got, "://")
			if !strings.HasPrefix(got, "http") || strings.HasSuffix(got, "/") || strings.Contains(rest, "//") || strings.HasPrefix(rest, ":") {
				t.Errorf("%s %q becomes %q", kind, typed, got)
			}
		}
	})
}
