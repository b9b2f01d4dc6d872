package datasets

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// names has a file name for every way in which a format can be written.
func names() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, "f"+f.suffixes[0])
		for _, p := range packings() {
			if f.packable {
				names = append(names, "f"+f.suffixes[0]+p.suffix)
			}
		}
	}
	return names
}

// Every row, in every format, comes back as it was; and again from standard
// input, under a name that says nothing.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	for _, name := range names() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			rapid.Check(t, func(t *rapid.T) {
				want := rapid.SliceOfN(rapid.Custom(drawPrompt), 0, 5).Draw(t, "prompts")
				if _, err := WritePrompts(path, values(want)); err != nil {
					t.Fatal(err)
				}
				equal(t, want, Prompts([]string{path}, Options{}))
				equal(t, want, Prompts([]string{"-"}, Options{Stdin: bytes.NewReader(contents(t, path))}))

				results := rapid.SliceOfN(rapid.Custom(drawResult), 0, 5).Draw(t, "results")
				if _, err := WriteResults(path, values(results)); err != nil {
					t.Fatal(err)
				}
				equal(t, results, Results([]string{path}, Options{}))
			})
		})
	}
}

func contents(t *rapid.T, path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func values[T any](rows []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func equal[T any](t interface{ Fatal(...any) }, want []T, seq iter.Seq2[T, error]) {
	var got []T
	for r, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := any(&r).(*Prompt); ok {
			p.Pos = Pos{}
		}
		got = append(got, r)
	}
	if len(want) == 0 && len(got) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

func drawText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "null", "\u2028<&>\"\\", "a\nb\r\n\x00", "\ufffd", "😀"}))
}

func drawPrompt(t *rapid.T) Prompt {
	p := Prompt{
		ID:        "id " + drawText().Draw(t, "id"),
		Reference: drawText().Draw(t, "reference"),
		Category:  drawText().Draw(t, "category"),
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		p.Messages = []Message{{Role: "user", Content: "x" + drawText().Draw(t, "prompt")}}
	case 1:
		p.Messages = append(rapid.SliceOfN(rapid.Custom(drawMessage), 0, 3).Draw(t, "messages"),
			Message{Role: "user", Content: "x"}, Message{Role: "assistant", Content: ""})
	case 2:
		p.Messages = []Message{{Role: "user", Content: "x"}}
		p.Request = jsontext.Value(`{"messages":[{"role":"user","content":"x"}], "temperature":1.0,"o":` + drawJSON(t, 2) + `}`)
	}
	p.Recorded = drawOutcomes(t, func(o *Outcome) { o.Recorded = true })
	carried := []string{"custom_id", "extra", "raw", "group", "prompt_tokens"}
	if p.Request == nil {
		carried = append(carried, "prompt", "body")
	}
	p.Extra = drawObject(t, carried...)
	return p
}

func drawMessage(t *rapid.T) Message {
	if rapid.Bool().Draw(t, "raw") {
		return Message{Role: "tool", Content: "a\nb", Raw: jsontext.Value(`{"role":"tool" ,"content":[{"text":"a"},{"text":"b"}],"x":` + drawJSON(t, 2) + `}`)}
	}
	return Message{Role: rapid.SampledFrom([]string{"system", "assistant", "user"}).Draw(t, "role"), Content: drawText().Draw(t, "content")}
}

func drawResult(t *rapid.T) Result {
	return Result{
		Seq:        rapid.Int64Min(0).Draw(t, "seq"),
		PromptID:   "id " + drawText().Draw(t, "id"),
		WinRate:    rapid.Ptr(rapid.Float64Range(0, 1), true).Draw(t, "win rate"),
		Route:      drawText().Draw(t, "route"),
		Propensity: rapid.Float64Range(0, 1).Draw(t, "propensity"),
		Outcomes: drawOutcomes(t, func(o *Outcome) {
			o.Recorded = rapid.Bool().Draw(t, "recorded")
		}),
		Category:  drawText().Draw(t, "category"),
		Reference: drawText().Draw(t, "reference"),
		Extra:     drawObject(t, "id", "seq", "extra"),
	}
}

