package train

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"routeval/scoring"
)

// randomComparisons are n prompts, some with several comparisons, some tied.
func randomComparisons(seed uint64, n, width, models int) *Comparisons {
	random := rand.New(rand.NewPCG(seed, 0))
	data := make([]float32, n*width)
	for i := range data {
		data[i] = float32(random.NormFloat64())
	}
	c := &Comparisons{Rows: &Dense{width, data}, Models: numbered(models)}
	for i := range n {
		e := Example{Row: i}
		for range 1 + random.IntN(3) {
			a := random.IntN(models)
			b := (a + 1 + random.IntN(models-1)) % models
			e.Comparisons = append(e.Comparisons, Comparison{int32(a), int32(b), random.IntN(4) == 0})
		}
		c.Examples = append(c.Examples, e)
	}
	return c
}

func smallOptions() Options {
	o := PreferenceOptions()
	o.Factors, o.Epochs, o.Batch, o.LearningRate = 5, 4, 7, 0.01
	return o
}

// The judge is the loss itself, worked out the long way in float64, whose
// difference quotients are the gradient.
func TestGradient(t *testing.T) {
	for _, projected := range []bool{true, false} {
		c := randomComparisons(1, 6, 5, 4)
		o := smallOptions()
		o.NoProjection = !projected
		first, err := firstWeights(c, &o)
		if err != nil {
			t.Fatal(err)
		}
		b := newBatch(c, &o)
		b.load(c, []int{0, 1, 2, 3, 4, 5}, noise{})
		b.forward(&first)
		moved, zero1, zero2 := first.clone(), first.zeros(), first.zeros()
		b.backward(&moved, &zero1, &zero2, adamStep(1, 0.1, 0))
		for name, pair := range map[string][2][]float32{"P": {first.p, b.gradient.p}, "W": {first.w, b.gradient.w}, "c": {first.c, b.gradient.c}} {
			x, gradient := pair[0], pair[1]
			for k := range x {
				const h = 1e-3
				was := x[k]
				x[k] = was + h
				up := longLoss(c, &first)
				x[k] = was - h
				slope := (up - longLoss(c, &first)) / float64(float32(was+h)-float32(was-h))
				x[k] = was
				if math.Abs(slope-float64(gradient[k])) > 1e-5 {
					t.Errorf("projection %t: gradient of %s[%d] is %v, difference quotient %v", projected, name, k, gradient[k], slope)
				}
			}
		}
	}
}

// longLoss is the mean log loss straight from its definition.
func longLoss(c *Comparisons, w *weights) float64 {
	factors, width := len(w.c), c.Rows.Width()
	row := make([]float32, width)
	unit := func(m int32, k int) float64 {
		norm := 0.0
		for _, p := range w.p[int(m)*factors:][:factors] {
			norm += float64(p) * float64(p)
		}
		return float64(w.p[int(m)*factors+k]) / math.Sqrt(norm)
	}
	var sum, n float64
	for _, e := range c.Examples {
		c.Rows.Fill(row, e.Row)
		for _, p := range e.Comparisons {
			logit := 0.0
			for k := range factors {
				h := float64(row[min(k, width-1)])
				if len(w.w) > 0 {
					h = 0
					for j, x := range row {
						h += float64(w.w[k*width+j]) * float64(x)
					}
				}
				logit += float64(w.c[k]) * (unit(p.Winner, k) - unit(p.Loser, k)) * h
			}
			if p.Tie {
				sum -= (math.Log(scoring.Sigmoid(logit)) + math.Log(scoring.Sigmoid(-logit))) / 2
			} else {
				sum -= math.Log(scoring.Sigmoid(logit))
			}
			n++
		}
	}
	return sum / n
}

