package datasets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
)

// DuckDB wrote the same 200 rows, in row groups of 64, with each codec; the SQL
// in testdata/writers/make.mjs says what they hold.
func TestParquetOfDuckDB(t *testing.T) {
	for _, codec := range []string{"snappy", "gzip", "zstd", "lz4_raw", "brotli"} {
		t.Run(codec, func(t *testing.T) {
			n := 0
			for p, err := range Prompts([]string{"testdata/writers/duckdb_chat_" + codec + ".parquet"}, Options{}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				want := Prompt{
					ID: fmt.Sprintf("c%d", n),
					Messages: []Message{
						{Role: "system", Content: "Be brief."},
						{Role: "user", Content: fmt.Sprintf("How many legs have %d spiders? Think. Think. Think. ", n)},
					},
					Reference: fmt.Sprint(8 * n),
					Category:  "counting",
					Recorded: map[string]Outcome{
						"large": {Quality: new(1.0), CompletionTokens: new(int64(n)), Recorded: true},
						"small": {Quality: new(float64(n % 2)), Recorded: true},
					},
					Extra: fmt.Appendf(nil, `{"number":%d}`, n),
					Pos:   Pos{File: "testdata/writers/duckdb_chat_" + codec + ".parquet", Row: int64(n)},
				}
				if n%3 == 0 {
					want.Category = ""
				}
				if diff := cmp.Diff(want, p); diff != "" {
					t.Fatal(diff)
				}
			}
			if n != 200 {
				t.Errorf("%d rows of 200", n)
			}
		})
	}
}

// One row of every type that DuckDB has, as the SQL in make.mjs says.
func TestParquetTypes(t *testing.T) {
	want := strings.Join([]string{`{"t_bool":true`, `"t_tinyint":-5`, `"t_usmallint":65535`,
		`"t_ubigint":18446744073709551615`, `"t_bigint":-9007199254740993`,
		`"t_float":0.1`, `"t_double":0.1`, `"t_nan":"NaN"`, `"t_inf":"-Infinity"`,
		`"t_decimal4":-0.05`, `"t_decimal18":1234567890123.4567`, `"t_decimal38":-12345678901234567890123456.789`,
		`"t_date":"1969-12-31"`, `"t_time":"23:59:59.000001"`,
		`"t_timestamp":"1969-12-31T23:59:59.5"`, `"t_timestamptz":"2026-01-31T10:00:00Z"`,
		`"t_timestamp_ns":"2026-01-31T12:00:00.000000001"`, `"t_timestamp_ms":"2026-01-31T12:00:00.001"`,
		`"t_uuid":"123e4567-e89b-12d3-a456-426614174000"`, `"t_blob":"AP8="`,
		`"t_enum":"b"`, `"t_json":{"a" : [1, 2.50]}`,
		`"t_lists":[[1,null],[],null]`, `"t_empty":[]`,
		`"t_map":{"x":[1],"y":null}`, `"t_int_map":[{"key":1,"value":"one"},{"key":2,"value":"two"}]`,
		`"t_struct":{"a":1,"b":{"d":[{"e":"f"}]}}`, `"t_text":"é\"\\\n"}`}, ",")
	n := 0
	for p, err := range Prompts([]string{"testdata/writers/duckdb_types.parquet"}, Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if diff := cmp.Diff(want, string(p.Extra)); diff != "" {
			t.Error(diff)
		}
		outcomes := map[string]Outcome{"large": {Quality: new(0.75), Answer: "two", LatencyNS: 250e6, Recorded: true}}
		if diff := cmp.Diff(outcomes, p.Recorded); diff != "" {
			t.Error(diff)
		}
		if p.ID != "7" || p.Query() != "What is 1 + 1?" {
			t.Errorf("id %q, prompt %q", p.ID, p.Query())
		}
	}
	if n != 1 {
		t.Errorf("%d rows of 1", n)
	}
}

