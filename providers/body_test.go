package providers

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestOwnBodyKeepsBytes(t *testing.T) {
	bound := member{"max_tokens", jsontext.Value("9")}
	for _, c := range []struct{ name, body, want string }{
		{"bounded", "{ \"messages\" :[ ], \"model\":\"gpt\" ,\n\"max_tokens\": 5.0e0x }", ""},
		{"model replaced", `{ "messages" : [1], "model": "gpt\u002d4" ,"max_tokens":5, "x" : 1.00 }`, `{ "messages" : [1], "model": "m" ,"max_tokens":5, "x" : 1.00 }`},
		{"other bound", `{"max_completion_tokens":7,"model":"g","messages":[]}`, `{"max_completion_tokens":7,"model":"m","messages":[]}`},
		{"no bound", `{"model":"g", "messages":[]}`, `{"max_tokens":9,"model":"m", "messages":[]}`},
		{"open bound", `{"model":"g","max_completion_tokens": null,"messages":[]}`, `{"model":"m","max_completion_tokens": 9,"messages":[]}`},
		{"no model", `{"messages":[],"stream":false}`, `{"model":"m","max_tokens":9,"messages":[],"stream":false}`},
		{"stream", `{"messages":[],"stream":true}`, ""},
		{"twice", `{"messages":[],"model":"a","model":"b"}`, ""},
		{"negative", `{"messages":[],"max_tokens":-1}`, ""},
		{"text bound", `{"messages":[],"max_tokens":"5"}`, ""},
		{"no messages", `{"model":"g"}`, ""},
	} {
		got, err := ownBody(jsontext.Value(c.body), "m", bound)
		if (err != nil) != (c.want == "") || string(got) != c.want {
			t.Errorf("%s: got %s, %v; want %s", c.name, got, err, c.want)
		}
	}
}

// For any body: the result is valid JSON that differs in nothing but model and bound.
func TestOwnBodyProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"model", "temperature", "max_tokens", "max_completion_tokens", "tools", "é"}), rapid.ID[string]).Draw(t, "names")
		object := map[string]any{"messages": []any{map[string]any{"role": "user", "content": rapid.String().Draw(t, "content")}}}
		for _, n := range names {
			object[n] = rapid.SampledFrom([]any{nil, 3.0}).Draw(t, n)
		}
		body, err := json.Marshal(object)
		if err != nil {
			t.Skip("text that is no UTF-8")
		}
		out, err := ownBody(body, "m", member{"max_tokens", jsontext.Value("9")})
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		var got map[string]any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%s became %s: %v", body, out, err)
		}
		if got["max_tokens"] == nil && got["max_completion_tokens"] == nil {
			t.Fatalf("%s has no bound", out)
		}
		object["model"] = "m"
		for _, bound := range []string{"max_tokens", "max_completion_tokens"} {
			if object[bound] == nil {
				delete(object, bound)
				delete(got, bound)
			}
		}
		if d := cmp.Diff(object, got); d != "" {
			t.Fatal(d)
		}
	})
}

// sent is the body that a client sends for a request.
func sent(t *testing.T, cfg Config, req Request) (string, error) {
	t.Helper()
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	defer server.Close()
	cfg.Role, cfg.BaseURL, cfg.Model = "models.weak", server.URL, "m"
	c, err := New(cfg)
	if err != nil {
		return "", err
	}
	defer c.Close()
	_, err = c.Complete(t.Context(), req)
	if body == nil {
		return "", err
	}
	return string(body), nil
}

