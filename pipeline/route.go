package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"routeval/datasets"
	"routeval/providers"
	"routeval/scoring"
)

// routeBatch sets the win rate or the failure of every item. An error is one
// that every batch would meet.
func (p *Pipeline) routeBatch(ctx context.Context, b *batch) error {
	if p.Embedder != nil {
		if err := p.embedBatch(ctx, b); err != nil {
			return err
		}
	}
	return p.score(ctx, b.items)
}

// embedBatch sets the vector or the failure of every item.
func (p *Pipeline) embedBatch(ctx context.Context, b *batch) error {
	texts := make([]string, 0, len(b.items))
	items := make([]*item, 0, len(b.items))
	for i := range b.items {
		if b.items[i].row == nil {
			items = append(items, &b.items[i])
			texts = append(texts, b.items[i].prompt.Query())
		}
	}
	return p.embed(ctx, items, texts)
}

// embed sets vectors. A call that the service rejects as a whole is tried text by
// text, so that one bad text costs one row.
func (p *Pipeline) embed(ctx context.Context, items []*item, texts []string) error {
	vectors, err := p.Embedder.Embed(ctx, texts)
	var single *providers.ItemErrors
	switch {
	case errors.As(err, &single):
		for _, e := range single.Failed {
			items[e.Index].failure = failure(e.Err)
		}
		for _, e := range single.Cut {
			items[e.Index].warning = e.Err.Error()
		}
	case err == nil:
	case !rejected(err):
		return err
	case len(items) == 1:
		items[0].failure = failure(err)
		return nil
	default:
		for i := range items {
			if err := p.embed(ctx, items[i:i+1], texts[i:i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(vectors) != len(texts) {
		return fmt.Errorf("embedding: %d vectors for %d texts", len(vectors), len(texts))
	}
	for i, v := range vectors {
		if items[i].failure == nil {
			items[i].vector = v
		}
	}
	return nil
}

// score sets the win rates of the items that have not failed. An item that
// cannot be scored fails alone.
func (p *Pipeline) score(ctx context.Context, items []item) error {
	todo := make([]*item, 0, len(items))
	features := make([]scoring.Features, 0, len(items))
	for i := range items {
		it := &items[i]
		if it.row != nil || it.failure != nil {
			continue
		}
		if err := p.checkWidth(it.vector); err != nil {
			return err
		}
		todo = append(todo, it)
		features = append(features, scoring.Features{Query: it.prompt.Query(), Embedding: it.vector})
	}
	for len(todo) > 0 {
		rates := make([]float64, len(todo))
		err := p.Scorer.WinRates(ctx, rates, features)
		var bad *scoring.ItemError
		switch {
		case err == nil:
			for i, it := range todo {
				it.winRate = rates[i]
				it.vector = nil // has done its work
			}
			return nil
		case !errors.As(err, &bad):
			return fmt.Errorf("router: %w", err)
		}
		todo[bad.Index].failure = &datasets.Failure{Class: string(providers.Rejected), Message: "router: " + bad.Err.Error()}
		todo = slices.Delete(todo, bad.Index, bad.Index+1)
		features = slices.Delete(features, bad.Index, bad.Index+1)
	}
	return nil
}

// checkWidth refuses vectors that every prompt would be refused for.
func (p *Pipeline) checkWidth(vector []float32) error {
	if p.Embedder == nil {
		return nil
	}
	space := p.Scorer.Space()
	if err := space.Check(scoring.Space{Model: "as the endpoint answers", Dim: len(vector)}); err != nil {
		return fmt.Errorf("embedding: %w", err)
	}
	return nil
}

// route is the decision: the candidate that a win rate leads to, by the threshold
// of the prompt's category if that has one.
func (p *Pipeline) route(category string, winRate float64) string {
	threshold, ok := p.Thresholds[category]
	if !ok {
		threshold = p.Threshold
	}
	if winRate >= threshold {
		return p.Strong
	}
	return p.Weak
}

// sampled reports whether a prompt is among the share on which every candidate
// is called. It depends on the seed and the ID alone, so that a resumed run
// samples the same prompts.
func (p *Pipeline) sampled(id string) bool {
	return p.BothShare > 0 && hash01(p.Seed, id) < p.BothShare
}

// hash01 is a number in [0,1) that depends on nothing but a seed and a text:
// FNV-1a over the seed's bytes and the text's, finished by the mixer of
// SplitMix64 since FNV's high bits are weak.
func hash01(seed uint64, text string) float64 {
	const offset, prime = 0xcbf29ce484222325, 0x100000001b3
	h := uint64(offset)
	for range 8 {
		h = (h ^ seed&0xff) * prime
		seed >>= 8
	}
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * prime
	}
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	h ^= h >> 31
	return math.Ldexp(float64(h>>11), -53)
}

func rejected(err error) bool {
	var e *providers.Error
	return errors.As(err, &e) && e.Class == providers.Rejected
}

// failure is what a result says of an error.
func failure(err error) *datasets.Failure {
	var e *providers.Error
	if errors.As(err, &e) {
		return &datasets.Failure{Class: string(e.Class), Status: e.Status, Message: e.Error()}
	}
	return &datasets.Failure{Class: string(providers.Transient), Message: err.Error()}
}
