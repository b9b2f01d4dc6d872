package scoring

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// swExcerpt is a part of RouteLLM's own run, in figures alone; see its comment.
type swExcerpt struct {
	Models  []string
	Elo     []float64
	Battles string
	Cosines [][]float64
	Runs    map[string]struct {
		Tiers           []int
		WinRates        []float64 `json:"win_rates"`
		SameTierIgnored []float64 `json:"same_tier_ignored"`
	}
}

// TestSWRankingExcerpt holds the ratings, the tiers and the win rates of two
// prompts against the exact optimum of RouteLLM's problem. The vectors are made
// up in the plane so that they have the cosines of the run.
func TestSWRankingExcerpt(t *testing.T) {
	var want swExcerpt
	readFigures(t, filepath.Join("testdata", "sw_ranking.json"), &want)
	var battles []Battle
	for _, line := range strings.Split(want.Battles, "|") {
		var a, b, verdict int
		if _, err := fmt.Sscan(line, &a, &b, &verdict); err != nil {
			t.Fatal(err)
		}
		battles = append(battles, Battle{want.Models[a], want.Models[b], Verdict(verdict)})
	}
	ratings, err := Elo(battles)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range want.Models {
		if diff := math.Abs(ratings[m] - want.Elo[i]); diff > 1e-6 {
			t.Errorf("rating of %s is %v, want %v", m, ratings[m], want.Elo[i])
		}
	}
	for tiers, run := range want.Runs {
		for p, cosines := range want.Cosines {
			var table []float32
			for _, c := range cosines {
				table = append(table, float32(c), float32(math.Sqrt(1-c*c)))
			}
			for _, ignore := range []bool{false, true} {
				opts := SWRankingOptions{Tiers: atoi(t, tiers), IgnoreSameTier: ignore}
				s, err := NewSWRanking(Space{Dim: 2}, battles, table, "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1", opts)
				if err != nil {
					t.Fatal(err)
				}
				expected := run.WinRates[p]
				if ignore {
					expected = run.SameTierIgnored[p]
				}
				got := winRate(t, s, []float32{1, 0})
				if math.Abs(got-expected) > 1e-7 {
					t.Errorf("%s tiers, ignoring same tier %v, prompt %d: win rate %v, want %v", tiers, ignore, p, got, expected)
				}
			}
		}
	}
}

// TestSWRankingRouteLLM is the whole of that run: the filter, the ratings, the
// tiers, and fifty prompts at three numbers of tiers.
func TestSWRankingRouteLLM(t *testing.T) {
	dir := sharedDir(t, "golden", "sw")
	var raw []struct {
		ModelA string `json:"model_a"`
		ModelB string `json:"model_b"`
		Prompt string
		A      int `json:"winner_model_a"`
		B      int `json:"winner_model_b"`
	}
	readFigures(t, filepath.Join(dir, "battles.json"), &raw)
	var battles []Battle
	for _, r := range raw {
		var turns []string
		if err := json.Unmarshal([]byte(r.Prompt), &turns); err != nil {
			t.Fatal(err)
		}
		if LongEnough(turns[0]) {
			battles = append(battles, Battle{r.ModelA, r.ModelB, Verdict(r.A + 2*r.B)})
		}
	}
	if len(battles) != 2000 {
		t.Fatalf("%d battles are long enough, RouteLLM keeps 2000", len(battles))
	}
	var want struct {
		Elo  map[string]float64 `json:"elo_exact"`
		Runs map[string]struct {
			Tiers    map[string]int `json:"model2tier"`
			WinRates []float64      `json:"win_rates_exact"`
			Fixed    []float64      `json:"win_rates_exact_same_tier_rows_zeroed"`
		}
	}
	readFigures(t, filepath.Join(dir, "expected.json"), &want)
	ratings, err := Elo(battles)
	if err != nil {
		t.Fatal(err)
	}
	for m, r := range want.Elo {
		if math.Abs(ratings[m]-r) > 1e-6 {
			t.Errorf("rating of %s is %v, want %v", m, ratings[m], r)
		}
	}
	table, prompts := readVectors(t, filepath.Join(dir, "battle_embeddings.npy")), readVectors(t, filepath.Join(dir, "prompt_embeddings.npy"))
	var batch []Features
	for p := range slices.Chunk(prompts, 64) {
		batch = append(batch, Features{Embedding: p})
	}
	for tiers, run := range want.Runs {
		for m, tier := range tierOf(ratings, atoi(t, tiers)) {
			if tier != run.Tiers[m] {
				t.Errorf("%s tiers: %s is in %d, want %d", tiers, m, tier, run.Tiers[m])
			}
		}
		for _, ignore := range []bool{false, true} {
			s, err := NewSWRanking(Space{Dim: 64}, battles, table, "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1",
				SWRankingOptions{Tiers: atoi(t, tiers), IgnoreSameTier: ignore})
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float64, len(batch))
			if err := s.WinRates(t.Context(), got, batch); err != nil {
				t.Fatal(err)
			}
			expected := run.WinRates
			if ignore {
				expected = run.Fixed
			}
			var worst float64
			for i := range got {
				worst = max(worst, math.Abs(got[i]-expected[i]))
			}
			t.Logf("%s tiers, ignoring same tier %v: off by at most %.2g", tiers, ignore, worst)
			if !(worst < 2e-7) {
				t.Errorf("%s tiers, ignoring same tier %v: off by %g", tiers, ignore, worst)
			}
		}
	}
}

