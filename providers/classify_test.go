package providers

import (
	"net/http"
	"strings"
	"testing"
)

// Error bodies in the forms that services document: OpenAI, Azure, Gemini, Mistral, OpenRouter,
// DeepSeek, vLLM and llama.cpp.
func TestServicesErrors(t *testing.T) {
	for _, c := range []struct {
		name, url string
		status    int
		body      string
		class     Class
		hint      string
	}{
		{"quota", "https://api.openai.com/v1", 429, `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`, Fatal, "out of credit"},
		{"rate limit", "https://api.openai.com/v1", 429, `{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}`, Transient, ""},
		{"balance", "https://api.deepseek.com", 402, `{"error":{"message":"Insufficient Balance"}}`, Fatal, "out of credit"},
		{"bad key", "https://api.openai.com/v1", 401, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`, Fatal, "models.strong: no key: set api_key_env"},
		{"bad key as 400, in a list", "https://host/v1", 400, `[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key."}}]`, Fatal, "no key"},
		{"content filter", "https://host/openai/v1", 400, `{"error":{"message":"The response was filtered","code":"content_filter"}}`, Rejected, "content filter"},
		{"moderation", "https://openrouter.ai/api/v1", 403, `{"error":{"code":403,"message":"input was flagged"}}`, Rejected, "content filter"},
		{"context", "https://api.openai.com/v1", 400, `{"error":{"message":"maximum is 8192","code":"context_length_exceeded"}}`, Rejected, "longer than the model's context"},
		{"context of vLLM", "http://localhost:8000", 400, `{"object":"error","message":"This model's maximum context length is 4096 tokens","type":"BadRequestError","code":400}`, Rejected, "longer"},
		{"context of llama.cpp", "http://localhost:8080", 500, `{"error":{"code":500,"message":"the request exceeds the available context size","type":"server_error"}}`, Rejected, "longer"},
		{"model", "https://api.openai.com/v1", 404, `{"error":{"message":"The model does not exist","code":"model_not_found"}}`, Fatal, `the service has no "tiny"`},
		{"FastAPI path", "http://localhost:8000/api", 404, `{"detail":"Not Found"}`, Fatal, "try base_url http://localhost:8000/v1"},
		{"path", "https://host/openai", 404, "404 page not found", Fatal, "try base_url https://host/openai/v1"},
		{"path that has v1", "https://host/v1", 404, "nope", Fatal, "the path is wrong"},
		{"old bound", "https://api.openai.com/v1", 400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","code":"unsupported_parameter"}}`, Fatal, "max_completion_tokens: N"},
		{"base64", "https://host/v1", 422, `{"detail":[{"msg":"encoding_format must be float"}]}`, Fatal, "encoding_format"},
		{"lock", "https://api.openai.com/v1", 409, `{"error":{"message":"locked"}}`, Transient, ""},
		{"too large", "https://host/v1", 413, "<html><title>413 Request Entity Too Large</title></html>", Rejected, ""},
		{"plain http to nginx", "http://localhost:8443", 400, "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>", Fatal, "https://localhost:8443/v1"},
		{"cloudflare", "https://host/v1", 522, "", Transient, ""},
		{"nothing said", "https://host/v1", 418, "", Rejected, ""},
		{"proxy login", "https://host/v1", 407, "", Fatal, "proxy"},
	} {
		e := testEndpoint(t, "openai", c.url)
		header := http.Header{"Content-Type": {"application/json"}}
		resp := &http.Response{StatusCode: c.status, Header: header}
		err := e.refused(request{path: "/chat/completions"}, resp, []byte(c.body))
		if err.Class != c.class || !strings.Contains(err.Hint, c.hint) || (c.hint == "") != (err.Hint == "") {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, err.Class, err.Hint, c.class, c.hint)
		}
		if err.Message == "" {
			t.Errorf("%s: no message", c.name)
		}
	}
}

// A setting that came with the row is the row's fault, one of the spec's stops the run.
func TestOwnSettings(t *testing.T) {
	e := testEndpoint(t, "ollama", "")
	for own, want := range map[bool]Class{false: Fatal, true: Rejected} {
		err := e.refused(request{path: "/api/chat", own: own}, &http.Response{StatusCode: 400}, []byte(`{"error":"\"m\" does not support tools"}`))
		if err.Class != want {
			t.Errorf("own=%t: %s, want %s", own, err.Class, want)
		}
	}
}

// Whatever an error's body holds, its text stays short, whole and on one line.
func FuzzFault(f *testing.F) {
	for _, s := range []string{`{"error":"x"}`, `{"error":{"message":{"a":1},"code":503}}`, `[{"error":null}]`, "<html><TITLE>a</title>", "\xff\x00\n"} {
		f.Add([]byte(s), 400)
	}
	c, err := New(Config{Role: "r", Kind: "ollama", Model: "m", Key: "secretkey"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		err := c.(*ollama).refused(request{path: "/api/chat"}, &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/html"}}}, body)
		text := err.Error()
		if len(text) > 1000 || strings.ContainsAny(text, "\n\x00") || strings.Contains(text, "secretkey") || strings.ToValidUTF8(text, "") != text {
			t.Errorf("%q", text)
		}
	})
}
