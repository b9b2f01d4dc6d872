package scoring

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSurfaceOf(t *testing.T) {
	for text, want := range map[string]Surface{
		"":             {0, 1, 0, 0, 0, 0},
		"ab c":         {4, 1, 1.5, 0, 0, 0},
		"x = 12;\ny":   {9, 2, 1, 2. / 9, 2. / 9, 0},
		"Ünï\xff 東京":   {7, 1, 2.5, 0, 0, 5. / 7},
		"\n\n":         {2, 3, 0, 0, 0, 0},
		"0123456789!?": {12, 1, 0, 10. / 12, 2. / 12, 0},
	} {
		if got := SurfaceOf(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// logits are normal with the moments given; texts have as many characters.
func atHand(seed uint64, n int, mean, sd, characters float64) (rates []float64, surfaces []Surface) {
	random := rand.New(rand.NewPCG(seed, 1))
	for range n {
		rates = append(rates, Sigmoid(mean+sd*random.NormFloat64()))
		surfaces = append(surfaces, Surface{characters * math.Exp(random.NormFloat64())})
	}
	return rates, surfaces
}

// seenCard is a card of weights whose pair c over b has logits of mean 0.5 and
// standard deviation 2 on what they were trained on.
func seenCard(t *testing.T) *Card {
	t.Helper()
	s := Seen{Prompts: 5000, Mean: []float32{0, 0.25, 0.75}, Covariance: []float32{0, 0, 0, 0, 1, 0, 0, 0, 3}}
	_, surfaces := atHand(9, 5000, 0, 1, 200)
	s.Surfaces(surfaces)
	c := &Card{Models: []string{"a", "b", "c"}}
	if err := s.Attach(c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestShift(t *testing.T) {
	c := seenCard(t)
	for name, test := range map[string]struct {
		n                    int
		mean, sd, characters float64
		moved, spread        float64
		warnings             string // words of each, in order
	}{
		"the same":          {4000, 0.5, 2, 200, 0, 1, ""},
		"moved":             {4000, 2.5, 2, 200, 1, 1, "moved by 1.0"},
		"moved a little":    {4000, 0.9, 2, 200, 0.2, 1, ""},
		"wider":             {4000, 0.5, 4, 200, 0, 2, "spread 2"},
		"longer":            {4000, 0.5, 2, 20_000, 0, 1, "look like few"},
		"moved and shorter": {4000, -1.5, 2, 2, -1, 1, "moved by -1.0; look like few"},
		"few":               {10, 9, 2, 200, 4, 1, "too few"},
	} {
		rates, surfaces := atHand(3, test.n, test.mean, test.sd, test.characters)
		s, err := ShiftOf(c, "c", "b", rates, surfaces)
		if err != nil {
			t.Fatal(err)
		}
		if slack := 4 / math.Sqrt(float64(test.n)); math.Abs(s.Moved-test.moved) > slack || math.Abs(s.Spread-test.spread) > slack {
			t.Errorf("%s: moved by %v, spread %v; want %v, %v", name, s.Moved, s.Spread, test.moved, test.spread)
		}
		got := strings.Join(s.Warnings, "; ")
		for i, want := range strings.Split(test.warnings, "; ") {
			if !strings.Contains(got, want) || want == "" && got != "" || i >= max(1, len(s.Warnings)) {
				t.Errorf("%s: warnings %q, want %q", name, got, test.warnings)
			}
		}
	}
}

// The bounds hold a hundredth outside on either side, of each number that varies.
func TestShiftOutside(t *testing.T) {
	c := seenCard(t)
	rates, surfaces := atHand(4, 20_000, 0.5, 2, 200)
	s, err := ShiftOf(c, "c", "b", rates, surfaces)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(s.Outside-0.01) > 0.004 || math.Abs(s.OutsideThen-0.01) > 0.001 || s.Trained != 5000 || s.N != 20_000 {
		t.Errorf("%+v", s)
	}
	if s, err = ShiftOf(c, "c", "b", rates, nil); err != nil || !math.IsNaN(s.Outside) {
		t.Errorf("without texts: %+v, %v", s, err)
	}
	if s, err = ShiftOf(&Card{Models: c.Models}, "c", "b", rates, nil); s != nil || err != nil {
		t.Errorf("weights that do not say: %+v, %v", s, err)
	}
	if _, err = ShiftOf(c, "c", "z", rates, nil); err == nil {
		t.Error("unknown model: no error")
	}
	if _, err = ShiftOf(c, "c", "b", nil, nil); err == nil {
		t.Error("no win rates: no error")
	}
}

func TestSeenRoundTrip(t *testing.T) {
	c := seenCard(t)
	l := &Linear{Card: *c, Heads: make([]float32, 6)}
	l.Embedding.Dim = 2
	var file bytes.Buffer
	if err := l.Encode(&file); err != nil {
		t.Fatal(err)
	}
	read, err := ReadLinear(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want, _ := SeenBy(c)
	got, err := SeenBy(&read.Card)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{"{", `{"mean":[1],"covariance":[1]}`, `{"mean":[1,2,3],"covariance":[1]}`} {
		c.Metadata[keySeen] = bad
		if _, err := SeenBy(c); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}