// arrow-rs wrote large_utf8, a dictionary and lists; hyparquet-writer JSON.
func TestParquetOfOthers(t *testing.T) {
	for _, tt := range []struct {
		file string
		want []string // id, last turns, category, reference, extra
	}{
		{"arrow_rs.parquet", []string{
			`arrow_rs.parquet:1|user:Name a prime.,assistant:7,user:Another.|numbers||{"prompt_id":"r1","weights":[0.5,0.25],"seen":"2026-01-31T12:00:00"}`,
			`arrow_rs.parquet:2|user:Name an even prime.|numbers||{"prompt_id":"r2"}`,
		}},
		{"hyparquet.parquet", []string{
			`h1|user:Who?||me|{"meta":{"a":1},"score":0.5}`,
			`h2|user:Where?|||{"meta":[2],"score":1}`,
			`h3|user:When?||now|{"score":0}`,
		}},
	} {
		var got []string
		for p, err := range Prompts([]string{filepath.Join("testdata/writers", tt.file)}, Options{}) {
			if err != nil {
				t.Fatal(err)
			}
			var turns []string
			for _, m := range p.Messages {
				turns = append(turns, m.Role+":"+m.Content)
			}
			got = append(got, strings.Join([]string{p.ID, strings.Join(turns, ","), p.Category, p.Reference, string(p.Extra)}, "|"))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.file, diff)
		}
	}
}