func drawOutcomes(t *rapid.T, mark func(*Outcome)) map[string]Outcome {
	count := rapid.Ptr(rapid.Int64Min(0), true)
	var outcomes map[string]Outcome
	for i := range rapid.IntRange(0, 3).Draw(t, "outcomes") {
		o := Outcome{
			Model:            drawText().Draw(t, "model"),
			Answer:           drawText().Draw(t, "answer"),
			FinishReason:     drawText().Draw(t, "finish reason"),
			PromptTokens:     rapid.Just(new(int64(3))).Draw(t, "prompt tokens"),
			CompletionTokens: count.Draw(t, "completion tokens"),
			CachedTokens:     count.Draw(t, "cached tokens"),
			ReasoningTokens:  count.Draw(t, "reasoning tokens"),
			CostUSD:          rapid.Ptr(rapid.Float64Range(0, 1e300), true).Draw(t, "cost"),
			Quality:          rapid.Ptr(rapid.Float64Range(0, 1), true).Draw(t, "quality"),
			LatencyNS:        rapid.Int64Min(0).Draw(t, "latency"),
			LoadNS:           rapid.Int64Min(0).Draw(t, "load"),
			Attempts:         rapid.IntRange(0, 9).Draw(t, "attempts"),
			FallbackFor:      drawText().Draw(t, "fallback for"),
			Extra:            drawObject(t, "turn_scores", "extra", "raw"),
		}
		if rapid.Bool().Draw(t, "message") {
			o.Message = jsontext.Value(`{ "tool_calls":` + drawJSON(t, 2) + `}`)
		}
		if rapid.Bool().Draw(t, "failure") {
			o.Failure = &Failure{Class: "transient", Status: rapid.IntRange(0, 599).Draw(t, "status"), Message: drawText().Draw(t, "why")}
		}
		if n := rapid.IntRange(0, 2).Draw(t, "warnings"); n > 0 {
			o.Warnings = rapid.SliceOfN(drawText(), n, n).Draw(t, "warning")
		}
		mark(&o)
		if outcomes == nil {
			outcomes = map[string]Outcome{}
		}
		outcomes[fmt.Sprint(i, drawText().Draw(t, "name"))] = o
	}
	return outcomes
}

// drawObject draws an object of some of the names, nil for none of them.
func drawObject(t *rapid.T, names ...string) jsontext.Value {
	var some []string
	for _, name := range names {
		if !rapid.Bool().Draw(t, name) {
			continue
		}
		value := drawJSON(t, 2)
		if name == "prompt_tokens" {
			value = "3"
		}
		if name == "custom_id" || name == "prompt" {
			value = `"carried"`
		}
		some = append(some, `"`+name+`":`+value)
	}
	if some == nil {
		return nil
	}
	return jsontext.Value("{" + strings.Join(some, ",") + "}")
}

// drawJSON draws a value as a person may have written it.
func drawJSON(t *rapid.T, depth int) string {
	kinds := []string{"null", "true", "1.50", "-0", "1E+2", `"\u0041\/"`, `"é"`, "{ }", "[ ]"}
	if depth > 0 {
		kinds = append(kinds, "list", "object")
	}
	switch kind := rapid.SampledFrom(kinds).Draw(t, "json"); kind {
	case "list":
		return "[" + drawJSON(t, depth-1) + " , " + drawJSON(t, depth-1) + "]"
	case "object":
		return `{"a" :` + drawJSON(t, depth-1) + `,"\u0062":` + drawJSON(t, depth-1) + "}"
	default:
		return kind
	}
}

// Real rows of other people's data survive JSON Lines, Parquet and back with
// every byte of Extra; the judge is the file itself.
func TestRoundTripOfRealRows(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(shared(t, "data/outcomes"), "*", "*.jsonl.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		parquet := filepath.Join(t.TempDir(), "p.parquet")
		if _, err := WritePrompts(parquet, Prompts([]string{file}, Options{})); err != nil {
			t.Fatal(err)
		}
		var direct, through bytes.Buffer
		n, err := EncodePrompts(&direct, ".jsonl", Prompts([]string{file}, Options{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := EncodePrompts(&through, ".jsonl", Prompts([]string{parquet}, Options{})); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(direct.Bytes(), through.Bytes()) {
			t.Errorf("%s: %d rows come back otherwise", filepath.Base(file), n)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	dir := t.TempDir()
	good := values([]Prompt{{ID: "a", Messages: []Message{{Role: "user", Content: "x"}}}})
	old := filepath.Join(dir, "old.jsonl")
	if _, err := WritePrompts(old, good); err != nil {
		t.Fatal(err)
	}
	stop := io.ErrClosedPipe
	for _, tt := range []struct {
		path string
		seq  iter.Seq2[Prompt, error]
		want string
	}{
		{"-", good, "-: is not the name of a file"},
		{filepath.Join(dir, "f.csv"), good, dir + "/f.csv: the name says no format: want one of jsonl"},
		{filepath.Join(dir, "f.parquet.gz"), good, dir + "/f.parquet.gz: parquet is compressed inside: take .gz off the name"},
		{filepath.Join(dir, "no", "f.jsonl"), good, dir + "/no/f.jsonl: "},
		{old, func(yield func(Prompt, error) bool) { yield(Prompt{}, stop) }, stop.Error()},
		{old, values([]Prompt{{ID: "b", Extra: jsontext.Value("[]")}}), old + `: prompt "b": extra is not a JSON object`},
	} {
		if _, err := WritePrompts(tt.path, tt.seq); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", tt.path, err, tt.want)
		}
	}
	if ids, _, err := all([]string{old}, Options{}); err != nil || len(ids) != 1 || ids[0] != "a" {
		t.Errorf("the old file holds %q after errors (%v)", ids, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("errors left files behind: %q", left)
	}
}
