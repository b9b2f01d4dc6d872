package scoring

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// The judge is RouteLLM's calibrate_threshold.py with its pandas: thresholds to
// the last bit, and the strong shares that they achieve. Vector d holds NaN,
// which pandas skips without a word and which is refused here.
func TestCalibrateRouteLLM(t *testing.T) {
	for name, v := range readCalibrations(t, shared(t, "golden", "calibration", "thresholds.json")) {
		winRates := readNPYVector(t, sharedFile(t, "golden", "calibration", v.File))
		if name == "d" {
			var item *ItemError
			if _, err := CalibrateRouteLLM(winRates, 0.5); !errors.As(err, &item) || !math.IsNaN(winRates[item.Index]) {
				t.Errorf("d: NaN is let through: %v", err)
			}
			continue
		}
		v.check(t, name, winRates)
	}
}

// The same for the short vector c, whose numbers are at hand.
func TestCalibrateRouteLLMSmall(t *testing.T) {
	for name, v := range readCalibrations(t, "testdata/calibration.json") {
		v.check(t, name, v.Values)
	}
}

type calibrations struct {
	File   string    `json:"winrates"`
	Values []float64 `json:"values"`
	Rows   []struct {
		Share     float64 `json:"strong_model_pct"`
		Threshold float64 `json:"threshold"`
		Achieved  float64 `json:"achieved_ge_threshold"`
	} `json:"rows"`
}

func readCalibrations(t *testing.T, path string) map[string]calibrations {
	t.Helper()
	var all map[string]calibrations
	readJSON(t, path, &all)
	return all
}

func (v calibrations) check(t *testing.T, name string, winRates []float64) {
	t.Helper()
	for _, row := range v.Rows {
		got, err := CalibrateRouteLLM(winRates, row.Share)
		if err != nil || got.Threshold != row.Threshold || math.Abs(got.StrongShare-row.Achieved) > 1e-14 {
			t.Errorf("%s, share %v: got %+v and %v, want threshold %v and share %v", name, row.Share, got, err, row.Threshold, row.Achieved)
		}
		exact, err := Calibrate(winRates, row.Share)
		if err != nil {
			t.Error(err)
		}
		if off := math.Abs(exact.StrongShare - row.Share); off > math.Abs(row.Achieved-row.Share)+1e-12 {
			t.Errorf("%s, share %v: the exact threshold achieves %v, RouteLLM's %v", name, row.Share, exact.StrongShare, row.Achieved)
		}
	}
}

// The judge is brute force: every threshold that could make a difference.
func TestCalibrateIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		winRates := drawWinRates(t)
		share := rapid.OneOf(rapid.Float64Range(0, 1), rapid.Map(rapid.IntRange(0, 20), func(n int) float64 { return float64(n) / 20 })).Draw(t, "share")
		got, err := Calibrate(winRates, share)
		if err != nil {
			t.Fatal(err)
		}
		n := len(winRates)
		best := n + 1 // strong calls
		for _, threshold := range append(slices.Clone(winRates), 2) {
			if strong := countAtOrAbove(winRates, threshold); math.Abs(float64(strong)-share*float64(n)) < math.Abs(float64(best)-share*float64(n))-1e-9 {
				best = strong
			}
		}
		off := func(strong int) float64 { return math.Abs(float64(strong) - share*float64(n)) }
		if math.Abs(off(got.Strong)-off(best)) > 1e-9 {
			t.Fatalf("share %v of %v: %d go strong, %d would be nearer", share, winRates, got.Strong, best)
		}
		ties := countAtOrAbove(winRates, got.Threshold) - countAtOrAbove(winRates, math.Nextafter(got.Threshold, 2))
		if got.Strong != countAtOrAbove(winRates, got.Threshold) || got.Ties != ties || got.N != n || got.StrongShare != float64(got.Strong)/float64(n) || got.Asked != share {
			t.Fatalf("share %v of %v: %+v does not say what it does", share, winRates, got)
		}
	})
}

func drawWinRates(t *rapid.T) []float64 {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	grid := rapid.SampledFrom([]float64{1, 2, 5, 1 << 40}).Draw(t, "grid")
	winRates := make([]float64, rapid.IntRange(1, 30).Draw(t, "n"))
	for i := range winRates {
		winRates[i] = math.Round(r.Float64()*grid) / grid
	}
	return winRates
}

func countAtOrAbove(winRates []float64, threshold float64) (n int) {
	for _, x := range winRates {
		if x >= threshold {
			n++
		}
	}
	return n
}

