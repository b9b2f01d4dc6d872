package datasets

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestLines(t *testing.T) {
	const a, b = `{"id":"a","prompt":"x"}`, `{"id":"b","prompt":"y"}`
	for _, tt := range []struct {
		name, data string
		ids        string
		bad        []string
	}{
		{"plain", a + "\n" + b + "\n", "a b", nil},
		{"no newline at the end", a + "\n" + b, "a b", nil},
		{"empty", "", "", nil},
		{"CRLF", a + "\r\n" + b + "\r\n", "a b", nil},
		{"byte order mark", "\ufeff" + a + "\n" + b, "a b", nil},
		{"blank lines keep their numbers", "\n" + a + "\n \t\r\n{}\n", "a", []string{"f.jsonl:4: no prompt"}},
		{"torn", a + "\n" + b[:12] + "\n" + b, "a b", []string{"f.jsonl:2: torn row"}},
		{"torn at the end", a + "\n" + b[:12], "a", []string{"f.jsonl:2: torn row"}},
		{"garbage after", a + " x\n" + b, "b", []string{"f.jsonl:1: something stands after"}},
		{"two objects", a + b, "", []string{"f.jsonl:1: something stands after"}},
		{"duplicate key", `{"id":"a","prompt":"x","id":"b"}`, "", []string{`f.jsonl:1: duplicate key "id"`}},
		{"duplicate key, escaped", `{"id":"a","prompt":"x","\u0069d":"b"}`, "", []string{`f.jsonl:1: duplicate key "id"`}},
		{"duplicate key within", `{"prompt":"x","m":[{"k":1,"k":2}]}`, "", []string{`f.jsonl:1: duplicate key "k"`}},
		{"not UTF-8", "{\"prompt\":\"\xff\"}\n" + a, "a", []string{"f.jsonl:1: invalid JSON"}},
		{"half a surrogate", `{"prompt":"\ud800"}`, "", []string{"f.jsonl:1: invalid JSON"}},
		{"NaN", `{"prompt":"x","q":NaN}`, "", []string{"f.jsonl:1: invalid JSON"}},
		{"a list", `[` + a + `]`, "", []string{"f.jsonl:1: the row: want an object, have a list: write one object a line"}},
		{"too long", a + "\n" + strings.Repeat("x", 200) + "\n" + b, "a b", []string{"f.jsonl:2: line is longer than 100 bytes"}},
		{"just not too long", a + strings.Repeat(" ", 100-len(a)) + "\r\n" + b, "a b", nil},
		{"too deep", `{"prompt":"x","m":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			opts := Options{MaxLine: 100}
			if tt.name == "too deep" {
				opts.MaxLine = 0
				tt.bad = []string{"f.jsonl:1: nested more than 1000 deep"}
			}
			ids, bad, err := all([]string{write(t, "f.jsonl", []byte(tt.data))}, opts)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(ids, " "); got != tt.ids {
				t.Errorf("ids %q, want %q", got, tt.ids)
			}
			if !slices.EqualFunc(bad, tt.bad, strings.HasPrefix) {
				t.Errorf("bad rows %q, want %q", bad, tt.bad)
			}
		})
	}
}

// A line may be longer than any buffer, and its neighbours come out whole.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("long ", bufferSize)
	data := `{"id":"a","prompt":"` + long + `"}` + "\n" + `{"id":"b","prompt":"short"}`
	var got []string
	for p, err := range Prompts([]string{write(t, "f.jsonl", []byte(data))}, Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.Query())
	}
	if !slices.Equal(got, []string{long, "short"}) {
		t.Errorf("got %d prompts of other text", len(got))
	}
}

// A line without an end takes memory for the limit and not for the line.
func TestEndlessLine(t *testing.T) {
	const size, limit = 256 << 20, 1 << 20
	endless := io.MultiReader(io.LimitReader(zeros{}, size), strings.NewReader("\n{\"id\":\"b\",\"prompt\":\"y\"}"))
	before := allocated()
	ids, bad, err := all([]string{"-"}, Options{MaxLine: limit, Stdin: io.MultiReader(strings.NewReader("{\n"), endless)})
	if err != nil || len(bad) != 2 || len(ids) != 1 {
		t.Fatalf("ids %q, bad %q, %v", ids, bad, err)
	}
	if used := allocated() - before; used > 16*limit {
		t.Errorf("%d bytes allocated for a limit of %d", used, limit)
	}
}

// Twice the rows take no more memory that stays.
func TestMemoryIsFlat(t *testing.T) {
	row := `{"id":"i","prompt":"` + strings.Repeat("word ", 200) + `","outcomes":{"m":{"score":1}},"extra":[1,2]}` + "\n"
	heap := func(rows int) (most uint64) {
		n := 0
		for _, err := range Prompts([]string{"-"}, Options{Stdin: io.LimitReader(&repeat{text: row}, int64(rows*len(row)))}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%(rows/4) == 0 {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		if n != rows {
			t.Fatalf("%d rows of %d", n, rows)
		}
		return most
	}
	if few, many := heap(20_000), heap(100_000); many > few+(1<<20) {
		t.Errorf("%d bytes live in 20,000 rows, %d in 100,000", few, many)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// repeat reads one text over and over.
type repeat struct {
	text string
	at   int
}

func (r *repeat) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], r.text[r.at:])
		n += m
		r.at = (r.at + m) % len(r.text)
	}
	return n, nil
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	row := func(id string) []byte { return []byte(`{"id":"` + id + `","prompt":"x"}`) }
	for name, data := range map[string][]byte{
		"b.jsonl": row("b"), "a.jsonl": row("a"), "c.json": row("c"), "one[1].jsonl": row("one"),
		"sub/deep/d.ndjson": row("d"), "sub/a.jsonl": []byte(`{"prompt":"x"}`), "noname": row("n"), "notes.txt": []byte("hello"),
		"anon.jsonl": []byte("\n{\"prompt\":\"x\"}"), "utf16.jsonl": []byte("\xff\xfe{\x00"), "empty": nil, "no.jsonl.gz": nil,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		paths, ids, err string
	}{
		{"b.jsonl a.jsonl", "b a", ""},
		{"c.json [ab].jsonl", "c a b", ""},
		{"*.{jsonl,json} sub/**/*.ndjson", "a anon.jsonl:2 b c one", "utf16.jsonl: is UTF-16 text: save it as UTF-8"},
		{"one[1].jsonl", "one", ""},
		{"sub/**/d.*", "d", ""},
		{"anon.jsonl", "anon.jsonl:2", ""},
		{"a.jsonl sub/a.jsonl", "a sub/a.jsonl:1", ""},
		{"noname", "n", ""},
		{"empty", "", ""},
		{"a.jsonl missing.jsonl", "", "missing.jsonl: no such file or directory"},
		{"*.csv", "", "*.csv: matches no file"},
		{"a[.jsonl", "", "a[.jsonl: syntax error in pattern"},
		{"sub", "", "sub: is a directory: name its files, such as sub/*.jsonl"},
		{"notes.txt", "", "notes.txt: unknown format: neither the name nor the first bytes are those of jsonl (.jsonl, .ndjson, .json, each also with .gz, .zst) or parquet (.parquet, .pq)"},
		{"no.jsonl.gz", "", "no.jsonl.gz: the name says gzip, the first bytes do not"},
		{"-", "", "-: there is no standard input here"},
		{"- -", "", "-: standard input can be named only once"},
		{"", "", "no input files"},
	} {
		ids, _, err := all(strings.Fields(tt.paths), Options{})
		if got := strings.Join(ids, " "); got != tt.ids {
			t.Errorf("%s: ids %q, want %q", tt.paths, got, tt.ids)
		}
		if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s: error %v, want %q", tt.paths, err, tt.err)
		}
	}
}

// The stream rule: over again, out early, standard input once, and a reader
// that fails gives its error after the whole rows and never half a row.
func TestStreamRule(t *testing.T) {
	seq := Prompts([]string{write(t, "f.jsonl", []byte("{\"prompt\":\"x\"}\n{}\n{\"prompt\":\"y\"}\n"))}, Options{})
	for range 2 {
		n, bad := 0, 0
		for p, err := range seq {
			n++
			if err != nil {
				bad++
				if diff := cmp.Diff(p, Prompt{}); diff != "" {
					t.Errorf("a bad row has a value: %s", diff)
				}
			}
		}
		if n != 3 || bad != 1 {
			t.Errorf("%d rows, %d bad, want 3 and 1", n, bad)
		}
	}
	for range seq {
		break
	}

	once := Prompts([]string{"-"}, Options{Stdin: strings.NewReader(`{"id":"a","prompt":"x"}`)})
	for p, err := range once {
		if err != nil || p.ID != "a" || p.Pos.String() != "-:1" {
			t.Errorf("%v %v", p, err)
		}
	}
	for _, err := range once {
		if err == nil {
			t.Error("standard input was read twice")
		}
	}

	broken := errors.New("broken pipe")
	in := io.MultiReader(strings.NewReader("{\"id\":\"a\",\"prompt\":\"x\"}\n{\"id\":\"b\","), iotest.ErrReader(broken))
	ids, bad, err := all([]string{"-"}, Options{Stdin: in})
	if len(ids) != 1 || len(bad) != 0 || !errors.Is(err, broken) || err.Error() != "-: line 2: broken pipe" {
		t.Errorf("ids %q, bad %q, error %v", ids, bad, err)
	}
}

func TestBadRow(t *testing.T) {
	long := `{"prompt":` + strings.Repeat("\xff", 2*maxRaw)
	for _, err := range Prompts([]string{write(t, "f.jsonl", []byte("\n"+long))}, Options{}) {
		rerr, ok := errors.AsType[*RowError](err)
		if !ok {
			t.Fatalf("%v is no RowError", err)
		}
		if len(rerr.Raw) != maxRaw || !strings.HasPrefix(long, string(rerr.Raw)) {
			t.Errorf("%d bytes of the row are kept", len(rerr.Raw))
		}
		rerr.Pos.File = "f.jsonl"
		line := AppendBadRow([]byte("before\n"), rerr)
		var got struct {
			File, Error, Raw string
			Row              int64
		}
		if err := json.Unmarshal(bytes.TrimPrefix(line, []byte("before\n")), &got); err != nil {
			t.Fatal(err)
		}
		if got.File != "f.jsonl" || got.Row != 2 || got.Error != rerr.Err.Error() || got.Raw != `{"prompt":`+strings.Repeat("\ufffd", maxRaw-10) {
			t.Errorf("got %.200q", line)
		}
	}
}
