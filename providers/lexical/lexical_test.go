package lexical

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type goldenVector struct {
	Text  []byte
	Index []int32
	Value []float64
}

func readGolden(t testing.TB) []goldenVector {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []goldenVector
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	return golden
}

// The judge is testdata/reference.py, which makes the vectors from the
// definition with other arithmetic and other tables.
func TestVectorsAgreeWithReference(t *testing.T) {
	e := New()
	for _, g := range readGolden(t) {
		index, value := e.Sparse(nil, nil, string(g.Text))
		if len(index) != len(g.Index) {
			t.Errorf("%q: %d coordinates are not zero, want %d", g.Text, len(index), len(g.Index))
			continue
		}
		for k, i := range index {
			if i != g.Index[k] || math.Abs(value[k]-g.Value[k]) > 1e-7 {
				t.Errorf("%q: coordinate %d is %v, want %d and %v", g.Text, i, value[k], g.Index[k], g.Value[k])
			}
		}
	}
}

// The digest of every bit of the golden vectors was the same on amd64 (with and
// without fused products) and 386. Where this fails and the test above does
// not, a platform or a compiler calculates otherwise.
func TestVectorsAreTheSameToTheLastBit(t *testing.T) {
	e, h := New(), fnv.New64a()
	dst := make([]float32, Dim)
	for _, g := range readGolden(t) {
		e.Embed(dst, string(g.Text))
		for _, v := range dst {
			b := math.Float32bits(v)
			h.Write([]byte{byte(b), byte(b >> 8), byte(b >> 16), byte(b >> 24)})
		}
	}
	if got, want := h.Sum64(), uint64(0xe3abf8cbd7c1b578); got != want {
		t.Errorf("digest %#x, want %#x", got, want)
	}
}

// Whoever makes this fail has made another embedder: weights trained on the old
// one will be refused. If that is meant, version goes up as well.
func TestFingerprint(t *testing.T) {
	const want = "71f2db9edaf4673213a09247f5523420"
	if got := New().Fingerprint(); got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
}

// checkForms holds the three forms of a vector against each other.
func checkForms(t testing.TB, e *Embedder, dst []float32, u []float64, text string) {
	e.Embed(dst, text)
	index, value := e.Sparse(nil, nil, text)
	want, next, norm := 0.0, 0, 0.0
	for i, v := range dst {
		want += float64(float64(v) * u[i])
		if v != 0 {
			if next == len(index) || index[next] != int32(i) || value[next] != float64(v) {
				t.Fatalf("%.80q: the sparse form differs at coordinate %d", text, i)
			}
			next++
		}
		if i < buckets {
			norm += float64(v) * float64(v)
		} else if math.IsNaN(float64(v)) || i < Dim-1 && math.Abs(float64(v)) > 0.3+1e-7 {
			t.Fatalf("%.80q: surface feature %d is %v", text, i-buckets, v)
		}
	}
	if next != len(index) {
		t.Fatalf("%.80q: the sparse form has %d more coordinates", text, len(index)-next)
	}
	if norm != 0 && math.Abs(norm-1) > 1e-5 {
		t.Fatalf("%.80q: buckets have squared length %v", text, norm)
	}
	if dst[Dim-1] != 1 {
		t.Fatalf("%.80q: the constant is %v", text, dst[Dim-1])
	}
	if got := e.Dot(text, u); math.Abs(got-want) > 1e-9 {
		t.Fatalf("%.80q: Dot is %v, the dense product %v", text, got, want)
	}
}

// direction is a vector of Dim numbers as a trained one may hold.
func direction() []float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	u := make([]float64, Dim)
	for i := range u {
		u[i] = rng.NormFloat64()
	}
	return u
}

func TestFormsAgreeOnAnyText(t *testing.T) {
	e, dst, u := New(), make([]float32, Dim), direction()
	pieces := rapid.OneOf(
		rapid.StringN(0, 80, -1),
		rapid.StringMatching(`[a-zA-Z0-9 .,?\n$\\_=+-]{0,80}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 80), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(pieces, 0, 8).Draw(r, "pieces"), " ")
		checkForms(t, e, dst, u, text)
	})
}

func TestFormsAgreeOnCorpus(t *testing.T) {
	e, dst, u := New(), make([]float32, Dim), direction()
	prompts := corpus(t, "routellm_mmlu", "mmlu_pro", "routellm_mt_bench", "zeroeval_crux")
	for i := 0; i < len(prompts); i += 11 {
		checkForms(t, e, dst, u, prompts[i])
	}
}

// The judge is math.Log, which the standard library keeps within one unit in
// the last place.
func TestLn(t *testing.T) {
	check := func(x float64) {
		if got, want := ln(x), math.Log(x); math.Abs(got-want) > 4e-16*math.Abs(want) {
			t.Errorf("ln(%v) = %v, want %v", x, got, want)
		}
	}
	for n := 1; n < 100_000; n++ {
		check(float64(n))
	}
	for x := 1e5; x < 1e300; x *= 1.7 {
		check(x)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	e, dst, u := New(), make([]float32, Dim), direction()
	index, value := make([]int32, 0, Dim), make([]float64, 0, Dim)
	text := strings.Repeat("Ünïcode and plain words, 12 of them. ", 50)
	for name, f := range map[string]func(){
		"Embed":  func() { e.Embed(dst, text) },
		"Dot":    func() { e.Dot(text, u) },
		"Sparse": func() { e.Sparse(index, value, text) },
	} {
		if n := testing.AllocsPerRun(20, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func FuzzForms(f *testing.F) {
	for _, g := range readGolden(f) {
		f.Add(g.Text)
	}
	e, dst, u := New(), make([]float32, Dim), direction()
	f.Fuzz(func(t *testing.T, text []byte) { checkForms(t, e, dst, u, string(text)) })
}
