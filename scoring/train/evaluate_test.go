package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The router's judge is what it is for: APGR, the area under the curve of the
// share of the quality gap kept over the share of prompts sent to the strong
// model. It is the exact step curve with its ends anchored at 0 and 1, prompts
// of equal win rate in any order, that is by a straight line; 0.5 is random.
// Figures are means over five folds by group, with 90 % bootstrap intervals
// that draw groups.

// A pairCurve is a pair's prompts of one fold, from the highest win rate down.
type pairCurve struct {
	prompt []int
	gain   []float64 // strong quality − weak quality
	last   []bool    // the next win rate is lower
}

// apgr counts prompt i weights[i] times; nil: once.
func (c *pairCurve) apgr(weights []float64) float64 {
	var area, sum, width, step, n float64
	for k, i := range c.prompt {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		step += w * c.gain[k]
		width += w
		if c.last[k] {
			area += width * (sum + step/2)
			sum += step
			n += width
			step, width = 0, 0
		}
	}
	return area / n / sum
}

func newCurve(o *Outcomes, estimates []float64, strong, weak int, in func(i int) bool) *pairCurve {
	type point struct {
		prompt     int
		rate, gain float64
	}
	var points []point
	n := len(o.Models)
	for i := range o.Rows.Len() {
		if gain := o.Of(i, strong) - o.Of(i, weak); in(i) && !math.IsNaN(gain) {
			points = append(points, point{i, estimates[i*n+strong] - estimates[i*n+weak], gain})
		}
	}
	slices.SortFunc(points, func(a, b point) int { return cmp.Compare(b.rate, a.rate) })
	c := &pairCurve{}
	for k, p := range points {
		c.prompt, c.gain = append(c.prompt, p.prompt), append(c.gain, p.gain)
		c.last = append(c.last, k+1 == len(points) || points[k+1].rate < p.rate)
	}
	return c
}

// A verdict is how good a router is on one source.
type verdict struct {
	pair, low, high         float64 // APGR of the named pair
	mean, meanLow, meanHigh float64 // of all pairs with a gap of 5 points
	pairs                   int
	above                   float64 // share of those, by fold, above ½
}

func (v verdict) String() string {
	s := fmt.Sprintf("named pair %.3f (%.3f to %.3f)", v.pair, v.low, v.high)
	if v.pairs > 1 {
		s += fmt.Sprintf(", %d pairs %.3f (%.3f to %.3f), %.3f of them above 0.5", v.pairs, v.mean, v.meanLow, v.meanHigh, v.above)
	}
	return s
}

const testFolds = 5

// judge cross-validates fit; strong over mixtral is the named pair.
func judge(tb testing.TB, o *Outcomes, strong string, fit func(context.Context, *Outcomes) (*Heads, error)) verdict {
	tb.Helper()
	folds := Folds(o.Groups, o.Rows.Len(), testFolds, 0)
	estimates, err := CrossValidate(tb.Context(), o, folds, fit)
	if err != nil {
		tb.Fatal(err)
	}
	var curves []*pairCurve
	named := -1
	quality := o.MeanQuality()
	for s := range o.Models {
		for w := range o.Models {
			if quality[s]-quality[w] < 0.05 {
				continue
			}
			if o.Models[s] == strong && strings.HasPrefix(o.Models[w], "mixtral") {
				named = len(curves) / testFolds
			}
			for f := range testFolds {
				curves = append(curves, newCurve(o, estimates, s, w, func(i int) bool { return folds[i] == f }))
			}
		}
	}
	v := verdict{pairs: len(curves) / testFolds}
	for _, c := range curves {
		if c.apgr(nil) > 0.5 {
			v.above += 1 / float64(len(curves))
		}
	}
	v.pair, v.mean = means(curves, named, nil)
	const draws = 100
	var pair, mean []float64
	for d := range uint64(draws) {
		p, m := means(curves, named, drawGroups(o, d))
		pair, mean = append(pair, p), append(mean, m)
	}
	slices.Sort(pair)
	slices.Sort(mean)
	v.low, v.high, v.meanLow, v.meanHigh = pair[4], pair[95], mean[4], mean[95]
	return v
}

func means(curves []*pairCurve, named int, weights []float64) (pair, mean float64) {
	for k, c := range curves {
		a := c.apgr(weights)
		mean += a / float64(len(curves))
		if k/testFolds == named {
			pair += a / testFolds
		}
	}
	return pair, mean
}

// drawGroups draws as many groups as there are, with replacement: how often
// each prompt is in.
func drawGroups(o *Outcomes, seed uint64) []float64 {
	groups := slices.Compact(slices.Sorted(slices.Values(o.Groups)))
	random := rand.New(rand.NewPCG(seed, 1))
	times := make(map[string]float64, len(groups))
	for range groups {
		times[groups[random.IntN(len(groups))]]++
	}
	weights := make([]float64, len(o.Groups))
	for i, g := range o.Groups {
		weights[i] = times[g]
	}
	return weights
}

func ridgeOf(lambda float64) func(context.Context, *Outcomes) (*Heads, error) {
	return func(ctx context.Context, o *Outcomes) (*Heads, error) { return Ridge(ctx, o, lambda) }
}

// shuffled gives every prompt the qualities of another one.
func shuffled(o *Outcomes, seed uint64) *Outcomes {
	mixed := *o
	mixed.Quality = nil
	for _, i := range rand.New(rand.NewPCG(seed, 2)).Perm(o.Rows.Len()) {
		mixed.Quality = append(mixed.Quality, o.Quality[i*len(o.Models):][:len(o.Models)]...)
	}
	return &mixed
}

var namedStrong = map[string]string{"routellm_mmlu": "gpt-4-1106-preview", "mmlu_pro": "gpt-4o-2024-05-13"}

func TestRidgeReachesTheFloors(t *testing.T) {
	if testing.Short() {
		t.Skip("a cross-validation of 18 heads")
	}
	mmlu := judge(t, readOutcomes(t, "routellm_mmlu"), namedStrong["routellm_mmlu"], ridgeOf(DefaultLambda))
	pro := judge(t, readOutcomes(t, "mmlu_pro"), namedStrong["mmlu_pro"], ridgeOf(DefaultLambda))
	t.Logf("routellm_mmlu: %v", mmlu)
	t.Logf("mmlu_pro: %v", pro)
	for _, c := range []struct {
		name       string
		got, floor float64
	}{
		{"routellm_mmlu, gpt-4-1106-preview over mixtral", mmlu.pair, 0.63},
		{"mmlu_pro, gpt-4o over mixtral", pro.pair, 0.585},
		{"mmlu_pro, mean over pairs", pro.mean, 0.62},
		{"mmlu_pro, share of pairs above 0.5", pro.above, 0.95},
	} {
		if c.got < c.floor {
			t.Errorf("%s: %.3f, floor %.3f", c.name, c.got, c.floor)
		}
	}
	if pro.pairs != 100 {
		t.Errorf("%d pairs have a gap of 5 points, want 100", pro.pairs)
	}
}
