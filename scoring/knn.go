package scoring

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// DefaultNeighbours is how many recorded prompts a [KNN] asks where nothing
// else is said.
const DefaultNeighbours = 40

// KNNOptions say how many neighbours count and how much the nearer ones count
// more.
type KNNOptions struct {
	K int // neighbours, ≥ 1; 0 for DefaultNeighbours; at most all there are

	// Temperature is the difference of cosines that divides a neighbour's weight
	// by e, > 0; 0 gives all neighbours the same weight.
	Temperature float64
}

// QualityPair is how well the two models did on one recorded prompt, each in
// [0,1].
type QualityPair struct{ Strong, Weak float64 }

// KNN looks up the recorded prompts nearest to a prompt by cosine, exactly, and
// gives what the two models did on them as a win rate,
//
//	½ + ½ · Σ wᵢ (strongᵢ - weakᵢ) / Σ wᵢ,   wᵢ = e^((sᵢ - max s)/temperature),
//
// which for qualities of 0 and 1 is P(strong's answer beats weak's) among the
// neighbours, an equal quality being half a win. Of equal cosines the earlier
// row is nearer.
type KNN struct {
	recorded    *vectors
	margins     []float64 // strong's quality less weak's, by row
	k           int
	temperature float64
}

// NewKNN makes a router out of recorded qualities and the embeddings of their
// prompts, a row-major table with one row a pair that is kept, not copied. A row
// that has no cosine, or a quality outside [0,1], is an [*ItemError].
func NewKNN(space Space, recorded []QualityPair, embeddings []float32, opts KNNOptions) (*KNN, error) {
	table, err := newVectors(space, embeddings)
	if err != nil {
		return nil, fmt.Errorf("recorded embeddings: %w", err)
	}
	switch {
	case table.len() != len(recorded):
		return nil, fmt.Errorf("%d recorded qualities have %d embeddings", len(recorded), table.len())
	case opts.K < 0:
		return nil, fmt.Errorf("%d neighbours: must be 1 or more", opts.K)
	case !(opts.Temperature >= 0) || math.IsInf(opts.Temperature, 0):
		return nil, fmt.Errorf("temperature %g: must be 0 or more", opts.Temperature)
	}
	margins := make([]float64, len(recorded))
	for i, q := range recorded {
		if !(q.Strong >= 0 && q.Strong <= 1 && q.Weak >= 0 && q.Weak <= 1) {
			return nil, &ItemError{Index: i, Err: fmt.Errorf("qualities %g and %g: must be in [0,1]", q.Strong, q.Weak)}
		}
		margins[i] = q.Strong - q.Weak
	}
	k := min(cmp.Or(opts.K, DefaultNeighbours), len(recorded))
	return &KNN{recorded: table, margins: margins, k: k, temperature: opts.Temperature}, nil
}

// Space is that of the recorded prompts' embeddings.
func (s *KNN) Space() Space { return s.recorded.space }

// WinRates implements [Scorer]. It uses all processors; a block of prompts is
// cheaper than its prompts one by one.
func (s *KNN) WinRates(ctx context.Context, dst []float64, batch []Features) error {
	if len(dst) != len(batch) {
		return fmt.Errorf("room for %d win rates of %d prompts", len(dst), len(batch))
	}
	return s.recorded.eachCosine(ctx, batch, func(i int, cosines []float32) error {
		dst[i] = s.winRate(neighbours(cosines, s.k))
		return nil
	})
}

// winRate averages the margins of the neighbours, the nearest of them first.
func (s *KNN) winRate(neighbours []neighbour) float64 {
	best := float64(neighbours[0].cosine)
	var margin, total float64
	for _, n := range neighbours {
		w := 1.0
		if s.temperature > 0 {
			w = math.Exp((float64(n.cosine) - best) / s.temperature)
		}
		margin += w * s.margins[n.row]
		total += w
	}
	return min(max(0.5+0.5*margin/total, 0), 1)
}

type neighbour struct {
	row    int
	cosine float32
}

// neighbours is the k rows with the greatest cosines, from the greatest down. Kept
// are at most 2k candidates; whenever they are that many the worse half goes,
// and nothing below the worst that stayed is looked at again.
func neighbours(cosines []float32, k int) []neighbour {
	kept := make([]neighbour, 0, 2*k)
	floor := float32(math.Inf(-1))
	for row, c := range cosines {
		if c <= floor && len(kept) >= k {
			continue
		}
		kept = append(kept, neighbour{row, c})
		if len(kept) == cap(kept) {
			slices.SortFunc(kept, nearerFirst)
			kept = kept[:k]
			floor = kept[k-1].cosine
		}
	}
	slices.SortFunc(kept, nearerFirst)
	return kept[:min(k, len(kept))]
}

func nearerFirst(a, b neighbour) int {
	return cmp.Or(cmp.Compare(b.cosine, a.cosine), cmp.Compare(a.row, b.row))
}
