package train

import (
	"bufio"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"

	"routeval/providers/lexical"
)

// shared is ../shared seen from the repository root, or a skipped test.
func shared(tb testing.TB, elem ...string) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(append([]string{filepath.Dir(dir), "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("%s is not here: the test needs the shared data beside the repository", filepath.Join(elem...))
	}
	return path
}

// readOutcomes reads a source of ../shared/data/outcomes with lexical rows.
func readOutcomes(tb testing.TB, source string) *Outcomes {
	tb.Helper()
	f, err := os.Open(shared(tb, "data", "outcomes", source, source+".jsonl.gz"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		tb.Fatal(err)
	}
	type row struct {
		Prompt, Group string
		Contaminated  bool
		Outcomes      map[string]struct{ Score float64 }
	}
	var rows []row
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r, json.MatchCaseInsensitiveNames(true)); err != nil {
			tb.Fatal(err)
		}
		if !r.Contaminated {
			rows = append(rows, r)
		}
	}
	o := &Outcomes{}
	for _, r := range rows {
		for name := range r.Outcomes {
			if !slices.Contains(o.Models, name) {
				o.Models = append(o.Models, name)
			}
		}
	}
	slices.Sort(o.Models)
	prompts := make([]string, len(rows))
	for i, r := range rows {
		prompts[i] = r.Prompt
		o.Groups = append(o.Groups, r.Group)
		for _, name := range o.Models {
			q := math.NaN()
			if outcome, ok := r.Outcomes[name]; ok {
				q = outcome.Score
			}
			o.Quality = append(o.Quality, q)
		}
	}
	o.Rows = embed(tb, prompts)
	return o
}

// embed makes the rows of the embedder that the default weights are for.
func embed(tb testing.TB, prompts []string) Rows {
	tb.Helper()
	embedder := lexical.New()
	rows := NewSparse(lexical.Dim)
	var index []int32
	var value []float64
	for _, prompt := range prompts {
		index, value = embedder.Sparse(index[:0], value[:0], prompt)
		if err := rows.Append(index, value); err != nil {
			tb.Fatal(err)
		}
	}
	return rows
}
