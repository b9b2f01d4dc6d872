package scoring

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The figures are those of another implementation, in Python: the router
// "hash" of golden/README.md.
func TestRandomSmall(t *testing.T) {
	got := make([]float64, 3)
	if err := (Random{}).WinRates(t.Context(), got, []Features{{Query: ""}, {Query: "routeval"}, {Query: "naïve\x00"}}); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0.9576734252420561, 0.06634556009524939, 0.23128401097134832}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The judge is RouteLLM's evaluation with the pseudo-router "hash".
func TestRandomIsTheGoldenHash(t *testing.T) {
	want := readNPYVector(t, sharedFile(t, "golden", "eval", "winrates_gsm8k_hash.npy"))
	var batch []Features
	for _, row := range readOutcomes(t, "routellm_gsm8k") {
		if !row.Contaminated {
			batch = append(batch, Features{Query: row.Prompt})
		}
	}
	got := make([]float64, len(batch))
	if err := (Random{}).WinRates(t.Context(), got, batch); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("the %d win rates differ from the %d golden ones", len(got), len(want))
	}
}

// Over many texts the win rates of a seed are uniform, and those of two seeds
// are independent: χ² over a 10 × 10 grid has 99 degrees of freedom, and a
// correct router passes 180 once in a million seeds.
func TestRandomIsUniform(t *testing.T) {
	const n = 100_000
	batch := make([]Features, n)
	for i := range batch {
		batch[i].Query = string(rune('a'+i%26)) + string(rune(i/26))
	}
	for _, seeds := range [][2]uint64{{0, 1}, {1, 2}, {1, 1 << 63}, {12345, 54321}} {
		x, y := make([]float64, n), make([]float64, n)
		if err := (Random{seeds[0]}).WinRates(t.Context(), x, batch); err != nil {
			t.Fatal(err)
		}
		if err := (Random{seeds[1]}).WinRates(t.Context(), y, batch); err != nil {
			t.Fatal(err)
		}
		var cells [10][10]float64
		for i := range x {
			cells[int(10*x[i])][int(10*y[i])]++
		}
		chi2 := 0.0
		for _, row := range cells {
			for _, c := range row {
				chi2 += math.Pow(c-n/100, 2) / (n / 100)
			}
		}
		if chi2 > 180 {
			t.Errorf("seeds %v: χ² %.0f on 99 degrees of freedom", seeds, chi2)
		}
	}
}

func BenchmarkRandom(b *testing.B) {
	batch, dst := []Features{{Query: string(make([]byte, 1000))}}, make([]float64, 1)
	b.SetBytes(1000)
	b.ReportAllocs()
	for b.Loop() {
		if err := (Random{1}).WinRates(b.Context(), dst, batch); err != nil {
			b.Fatal(err)
		}
	}
}

// outcomeRow is a row of recorded outcomes.
type outcomeRow struct {
	Prompt       string `json:"prompt"`
	Reference    string `json:"reference"`
	Contaminated bool   `json:"contaminated"`
	Outcomes     map[string]struct {
		Score    float64 `json:"score"`
		Response string  `json:"response"`
	} `json:"outcomes"`
}

func readOutcomes(t *testing.T, source string) (rows []outcomeRow) {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(sharedFile(t, "data", "outcomes", source, source+".jsonl.gz")))
	if err != nil {
		t.Fatal(err)
	}
	dec := jsontext.NewDecoder(r)
	for {
		var row outcomeRow
		if err := json.UnmarshalDecode(dec, &row); err == io.EOF {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}