// TestTiers holds the cuts against RouteLLM's. Where ratings are equal its
// choice rests on the last bit of sums; the sum of variances must be as good.
func TestTiers(t *testing.T) {
	var lists []struct {
		Tiers   int       `json:"num_tiers"`
		Ratings []float64 `json:"ratings_desc"`
		Tier    []int
	}
	readFigures(t, filepath.Join("testdata", "tiers.json"), &lists)
	for i, l := range lists {
		got := Tiers(l.Ratings, l.Tiers)
		distinct := len(slices.Compact(slices.Clone(l.Ratings))) == len(l.Ratings)
		if distinct && !slices.Equal(got, l.Tier) {
			t.Errorf("list %d in %d tiers: %v, want %v", i, l.Tiers, got, l.Tier)
		}
		if a, b := sumOfVariances(l.Ratings, got), sumOfVariances(l.Ratings, l.Tier); math.Abs(a-b) > 1e-9 {
			t.Errorf("list %d in %d tiers: sum of variances %v, want %v", i, l.Tiers, a, b)
		}
	}
}

func sumOfVariances(ratings []float64, tier []int) (sum float64) {
	for from, to := 0, 0; from < len(ratings); from = to {
		for to < len(ratings) && tier[to] == tier[from] {
			to++
		}
		sum += variance(ratings[from:to])
	}
	return sum
}

// TestFitIsStationary checks the fit against its definition: at the optimum no
// small move of any one strength makes the battles likelier. The likelihood
// here is summed battle by battle.
func TestFitIsStationary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(2, 6).Draw(t, "sides")
		own := rapid.Bool().Draw(t, "own")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		type weighted struct {
			a, b int
			v    Verdict
			w    float64
		}
		var battles []weighted
		tally := newTally(k)
		for a := range k { // every pair meets with every verdict, so the optimum is finite
			for b := range k {
				for _, v := range []Verdict{Tie, AWins, BWins} {
					x := weighted{a, b, v, rng.ExpFloat64() + 0.01}
					battles = append(battles, x)
					tally.sums[tally.cell(a, b, v)] += x.w
				}
			}
		}
		likelihood := func(theta []float64) (sum float64) {
			for _, x := range battles {
				z := theta[x.a] - theta[x.b]
				if x.a == x.b {
					if !own {
						continue
					}
					z = -theta[x.a]
				}
				win := map[Verdict]float64{Tie: 0.5, AWins: 1}[x.v]
				sum += x.w * (win*math.Log(Sigmoid(z)) + (1-win)*math.Log(Sigmoid(-z)))
			}
			return sum
		}
		theta := tally.fit(make([]float64, k), own)
		best := likelihood(theta)
		for i := range theta {
			for _, step := range []float64{-1e-3, 1e-3} {
				moved := slices.Clone(theta)
				moved[i] += step
				if likelihood(moved) >= best {
					t.Fatalf("moving %d by %g makes the battles likelier: %v", i, step, theta)
				}
			}
		}
	})
}

