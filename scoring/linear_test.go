package scoring

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinearPair(t *testing.T) {
	l := &Linear{Heads: []float32{1, 2, 3, 4, 5, 7}, Bias: []float32{0.5, -0.25}}
	l.Models, l.Embedding.Dim = []string{"strong", "weak"}, 3
	f, err := l.Pair("strong", "1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{-3, -3, -4}, f.Vector()); diff != "" || f.Bias() != 0.75 {
		t.Errorf("bias %v, vector %s", f.Bias(), diff)
	}
	got := make([]float64, 1)
	if err := f.WinRates(t.Context(), got, []Features{{Embedding: []float32{1, 0, -1}}}); err != nil {
		t.Fatal(err)
	}
	if want := 1 / (1 + math.Exp(-1.75)); math.Abs(got[0]-want) > 1e-15 { // −3 + 4 + 0.75
		t.Errorf("win rate %v, want %v", got[0], want)
	}
	if _, err := l.Pair("strong", "week"); err == nil || !strings.Contains(err.Error(), `did you mean "weak"?`) {
		t.Errorf("unknown model: %v", err)
	}
}

func TestLinearEncodeRoundTrip(t *testing.T) {
	for _, bias := range [][]float32{nil, make([]float32, 64)} {
		l := &Linear{Heads: randomMF(rand.New(rand.NewPCG(8, 8)), 64, 5, 5, false).P, Bias: bias}
		l.Embedding = Space{Model: "words", Dim: 5, Fingerprint: "v1"}
		l.Metadata = map[string]string{"format": "pt"}
		var buf bytes.Buffer
		if err := l.Encode(&buf); err != nil {
			t.Fatal(err)
		}
		got, err := ReadLinear(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(l, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReadLinearRefuses(t *testing.T) {
	heads := tensor("heads.weight", 2, 3)
	for _, test := range []struct {
		err   string
		first float32
		data  []Tensor
	}{
		{`unknown tensor "P.weight"`, 1, []Tensor{heads, tensor("P.weight", 2, 3)}},
		{`no tensor "heads.weight"`, 1, []Tensor{tensor("heads.bias", 2)}},
		{"want a matrix", 1, []Tensor{tensor("heads.weight", 6)}},
		{"want a matrix", 1, []Tensor{tensor("heads.weight", 2, 0)}},
		{"3 numbers for 2 rows", 1, []Tensor{heads, tensor("heads.bias", 3)}},
		{"want [2]", 1, []Tensor{heads, tensor("heads.bias", 1, 2)}},
		{"is NaN", float32(math.NaN()), []Tensor{heads}},
	} {
		_, err := ReadLinear(mfFile(t, test.first, nil, test.data...))
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("got %v, want an error with %q", err, test.err)
		}
	}
}
