package datasets

import (
	"bytes"
	"fmt"
	"iter"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
)

func gather[T any](t testing.TB, seq iter.Seq2[T, error]) (values []T, bad []string, fatal error) {
	t.Helper()
	for v, err := range seq {
		switch e := err.(type) {
		case nil:
			values = append(values, v)
		case *RowError:
			bad = append(bad, fmt.Sprintf("%d: %v", e.Pos.Row, e.Err))
		default:
			return values, bad, err
		}
	}
	return values, bad, nil
}

// Three battles, in every shape and format, are the same three battles.
func TestPreferences(t *testing.T) {
	want := []Preference{
		{ID: "7", Prompt: "Why is the sky blue?", ModelA: "alpha", ModelB: "beta", Winner: WinnerA},
		{ID: "8", Prompt: "[1, 2] is a list", ModelA: "beta", ModelB: "gamma", Winner: NoWinner},
		{ID: "9", Prompt: "Say \"hi\", then\nwave.", ModelA: "gamma", ModelB: "alpha", Winner: WinnerB},
	}
	type arena struct {
		ID     int64  `parquet:"id"`
		ModelA string `parquet:"model_a"`
		ModelB string `parquet:"model_b"`
		Prompt string `parquet:"prompt"`
		A      int64  `parquet:"winner_model_a"`
		B      int64  `parquet:"winner_model_b"`
		Tie    int64  `parquet:"winner_tie"`
	}
	var table bytes.Buffer
	if err := parquet.Write(&table, []arena{
		{7, "alpha", "beta", `["Why is the sky blue?", "And red?"]`, 1, 0, 0},
		{8, "beta", "gamma", `[1, 2] is a list`, 0, 0, 1},
		{9, "gamma", "alpha", `["Say \"hi\", then\nwave."]`, 0, 1, 0},
	}); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"arena.csv": "id,model_a,model_b,prompt,response_a,winner_model_a,winner_model_b,winner_tie\n" +
			`7,alpha,beta,"[""Why is the sky blue?"", ""And red?""]",x,1,0,0` + "\r\n" +
			`8,beta,gamma,"[1, 2] is a list",y,0,0,1` + "\n" +
			`9,gamma,alpha,"[""Say \""hi\"", then\nwave.""]",z,0,1,0` + "\n",
		"arena.parquet": table.String(),
		"arena.jsonl": `{"id":7,"model_a":"alpha","model_b":"beta","prompt":["Why is the sky blue?"],"winner_model_a":1,"winner_model_b":0,"winner_tie":0}
{"question_id":"8","model_a":"beta","model_b":"gamma","prompt":"[1, 2] is a list","winner":"tie (bothbad)"}
{"id":"9","model_a":"gamma","model_b":"alpha","winner":"model_b","conversation_a":[{"role":"user","content":"Say \"hi\", then\nwave."},{"role":"assistant","content":"hi"}]}
`,
	} {
		got, bad, err := gather(t, Preferences([]string{write(t, name, []byte(data))}, Options{}))
		if err != nil || bad != nil {
			t.Fatal(name, bad, err)
		}
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Preference{}, "Pos")); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// RouteLLM's own file is one list, under a name that says only JSON.
func TestPreferencesOfRouteLLM(t *testing.T) {
	path := write(t, "pairs.json", []byte(`[
  {"idx": 4, "model_a": "alpha", "model_b": "beta", "winner": "model_b"},
  {"model_a": "alpha", "model_b": "alpha", "winner": "tie"}
]`))
	got, bad, err := gather(t, Preferences([]string{path}, Options{}))
	if err != nil || bad != nil {
		t.Fatal(bad, err)
	}
	want := []Preference{
		{ID: "4", ModelA: "alpha", ModelB: "beta", Winner: WinnerB, Pos: Pos{path, 1}},
		{ID: "1", ModelA: "alpha", ModelB: "alpha", Winner: NoWinner, Pos: Pos{path, 2}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// RouteLLM's golden battles, all of them: the counts are those of its README.
func TestPreferencesGolden(t *testing.T) {
	battles, bad, err := gather(t, Preferences([]string{filepath.Join(shared(t, "golden/sw"), "battles.json")}, Options{}))
	if err != nil || bad != nil {
		t.Fatal(bad, err)
	}
	long := 0
	for _, p := range battles {
		if len([]rune(strings.TrimSpace(p.Prompt))) >= 16 {
			long++
		}
	}
	if len(battles) != 2290 || long != 2000 {
		t.Errorf("%d battles, %d with a prompt of at least 16 characters; want 2290 and 2000", len(battles), long)
	}
}

func TestPreferencesRefuse(t *testing.T) {
	path := write(t, "bad.jsonl", []byte(`{"model_a":"a","winner":"model_a"}
{"model_a":"a","model_b":"b","winner":"alpha"}
{"model_a":"a","model_b":"b"}
{"model_a":"a","model_b":"b","winner_model_a":1,"winner_tie":1}
{"model_a":7,"model_b":"b","winner":"tie"}
{"model_a":"a","model_b":"b","winner":"tie","prompt":[null]}
{"model_a":"a","model_b":"b","winner":"tie","prompt":{"a":1}}
{"model_a":"a","model_b":"b","winner":"tie"
{"model_a":"a","model_b":"b","winner":"tie"}
`))
	got, bad, err := gather(t, Preferences([]string{path}, Options{}))
	if err != nil || len(got) != 1 || got[0].ID != "8" {
		t.Fatal(got, err)
	}
	for i, want := range []string{
		"1: model_a and model_b: both must be named",
		`2: winner: want model_a, model_b or tie, have "alpha"`,
		"3: no winner", "4: no winner",
		"5: model_a: not of the right type, have a number",
		"6: prompt: the first turn is missing",
		"7: prompt: want a text or a list of texts, have an object",
		"8: torn row",
	} {
		if !strings.HasPrefix(bad[i], want) {
			t.Errorf("row error %q, want %q", bad[i], want)
		}
	}
	for name, data := range map[string]string{
		"empty.csv":  "",
		"twice.csv":  "a,a\n1,2\n",
		"torn.json":  `[{"model_a":"a","model_b":"b","winner":"tie"},`,
		"half.json":  `[{"model_a":"a"`,
		"object.txt": `"text"`,
	} {
		if _, _, err := gather(t, Preferences([]string{write(t, name, []byte(data))}, Options{})); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A row of any length ends a file in bounded memory, whatever the format.
func TestTablesAreBounded(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	for name, data := range map[string]string{
		"long.csv":  "model_a,model_b\n\"" + long,
		"long.json": `[{"model_a":"` + long,
	} {
		_, _, err := gather(t, Preferences([]string{write(t, name, []byte(data))}, Options{MaxLine: 1 << 10}))
		if err == nil || !strings.Contains(err.Error(), "longer than 1024 bytes") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzPreferences(f *testing.F) {
	f.Add("a.csv", []byte("model_a,model_b,winner\na,b,tie\n\"a,\"b\n"))
	f.Add("a.json", []byte(`[{"idx":1,"model_a":"a","model_b":"b","winner":"tie"}]`))
	f.Add("a.jsonl", []byte(`{"model_a":"a","model_b":"b","winner_tie":true,"prompt":"[\"x\"]"}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		switch name {
		case "a.csv", "a.json", "a.jsonl":
		default:
			t.Skip()
		}
		rows := 0
		for _, err := range Preferences([]string{write(t, name, data)}, Options{MaxLine: 1 << 10}) {
			if rows++; rows > len(data)+1 {
				t.Fatalf("%d rows of %d bytes, %v", rows, len(data), err)
			}
		}
	})
}
