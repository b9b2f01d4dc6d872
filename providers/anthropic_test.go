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
)

// testAnthropic is a client whose params are a temperature.
func testAnthropic(t *testing.T) *anthropic {
	t.Helper()
	c, err := New(Config{Role: "models.strong", Kind: "anthropic", Model: "m", MaxTokens: 9, Params: jsontext.Value(`{"temperature":0.5}`)})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*anthropic)
}

// Bodies are compared as JSON values, so that the order of members does not matter.
func sameJSON(t *testing.T, name string, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("%s: %v in %s", name, err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: %v in the test itself: %s", name, err, want)
	}
	if d := cmp.Diff(w, g); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// The judge is the form that Anthropic documents for the Messages API.
func TestAnthropicMessages(t *testing.T) {
	c := testAnthropic(t)
	const settings = `"model":"m","temperature":0.5,"max_tokens":9`
	for _, test := range []struct {
		name     string
		messages []Message
		want     string
	}{
		{"one turn", []Message{{Role: "user", Content: "hi"}}, `{"messages":[{"role":"user","content":"hi"}],` + settings + `}`},
		{"system turns stand apart", []Message{{Role: "system", Content: "be"}, {Role: "user", Content: "hi"}, {Role: "developer", Content: "brief"}},
			`{"system":[{"type":"text","text":"be"},{"type":"text","text":"brief"}],"messages":[{"role":"user","content":"hi"}],` + settings + `}`},
		{"an empty system turn says nothing", []Message{{Role: "system"}, {Role: "user", Content: "hi"}}, `{"messages":[{"role":"user","content":"hi"}],` + settings + `}`},
		{"Anthropic's own form", []Message{{Raw: jsontext.Value(`{"role":"user","content":[{"type":"text","text":"see","cache_control":{"type":"ephemeral"}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}]}`)}},
			`{"messages":[{"role":"user","content":[{"type":"text","text":"see","cache_control":{"type":"ephemeral"}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}}]}],` + settings + `}`},
		{"OpenAI's images", []Message{{Raw: jsontext.Value(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBO"}},{"type":"image_url","image_url":{"url":"https://host/a.png"}}]}`)}},
			`{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBO"}},{"type":"image","source":{"type":"url","url":"https://host/a.png"}}]}],` + settings + `}`},
		{"OpenAI's tools, results in one turn", []Message{
			{Role: "user", Content: "both"},
			{Raw: jsontext.Value(`{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}`)},
			{Raw: jsontext.Value(`{"role":"tool","tool_call_id":"a","content":"one"}`)},
			{Raw: jsontext.Value(`{"role":"tool","tool_call_id":"b","content":"two"}`)},
			{Role: "user", Content: "so?"},
		}, `{"messages":[{"role":"user","content":"both"},
			{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"x":1}},{"type":"tool_use","id":"b","name":"g","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"one"}]},{"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"two"}]}]},
			{"role":"user","content":"so?"}],` + settings + `}`},
	} {
		got, err := c.chatBody(Request{Messages: test.messages})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		sameJSON(t, test.name, got, test.want)
	}
	for name, m := range map[string]Message{
		"a role":         {Role: "critic", Content: "x"},
		"sound":          {Raw: jsontext.Value(`{"role":"user","content":[{"type":"input_audio"}]}`)},
		"no content":     {Raw: jsontext.Value(`{"role":"user","content":7}`)},
		"no object":      {Raw: jsontext.Value(`"hi"`)},
		"torn arguments": {Raw: jsontext.Value(`{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}`)},
	} {
		if body, err := c.chatBody(Request{Messages: []Message{m}}); err == nil {
			t.Errorf("%s: no error but %s", name, body)
		}
	}
}

func TestAnthropicOwnBody(t *testing.T) {
	c := testAnthropic(t)
	const turns = `"messages":[{"role":"user","content":"x"}]`
	const tool = `{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}},"strict":true}}`
	for _, test := range []struct{ name, body, want string }{
		{"params where the row is silent", `{"model":"gpt",` + turns + `}`, `{"model":"m",` + turns + `,"temperature":0.5,"max_tokens":9}`},
		{"the row's own", `{` + turns + `,"temperature":0,"max_completion_tokens":3,"top_p":0.5,"stop":"END","user":"u","seed":null}`,
			`{"model":"m",` + turns + `,"temperature":0,"max_tokens":3,"top_p":0.5,"stop_sequences":["END"]}`},
		{"harmless", `{` + turns + `,"n":1,"stream":false,"logprobs":false,"frequency_penalty":0,"parallel_tool_calls":true,"response_format":{"type":"text"}}`,
			`{"model":"m",` + turns + `,"temperature":0.5,"max_tokens":9}`},
		{"tools", `{` + turns + `,"tools":[` + tool + `,{"type":"function","function":{"name":"g"}},{"type":"bash_20250124","name":"bash"}],"tool_choice":"required","parallel_tool_calls":false}`,
			`{"model":"m",` + turns + `,"temperature":0.5,"max_tokens":9,"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{}}},{"name":"g","input_schema":{"type":"object"}},{"type":"bash_20250124","name":"bash"}],"tool_choice":{"type":"any","disable_parallel_tool_use":true}}`},
		{"one tool", `{` + turns + `,"tools":[` + tool + `],"tool_choice":{"type":"function","function":{"name":"f"}}}`,
			`{"model":"m",` + turns + `,"temperature":0.5,"max_tokens":9,"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"tool","name":"f"}}`},
		{"a schema", `{` + turns + `,"output_config":{"effort":"low"},"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}}`,
			`{"model":"m",` + turns + `,"temperature":0.5,"max_tokens":9,"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}`},
		{"Anthropic's own names", `{"system":"be","messages":[{"role":"system","content":"brief"},{"role":"user","content":"x"}],"thinking":{"type":"disabled"}}`,
			`{"model":"m","system":[{"type":"text","text":"be"},{"type":"text","text":"brief"}],` + turns + `,"temperature":0.5,"max_tokens":9,"thinking":{"type":"disabled"}}`},
	} {
		got, err := c.ownBody(jsontext.Value(test.body))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		sameJSON(t, test.name, got, test.want)
	}
	for member, want := range map[string]string{
		`"seed":1`:        "seed: no setting that Anthropic has",
		`"logit_bias":{}`: "logit_bias: no setting that Anthropic has",
		`"n":2`:           "n: 2 is not possible here",
		`"logprobs":true`: "logprobs: true is not possible here",
		`"max_tokens":0`:  "max_tokens: 0 is not a whole number above 0",
		`"response_format":{"type":"json_object"}`: `response_format: type "json_object" is not possible here`,
		`"tools":7`:                         "tools: not a list",
		`"tool_choice":7`:                   "tool_choice: 7 is not possible here",
		`"tool_choice":{"type":"function"}`: "tool_choice: a function without a name",
		`"output_config":1,"response_format":{"type":"json_schema","json_schema":{"schema":{}}}`: "output_config",
	} {
		body, err := c.ownBody(jsontext.Value(`{` + turns + `,` + member + `}`))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v; want %q", member, body, err, want)
		}
	}
}

func TestAnthropicAnswers(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	for _, c := range []struct {
		name, body string
		want       Completion
	}{
		{"pieces of one text", `{"model":"m-1","content":[{"type":"text","text":"a "},{"type":"text","text":"b","citations":null}],"stop_reason":"stop_sequence","usage":{"input_tokens":5,"output_tokens":2}}`,
			Completion{Text: "a b", Model: "m-1", FinishReason: "stop", Usage: Usage{PromptTokens: n(5), CompletionTokens: n(2)}}},
		{"cached", `{"content":[{"type":"text","text":"a"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"cache_read_input_tokens":100,"cache_creation_input_tokens":20,"output_tokens":2}}`,
			Completion{Text: "a", FinishReason: "stop", Usage: Usage{PromptTokens: n(125), CompletionTokens: n(2), CachedTokens: n(100)}}},
		{"no usage", `{"content":[],"stop_reason":"pause_turn"}`, Completion{FinishReason: "pause_turn"}},
		{"tools", `{"content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{}}],"stop_reason":"tool_use"}`,
			Completion{Text: "a", FinishReason: "tool_calls", Message: jsontext.Value(`{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"tool_use","id":"t","name":"f","input":{}}]}`)}},
		{"citations", `{"content":[{"type":"text","text":"a","citations":[{"type":"char_location"}]}],"stop_reason":"end_turn"}`,
			Completion{Text: "a", FinishReason: "stop", Message: jsontext.Value(`{"role":"assistant","content":[{"type":"text","text":"a","citations":[{"type":"char_location"}]}]}`)}},
		{"thought itself out", `{"content":[{"type":"thinking","thinking":"hm"}],"stop_reason":"max_tokens"}`,
			Completion{FinishReason: "length", Message: jsontext.Value(`{"role":"assistant","content":[{"type":"thinking","thinking":"hm"}]}`),
				Warnings: []string{"no text: the model used up max_tokens before its answer began"}}},
	} {
		var a anthropicAnswer
		if err := json.Unmarshal([]byte(c.body), &a); err != nil {
			t.Fatal(err)
		}
		got, err := a.completion()
		c.want.Attempts = 1
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, d)
		}
	}
}

// What a whole call sends beside its body, and what a refusal of the model's own becomes.
func TestAnthropicCall(t *testing.T) {
	var seen *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		io.WriteString(w, `{"content":[],"stop_reason":"refusal"}`)
	}))
	defer server.Close()
	c, err := New(Config{Role: "r", Kind: "anthropic", BaseURL: server.URL + "/anthropic", Model: "m", Key: "sk-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "hi"}}})
	var failure *Error
	if !errors.As(err, &failure) || failure.Class != Rejected {
		t.Errorf("a refusal: got %v", err)
	}
	h := seen.Header
	if seen.URL.Path != "/anthropic/v1/messages" || h.Get("X-Api-Key") != "sk-1" || h.Get("Anthropic-Version") != "2023-06-01" || h.Get("Authorization") != "" {
		t.Errorf("called %s with %v", seen.URL.Path, h)
	}
	sameJSON(t, "body", body, `{"model":"m","max_tokens":1024,"messages":[{"role":"user","content":"hi"}]}`)
}

func TestAnthropicParams(t *testing.T) {
	c, err := New(Config{Role: "r", Kind: "anthropic", Model: "m", Params: jsontext.Value(`{"max_tokens":5,"stop":"END","thinking":{"type":"disabled"},
		"tools":[{"type":"function","function":{"name":"f"}}],"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object"}}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	body, err := c.(*anthropic).chatBody(Request{Messages: []Message{{Role: "user", Content: "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "params", body, `{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":5,"stop_sequences":["END"],"thinking":{"type":"disabled"},
		"tools":[{"name":"f","input_schema":{"type":"object"}}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`)
	for params, want := range map[string]string{
		`{"max_tokens":0}`:                           "params.max_tokens: 0 is not a whole number above 0",
		`{"max_completion_tokens":5}`:                "params.max_completion_tokens: Anthropic calls it max_tokens",
		`{"system":"be brief"}`:                      "params.system: belongs to the prompt",
		`{"response_format":{"type":"json_object"}}`: `params.response_format: type "json_object" is not possible here`,
		`{"model":"other"}`:                          "params.model: is set by routeval itself",
	} {
		_, err := New(Config{Role: "r", Kind: "anthropic", Model: "m", Params: jsontext.Value(params)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", params, err, want)
		}
	}
}
