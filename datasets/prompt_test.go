package datasets

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// one decodes a single row.
func one(row string) (Prompt, error) {
	return newRowDecoder().prompt([]byte(row), Pos{File: "f.jsonl", Row: 7}, "f.jsonl")
}

func TestPromptRows(t *testing.T) {
	user := func(text string) []Message { return []Message{{Role: "user", Content: text}} }
	for _, tt := range []struct {
		name, row string
		want      Prompt
	}{
		{"least", `{"prompt":"x"}`, Prompt{ID: "f.jsonl:7", Messages: user("x")}},
		{"escapes", `{"prom\u0070t":"\u00e9\n\"\ud83d\ude00"}`, Prompt{ID: "f.jsonl:7", Messages: user("é\n\"😀")}},
		{"numbers", `{"id":1e3,"prompt":"x","reference":18,"category":2.50}`, Prompt{ID: "1e3", Messages: user("x"), Reference: "18", Category: "2.50"}},
		{"nulls", `{"id":null,"prompt":"x","messages":null,"reference":null,"category":null,"outcomes":null,"more":null}`,
			Prompt{ID: "f.jsonl:7", Messages: user("x"), Extra: jsontext.Value(`{"more":null}`)}},
		{"empty id", `{"id":"","prompt":"x"}`, Prompt{ID: "f.jsonl:7", Messages: user("x")}},
		{"custom_id", `{"custom_id":"c","prompt":"x"}`, Prompt{ID: "c", Messages: user("x")}},
		{"both ids", `{"custom_id":"c","id":"i","prompt":"x"}`, Prompt{ID: "i", Messages: user("x"), Extra: jsontext.Value(`{"custom_id":"c"}`)}},
		{"extra, byte for byte", `{ "group" : [1 , 2.50,"\u0041"] ,"prompt":"x", "s\u006furce":  {"a" :null}, "n":1E+2 }`,
			Prompt{ID: "f.jsonl:7", Messages: user("x"), Extra: jsontext.Value(`{"group":[1 , 2.50,"\u0041"],"s\u006furce":{"a" :null},"n":1E+2}`)}},
		{"messages", `{"messages":[{"role":"system","content":"s"},{"content":"u","role":"user","name":null}]}`,
			Prompt{ID: "f.jsonl:7", Messages: []Message{{Role: "system", Content: "s"}, {Role: "user", Content: "u"}}}},
		{"messages as prompt", `{"prompt":[{"role":"user","content":"u"}]}`, Prompt{ID: "f.jsonl:7", Messages: user("u")}},
		{"messages beside prompt", `{"prompt":"p","messages":[{"role":"user","content":"u"}]}`,
			Prompt{ID: "f.jsonl:7", Messages: user("u"), Extra: jsontext.Value(`{"prompt":"p"}`)}},
		{"parts", `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}},{"type":"text","text":"b"}]}]}`,
			Prompt{ID: "f.jsonl:7", Messages: []Message{{Role: "user", Content: "a\nb",
				Raw: jsontext.Value(`{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}},{"type":"text","text":"b"}]}`)}}}},
		{"tool calls", `{"messages":[{"role":"user","content":"u"},{"role":"assistant","content":null,"tool_calls":[ ]}]}`,
			Prompt{ID: "f.jsonl:7", Messages: []Message{{Role: "user", Content: "u"}, {Role: "assistant", Raw: jsontext.Value(`{"role":"assistant","content":null,"tool_calls":[ ]}`)}}}},
		{"OpenAI batch", `{"custom_id":"c","method":"POST","url":"/v1/chat/completions","body":{"model":"m","temperature": 0,"stream":false,"messages":[{"role":"user","content":"u"}]}}`,
			Prompt{ID: "c", Messages: user("u"), Extra: jsontext.Value(`{"method":"POST","url":"/v1/chat/completions"}`),
				Request: jsontext.Value(`{"model":"m","temperature": 0,"stream":false,"messages":[{"role":"user","content":"u"}]}`)}},
		{"a body that is none", `{"prompt":"x","body":{"stream":true},"url":"u"}`,
			Prompt{ID: "f.jsonl:7", Messages: user("x"), Extra: jsontext.Value(`{"body":{"stream":true},"url":"u"}`)}},
		{"outcomes", `{"prompt":"x","prompt_tokens":9,"outcomes":{"m":{"score":1.0,"response":"r","latency_s":0.25,"turn_scores":[ 1],"completion_tokens":4.0},"n":{"quality":0,"prompt_tokens":3,"cost_usd":1e-3,"error":null},"o":null}}`,
			Prompt{ID: "f.jsonl:7", Messages: user("x"), Extra: jsontext.Value(`{"prompt_tokens":9}`), Recorded: map[string]Outcome{
				"m": {Quality: new(1.0), Answer: "r", LatencyNS: 250e6, PromptTokens: new(int64(9)), CompletionTokens: new(int64(4)), Recorded: true, Extra: jsontext.Value(`{"turn_scores":[ 1]}`)},
				"n": {Quality: new(0.0), PromptTokens: new(int64(3)), CostUSD: new(1e-3), Recorded: true},
			}}},
		{"failures", `{"prompt":"x","outcomes":{"m":{"error":"timed out"},"n":{"error":{"class":"fatal","status":401,"message":"no"},"warnings":["w"]},"o":{"error":"","score":1}}}`,
			Prompt{ID: "f.jsonl:7", Messages: user("x"), Recorded: map[string]Outcome{
				"m": {Failure: &Failure{Class: "rejected", Message: "timed out"}, Recorded: true},
				"n": {Failure: &Failure{Class: "fatal", Status: 401, Message: "no"}, Warnings: []string{"w"}, Recorded: true},
				"o": {Quality: new(1.0), Recorded: true},
			}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := one(tt.row)
			if err != nil {
				t.Fatal(err)
			}
			got.Pos = Pos{}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBadPromptRows(t *testing.T) {
	outcome := func(o string) string { return `{"prompt":"x","outcomes":{"m":` + o + `}}` }
	for _, tt := range []struct{ row, want string }{
		{`{}`, `no prompt: the row has neither "prompt" nor "messages" nor the "body" of an OpenAI batch row`},
		{`{"prompt":null}`, `no prompt`},
		{`{"body":"text"}`, `no prompt`},
		{`{"prompt":""}`, `empty prompt: there is no text to route on`},
		{`{"prompt":" \n"}`, `empty prompt`},
		{`{"prompt":5}`, `prompt: want a string or a list of messages, have a number`},
		{`{"prompt":[]}`, `prompt: empty`},
		{`{"messages":[]}`, `messages: empty`},
		{`{"messages":"x"}`, `messages: want a list of messages, have a string`},
		{`{"messages":["x"]}`, `messages[0]: want an object, have a string`},
		{`{"messages":[{"content":"x"}]}`, `messages[0].role: missing`},
		{`{"messages":[{"role":1,"content":"x"}]}`, `messages[0].role: want a name, have 1`},
		{`{"messages":[{"role":"user"}]}`, `messages[0]: neither content nor anything else is said`},
		{`{"messages":[{"role":"user","content":"a"},{"role":"user","content":5}]}`, `messages[1].content: want a string or a list of parts, have a number`},
		{`{"messages":[{"role":"user","content":["a"]}]}`, `messages[0].content[0]: want an object, have a string`},
		{`{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, `empty prompt`},
		{`{"id":true,"prompt":"x"}`, `id: want a string or a number, have a boolean`},
		{`{"prompt":"x","reference":["a"]}`, `reference: want a string or a number, have a list`},
		{`{"custom_id":"c","body":{}}`, `body.messages: missing`},
		{`{"custom_id":"c","body":{"messages":[],"stream":false}}`, `body.messages: empty`},
		{`{"custom_id":"c","body":{"stream":true,"messages":[{"role":"user","content":"u"}]}}`, `body.stream: an answer in a batch cannot be streamed: take the member out or set it to false`},
		{`{"custom_id":"c","url":"/v1/embeddings","body":{"input":"x"}}`, `url: want /v1/chat/completions, have "/v1/embeddings": only chat rows can be routed`},
		{`{"custom_id":"c","method":"GET","body":{}}`, `method: want POST, have "GET"`},
		{`{"prompt":"x","outcomes":[]}`, `outcomes: want an object of outcomes by model, have a list`},
		{`{"prompt":"x","prompt_tokens":-1,"outcomes":{"m":{}}}`, `prompt_tokens: -1 is negative`},
		{outcome(`1`), `outcomes.m: want an object, have a number`},
		{outcome(`{"score":1.01}`), `outcomes.m.quality: 1.01 is outside [0,1]`},
		{outcome(`{"score":-0.1}`), `outcomes.m.quality: -0.1 is outside [0,1]`},
		{outcome(`{"score":"NaN"}`), `outcomes.m.score: want a number, have a string`},
		{outcome(`{"score":true}`), `outcomes.m.score: want a number, have a boolean`},
		{outcome(`{"score":1,"quality":1}`), `outcomes.m: score and quality say the same: keep one`},
		{outcome(`{"answer":"a","response":"a"}`), `outcomes.m: answer and response say the same: keep one`},
		{outcome(`{"cost_usd":-1}`), `outcomes.m.cost_usd: -1 is no cost`},
		{outcome(`{"cost_usd":1e999}`), `outcomes.m.cost_usd: 1e999 is too large`},
		{outcome(`{"completion_tokens":-3}`), `outcomes.m.completion_tokens: -3 is negative`},
		{outcome(`{"completion_tokens":1.5}`), `outcomes.m.completion_tokens: 1.5 is not a count`},
		{outcome(`{"latency_s":-1}`), `outcomes.m.latency_s: -1 is no time that a call takes`},
		{outcome(`{"latency_s":1e30}`), `outcomes.m.latency_s: 1e30 is no time that a call takes`},
		{outcome(`{"answer":5}`), `outcomes.m.answer: want a string, have a number`},
		{outcome(`{"error":5}`), `outcomes.m.error: want a text or an object, have a number`},
		{outcome(`{"error":{"klass":"x"}}`), `outcomes.m.error: `},
	} {
		got, err := one(tt.row)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", tt.row, err, tt.want)
		}
		if diff := cmp.Diff(Prompt{}, got); diff != "" {
			t.Errorf("%s: has a value: %s", tt.row, diff)
		}
	}
}

// FuzzPromptRow holds the row reader to two other readers of JSON. Whatever it
// takes, encoding/json takes, with the same members, and nothing is lost: the
// fields and Extra together are the row. What it takes it writes so that it
// reads the same again.
func FuzzPromptRow(f *testing.F) {
	for _, row := range []string{
		`{"id":1,"prompt":"x","group":[{"a":"}\\"}],"z":"\""}`,
		`{"custom_id":"c","body":{"messages":[{"role":"user","content":"u"}]},"url":"/v1/chat/completions"}`,
		`{"messages":[{"role":"user","content":[{"text":"a"}]}],"prompt":"p","outcomes":{"m":{"score":0.5,"x":{}}}}`,
		`{"prompt":"x","outcomes":{"m":{"latency_s":1,"error":"e"}},"prompt_tokens":3}`,
	} {
		f.Add([]byte(row))
	}
	f.Fuzz(func(t *testing.T, row []byte) {
		p, err := one(string(row))
		if err != nil {
			return
		}
		var judge map[string]json.RawMessage
		if err := json.Unmarshal(row, &judge); err != nil {
			t.Fatalf("encoding/json does not read what we do: %v", err)
		}
		seen := map[string]json.RawMessage{}
		for name, value := range members(row) {
			var s string
			if err := json.Unmarshal(name, &s); err != nil {
				t.Fatal(err)
			}
			seen[s] = json.RawMessage(value)
		}
		if !maps.EqualFunc(judge, seen, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("members %v, encoding/json %v", seen, judge)
		}
		var extra map[string]json.RawMessage
		if p.Extra != nil {
			if err := json.Unmarshal(p.Extra, &extra); err != nil {
				t.Fatal(err)
			}
		}
		known := []string{"id", "custom_id", "prompt", "messages", "body", "reference", "category", "outcomes"}
		for name, value := range judge {
			if carried, ok := extra[name]; ok && !bytes.Equal(carried, value) || !ok && !slices.Contains(known, name) {
				t.Errorf("member %q is lost or changed: %q", name, carried)
			}
		}

		line, err := appendPrompt(nil, &p)
		if err != nil {
			t.Fatal(err)
		}
		again, err := one(strings.TrimSuffix(string(line), "\n"))
		if err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Errorf("%s\n%s", diff, line)
		}
	})
}
