package reports

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Judge: the whole object decoded into a map.
func FuzzMember(f *testing.F) {
	f.Add([]byte(`{"source":"a","n":1}`), "source")
	f.Add([]byte(`{"a":{"b":"c"},"b":[1,"x"],"c":null}`), "b")
	f.Add([]byte(`{"a":"\u00e9","a`), "a")
	f.Add([]byte(`[1]`), "")
	f.Add([]byte(`{"a":"\ud800"}`), "a")
	f.Fuzz(func(t *testing.T, object []byte, name string) {
		got := member(object, name)
		var all map[string]jsontext.Value
		if json.Unmarshal(object, &all) != nil {
			return // a row that is not whole must not panic, and no more
		}
		want := string(all[name])
		var text string
		switch {
		case want == "null":
			want = ""
		case json.Unmarshal(all[name], &text) == nil:
			want = text
		}
		if got != want {
			t.Errorf("%q of %s is %q, want %q", name, object, got, want)
		}
	})
}
