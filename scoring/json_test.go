package scoring

import "testing"

const addressSchema = `{
	"type": "object",
	"required": ["street", "number"],
	"properties": {
		"street": {"type": "string", "pattern": "^[A-Z]"},
		"number": {"type": "integer", "minimum": 1},
		"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "uniqueItems": true}
	},
	"$defs": {"line": {"type": "string", "maxLength": 5}},
	"additionalProperties": false
}`

func TestJSONGrader(t *testing.T) {
	for _, c := range []struct {
		schema, answer, ref string
		quality             float64
	}{
		{"", ` {"a": 1, "b": [true, null]} `, `{"b":[true,null],"a":1.0}`, 1},
		{"", `{"a": 1, "b": [null, true]}`, `{"b":[true,null],"a":1}`, 0},
		{"", `{"a": 100}`, `{"a": 1e2}`, 1},
		{"", `"größer"`, `"gr\u00f6\u00dfer"`, 1},
		{"", `{"a": 1, "a": 1}`, `{"a": 1}`, 0},
		{"", `{"a": 1} and more`, `{"a": 1}`, 0},
		{"", "```json\n{\"a\": 1}\n```", `{"a": 1}`, 1},
		{"", "```\n{\"a\": 1}\n```\n", `{"a": 1}`, 1},
		{"", "Here:\n```json\n{\"a\": 1}\n```", `{"a": 1}`, 0},
		{"", ``, `{}`, 0},
		{"", "\"\xff\"", `"x"`, 0},
		{addressSchema, `{"street": "Elm", "number": 3}`, "", 1},
		{addressSchema, `{"street": "Elm", "number": 3.0, "lines": ["a", "b"]}`, "", 1},
		{addressSchema, "```json\n{\"street\": \"Elm\", \"number\": 3}\n```", "", 1},
		{addressSchema, `{"street": "elm", "number": 3}`, "", 0},
		{addressSchema, `{"street": "Elm", "number": 3.5}`, "", 0},
		{addressSchema, `{"street": "Elm", "number": 0}`, "", 0},
		{addressSchema, `{"street": "Elm"}`, "", 0},
		{addressSchema, `{"street": "Elm", "number": 3, "more": 1}`, "", 0},
		{addressSchema, `{"street": "Elm", "number": 3, "lines": ["abcdef"]}`, "", 0},
		{addressSchema, `{"street": "Elm", "number": 3, "lines": ["a", "a"]}`, "", 0},
		{addressSchema, `{"street": "Elm", "number": 1e999999999}`, "", 0},
		{addressSchema, `not JSON`, "", 0},
	} {
		var opts GraderOptions
		if c.schema != "" {
			opts.Schema = []byte(c.schema)
		}
		g, err := NewGrader("json", opts)
		if err != nil {
			t.Fatal(err)
		}
		quality, err := g.Grade(t.Context(), Answer{Text: c.answer, Reference: c.ref})
		if err != nil || quality != c.quality {
			t.Errorf("%q for %q: got %v and %v, want %v", c.answer, c.ref, quality, err, c.quality)
		}
	}
}

// What models write is never a panic.
func FuzzJSONGrader(f *testing.F) {
	for _, seed := range []string{`{"street":"Elm","number":3}`, "```json\n1\n```", `{"number":1e99999999999}`, "[[[[", "```"} {
		f.Add(seed)
	}
	schema, err := NewGrader("json", GraderOptions{Schema: []byte(addressSchema)})
	if err != nil {
		f.Fatal(err)
	}
	equal, _ := NewGrader("json", GraderOptions{})
	f.Fuzz(func(t *testing.T, answer string) {
		if _, err := schema.Grade(t.Context(), Answer{Text: answer}); err != nil {
			t.Error(err)
		}
		if _, err := equal.Grade(t.Context(), Answer{Text: answer, Reference: "1"}); err != nil {
			t.Error(err)
		}
	})
}
