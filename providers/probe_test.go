package providers

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

func TestProbe(t *testing.T) {
	const (
		tags    = `{"models":[{"name":"tiny:latest"},{"name":"embed:v1"}]}`
		version = `{"version":"0.11.4"}`
		show    = `{"capabilities":["completion"],"model_info":{"general.architecture":"llama","llama.context_length":512}}`
		said    = `{"message":{"content":"a"},"done":true,"done_reason":"length","load_duration":5000000,"prompt_eval_count":7,"eval_count":1}`
		chat    = `{"choices":[{"message":{"content":"a"},"finish_reason":"length"}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`
		turn    = `{"content":[{"type":"text","text":"a"}],"stop_reason":"max_tokens","usage":{"input_tokens":7,"output_tokens":1}}`
	)
	type answers map[string]string
	for _, c := range []struct {
		name, kind string
		use        Use
		answers    answers
		want       string // steps, failed ones with "!"
		detail     string // part of the last step's
		mend       string // part of the failed one's
	}{
		{"ollama", "ollama", UseChat, answers{"/api/version": version, "/api/tags": tags, "/api/show": show, "/api/chat": said},
			"address connect path server model key completion clock", "agrees", ""},
		{"ollama embedding", "ollama", UseEmbedding, answers{"/api/version": version, "/api/tags": tags, "/api/show": show, "/api/embed": `{"embeddings":[[3,4]]}`},
			"address connect path server model key embedding clock", "agrees", ""},
		{"no such model", "ollama", UseChat, answers{"/api/version": version, "/api/tags": `{"models":[]}`},
			"address connect path server model!", "tiny is not among the 0 models served ()", "ollama pull tiny"},
		{"embeds only", "ollama", UseChat, answers{"/api/version": version, "/api/tags": tags, "/api/show": `{"capabilities":["embedding"]}`},
			"address connect path server model!", "tiny, made for embedding, context 0", "tiny is no chat model"},
		{"not Ollama", "ollama", UseChat, nil, "address connect path!", "no Ollama answers there", "use provider openai"},
		{"openai", "openai", UseChat, answers{"/v1/models": `{"data":[{"id":"tiny"}]}`, "/v1/chat/completions": chat},
			"address connect path model key completion clock", "", ""},
		{"openai embedding", "openai", UseEmbedding, answers{"/v1/models": `{"data":[{"id":"tiny"}]}`, "/v1/embeddings": `{"data":[{"index":0,"embedding":[1,2,2]}]}`},
			"address connect path model key embedding clock", "", ""},
		{"without direction", "openai", UseEmbedding, answers{"/v1/models": `{"data":[{"id":"tiny"}]}`, "/v1/embeddings": `{"data":[{"index":0,"embedding":[0,0]}]}`},
			"address connect path model key embedding! clock", "", "is this an embedding model"},
		{"no models", "openai", UseChat, answers{"/v1/models": `{"data":null}`}, "address connect path model!", "not among the 0", `has no "tiny"`},
		{"another name", "openai", UseChat, answers{"/v1/models": `{"data":[{"id":"tinny"},{"id":"other"}]}`}, "address connect path model!", "2 models served (tinny, other)", "did you mean tinny?"},
		{"not listed, but answers", "openai", UseChat, answers{"/v1/models": `{"data":[{"id":"other"}]}`, "/v1/chat/completions": chat},
			"address connect path model key completion clock", "", ""},
		{"no list", "openai", UseChat, answers{"/v1/chat/completions": chat}, "address connect path key completion clock", "", ""},
		{"nothing there", "openai", UseChat, nil, "address connect path!", "404", "the path is wrong"},
		{"anthropic", "anthropic", UseChat, answers{"/v1/models/tiny": `{"id":"tiny"}`, "/v1/messages": turn}, "address connect path key completion clock", "", ""},
		{"anthropic without models", "anthropic", UseChat, answers{"/v1/messages": turn}, "address connect path key completion clock", "", ""},
		{"anthropic embedding", "anthropic", UseEmbedding, nil, "embedding!", "anthropic makes no embeddings", "models.strong.provider: name another one"},
		{"azure", "azure", UseChat, answers{"/openai/deployments/tiny/chat/completions": chat}, "address connect path key completion clock", "", ""},
		{"azure without it", "azure", UseChat, answers{"/openai/models": `{"data":[]}`}, "address connect path!", "404", "a resource of Azure OpenAI"},
	} {
		client, calls := serving(t, c.kind, "", c.answers)
		var steps []string
		var last Finding
		mend := ""
		for _, f := range client.Probe(t.Context(), c.use) {
			step := f.What
			if !f.OK {
				step, mend = step+"!", f.Mend
			}
			if f.What == "embedding" && f.OK && f.Width == 0 || (f.What == "embedding" || f.What == "completion") && f.OK && f.Took <= 0 {
				t.Errorf("%s: %+v", c.name, f)
			}
			steps, last = append(steps, step), f
		}
		if got := strings.Join(steps, " "); got != c.want || !strings.Contains(last.Detail, c.detail) || !strings.Contains(mend, c.mend) {
			t.Errorf("%s: %s: %s (%s), want %s: %s (%s)", c.name, got, last.Detail, mend, c.want, c.detail, c.mend)
		}
		for path, n := range calls {
			if n > 1 {
				t.Errorf("%s: %d calls of %s", c.name, n, path)
			}
		}
	}
}

// A probe asks for one token, whatever the role allows, with the role's other settings.
func TestProbeAsksLittle(t *testing.T) {
	var body struct {
		MaxTokens   int     `json:"max_tokens"`
		Temperature float64 `json:"temperature"`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-3*time.Minute).UTC().Format(http.TimeFormat))
		if strings.HasSuffix(r.URL.Path, "/models") {
			io.WriteString(w, `{"data":[{"id":"tiny"}]}`)
			return
		}
		json.UnmarshalRead(r.Body, &body)
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"error":{"message":"Could not finish the message because max_tokens or model output limit was reached."}}`)
	}))
	defer server.Close()
	c, err := New(Config{Role: "r", Kind: "openai", BaseURL: server.URL, Model: "tiny", MaxTokens: 500, Params: []byte(`{"temperature":0.5}`)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	found := c.Probe(t.Context(), UseChat)
	if body.MaxTokens != 1 || body.Temperature != 0.5 {
		t.Errorf("asked for %+v", body)
	}
	done, clock := found[len(found)-2], found[len(found)-1]
	if !done.OK || done.Detail != "the model thinks longer than one token" {
		t.Errorf("%+v", done)
	}
	if clock.What != "clock" || !clock.OK || !strings.HasSuffix(clock.Detail, "ahead of the service's") || clock.Mend == "" {
		t.Errorf("%+v", clock)
	}
}
