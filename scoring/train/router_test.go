//go:build router

package train

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestRouter compares ways to train on the same folds, prints a table, and holds
// the figures to their floors and the control to chance. It takes minutes on two
// processors: make bench-router runs it.
func TestRouter(t *testing.T) {
	for _, source := range []string{"routellm_mmlu", "mmlu_pro"} {
		o := readOutcomes(t, source)
		t.Run(source, func(t *testing.T) {
			for _, m := range methods(source) {
				v := judge(t, o, namedStrong[source], m.fit)
				t.Logf("%-34s %v", m.name, v)
				m.floors.hold(t, m.name, v)
			}
			controls(t, o, namedStrong[source])
		})
	}
}

// TestFitLearnsAsRouteLLM compares the last epoch, as a mean over five seeds, with
// five runs of RouteLLM with its own options on data with known win probabilities.
func TestFitLearnsAsRouteLLM(t *testing.T) {
	const seeds = 5
	dir := shared(t, "golden", "train", "statistical")
	rows, err := NewDense(128, readNPY[float32](t, filepath.Join(dir, "embeddings.npy")))
	if err != nil {
		t.Fatal(err)
	}
	all := &Comparisons{Rows: rows, Models: numbered(64)}
	for p := range slices.Chunk(readNPY[int32](t, filepath.Join(dir, "pairs.npy")), 3) { // a, b, whether a won
		won := Comparison{Winner: p[0], Loser: p[1]}
		if p[2] == 0 {
			won = Comparison{Winner: p[1], Loser: p[0]}
		}
		all.Examples = append(all.Examples, Example{len(all.Examples), []Comparison{won}})
	}
	train, test := cut(all, 19_000)
	o := PreferenceOptions()
	o.Epochs = 20
	var loss, heldLoss, heldAccuracy float64
	for seed := range uint64(seeds) {
		o.Seed = seed
		_, err := Fit(t.Context(), train, test, o, nil, func(c *Checkpoint) error {
			if e := c.Epochs[len(c.Epochs)-1]; len(c.Epochs) == o.Epochs {
				t.Logf("seed %d: train loss %.5f, test loss %.5f, test accuracy %.4f", seed, e.TrainLoss, e.ValidationLoss, e.ValidationAccuracy)
				loss += e.TrainLoss / seeds
				heldLoss += e.ValidationLoss / seeds
				heldAccuracy += e.ValidationAccuracy / seeds
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var expected struct {
		PerEpoch map[string]struct{ Mean, Sd []float64 } `json:"per_epoch"`
	}
	readJSON(t, filepath.Join(dir, "expected.json"), &expected)
	for name, got := range map[string]float64{"train_loss": loss, "test_loss_clean": heldLoss, "test_acc": heldAccuracy} {
		want := expected.PerEpoch[name]
		mean, sd := want.Mean[o.Epochs-1], want.Sd[o.Epochs-1]
		if !(math.Abs(got-mean) <= 3*sd) {
			t.Errorf("%s: %.5f, RouteLLM's mean is %.5f ± %.5f (sd)", name, got, mean, sd)
		}
	}
}

// A method is a way to train, and what its verdict must reach.
type method struct {
	name   string
	fit    func(context.Context, *Outcomes) (*Heads, error)
	floors floors
}

// floors are the least that is enough; 0 asks for nothing.
type floors struct{ pair, mean, above float64 }

func (f floors) hold(t *testing.T, name string, v verdict) {
	t.Helper()
	for _, c := range []struct {
		what       string
		got, floor float64
	}{{"the named pair", v.pair, f.pair}, {"all pairs", v.mean, f.mean}, {"share of pairs above 0.5", v.above, f.above}} {
		if c.got < c.floor {
			t.Errorf("%s: %s %.3f, floor %.3f", name, c.what, c.got, c.floor)
		}
	}
}

// methods lists ours first. RouteLLM's recipe is there twice: with what it does
// to the data (ties dropped, noise of 0.1) and our steps, and whole (learning
// rate 3e-4, batches of 64, 100 epochs), the latter on the smaller source alone,
// where it takes minutes; on the other it would take the better part of an hour.
func methods(source string) []method {
	ridge, mf := floors{pair: 0.63}, floors{pair: 0.615}
	if source == "mmlu_pro" {
		ridge, mf = floors{0.585, 0.62, 0.95}, floors{pair: 0.58, mean: 0.61}
	}
	loud := OutcomeOptions()
	loud.Noise = 0.1
	list := []method{
		{"ridge", ridgeOf(DefaultLambda), ridge},
		{"ridge, lambda chosen in each fold", chosenRidge, ridge},
		{"mf, ties half", fitOf(HalfTies, OutcomeOptions()), mf},
		{"mf, ties dropped", fitOf(DropTies, OutcomeOptions()), floors{}},
		{"mf, ties dropped, noise 0.1", fitOf(DropTies, loud), floors{}},
	}
	if source == "routellm_mmlu" {
		list = append(list, method{"RouteLLM's recipe, whole", fitOf(DropTies, PreferenceOptions()), floors{}})
	}
	return list
}

// controls trains on labels that belong to other prompts: nothing can be learnt.
func controls(t *testing.T, o *Outcomes, strong string) {
	t.Helper()
	const shuffles = 5
	var each []string
	mean := 0.0
	for seed := range uint64(shuffles) {
		v := judge(t, shuffled(o, seed), strong, ridgeOf(DefaultLambda))
		each = append(each, fmt.Sprintf("%.3f", v.pair))
		mean += v.pair / shuffles
	}
	t.Logf("%-34s named pair %.3f, mean of %s", "ridge, labels shuffled", mean, strings.Join(each, ", "))
	if math.Abs(mean-0.5) > 0.05 {
		t.Errorf("shuffled labels give an APGR of %.3f", mean)
	}
}

// chosenRidge chooses λ anew in every fold, by a cross-validation of its own.
func chosenRidge(ctx context.Context, o *Outcomes) (*Heads, error) {
	lambda, err := ChooseLambda(ctx, o, 1)
	if err != nil {
		return nil, err
	}
	return Ridge(ctx, o, lambda)
}

func fitOf(ties Ties, options Options) func(context.Context, *Outcomes) (*Heads, error) {
	return func(ctx context.Context, o *Outcomes) (*Heads, error) {
		c, err := o.Comparisons(ties)
		if err != nil {
			return nil, err
		}
		f, err := Fit(ctx, c, nil, options, nil, nil)
		if err != nil {
			return nil, err
		}
		return HeadsOf(f)
	}
}

// readNPY is the body of a .npy file of four-byte numbers.
func readNPY[T int32 | float32](tb testing.TB, path string) []T {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	body := raw[10+int(binary.LittleEndian.Uint16(raw[8:])):]
	numbers := make([]T, len(body)/4)
	if _, err := binary.Decode(body, binary.LittleEndian, numbers); err != nil {
		tb.Fatal(err)
	}
	return numbers
}

func readJSON(tb testing.TB, path string, v any) {
	tb.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(raw, v, json.MatchCaseInsensitiveNames(true)); err != nil {
		tb.Fatal(err)
	}
}
