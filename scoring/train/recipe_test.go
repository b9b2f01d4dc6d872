package train

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"routeval/providers/lexical"
	"routeval/scoring"
)

// The judge of the recipe is the sum of its parts: win rates through the file
// are σ(2 d), d being the chained difference of ridge heads.
func TestDefault(t *testing.T) {
	sources := twoSources()
	f, err := Default(t.Context(), sources, 3)
	if err != nil {
		t.Fatal(err)
	}
	if want := append(numbered(5), GenericStrong, GenericWeak); !slices.Equal(f.Models, want) {
		t.Fatalf("rows %v, want %v", f.Models, want)
	}
	first, _ := Ridge(t.Context(), sources[0], 3)
	second, _ := Ridge(t.Context(), sources[1], 3)
	chained := slices.Clone(first.Vectors[0]) // model-0 over model-4, of which each source knows one
	axpy(chained, -1, first.Vectors[2])
	over, _ := second.Difference("model-2", "model-4")
	axpy(chained, 1, over)
	samePair(t, f, "model-0", "model-4", chained)

	var better, worse []string
	for i, name := range f.Models[:5] {
		rate := meanLogit(t, f, sources[0].Rows, name, "model-0")
		rank := 0
		for j, other := range f.Models[:5] {
			if j != i && meanLogit(t, f, sources[0].Rows, other, "model-0") > rate {
				rank++
			}
		}
		switch {
		case rank < 2:
			better = append(better, name)
		case rank > 2:
			worse = append(worse, name)
		}
	}
	heads, err := HeadsOf(f)
	if err != nil {
		t.Fatal(err)
	}
	heads, _ = heads.WithMean("better", better)
	heads, _ = heads.WithMean("worse", worse)
	generic, err := heads.Difference("better", "worse")
	if err != nil {
		t.Fatal(err)
	}
	samePair(t, f, GenericStrong, GenericWeak, generic)
}

// twoSources share model-2.
func twoSources() []*Outcomes {
	first, _ := randomOutcomes(1, 60, 12, 3, true)
	second, _ := randomOutcomes(2, 60, 12, 3, true)
	second.Models = []string{"model-3", "model-2", "model-4"}
	return []*Outcomes{first, second}
}

func samePair(t *testing.T, f *scoring.MF, strong, weak string, difference []float64) {
	t.Helper()
	folded, err := f.Pair(strong, weak)
	if err != nil {
		t.Fatal(err)
	}
	for j, u := range folded.Vector() {
		if math.Abs(u-2*difference[j]) > 1e-6 {
			t.Errorf("%s over %s: column %d is %v, want %v", strong, weak, j, u, 2*difference[j])
		}
	}
}

func meanLogit(t *testing.T, f *scoring.MF, rows Rows, strong, weak string) (sum float64) {
	t.Helper()
	folded, err := f.Pair(strong, weak)
	if err != nil {
		t.Fatal(err)
	}
	u := folded.Vector()
	for i := range rows.Len() {
		sum += rows.Dot(i, u)
	}
	return sum
}

func TestRecord(t *testing.T) {
	want := Record{Recipe: "ridge, lambda 30", Data: []Data{{"a.jsonl", "00ff", 7}}, Metrics: map[string]float64{"apgr": 0.64, "a": 1}}
	f, err := Default(t.Context(), twoSources(), 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Attach(&f.Card); err != nil {
		t.Fatal(err)
	}
	got, err := RecordOf(&reread(t, f).Card)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Error(d)
	}
}

// TestDefaultWeights makes the default weights twice from the shared outcomes.
func TestDefaultWeights(t *testing.T) {
	if testing.Short() {
		t.Skip("18 heads, twice")
	}
	sources := []*Outcomes{readOutcomes(t, "mmlu_pro"), readOutcomes(t, "routellm_mmlu")}
	var files [2]bytes.Buffer
	for i := range files {
		f, err := Default(t.Context(), sources, DefaultLambda)
		if err != nil {
			t.Fatal(err)
		}
		if f.Dim != 17 || len(f.Models) != 19 || f.Embedding.Dim != lexical.Dim {
			t.Errorf("%d factors, %d rows, width %d; want 17, 19, %d", f.Dim, len(f.Models), f.Embedding.Dim, lexical.Dim)
		}
		if err := f.Encode(&files[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("the same data make two different files")
	}
	t.Logf("%d bytes", files[0].Len())
}
