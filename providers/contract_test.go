package providers_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/go-json-experiment/json"

	"routeval/providers/providertest"
)

func TestContract(t *testing.T) {
	for _, w := range wires {
		t.Run(w.Kind, func(t *testing.T) { providertest.Run(t, w) })
	}
}

// The judges are real Ollama servers of two versions, and what Anthropic and Azure document:
// testdata/*/exchanges.jsonl holds every refusal of theirs.
func TestRecordedRefusals(t *testing.T) {
	for _, w := range wires {
		t.Run(w.Kind, func(t *testing.T) { providertest.Replay(t, w.Kind, "testdata/"+w.Kind+"/exchanges.jsonl") })
	}
}

// wires has a line for every kind that speaks HTTP.
var wires = []providertest.Wire{
	{
		Kind:      "anthropic",
		Bound:     []string{"max_tokens"},
		KeyHeader: "X-Api-Key",
		Answer: func(text string, read, written int) string {
			return fmt.Sprintf(`{"id":"msg_1","type":"message","role":"assistant","model":"tiny","content":[{"type":"text","text":%s}],`+
				`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":%d,"output_tokens":%d}}`, quote(text), read, written)
		},
		Error: func(message string) string {
			return `{"type":"error","error":{"type":"api_error","message":` + quote(message) + `},"request_id":"req_1"}`
		},
	},
	{Kind: "azure", Bound: []string{"max_tokens"}, KeyHeader: "Api-Key", Answer: openAIAnswer, Embeddings: shuffled, Error: openAIError},
	{
		Kind:  "ollama",
		Bound: []string{"options", "num_predict"},
		Answer: func(text string, read, written int) string {
			return fmt.Sprintf(`{"model":"tiny","message":{"role":"assistant","content":%s},"done":true,"done_reason":"stop",`+
				`"load_duration":5,"prompt_eval_count":%d,"eval_count":%d}`, quote(text), read, written)
		},
		Embeddings: func(vectors [][]float32) string { return `{"model":"tiny","embeddings":` + quote(vectors) + `}` },
		Error:      func(message string) string { return `{"error":` + quote(message) + `}` },
	},
	{Kind: "openai", Bound: []string{"max_tokens"}, Answer: openAIAnswer, Embeddings: shuffled, Error: openAIError},
}

func openAIAnswer(text string, read, written int) string {
	return fmt.Sprintf(`{"model":"tiny","choices":[{"index":0,"message":{"role":"assistant","content":%s,"refusal":null,"annotations":[]},`+
		`"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, quote(text), read, written)
}

func openAIError(message string) string {
	return `{"error":{"message":` + quote(message) + `,"type":"server_error","param":null,"code":null}}`
}

// shuffled writes embeddings last first, every second one as base64.
func shuffled(vectors [][]float32) string {
	data := `{"object":"list","data":[`
	for i := len(vectors) - 1; i >= 0; i-- {
		embedding := quote(vectors[i])
		if i%2 == 1 {
			var raw []byte
			for _, x := range vectors[i] {
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
			}
			embedding = quote(base64.StdEncoding.EncodeToString(raw))
		}
		data += fmt.Sprintf(`{"index":%d,"embedding":%s}`, i, embedding)
		if i > 0 {
			data += ","
		}
	}
	return data + `]}`
}

func quote(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