func TestCalibrateAtTheEnds(t *testing.T) {
	for _, c := range []struct {
		winRates                []float64
		share, threshold, other float64 // other: a win rate of another prompt
		strong                  int
		otherIsStrong           bool
	}{
		{[]float64{0.2, 0.4}, 0, math.Nextafter(1, 2), 1, 0, false},
		{[]float64{0.2, 1}, 0, math.Nextafter(1, 2), 1, 0, false},
		{[]float64{0.2, 0.4}, 1, 0, 0, 2, true},
		{[]float64{0.2, 0.4}, 0.25, math.Nextafter(0.4, 1), 0.9, 0, true}, // As near to 1 of 2; the smaller share.
		{[]float64{0.2, 0.4}, 0.3, 0.4, 0.39, 1, false},
		{[]float64{0.5, 0.5, 0.5}, 0.4, math.Nextafter(0.5, 1), 0.5, 0, false},
		{[]float64{0.5, 0.5, 0.5}, 0.6, 0.5, 0.5, 3, true},
		{[]float64{0.5}, 0.07, math.Nextafter(0.5, 1), 0.5, 0, false},
	} {
		got, err := Calibrate(c.winRates, c.share)
		if err != nil || got.Threshold != c.threshold || got.Strong != c.strong || (c.other >= got.Threshold) != c.otherIsStrong {
			t.Errorf("%v of %v: got %+v and %v", c.share, c.winRates, got, err)
		}
	}
}

func TestCalibrateRefuses(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		winRates []float64
		share    float64
	}{
		{nil, 0.5}, {[]float64{0.1, nan}, 0.5}, {[]float64{1.01}, 0.5}, {[]float64{-0.1}, 0.5}, {[]float64{math.Inf(1)}, 0.5},
		{[]float64{0.5}, nan}, {[]float64{0.5}, -0.1}, {[]float64{0.5}, 1.1},
	} {
		if got, err := Calibrate(c.winRates, c.share); err == nil {
			t.Errorf("share %v of %v: got %+v and no error", c.share, c.winRates, got)
		}
		if got, err := CalibrateRouteLLM(c.winRates, c.share); err == nil {
			t.Errorf("share %v of %v, RouteLLM's way: got %+v and no error", c.share, c.winRates, got)
		}
	}
}

// The judge is numpy.quantile, to the last bit.
func TestQuantileEdges(t *testing.T) {
	var want map[string]struct {
		Edges  []float64 `json:"edges_np"`
		Strong []int     `json:"strong_calls_np"`
	}
	readJSON(t, shared(t, "golden", "numeric", "qcut_edges.json"), &want)
	for vector, winRates := range edgeVectors(t) {
		slices.Sort(winRates)
		for _, bins := range []int{10, 100} {
			name := vector + "/" + strconv.Itoa(bins)
			w, ok := want[name]
			if !ok {
				t.Fatalf("%s: not among the golden vectors", name)
			}
			edges := QuantileEdges(winRates, bins)
			if !slices.Equal(edges, w.Edges) {
				t.Errorf("%s: edges differ", name)
			}
			for i, edge := range edges[:bins] {
				if got := len(winRates) - lowerBound(winRates, edge); got != w.Strong[i] {
					t.Errorf("%s, edge %d: %d strong calls, want %d", name, i, got, w.Strong[i])
				}
			}
		}
	}
}

func edgeVectors(t *testing.T) map[string][]float64 {
	vectors := map[string][]float64{"f32_55k": readNPYVector(t, sharedFile(t, "golden", "calibration", "winrates_f.npy"))}
	vectors["arange_101"], vectors["arange_181"] = grid(0, 101, 100), grid(1, 181, 200)
	for _, bench := range []string{"mmlu", "gsm8k", "mt-bench"} {
		for _, router := range []string{"hash", "digits", "len", "coarse"} {
			vectors[bench+"_"+router] = readNPYVector(t, sharedFile(t, "golden", "eval", "winrates_"+bench+"_"+router+".npy"))
		}
	}
	return vectors
}

// grid is first/scale, (first+1)/scale, … in so many steps.
func grid(first, n int, scale float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(first+i) / scale
	}
	return v
}

// The same for a vector that is easy to make, from testdata.
func TestQuantileEdgesSmall(t *testing.T) {
	var want map[string][]float64
	readJSON(t, "testdata/edges.json", &want)
	values := grid(1, 181, 200)
	if got := QuantileEdges(values, 10); len(want) == 0 || !slices.Equal(got, want["arange_181/10"]) {
		t.Errorf("got %v", got)
	}
}

func BenchmarkCalibrate(b *testing.B) {
	winRates := make([]float64, 100_000)
	r := rand.New(rand.NewPCG(7, 7))
	for i := range winRates {
		winRates[i] = r.Float64()
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Calibrate(winRates, 0.3); err != nil {
			b.Fatal(err)
		}
	}
}
