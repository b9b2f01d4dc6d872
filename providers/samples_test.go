package providers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// sample is one exchange with a real Ollama, recorded by a raw HTTP client.
type sample struct {
	Name    string `json:"name"`
	Request struct {
		Method string         `json:"method"`
		URL    string         `json:"url"`
		Body   jsontext.Value `json:"body"`
	} `json:"request"`
	Response struct {
		Code    int         `json:"code"`
		Headers http.Header `json:"headers"`
		Body    string      `json:"raw_body"`
		Chunks  []struct {
			Line string `json:"line"`
		} `json:"chunks"`
	} `json:"response"`
	ClientError struct {
		Text string `json:"text"`
	} `json:"client_error"`
}

// What a client that asks for no stream makes of the 2xx answers that are not simply good.
// Refusals are judged in testdata/*/exchanges.jsonl, one by one.
var odd2xx = map[string]Class{
	"cancel_stream":             Transient, // streams, none of which this client asks for
	"chat_stream":               Transient,
	"generate_stream":           Transient,
	"runner_killed_stream":      Transient,
	"v1_chat_stream":            Transient,
	"v1_chat_stream_usage":      Transient,
	"chat_empty_messages_loads": Rejected,
	"unload":                    Rejected,
	"unload_first":              Rejected,
	"embed_empty_string":        Rejected,
	"embed_missing_input":       Rejected,
	"root":                      Transient, // text, no JSON
	"root_head":                 Transient,
}

// Every recorded exchange is served again, byte for byte, and comes out as an answer or
// as an error of the right class.
func TestEverySample(t *testing.T) {
	files, _ := filepath.Glob("../../shared/samples/ollama/v*/*.json")
	if len(files) == 0 {
		t.Skip("no recorded samples at ../shared/samples/ollama")
	}
	seen := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s sample
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		t.Run(filepath.Base(filepath.Dir(file))+"/"+s.Name, func(t *testing.T) {
			switch {
			case s.Response.Code == 0 && s.Name == "overload_burst":
				t.Skip("a summary of many; overload_503 is one of them")
			case s.Response.Code == 0:
				checkClientError(t, s)
			default:
				checkSample(t, s)
			}
		})
		seen++
	}
	if seen < 238 {
		t.Errorf("only %d samples", seen)
	}
}

func checkSample(t *testing.T, s sample) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		for _, name := range []string{"Content-Type", "Location", "Allow", "Retry-After"} {
			if v := s.Response.Headers.Get(name); v != "" {
				w.Header().Set(name, v)
			}
		}
		w.WriteHeader(s.Response.Code)
		w.Write([]byte(s.Response.Body))
		for _, c := range s.Response.Chunks {
			if s.Response.Body == "" {
				w.Write([]byte(c.Line + "\n"))
			}
		}
	}))
	defer server.Close()
	err := callLike(t, s, server.URL)
	want := odd2xx[s.Name]
	var failure *Error
	switch {
	case s.Response.Code/100 != 2:
		if !errors.As(err, &failure) || failure.Class == "" || failure.Status != s.Response.Code {
			t.Errorf("status %d: got %v", s.Response.Code, err)
		}
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (!errors.As(err, &failure) || failure.Class != want):
		t.Errorf("got %v, want one that is %s", err, want)
	}
}

// callLike makes the client's call for the path of a sample.
func callLike(t *testing.T, s sample, url string) error {
	_, path, _ := strings.Cut(strings.TrimPrefix(s.Request.URL, "http://"), "/")
	kind := "ollama"
	switch {
	case path == "v1/messages":
		kind = "anthropic"
	case strings.HasPrefix(path, "v1"):
		kind = "openai"
	}
	client, err := New(Config{Role: "models.weak", Kind: kind, BaseURL: url, Model: "stories260k"})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, prompt := t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}}
	var input struct {
		Input jsontext.Value `json:"input"`
	}
	json.Unmarshal(s.Request.Body, &input)
	var texts []string
	if json.Unmarshal(input.Input, &texts) != nil || len(texts) == 0 && s.Response.Code != 200 {
		texts = []string{strings.Trim(string(input.Input), `"`)}
	}
	switch path {
	case "api/chat", "v1/chat/completions", "v1/messages":
		_, err = client.Complete(ctx, prompt)
	case "api/embed", "v1/embeddings":
		_, err = client.Embed(ctx, texts)
	case "v1/models":
		_, err = client.(*openAI).models(ctx)
	case "api/tags", "api/ps":
		_, err = client.(*ollama).list(ctx, "/"+path)
	case "api/version":
		_, err = client.(*ollama).version(ctx)
	case "api/show":
		_, err = client.(*ollama).show(ctx)
	default:
		e, _ := client.(interface {
			get(context.Context, string, any) error
		})
		var any jsontext.Value
		err = e.get(ctx, "/"+path, &any)
	}
	return err
}

// checkClientError makes the same mistakes with this client.
func checkClientError(t *testing.T, s sample) {
	switch s.Name {
	case "cancel", "deadline", "client_timeout", "chat_num_predict_0":
		// Contexts that end: the contract suite has them.
		return
	case "bad_url", "no_scheme":
		_, err := New(Config{Role: "r", Kind: "openai", BaseURL: strings.TrimSuffix(s.Request.URL, "/api/tags"), Model: "m"})
		if (err == nil) != (s.Name == "no_scheme") { // people type it, and it is understood
			t.Error(err)
		}
		return
	}
	want, ok := map[string]Class{"connection_refused": Transient, "proxy_refused": Transient, "dns_failure": Fatal, "https_to_http_port": Fatal}[s.Name]
	if !ok {
		t.Fatalf("no judgement of %q", s.ClientError.Text)
	}
	e := testEndpoint(t, "ollama", s.Request.URL[:strings.LastIndex(s.Request.URL, "/api")])
	class, _, hint := e.diagnose(asSeen(s.Name, s.ClientError.Text))
	if class != want || hint == "" {
		t.Errorf("%q: %s, hint %q; want %s", s.ClientError.Text, class, hint, want)
	}
}
