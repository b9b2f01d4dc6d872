package providers

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestPresets(t *testing.T) {
	all := Presets()
	if !slices.IsSortedFunc(all, func(a, b Preset) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the presets are not sorted")
	}
	for _, p := range all {
		if !slices.ContainsFunc(kinds, func(k kind) bool { return k.name == p.Kind }) {
			t.Errorf("%s is of kind %q, which is none", p.Name, p.Kind)
		}
		if p.Slots < 1 {
			t.Errorf("%s is good for %d calls at a time", p.Name, p.Slots)
		}
		if p.BaseURL == "" {
			continue
		}
		// Nothing is typed, and what is understood is what the table says.
		c, err := New(Config{Role: "r", Kind: p.Name, Model: "m", Key: Secret(p.KeyEnv)})
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		if got := c.(Located).Endpoint(); got != p.BaseURL || !p.At(got) {
			t.Errorf("%s is at %s, the table says %s", p.Name, got, p.BaseURL)
		}
	}
	for _, k := range kinds {
		if p, ok := LookupPreset(k.name); !ok || p.Kind != k.name {
			t.Errorf("kind %s has no preset of its own name", k.name)
		}
	}
}

func TestPresetAt(t *testing.T) {
	p, _ := LookupPreset("openai")
	for url, want := range map[string]bool{
		"https://api.openai.com":                true,
		"https://API.openai.com/v1/":            true,
		" 'https://api.openai.com/v1' ":         true,
		"http://api.openai.com/v1":              false,
		"https://api.openai.com:8443/v1":        false,
		"https://api.openai.com.example.org/v1": false,
		"https://example.org/api.openai.com":    false,
		"https://api.openai.com@example.org/v1": false,
		"https://user@api.openai.com/v1":        false,
		"api.openai.com":                        false,
		"":                                      false,
	} {
		if got := p.At(url); got != want {
			t.Errorf("%q: %t, want %t", url, got, want)
		}
	}
	if azure, _ := LookupPreset("azure"); azure.At("") || azure.At("https://res.openai.azure.com") {
		t.Error("Azure has no host of its own")
	}
}

// A service's name for the bound holds at its own host; elsewhere an unknown name would
// be no bound at all.
func TestBoundName(t *testing.T) {
	for _, c := range []struct{ kind, url, params, want string }{
		{"openai", "", "", `"max_completion_tokens":7`},
		{"groq", "", "", `"max_completion_tokens":7`},
		{"openai", "http://localhost:11434/v1", "", `"max_tokens":7`},
		{"openai", "", `{"max_tokens":5}`, `"max_tokens":5`},
		{"openai", "http://localhost:8000", `{"max_completion_tokens":5}`, `"max_completion_tokens":5`},
		{"mistral", "", "", `"max_tokens":7`},
	} {
		cfg := Config{Role: "r", Kind: c.kind, BaseURL: c.url, Model: "m", MaxTokens: 7}
		if c.params != "" {
			cfg.Params = []byte(c.params)
		}
		client, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		body, err := client.(*openAI).chatBody(Request{Messages: []Message{{Role: "user", Content: "x"}}})
		if err != nil || strings.Count(string(body), "_tokens") != 1 || !strings.Contains(string(body), c.want) {
			t.Errorf("%+v: %s, %v", c, body, err)
		}
	}
}

func TestNoEmbeddings(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }))
	defer server.Close()
	for _, p := range Presets() {
		if !p.NoEmbeddings {
			continue
		}
		c, err := New(Config{Role: "embedding", Kind: p.Name, BaseURL: server.URL, Model: "m"})
		if err != nil {
			t.Fatal(err)
		}
		found := c.Probe(t.Context(), UseEmbedding)
		if last := found[len(found)-1]; last.OK || last.What != "embedding" || !strings.Contains(last.Mend, "embedding.provider") {
			t.Errorf("%s: %+v", p.Name, last)
		}
		c.Close()
	}
}