// TestSWRankingWithoutDefeat: a strong model that never lost has no finite
// rating, and its win rate is as good as 1.
func TestSWRankingWithoutDefeat(t *testing.T) {
	battles := []Battle{{"strong", "weak", AWins}, {"weak", "strong", BWins}}
	s, err := NewSWRanking(Space{Dim: 2}, battles, []float32{1, 0, 0, 1}, "strong", "weak", SWRankingOptions{Tiers: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := winRate(t, s, []float32{3, 4}); !(got > 1-1e-6 && got <= 1) {
		t.Errorf("win rate %v, want nearly 1", got)
	}
}

func TestSWRankingRefuses(t *testing.T) {
	battles := []Battle{{"a", "b", AWins}, {"b", "a", AWins}}
	table := []float32{1, 0, 0, 1}
	nan := float32(math.NaN())
	for name, build := range map[string]func() error{
		"no battles of model \"c\" (have a, b)": func() error {
			_, err := NewSWRanking(Space{Dim: 2}, battles, table, "a", "c", SWRankingOptions{})
			return err
		},
		"1 battles have 2 embeddings": func() error {
			_, err := NewSWRanking(Space{Dim: 2}, battles[:1], table, "a", "b", SWRankingOptions{})
			return err
		},
		"item 1: the embedding is all zero": func() error {
			_, err := NewSWRanking(Space{Dim: 2}, battles, []float32{1, 0, 0, 0}, "a", "b", SWRankingOptions{})
			return err
		},
		"4 numbers are not a table of vectors of width 3": func() error {
			_, err := NewSWRanking(Space{Dim: 3}, battles, table, "a", "b", SWRankingOptions{})
			return err
		},
	} {
		if err := build(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
	s, err := NewSWRanking(Space{Dim: 2}, battles, table, "a", "b", SWRankingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]float32{nil, {1}, {0, 0}, {nan, 1}, {float32(math.Inf(1)), 1}} {
		err := s.WinRates(t.Context(), make([]float64, 2), []Features{{Embedding: []float32{1, 1}}, {Embedding: bad}})
		var item *ItemError
		if !errors.As(err, &item) || item.Index != 1 {
			t.Errorf("embedding %v: got %v, want an error of item 1", bad, err)
		}
	}
}

// BenchmarkSWRanking is the size that RouteLLM was measured at, 0.48 s a prompt
// on two cores: 55,000 battles with vectors of width 1536.
func BenchmarkSWRanking(b *testing.B) {
	const n, dim, models = 55_000, 1536, 64
	rng := rand.New(rand.NewPCG(1, 2))
	table := make([]float32, n*dim)
	for i := range table {
		table[i] = rng.Float32() - 0.4
	}
	battles := make([]Battle, n)
	for i := range battles {
		battles[i] = Battle{fmt.Sprint(rng.IntN(models)), fmt.Sprint(rng.IntN(models)), Verdict(rng.IntN(3))}
	}
	s, err := NewSWRanking(Space{Dim: dim}, battles, table, "1", "2", SWRankingOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for _, prompts := range []int{1, 64} {
		b.Run(fmt.Sprintf("prompts=%d", prompts), func(b *testing.B) {
			batch, dst := make([]Features, prompts), make([]float64, prompts)
			for i := range batch {
				batch[i].Embedding = table[i*dim:][:dim]
			}
			b.ReportAllocs()
			b.SetBytes(int64(prompts) * n * dim * 4)
			for b.Loop() {
				if err := s.WinRates(b.Context(), dst, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*prompts), "ns/prompt")
		})
	}
}

func winRate(t *testing.T, s Scorer, embedding []float32) float64 {
	t.Helper()
	dst := make([]float64, 1)
	if err := s.WinRates(t.Context(), dst, []Features{{Embedding: embedding}}); err != nil {
		t.Fatal(err)
	}
	return dst[0]
}

func atoi(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func readFigures(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// readVectors reads what follows the header of a float32 file of numpy.
func readVectors(t *testing.T, path string) []float32 {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data = data[10+binary.LittleEndian.Uint16(data[8:]):]
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

// sharedDir is a directory of the data that lie beside the repository, or skips.
func sharedDir(t *testing.T, elem ...string) string {
	t.Helper()
	dir := filepath.Join(append([]string{"..", "..", "shared"}, elem...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs %s beside the repository", filepath.Join(elem...))
	}
	return dir
}
