package train

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"routeval/scoring"
)

// TestFitRepeatsRouteLLM holds Fit against RouteLLM's own training loop without
// noise and shuffling. The same loop in float64 drifts from RouteLLM's float32
// by 2e-7 in the loss and 2.8e-6 in the weights; that is the tolerance.
func TestFitRepeatsRouteLLM(t *testing.T) {
	const lossDrift, weightDrift = 1.9e-7, 2.8e-6
	file := openTensors(t, filepath.Join("testdata", "routellm_deterministic.safetensors"))
	rows, err := NewDense(32, tensor(t, file, "embeddings"))
	if err != nil {
		t.Fatal(err)
	}
	won, lost := tensor(t, file, "winner"), tensor(t, file, "loser")
	all := &Comparisons{Rows: rows, Models: numbered(64)}
	for i := range won {
		all.Examples = append(all.Examples, Example{i, []Comparison{{Winner: int32(won[i]), Loser: int32(lost[i])}}})
	}
	o := PreferenceOptions()
	o.Factors, o.Epochs, o.LearningRate, o.Noise, o.KeepOrder = 16, 10, 1e-3, 0, true
	begin := mfOf(t, file, "init")
	o.Init = &begin
	train, test := cut(all, 2850)
	got, err := Fit(t.Context(), train, test, o, nil, func(c *Checkpoint) error {
		n := len(c.Epochs) - 1
		e, want := c.Epochs[n], routeLLMEpochs[n]
		if math.Abs(e.TrainLoss-want.TrainLoss) > lossDrift || math.Abs(e.ValidationLoss-want.ValidationLoss) > lossDrift {
			t.Errorf("epoch %d: losses %v and %v, RouteLLM's %v and %v", n+1, e.TrainLoss, e.ValidationLoss, want.TrainLoss, want.ValidationLoss)
		}
		if e.ValidationAccuracy != want.ValidationAccuracy {
			t.Errorf("epoch %d: accuracy %v, RouteLLM's %v", n+1, e.ValidationAccuracy, want.ValidationAccuracy)
		}
		if want := mfOf(t, file, "after_epoch_1"); n == 0 {
			sameWeights(t, c.now.mf(train.Models, 32), &want, weightDrift)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := mfOf(t, file, "after_epoch_10")
	sameWeights(t, got, &want, weightDrift)
}

// routeLLMEpochs are the figures that RouteLLM returned, test for validation.
var routeLLMEpochs = []Epoch{
	{TrainLoss: 0.6923002529144288, ValidationLoss: 0.6922543952884664, ValidationAccuracy: 0.5466666666666666},
	{TrainLoss: 0.6908917274391442, ValidationLoss: 0.6905072041314924, ValidationAccuracy: 0.6133333333333333},
	{TrainLoss: 0.6880499293093095, ValidationLoss: 0.6863289551368545, ValidationAccuracy: 0.64},
	{TrainLoss: 0.6820227876044156, ValidationLoss: 0.6772862502220104, ValidationAccuracy: 0.6866666666666666},
	{TrainLoss: 0.6702935522481015, ValidationLoss: 0.6603426017375915, ValidationAccuracy: 0.72},
	{TrainLoss: 0.6502190118086966, ValidationLoss: 0.63311762856885, ValidationAccuracy: 0.7466666666666667},
	{TrainLoss: 0.6205140268175225, ValidationLoss: 0.5957021267238931, ValidationAccuracy: 0.7666666666666667},
	{TrainLoss: 0.5828164813393041, ValidationLoss: 0.5517292223118915, ValidationAccuracy: 0.7733333333333333},
	{TrainLoss: 0.541689511265671, ValidationLoss: 0.5070533729834086, ValidationAccuracy: 0.7866666666666666},
	{TrainLoss: 0.5023698446206879, ValidationLoss: 0.4667269925405855, ValidationAccuracy: 0.7933333333333333},
}

func sameWeights(t *testing.T, got, want *scoring.MF, tolerance float64) {
	t.Helper()
	for name, pair := range map[string][2][]float32{
		"P":          {got.P, want.P},
		"projection": {got.Projection, want.Projection},
		"classifier": {got.Classifier, want.Classifier},
	} {
		if d := maxDifference(pair[0], pair[1]); !(d <= tolerance) {
			t.Errorf("%s is off RouteLLM's by %.2g, tolerance %.2g", name, d, tolerance)
		}
	}
}

func maxDifference(a, b []float32) (largest float64) {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i := range a {
		largest = max(largest, math.Abs(float64(a[i])-float64(b[i])))
	}
	return largest
}

// cut splits comparisons into the first n examples and the others.
func cut(c *Comparisons, n int) (first, rest *Comparisons) {
	return &Comparisons{Rows: c.Rows, Models: c.Models, Examples: c.Examples[:n]},
		&Comparisons{Rows: c.Rows, Models: c.Models, Examples: c.Examples[n:]}
}

// BenchmarkFitEpoch is an epoch at the size that RouteLLM trains at: 47,500
// pairs of 64 models, 1,536 columns, 128 factors, batches of 64, with noise.
func BenchmarkFitEpoch(b *testing.B) {
	const n, prompts, width = 47_500, 4_000, 1_536
	data := make([]float32, prompts*width)
	for i := range data {
		data[i] = float32(math.Sin(float64(i)) * math.Sqrt2 / math.Sqrt(width))
	}
	c := &Comparisons{Rows: &Dense{width, data}, Models: numbered(64)}
	for i := range n {
		winner := int32(i % 64)
		c.Examples = append(c.Examples, Example{i % prompts, []Comparison{{Winner: winner, Loser: (winner + 1 + int32(i/64%63)) % 64}}})
	}
	o := PreferenceOptions()
	state, err := begin(c, nil, &o, nil)
	if err != nil {
		b.Fatal(err)
	}
	work := newBatch(c, &o)
	b.ReportAllocs()
	b.SetBytes(4 * n * width)
	for b.Loop() {
		if err := state.epoch(b.Context(), work, c, nil, &o); err != nil {
			b.Fatal(err)
		}
	}
}

func openTensors(tb testing.TB, path string) *scoring.Safetensors {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	file, err := scoring.OpenSafetensors(f, info.Size())
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

func tensor(tb testing.TB, file *scoring.Safetensors, name string) []float32 {
	tb.Helper()
	read, err := file.Tensor(name)
	if err != nil {
		tb.Fatal(err)
	}
	return read.Data
}

func mfOf(tb testing.TB, file *scoring.Safetensors, prefix string) scoring.MF {
	tb.Helper()
	return scoring.MF{
		Dim:        16,
		P:          tensor(tb, file, prefix+".P"),
		Projection: tensor(tb, file, prefix+".projection"),
		Classifier: tensor(tb, file, prefix+".classifier"),
	}
}