// Schemas that none of the writers at hand makes, written by parquet-go: lists
// of old writers, bytes without annotation, old timestamps. The JSON that is
// wanted is worked out by hand from the format's rules.
func TestParquetOldSchemas(t *testing.T) {
	utf8 := parquet.String()
	for _, tt := range []struct {
		name   string
		schema parquet.Group
		row    []parquet.Value
		want   string
	}{
		{"bytes are text where text is known", parquet.Group{"prompt": parquet.Leaf(parquet.ByteArrayType), "x": parquet.Leaf(parquet.ByteArrayType)},
			[]parquet.Value{value("hi", 0, 0, 0), value("hi", 0, 0, 1)}, `{"prompt":"hi","x":"aGk="}`},
		{"repeated without annotation", parquet.Group{"prompt": utf8, "x": parquet.Repeated(parquet.Int(64))},
			[]parquet.Value{value("p", 0, 0, 0), value(1, 0, 1, 1), value(2, 1, 1, 1)}, `{"prompt":"p","x":[1,2]}`},
		{"repeated without annotation, empty", parquet.Group{"prompt": utf8, "x": parquet.Repeated(parquet.Int(64))},
			[]parquet.Value{value("p", 0, 0, 0), value(nil, 0, 0, 1)}, `{"prompt":"p","x":[]}`},
		{"list of two levels", parquet.Group{"prompt": utf8, "x": list(parquet.Group{"element": parquet.Repeated(parquet.Int(64))})},
			[]parquet.Value{value("p", 0, 0, 0), value(1, 0, 1, 1), value(2, 1, 1, 1)}, `{"prompt":"p","x":[1,2]}`},
		{"list of groups of two levels", parquet.Group{"prompt": utf8, "x": list(parquet.Group{"array": parquet.Repeated(parquet.Group{"a": parquet.Int(64)})})},
			[]parquet.Value{value("p", 0, 0, 0), value(1, 0, 1, 1), value(2, 1, 1, 1)}, `{"prompt":"p","x":[{"a":1},{"a":2}]}`},
		{"list of groups of two fields", parquet.Group{"prompt": utf8, "x": list(parquet.Group{"bag": parquet.Repeated(parquet.Group{"a": parquet.Int(64), "b": parquet.Optional(utf8)})})},
			[]parquet.Value{value("p", 0, 0, 0), value(1, 0, 1, 1), value(2, 1, 1, 1), value(nil, 0, 1, 2), value("b", 1, 2, 2)}, `{"prompt":"p","x":[{"a":1},{"a":2,"b":"b"}]}`},
		{"INT96", parquet.Group{"prompt": utf8, "x": parquet.Leaf(parquet.Int96Type)},
			[]parquet.Value{value("p", 0, 0, 0), value(deprecated.Int96{1, 0, 2440589}, 0, 0, 1)}, `{"prompt":"p","x":"1970-01-02T00:00:00.000000001"}`},
		{"text that is not UTF-8", parquet.Group{"prompt": utf8}, []parquet.Value{value("\xff", 0, 0, 0)}, "text is not valid UTF-8"},
		{"nothing but nulls", parquet.Group{"x": parquet.Optional(utf8)}, []parquet.Value{value(nil, 0, 0, 0)}, `{}`},
		{"too long", parquet.Group{"prompt": utf8}, []parquet.Value{value(strings.Repeat("long", 100), 0, 0, 0)}, "row is longer than 200 bytes of JSON"},
	} {
		var file bytes.Buffer
		w := parquet.NewWriter(&file, parquet.NewSchema("rows", tt.schema))
		if _, err := w.WriteRows([]parquet.Row{tt.row}); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if err := w.Close(); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		got, err := firstRow(write(t, "f.parquet", file.Bytes()), Options{MaxLine: 200})
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// firstRow is the JSON of the first row of a file.
func firstRow(path string, opts Options) (string, error) {
	in, f, err := open(path, opts)
	if err != nil {
		return "", err
	}
	defer in.close()
	for row, err := range f.rows(in, opts) {
		if rerr, ok := err.(*RowError); ok {
			return "", rerr.Err
		}
		return string(row.json), err
	}
	return "", nil
}

// value is a value at its levels.
func value(x any, rep, def, column int) parquet.Value {
	return parquet.ValueOf(x).Level(rep, def, column)
}

// list is a group that is annotated as a list, whatever is in it.
func list(g parquet.Group) parquet.Node { return listNode{g} }

type listNode struct{ parquet.Group }

func (listNode) Type() parquet.Type { return parquet.List(parquet.String()).Type() }

// A damaged file is an error or a bad row, never a panic and never a giant
// allocation; what it does yield are whole prompts.
func TestDamagedParquet(t *testing.T) {
	var file bytes.Buffer
	chat := []string{"testdata/writers/duckdb_chat_zstd.parquet"}
	if _, err := EncodePrompts(&file, ".parquet", Prompts(chat, Options{})); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	path := filepath.Join(t.TempDir(), "f.parquet")
	read := func(data []byte) (rows int, err error) {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		ids, bad, err := all([]string{path}, Options{})
		return len(ids) + len(bad), err
	}
	if rows, err := read(whole); rows != 200 || err != nil {
		t.Fatalf("%d rows, %v", rows, err)
	}
	for cut := 0; cut < len(whole); cut += 97 {
		if rows, err := read(whole[:cut]); err == nil {
			t.Errorf("cut at %d of %d: %d rows and no error", cut, len(whole), rows)
		}
	}
	for at := range len(whole) {
		if at%41 != 0 && (at < len(whole)-2000 || at%5 != 0) {
			continue
		}
		data := slices.Clone(whole)
		data[at] ^= 1 << (at % 8)
		if rows, err := read(data); err == nil && rows != 200 {
			t.Errorf("bit flipped at %d: %d rows and no error", at, rows)
		}
	}
}

// FuzzParquet reads files that nobody wrote.
func FuzzParquet(f *testing.F) {
	files, err := filepath.Glob("testdata/writers/*.parquet")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 6000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := []string{stdin}
		opts := Options{Stdin: bytes.NewReader(append([]byte("PAR1"), bytes.TrimPrefix(data, []byte("PAR1"))...)), MaxLine: 1 << 20}
		for p, err := range Prompts(in, opts) {
			if err == nil && p.Extra != nil && !json.Valid(p.Extra) {
				t.Fatalf("row %v: extra is no JSON: %s", p.Pos, p.Extra)
			}
		}
	})
}
