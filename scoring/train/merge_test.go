package train

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A battle is a comparison by what it is about rather than by numbers.
type battle struct {
	row           float32 // the first number of the embedding
	winner, loser string
	tie           bool
}

func battles(c *Comparisons) (all []battle) {
	row := make([]float32, c.Rows.Width())
	for _, e := range c.Examples {
		c.Rows.Fill(row, e.Row)
		for _, p := range e.Comparisons {
			all = append(all, battle{row[0], c.Models[p.Winner], c.Models[p.Loser], p.Tie})
		}
	}
	return all
}

func TestMergeKeepsEveryBattle(t *testing.T) {
	first, second, none := randomComparisons(1, 9, 4, 3), randomComparisons(2, 7, 4, 4), randomComparisons(3, 0, 4, 2)
	second.Models = []string{"zeta", "model-2", "alpha", "model-0"}
	merged, err := Merge(first, none, second)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"alpha", "model-0", "model-1", "model-2", "zeta"}; !slices.Equal(merged.Models, want) {
		t.Errorf("models %v, want %v", merged.Models, want)
	}
	if d := cmp.Diff(append(battles(first), battles(second)...), battles(merged), cmp.AllowUnexported(battle{})); d != "" {
		t.Error(d)
	}
	v, sum, want := []float64{1, 2, 3, 4}, make([]float64, 4), make([]float64, 4)
	merged.Rows.Add(sum, 2, 9)
	second.Rows.Add(want, 2, 0)
	if merged.Rows.Dot(9, v) != second.Rows.Dot(0, v) || !slices.Equal(sum, want) || merged.Rows.Len() != 16 {
		t.Error("row 9 of the whole is not row 0 of the second part")
	}
	if err := merged.check(); err != nil {
		t.Error(err)
	}
	if _, err := Merge(first, randomComparisons(2, 7, 5, 3)); err == nil {
		t.Error("two widths: no error")
	}
	if _, err := Merge(); err == nil {
		t.Error("nothing to merge: no error")
	}
}

func TestOver(t *testing.T) {
	c := randomComparisons(1, 9, 4, 3)
	over, err := c.Over([]string{"other", "model-2", "model-1", "model-0"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(battles(c), battles(over), cmp.AllowUnexported(battle{})); d != "" {
		t.Error(d)
	}
	if _, err := c.Over([]string{"model-0", "model-1"}); err == nil || !strings.Contains(err.Error(), `unknown model "model-2"`) {
		t.Errorf("a model is missing: %v", err)
	}
}

// The judges are the same heads in MF form where a column of ones is there, and
// ridge regression on rows with such a column put in by hand where there is none.
func TestLinear(t *testing.T) {
	sources := twoSources()
	mf, err := Default(t.Context(), sources, 3)
	if err != nil {
		t.Fatal(err)
	}
	linear, err := Linear(t.Context(), sources, 3)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(linear.Models, mf.Models) || linear.Bias != nil {
		t.Fatalf("models %v, bias %v", linear.Models, linear.Bias)
	}
	for _, pair := range [][2]string{{"model-0", "model-4"}, {GenericStrong, GenericWeak}} {
		got, err := linear.Pair(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		want, _ := mf.Pair(pair[0], pair[1])
		for j, u := range got.Vector() {
			if math.Abs(u-want.Vector()[j]) > 1e-5 {
				t.Errorf("%v: column %d is %v, in MF form %v", pair, j, u, want.Vector()[j])
			}
		}
	}
}

func TestLinearIntercept(t *testing.T) {
	bare, _ := randomOutcomes(1, 50, 6, 3, false)
	linear, err := Linear(t.Context(), []*Outcomes{bare}, 2)
	if err != nil {
		t.Fatal(err)
	}
	var data []float32
	row := make([]float32, 6)
	for i := range bare.Rows.Len() {
		bare.Rows.Fill(row, i)
		data = append(append(data, row...), 1)
	}
	wider := *bare
	wider.Rows = &Dense{7, data}
	heads, err := Ridge(t.Context(), &wider, 2)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := heads.Difference("model-0", "model-2")
	pair, err := linear.Pair("model-0", "model-2")
	if err != nil {
		t.Fatal(err)
	}
	for j, u := range append(pair.Vector(), pair.Bias()) {
		if math.Abs(u-2*want[j]) > 1e-6 {
			t.Errorf("column %d is %v, want %v", j, u, 2*want[j])
		}
	}
	if pair.Bias() == 0 {
		t.Error("there is no intercept")
	}
	if _, err := Linear(t.Context(), nil, 2); err == nil {
		t.Error("no outcomes: no error")
	}
}
