package scoring

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// DefaultTiers is RouteLLM's number of groups of models.
const DefaultTiers = 10

// SWRankingOptions are what RouteLLM's router can be asked for, and the one
// thing in which it is better not followed.
type SWRankingOptions struct {
	Tiers int // groups of models that are rated as one, ≥ 1; 0 for DefaultTiers

	// IgnoreSameTier leaves out battles between models of one tier, which say
	// nothing about tiers. RouteLLM means to, but its design matrix keeps one of
	// the two entries; false does as it does.
	IgnoreSameTier bool
}

// SWRanking is RouteLLM's similarity-weighted ranking: for every prompt the Elo
// ratings of the tiers are fitted anew, with battles about similar prompts
// weighing more. A battle whose prompt has cosine s with the prompt at hand has
// weight
//
//	10 · 10^(s/max s)
//
// and the win rate is P(strong's tier beats weak's) under those ratings. What
// takes RouteLLM half a second is here one pass over the battles: all battles of
// one pair of tiers and one verdict share a term of the likelihood, so a fit
// needs the sums of their weights alone.
type SWRanking struct {
	battles      *vectors
	cells        []int32 // of each battle, its place in a tally
	tiers        int
	strong, weak int       // tiers
	own          bool      // battles within a tier count as they do in RouteLLM
	start        []float64 // the fit with equal weights: where every prompt's begins
}

// NewSWRanking makes a router for one pair of models out of battles and the
// embeddings of their prompts, a row-major table with one row a battle that is
// kept, not copied. A row that has no cosine is an [*ItemError].
func NewSWRanking(space Space, battles []Battle, embeddings []float32, strong, weak string, opts SWRankingOptions) (*SWRanking, error) {
	table, err := newVectors(space, embeddings)
	if err != nil {
		return nil, fmt.Errorf("battle embeddings: %w", err)
	}
	if table.len() != len(battles) {
		return nil, fmt.Errorf("%d battles have %d embeddings", len(battles), table.len())
	}
	if opts.Tiers < 0 || opts.Tiers > maxModels {
		return nil, fmt.Errorf("%d tiers: must be from 1 to %d", opts.Tiers, maxModels)
	}
	ratings, err := Elo(battles)
	if err != nil {
		return nil, err
	}
	s := &SWRanking{battles: table, tiers: opts.Tiers, own: !opts.IgnoreSameTier}
	if s.tiers == 0 {
		s.tiers = DefaultTiers
	}
	tier := tierOf(ratings, s.tiers)
	for _, m := range []string{strong, weak} {
		if _, ok := tier[m]; !ok {
			return nil, fmt.Errorf("no battles of model %q (have %s)", m, strings.Join(ranked(ratings), ", "))
		}
	}
	s.strong, s.weak = tier[strong], tier[weak]
	s.countCells(battles, tier)
	return s, nil
}

func tierOf(ratings map[string]float64, tiers int) map[string]int {
	models := ranked(ratings)
	values := make([]float64, len(models))
	for i, m := range models {
		values[i] = ratings[m]
	}
	tier := make(map[string]int, len(models))
	for i, t := range Tiers(values, tiers) {
		tier[models[i]] = t
	}
	return tier
}

// countCells finds each battle's place in the tally, once for all prompts, and
// fits the tiers with equal weights.
func (s *SWRanking) countCells(battles []Battle, tier map[string]int) {
	t := newTally(s.tiers)
	s.cells = make([]int32, len(battles))
	for i, b := range battles {
		cell := t.cell(tier[b.ModelA], tier[b.ModelB], b.Verdict)
		s.cells[i] = int32(cell)
		t.sums[cell]++
	}
	s.start = t.fit(make([]float64, s.tiers), s.own)
}

// Space is that of the battles' embeddings.
func (s *SWRanking) Space() Space { return s.battles.space }

// WinRates implements [Scorer]. Models of one tier have a win rate of exactly
// one half. It uses all processors; a block of prompts is cheaper than its
// prompts one by one.
func (s *SWRanking) WinRates(ctx context.Context, dst []float64, batch []Features) error {
	if len(dst) != len(batch) {
		return fmt.Errorf("room for %d win rates of %d prompts", len(dst), len(batch))
	}
	return s.battles.eachCosine(ctx, batch, func(i int, cosines []float32) error {
		t := newTally(s.tiers)
		if err := s.weigh(t.sums, cosines); err != nil {
			return &ItemError{Index: i, Err: err}
		}
		theta := t.fit(s.start, s.own)
		dst[i] = Sigmoid(theta[s.strong] - theta[s.weak])
		return nil
	})
}

// weigh adds the weight of each battle to its cell. The constant 10 is left out:
// it changes no optimum. The divisor is |max s|, not max s: the same wherever any
// battle is similar at all, and where all have a negative cosine the nearest
// still weighs most, while with max s the order would turn round and the
// weights grow without bound.
func (s *SWRanking) weigh(sums []float64, cosines []float32) error {
	best := math.Abs(float64(slices.Max(cosines)))
	if best == 0 {
		return errors.New("no battle's prompt is similar: the best cosine is 0")
	}
	scale := math.Ln10 / best
	for i, c := range cosines {
		sums[s.cells[i]] += math.Exp(scale * float64(c))
	}
	return nil
}
