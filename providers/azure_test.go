package providers

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAzureURL(t *testing.T) {
	const host = "https://res.openai.azure.com"
	for _, c := range []struct{ typed, want, wrong string }{
		{typed: host, want: host + "/openai"},
		{typed: host + "/", want: host + "/openai"},
		{typed: host + "/openai", want: host + "/openai"},
		{typed: host + "/openai/deployments/tiny/chat/completions", want: host + "/openai"},
		{typed: host + "/openai/v1/", want: host + "/openai/v1"},
		{typed: host + "/v1", want: host + "/openai/v1"},
		{typed: "https://gateway.example.org/azure", want: "https://gateway.example.org/azure/openai"},
		{typed: "", wrong: "models.weak.base_url: missing: every resource has a host of its own"},
		{typed: host + "/openai/deployments/other", wrong: `leads to the deployment "other", but the model is "tiny"`},
		{typed: host + "/openai/deployments/tiny/embeddings?api-version=2023-05-15", wrong: "write base_url: " + host + "/openai and api_version: 2023-05-15"},
		{typed: "ftp://res", wrong: `scheme "ftp"`},
	} {
		client, err := New(Config{Role: "models.weak", Kind: "azure", BaseURL: c.typed, Model: "tiny"})
		switch {
		case c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)):
			t.Errorf("%q: got %v, want %q", c.typed, err, c.wrong)
		case c.wrong == "" && err != nil:
			t.Errorf("%q: %v", c.typed, err)
		case c.wrong == "":
			if got := client.(Located).Endpoint(); got != c.want {
				t.Errorf("%q is read as %s, want %s", c.typed, got, c.want)
			}
		}
	}
	if _, err := New(Config{Role: "models.weak", Kind: "azure", BaseURL: host, Model: "a/b"}); err == nil {
		t.Error("a path is taken for a deployment's name")
	}
}

// What is called, by both of Azure's APIs.
func TestAzurePaths(t *testing.T) {
	var called string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called = r.URL.RequestURI()
		if r.Header.Get("Api-Key") != "k" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s came with %v", called, r.Header)
		}
		if strings.Contains(called, "/embeddings") {
			io.WriteString(w, `{"data":[{"index":0,"embedding":[1]}]}`)
			return
		}
		io.WriteString(w, `{"choices":[{"message":{"content":"x"}}]}`)
	}))
	defer server.Close()
	for _, c := range []struct{ path, version, chat, embed string }{
		{"", "", "/openai/deployments/tiny/chat/completions?api-version=" + DefaultAzureAPIVersion, "/openai/deployments/tiny/embeddings?api-version=" + DefaultAzureAPIVersion},
		{"", "2025-01-01-preview", "/openai/deployments/tiny/chat/completions?api-version=2025-01-01-preview", "/openai/deployments/tiny/embeddings?api-version=2025-01-01-preview"},
		{"/openai/v1", "", "/openai/v1/chat/completions", "/openai/v1/embeddings"},
		{"/openai/v1", "preview", "/openai/v1/chat/completions?api-version=preview", "/openai/v1/embeddings?api-version=preview"},
	} {
		client, err := New(Config{Role: "r", Kind: "azure", BaseURL: server.URL + c.path, Model: "tiny", APIVersion: c.version, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}}); err != nil || called != c.chat {
			t.Errorf("chat called %s, want %s: %v", called, c.chat, err)
		}
		if _, err := client.Embed(t.Context(), []string{"x"}); err != nil || called != c.embed {
			t.Errorf("embed called %s, want %s: %v", called, c.embed, err)
		}
		client.Close()
	}
}
