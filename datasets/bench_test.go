package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// benchRows is about 5 MB of rows of 1.3 KB, half of it prompt.
func benchRows(b *testing.B) ([]byte, []Prompt) {
	var file bytes.Buffer
	text := strings.Repeat("A sentence, a \"quoted\" word — and some more of it.\n", 12)
	answer := strings.Repeat("So it is 42. ", 20)
	for i := range 4000 {
		fmt.Fprintf(&file, `{"id":"row/%d","prompt":%q,"reference":"%d","category":"sums","group":"%08x","source":"bench","prompt_tokens":160,`+
			`"outcomes":{"large":{"score":1.0,"completion_tokens":66,"response":%q},"small":{"score":0.0,"completion_tokens":59,"cost_usd":0.00012,"latency_s":1.25}}}`+"\n",
			i, text, i, i, answer)
	}
	var prompts []Prompt
	for p, err := range Prompts([]string{stdin}, Options{Stdin: bytes.NewReader(file.Bytes())}) {
		if err != nil {
			b.Fatal(err)
		}
		prompts = append(prompts, p)
	}
	return file.Bytes(), prompts
}

func BenchmarkPromptsJSONL(b *testing.B) {
	data, prompts := benchRows(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range Prompts([]string{stdin}, Options{Stdin: bytes.NewReader(data)}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(prompts)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkPromptsStandardJSON is the baseline: encoding/json into a struct of
// the known fields, unknown ones dropped, keys twice and bad UTF-8 let pass.
func BenchmarkPromptsStandardJSON(b *testing.B) {
	data, _ := benchRows(b)
	type outcome struct {
		Score            *float64
		Response         string
		CompletionTokens *int64   `json:"completion_tokens"`
		CostUSD          *float64 `json:"cost_usd"`
		LatencyS         float64  `json:"latency_s"`
	}
	type prompt struct {
		ID, Prompt, Reference, Category string
		Outcomes                        map[string]outcome
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for d := json.NewDecoder(bytes.NewReader(data)); ; {
			var p prompt
			if err := d.Decode(&p); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkPromptsParquet(b *testing.B) {
	data, prompts := benchRows(b)
	path := filepath.Join(b.TempDir(), "f.parquet")
	if _, err := WritePrompts(path, values(prompts)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range Prompts([]string{path}, Options{}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(prompts)*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkWritePrompts(b *testing.B) {
	data, prompts := benchRows(b)
	for _, name := range names() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := EncodePrompts(io.Discard, name, values(prompts)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchResult() Result {
	return Result{
		Seq: 12345, PromptID: "row/12345", WinRate: new(0.37211), Route: "small", Propensity: 1, Category: "sums", Reference: "42",
		Outcomes: map[string]Outcome{"small": {
			Model: "some-model", Answer: strings.Repeat("So it is \"42\".\n", 60), FinishReason: "stop",
			PromptTokens: new(int64(160)), CompletionTokens: new(int64(210)), CostUSD: new(0.000123), Quality: new(1.0), LatencyNS: 1234567890, Attempts: 1,
		}},
		Extra: jsontext.Value(`{"group":"0000002a","source":"bench","prompt_tokens":160}`),
	}
}

func BenchmarkAppendResult(b *testing.B) {
	r := benchResult()
	line, err := AppendResult(nil, &r)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		line, _ = AppendResult(line[:0], &r)
	}
}

func BenchmarkResultsJSONL(b *testing.B) {
	r := benchResult()
	line, err := AppendResult(nil, &r)
	if err != nil {
		b.Fatal(err)
	}
	data := bytes.Repeat(line, 4000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range Results([]string{stdin}, Options{Stdin: bytes.NewReader(data)}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