func TestParams(t *testing.T) {
	hello := Request{Messages: []Message{{Role: "user", Content: "hi"}}}
	const messages = `"messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct{ name, kind, params, want, refused string }{
		{"none", "openai", "", `{"model":"m",` + messages + `,"max_tokens":1024}`, ""},
		{"openai", "openai", `{"temperature":0.0,"seed":1}`, `{"model":"m",` + messages + `,"max_tokens":1024,"temperature":0.0,"seed":1}`, ""},
		{"openai's other bound", "openai", `{"max_completion_tokens":5}`, `{"model":"m",` + messages + `,"max_completion_tokens":5}`, ""},
		{"ollama", "ollama", `{"temperature":0,"keep_alive":"9m","options":{"num_ctx":512},"think":false,"num_predict":5}`,
			`{"model":"m",` + messages + `,"stream":false,"options":{"temperature":0,"num_ctx":512,"num_predict":5},"keep_alive":"9m","think":false}`, ""},
		{"structure and tools", "openai", `{"response_format":{"type":"json_object"},"tools":[{"type":"function"}],"tool_choice":"auto","logprobs":true}`,
			`{"model":"m",` + messages + `,"max_tokens":1024,"response_format":{"type":"json_object"},"tools":[{"type":"function"}],"tool_choice":"auto","logprobs":true}`, ""},
		{"structure of ollama's own", "ollama", `{"format":{"type":"object"},"tools":[{"type":"function"}],"logprobs":true,"top_logprobs":2}`,
			`{"model":"m",` + messages + `,"stream":false,"options":{"num_predict":1024},"format":{"type":"object"},"tools":[{"type":"function"}],"logprobs":true,"top_logprobs":2}`, ""},
		{"structure of openai's for ollama", "ollama", `{"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object"}}},"stop":"END","tool_choice":"auto"}`,
			`{"model":"m",` + messages + `,"stream":false,"options":{"stop":["END"],"num_predict":1024},"format":{"type":"object"}}`, ""},
		{"a forced tool", "ollama", `{"tool_choice":"required"}`, "", `models.weak.params.tool_choice: "required" is not possible here`},
		{"no object", "openai", `[1]`, "", "models.weak.params: not a JSON object"},
		{"ours", "ollama", `{"stream":true}`, "", "models.weak.params.stream: is set by routeval itself"},
		{"endless", "ollama", `{"num_predict":0}`, "", "models.weak.params.num_predict: 0 is not a whole number above 0"},
		{"endless too", "openai", `{"max_tokens":-1}`, "", "models.weak.params.max_tokens: -1"},
		{"other word", "ollama", `{"max_tokens":5}`, "", "num_predict"},
		{"twice", "ollama", `{"seed":5,"options":{"seed":6}}`, "", "seed is given twice"},
	} {
		got, err := sent(t, Config{Kind: c.kind, Params: jsontext.Value(c.params)}, hello)
		if c.params == "" {
			got, err = sent(t, Config{Kind: c.kind}, hello)
		}
		if got != c.want || (c.refused != "") != (err != nil) || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: sent %s, %v\nwant %s %s", c.name, got, err, c.want, c.refused)
		}
	}
}

func TestOllamaOwnBody(t *testing.T) {
	params := jsontext.Value(`{"num_ctx":512,"temperature":0.5}`)
	const message = `"messages":[{"role":"user","content":"hi"}]`
	for _, c := range []struct{ name, body, want, refused string }{
		{"settings", `{"model":"gpt",` + message + `,"temperature":0,"max_tokens":5,"stop":"x","user":"u","seed":null,"n":1,"response_format":{"type":"json_object"}}`,
			`{"model":"m",` + message + `,"stream":false,"options":{"num_ctx":512,"temperature":0,"num_predict":5,"stop":["x"]},"format":"json"}`, ""},
		{"schema", `{` + message + `,"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}}`,
			`{"model":"m",` + message + `,"stream":false,"options":{"num_ctx":512,"temperature":0.5,"num_predict":1024},"format":{"type":"object"}}`, ""},
		{"parts", `{"messages":[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},{"type":"text","text":"b"}]}]}`,
			`{"model":"m","messages":[{"role":"system","content":"a\nb","images":["QUJD"]}],"stream":false,"options":{"num_ctx":512,"temperature":0.5,"num_predict":1024}}`, ""},
		{"tools", `{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"c1","content":"2"}],"tools":[{"type":"function"}]}`,
			`{"model":"m","messages":[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},{"role":"tool","content":"2","tool_name":"f"}],"stream":false,"options":{"num_ctx":512,"temperature":0.5,"num_predict":1024},"tools":[{"type":"function"}]}`, ""},
		{"thinking", `{` + message + `,"reasoning_effort":"low"}`,
			`{"model":"m",` + message + `,"stream":false,"options":{"num_ctx":512,"temperature":0.5,"num_predict":1024},"think":"low"}`, ""},
		{"many", `{` + message + `,"n":2}`, "", "n: 2 is not possible here, only 1"},
		{"logprobs", `{` + message + `,"logprobs":true,"top_logprobs":2}`,
			`{"model":"m",` + message + `,"stream":false,"options":{"num_ctx":512,"temperature":0.5,"num_predict":1024},"logprobs":true,"top_logprobs":2}`, ""},
		{"unknown", `{` + message + `,"logit_bias":{}}`, "", "logit_bias: no setting that Ollama has"},
		{"forced tool", `{` + message + `,"tool_choice":"required"}`, "", "tool_choice"},
		{"image elsewhere", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://host/x.png"}}]}]}`, "", "message 1: an image must be a data: URL"},
		{"sound", `{"messages":[{"role":"user","content":[{"type":"input_audio"}]}]}`, "", `content of type "input_audio"`},
		{"bad arguments", `{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]}]}`, "", "not a JSON object"},
	} {
		got, err := sent(t, Config{Kind: "ollama", Params: params}, Request{Body: jsontext.Value(c.body)})
		if got != c.want || err != nil && (c.refused == "" || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: sent %s, %v\nwant %s %s", c.name, got, err, c.want, c.refused)
		}
		var failure *Error
		if c.refused != "" && (!errors.As(err, &failure) || failure.Class != Rejected) {
			t.Errorf("%s: got %v, want it rejected", c.name, err)
		}
	}
}
