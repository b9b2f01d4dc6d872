package scoring

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestGraders(t *testing.T) {
	for _, c := range []struct {
		kind        string
		opts        GraderOptions
		answer, ref string
		quality     float64
	}{
		{"exact", GraderOptions{}, " Paris\n", "Paris", 1},
		{"exact", GraderOptions{}, "paris", "Paris", 0},
		{"exact", GraderOptions{IgnoreCase: true}, "paris", "Paris", 1},
		{"exact", GraderOptions{}, "New  York", "New York", 0},
		{"exact", GraderOptions{IgnoreSpace: true}, "New \n York", "New York", 1},
		{"exact", GraderOptions{IgnoreCase: true, IgnoreSpace: true}, "NEW\tYORK ", "new york", 1},
		{"exact", GraderOptions{}, "", "Paris", 0},
		{"contains", GraderOptions{}, "It is Paris.", "Paris", 1},
		{"contains", GraderOptions{}, "It is paris.", "Paris", 0},
		{"contains", GraderOptions{IgnoreCase: true}, "It is paris.", "PARIS", 1},
		{"contains", GraderOptions{IgnoreSpace: true}, "in New\nYork", "New York", 1},
		{"regex", GraderOptions{Pattern: `^\s*yes\b`}, "yes, of course", "", 1},
		{"regex", GraderOptions{Pattern: `^\s*yes\b`}, "Yes", "", 0},
		{"regex", GraderOptions{Pattern: `^\s*yes\b`, IgnoreCase: true}, "Yes", "", 1},
		{"regex", GraderOptions{Pattern: `<a>(.*?)</a>`}, "<a>no</a> <a> 42 </a>", "42", 1},
		{"regex", GraderOptions{Pattern: `<a>(.*?)</a>`}, "<a>42</a> <a>no</a>", "42", 0},
		{"regex", GraderOptions{Pattern: `<a>(.*?)</a>`}, "42", "42", 0},
		{"regex", GraderOptions{Pattern: `x=(\d+)|y=(\d+)`}, "x=1 y=2", "2", 1},
		{"number", GraderOptions{}, "It is 3 or 4.", "4", 1},
		{"number", GraderOptions{}, "no idea", "4", 0},
		{"number", GraderOptions{}, "$1,000.00", "1000", 1},
		{"number", GraderOptions{}, "3/4", "0.75", 1},
		{"number", GraderOptions{}, "1001", "1000", 0},
		{"number", GraderOptions{Tolerance: 0.01}, "1001", "1000", 1},
		{"number", GraderOptions{Tolerance: 0.01}, "-1000", "1000", 0},
		{"number", GraderOptions{Tolerance: 0.01}, "-99.5", "-100", 1},
		{"choice", GraderOptions{}, "The answer is (B).", "B", 1},
		{"choice", GraderOptions{}, "The answer is (B).", "(b)", 1},
		{"choice", GraderOptions{}, "The answer is (C).", "B. Paris", 0},
		{"choice", GraderOptions{}, "no idea", "B", 0},
	} {
		g, err := NewGrader(c.kind, c.opts)
		if err != nil {
			t.Fatal(err)
		}
		quality, err := g.Grade(t.Context(), Answer{Text: c.answer, Reference: c.ref})
		if err != nil || quality != c.quality {
			t.Errorf("%s %+v: %q for %q: got %v and %v, want %v", c.kind, c.opts, c.answer, c.ref, quality, err, c.quality)
		}
	}
}

func TestGradersWithoutReference(t *testing.T) {
	for _, kind := range GraderKinds() {
		opts := GraderOptions{}
		if kind == "regex" {
			opts.Pattern = "(a)"
		}
		g, err := NewGrader(kind, opts)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Grade(t.Context(), Answer{Text: "a", Reference: " \n"}); !errors.Is(err, ErrNoReference) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
	for kind, want := range map[string]string{"number": "no number", "choice": "no letter", "json": "is not JSON"} {
		g, _ := NewGrader(kind, GraderOptions{})
		if _, err := g.Grade(t.Context(), Answer{Text: "1 A", Reference: "zero"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

func TestNewGraderRefuses(t *testing.T) {
	for _, c := range []struct {
		kind string
		opts GraderOptions
		want string
	}{
		{"exakt", GraderOptions{}, `unknown grader "exakt" (have choice, contains, exact, f1, json, number, regex, rouge_l)`},
		{"exact", GraderOptions{Pattern: "x"}, "exact does not take pattern"},
		{"choice", GraderOptions{IgnoreCase: true}, "choice does not take ignore_case"},
		{"regex", GraderOptions{Pattern: "x", IgnoreSpace: true}, "regex does not take ignore_space"},
		{"contains", GraderOptions{Tolerance: 0.1}, "contains does not take tolerance"},
		{"regex", GraderOptions{}, "needs a pattern"},
		{"regex", GraderOptions{Pattern: "("}, "grader regex: error parsing regexp"},
		{"number", GraderOptions{Tolerance: -1}, "tolerance -1"},
		{"number", GraderOptions{Tolerance: 1}, "tolerance 1"},
		{"exact", GraderOptions{Schema: []byte("{}")}, "exact does not take schema"},
		{"json", GraderOptions{Schema: []byte("{")}, "grader json: schema: "},
		{"json", GraderOptions{Schema: []byte(`{"type":"objekt"}`)}, "grader json: schema: "},
		{"json", GraderOptions{Schema: []byte(`{"$ref":"file:///etc/hostname"}`)}, "must not refer to other documents"},
		{"json", GraderOptions{Schema: []byte(`{"$ref":"https://example.com/schema"}`)}, "must not refer to other documents"},
	} {
		if _, err := NewGrader(c.kind, c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: got %v, want an error with %q", c.kind, c.opts, err, c.want)
		}
	}
	if !slices.IsSorted(GraderKinds()) {
		t.Errorf("kinds %v are not sorted", GraderKinds())
	}
}
