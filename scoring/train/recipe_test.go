package train

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"routeval/scoring"
	shipped "routeval/scoring/weights"
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

// TestDefaultWeights makes the default weights from the shared outcomes. The
// judge is the file that comes with the program.
func TestDefaultWeights(t *testing.T) {
	if testing.Short() {
		t.Skip("18 heads")
	}
	sources := []*Outcomes{readOutcomes(t, "mmlu_pro"), readOutcomes(t, "routellm_mmlu")}
	f, err := Default(t.Context(), sources, DefaultLambda)
	if err != nil {
		t.Fatal(err)
	}
	want, err := scoring.ReadMF(shipped.Default())
	if err != nil {
		t.Fatal(err)
	}
	if f.Dim != 17 || want.Dim != 17 || len(f.Models) != 19 || !slices.Equal(f.Models, want.Models) {
		t.Errorf("%d factors of %v, shipped are %d of %v; want 17", f.Dim, f.Models, want.Dim, want.Models)
	}
	for _, strong := range f.Models {
		theirs, err := want.Pair(strong, GenericWeak)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := f.Pair(strong, GenericWeak)
		if err != nil {
			t.Fatal(err)
		}
		for j, u := range ours.Vector() {
			if math.Abs(u-theirs.Vector()[j]) > 1e-5 {
				t.Fatalf("%s: column %d is %v, shipped is %v", strong, j, u, theirs.Vector()[j])
			}
		}
	}
}

// The judge is the logits of a pair themselves, row by row.
func TestSeen(t *testing.T) {
	sources := twoSources()
	f, err := Default(t.Context(), sources, 3)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := Seen(f, f.Models, []Rows{sources[0].Rows, sources[1].Rows})
	if err != nil {
		t.Fatal(err)
	}
	for s, strong := range f.Models {
		for w, weak := range f.Models {
			folded, err := f.Pair(strong, weak)
			if err != nil {
				t.Fatal(err)
			}
			var sum, square float64
			for _, o := range sources {
				for i := range o.Rows.Len() {
					x := o.Rows.Dot(i, folded.Vector())
					sum += x / 120
					square += x * x / 120
				}
			}
			mean, sd := seen.Pair(s, w)
			if want := math.Sqrt(max(0, square-sum*sum)); math.Abs(mean-sum) > 1e-5 || math.Abs(sd-want) > 1e-4 {
				t.Errorf("%s over %s: mean %v, deviation %v; want %v, %v", strong, weak, mean, sd, sum, want)
			}
		}
	}
	if seen.Prompts != 120 {
		t.Errorf("%d prompts, want 120", seen.Prompts)
	}
}
