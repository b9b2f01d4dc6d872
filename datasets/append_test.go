package datasets

import (
	"bytes"
	stdjson "encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// fill sets every field of a struct, so that a field that AppendResult forgets
// is seen. The struct tags are the judge: they say what a line must hold.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		fill(value)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("a \"model\""), value)
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[jsontext.Value]() {
			v.SetBytes([]byte(`{"k":[1,"<\u0041>"]}`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(1))
	case reflect.String:
		v.SetString("a <text> & \"more\"\n\u2028 of it")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(math.MaxInt64)
	case reflect.Float64:
		v.SetFloat(0.1)
	}
}

func TestAppendResultHoldsEveryField(t *testing.T) {
	var full Result
	fill(reflect.ValueOf(&full).Elem())
	for _, want := range []Result{{PromptID: "least"}, full} {
		line, err := AppendResult([]byte("x"), &want)
		if err != nil {
			t.Fatal(err)
		}
		body := line[1 : len(line)-1]
		if line[0] != 'x' || line[len(line)-1] != '\n' || bytes.IndexByte(body, '\n') >= 0 {
			t.Errorf("not one line after what stood before: %q", line)
		}
		var got Result
		if err := json.Unmarshal(body, &got, json.RejectUnknownMembers(true)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		marshalled, err := json.Marshal(&want, jsontext.PreserveRawStrings(true))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(marshalled), string(body)); diff != "" {
			t.Errorf("another line than of the struct's tags: %s", diff)
		}
		if got, err := decodeResult(body); err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// An answer that was paid for is never lost to its form.
func TestAppendResultMendsAnswers(t *testing.T) {
	for _, tt := range []struct {
		name          string
		answer        string
		message       string
		answerWant    string
		messageWant   string
		messageExists bool
	}{
		{"bytes that are not UTF-8", "a\xffb\xed\xa0\x80", "", "a\ufffdb\ufffd\ufffd\ufffd", "", false},
		{"NUL and newlines", "a\x00\r\nb", "", "a\x00\r\nb", "", false},
		{"message over lines", "", "{\n \"a\": [\r\n1]}\n", "", "{ \"a\": [\r1]}", true},
		{"message that is not UTF-8", "", "{\"a\":\"\xff\"}", "", "{\"a\":\"\ufffd\"}", true},
		{"message that is no JSON", "", "{\"a\":", "", `"{\"a\":"`, true},
		{"message with a key twice", "", `{"a":1,"a":2}`, "", `"{\"a\":1,\"a\":2}"`, true},
		{"message that is too deep", "", strings.Repeat("[", 2000) + strings.Repeat("]", 2000), "", `"` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `"`, true},
	} {
		r := Result{PromptID: "p", Outcomes: map[string]Outcome{"m": {Answer: tt.answer}}}
		if tt.messageExists {
			r.Outcomes["m"] = Outcome{Message: jsontext.Value(tt.message)}
		}
		line, err := AppendResult(nil, &r)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if n := bytes.Count(line, []byte("\n")); n != 1 || !stdjson.Valid(line) {
			t.Errorf("%s: %d newlines, valid JSON %v: %q", tt.name, n, stdjson.Valid(line), line)
		}
		got, err := decodeResult(line)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if o := got.Outcomes["m"]; o.Answer != tt.answerWant || tt.messageExists && string(o.Message) != tt.messageWant {
			t.Errorf("%s: answer %q, message %q", tt.name, o.Answer, string(o.Message))
		}
	}
}

func TestAppendErrors(t *testing.T) {
	for _, tt := range []struct {
		r    Result
		want string
	}{
		{Result{PromptID: "p", WinRate: new(math.NaN())}, `result "p": win_rate: NaN is no number of JSON`},
		{Result{PromptID: "p", Outcomes: map[string]Outcome{"m": {CostUSD: new(math.Inf(1))}}}, `result "p": cost_usd: +Inf is no number of JSON`},
		{Result{PromptID: "p", Extra: jsontext.Value(`[1]`)}, `result "p": extra: extra is not a JSON object`},
		{Result{PromptID: "p", Extra: jsontext.Value(`{"a":`)}, `result "p": extra: extra is not a JSON object`},
	} {
		dst, err := AppendResult([]byte("x"), &tt.r)
		if err == nil || err.Error() != tt.want || string(dst) != "x" {
			t.Errorf("%q, error %v, want %s", dst, err, tt.want)
		}
	}
	turns := []Message{{Role: "user", Content: "x"}}
	for _, tt := range []struct {
		p    Prompt
		want string
	}{
		{Prompt{ID: "p", Messages: turns, Extra: jsontext.Value(`{"category":"c"}`)}, `prompt "p": extra has a member "category", which is a field of a prompt`},
		{Prompt{ID: "p", Messages: turns, Extra: jsontext.Value(`{`)}, `prompt "p": extra is not a JSON object`},
	} {
		if _, err := appendPrompt(nil, &tt.p); err == nil || err.Error() != tt.want {
			t.Errorf("error %v, want %s", err, tt.want)
		}
	}
}

func TestBadResultRows(t *testing.T) {
	for _, tt := range []struct{ row, want string }{
		{`{"id":"p"`, "torn row: it ends in the middle of a value, after 9 bytes"},
		{`{"id":"p","id":"q"}`, `duplicate key "id"`},
		{`{"id":"p"} {}`, "invalid JSON after"},
		{`{"id":"p","outcomes":{"m":{"tokens":1}}}`, "json: "},
		{`{"ID":"p"}`, "json: "},
		{`{}`, "id: missing"},
		{`{"id":"p","seq":-1}`, "seq: -1 is negative"},
		{`{"id":"p","win_rate":1.5}`, "win_rate: 1.5 is outside [0,1]"},
		{`{"id":"p","propensity":-0.1}`, "propensity: -0.1 is outside [0,1]"},
		{`{"id":"p","extra":[]}`, "extra: want an object, have a list"},
		{`{"id":"p","outcomes":{"m":{"quality":2}}}`, "outcomes.m.quality: 2 is outside [0,1]"},
		{`{"id":"p","outcomes":{"m":{"prompt_tokens":-2}}}`, "outcomes.m.prompt_tokens: -2 is negative"},
	} {
		if _, err := decodeResult([]byte(tt.row)); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", tt.row, err, tt.want)
		}
	}
}