// encodeWeights makes weights comparable, bit for bit.
func encodeWeights(t *testing.T, f *scoring.MF) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := f.Encode(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestFitIsTheSameOnAnyNumberOfProcessors(t *testing.T) {
	c := randomComparisons(1, 150, 300, 4) // wide enough for gonum to use several processors itself
	o := smallOptions()
	o.Batch, o.Factors = 64, 40
	var first []byte
	for _, n := range []int{1, 2, 7} {
		before := runtime.GOMAXPROCS(n)
		f, err := Fit(t.Context(), c, nil, o, nil, nil)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		if got := encodeWeights(t, f); first == nil {
			first = got
		} else if !bytes.Equal(first, got) {
			t.Errorf("%d processors make other weights than one", n)
		}
	}
}

// Stopping after any epoch and going on from the saved state must not change a
// bit, early stop and all.
func TestFitResumes(t *testing.T) {
	groups := make([]string, 80)
	for i := range groups {
		groups[i] = string(rune('a' + i%20))
	}
	train, held := randomComparisons(1, 80, 6, 4).Split(groups, 0.3, 1)
	o := smallOptions()
	o.Epochs, o.Patience = 12, 3
	whole, err := Fit(t.Context(), train, held, o, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := encodeWeights(t, whole)
	killed := errors.New("killed")
	for stop := 1; stop <= 3; stop++ {
		var saved bytes.Buffer
		_, err := Fit(t.Context(), train, held, o, nil, func(c *Checkpoint) error {
			if len(c.Epochs) < stop {
				return nil
			}
			return errors.Join(c.Encode(&saved), killed)
		})
		if !errors.Is(err, killed) {
			t.Fatal(err)
		}
		state, err := ReadCheckpoint(saved.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		rest, err := Fit(t.Context(), train, held, o, state, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encodeWeights(t, rest), want) {
			t.Errorf("stopped after epoch %d: other weights", stop)
		}
		other := o
		other.Seed++
		if state, err = ReadCheckpoint(saved.Bytes()); err != nil {
			t.Fatal(err)
		}
		_, err = Fit(t.Context(), train, held, other, state, nil)
		var differs *DiffersError
		if !errors.As(err, &differs) || !slices.Equal(differs.Differences, []string{"seed: 42 → 43"}) {
			t.Errorf("a checkpoint of another seed: %v", err)
		}
	}
}

// Labels that say nothing cannot be learnt: the validation loss rises, and the
// weights returned are those of its lowest.
func TestFitStopsEarly(t *testing.T) {
	all := randomComparisons(3, 60, 30, 4)
	train, held := cut(all, 40)
	o := smallOptions()
	o.Epochs, o.Patience, o.Noise = 200, 2, 0
	var losses []float64
	f, err := Fit(t.Context(), train, held, o, nil, func(c *Checkpoint) error {
		losses = append(losses, c.Epochs[len(c.Epochs)-1].ValidationLoss)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lowest := slices.Min(losses)
	if len(losses) == o.Epochs || losses[len(losses)-3] != lowest {
		t.Errorf("validation losses %v: want a stop two epochs after the lowest", losses)
	}
	got := longLoss(held, &weights{f.P, f.Projection, f.Classifier})
	if math.Abs(got-lowest) > 1e-6 {
		t.Errorf("the weights have a loss of %v, the best epoch had %v", got, lowest)
	}
}

func TestSplitKeepsGroupsTogether(t *testing.T) {
	c := randomComparisons(1, 400, 2, 3)
	groups := make([]string, 400)
	for i := range groups {
		groups[i] = string(rune('a' + i*i%97))
	}
	train, held := c.Split(groups, 0.25, 9)
	if len(train.Examples)+len(held.Examples) != 400 || len(held.Examples) == 0 || len(train.Examples) == 0 {
		t.Fatalf("%d and %d examples of 400", len(train.Examples), len(held.Examples))
	}
	side := map[string]bool{}
	for _, e := range train.Examples {
		side[groups[e.Row]] = true
	}
	for _, e := range held.Examples {
		if side[groups[e.Row]] {
			t.Errorf("group %s is on both sides", groups[e.Row])
		}
	}
}

func TestComparisons(t *testing.T) {
	rows, err := NewDense(1, []float32{1, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	o := &Outcomes{Rows: rows, Models: numbered(3), Quality: []float64{1, 0, nan, 0.5, 0.5, 1, nan, nan, 0}}
	for ties, want := range map[Ties][]Comparison{
		HalfTies: {{0, 1, false}, {0, 1, true}, {2, 0, false}, {2, 1, false}},
		DropTies: {{0, 1, false}, {2, 0, false}, {2, 1, false}},
	} {
		c, err := o.Comparisons(ties)
		if err != nil {
			t.Fatal(err)
		}
		var got []Comparison
		for _, e := range c.Examples {
			got = append(got, e.Comparisons...)
		}
		if !slices.Equal(got, want) || len(c.Examples) != 2 {
			t.Errorf("%s: %v in %d examples, want %v in 2", ties, got, len(c.Examples), want)
		}
	}
	half, err := o.Comparisons(HalfTies)
	if err != nil {
		t.Fatal(err)
	}
	dropped, err := o.Comparisons(DropTies)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(dropped.Examples, half.WithoutTies().Examples); d != "" {
		t.Errorf("ties dropped later: %s", d)
	}
	if _, err := o.Comparisons("third"); err == nil {
		t.Error("unknown ties: no error")
	}
}

func TestFitRefuses(t *testing.T) {
	good := randomComparisons(1, 10, 4, 3)
	for name, spoil := range map[string]func(c *Comparisons, o *Options){
		"no example":           func(c *Comparisons, _ *Options) { c.Examples = nil },
		"row outside":          func(c *Comparisons, _ *Options) { c.Examples[0].Row = 10 },
		"model outside":        func(c *Comparisons, _ *Options) { c.Examples[0].Comparisons = []Comparison{{0, 3, false}} },
		"model against itself": func(c *Comparisons, _ *Options) { c.Examples[0].Comparisons = []Comparison{{1, 1, false}} },
		"empty example":        func(c *Comparisons, _ *Options) { c.Examples[0].Comparisons = nil },
		"no batch":             func(_ *Comparisons, o *Options) { o.Batch = 0 },
		"no width":             func(_ *Comparisons, o *Options) { o.NoProjection = true },
		"NaN rate":             func(_ *Comparisons, o *Options) { o.LearningRate = math.NaN() },
		"patience alone":       func(_ *Comparisons, o *Options) { o.Patience = 1 },
		"rate of no return":    func(_ *Comparisons, o *Options) { o.LearningRate = 1e38 },
		"wrong first weights":  func(_ *Comparisons, o *Options) { o.Init = &scoring.MF{P: make([]float32, 3)} },
	} {
		c, o := *good, smallOptions()
		c.Examples = slices.Clone(good.Examples)
		spoil(&c, &o)
		if _, err := Fit(t.Context(), &c, nil, o, nil, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReadCheckpoint(f *testing.F) {
	c := randomComparisons(1, 3, 2, 2)
	o := smallOptions()
	o.Factors, o.Epochs = 2, 1
	_, err := Fit(f.Context(), c, nil, o, nil, func(s *Checkpoint) error {
		var file bytes.Buffer
		defer func() { f.Add(file.Bytes()) }()
		return s.Encode(&file)
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		state, err := ReadCheckpoint(data)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := state.Encode(&again); err != nil {
			t.Skip() // such as NaN in the figures
		}
		if _, err := Fit(t.Context(), c, nil, o, state, nil); err != nil {
			return
		}
	})
}
