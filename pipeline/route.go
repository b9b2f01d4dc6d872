package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"routeval/datasets"
	"routeval/providers"
	"routeval/scoring"
)

func quote(s string) string { return strconv.Quote(s) }

// routeBatches gives batches their win rates until there are no more.
func (r *run) routeBatches(ctx context.Context) error {
	for b := range r.queue {
		b.err = r.routeBatch(ctx, b)
		close(b.routed)
		if err := r.halt(b.err); err != nil {
			return err
		}
	}
	return nil
}

// routeBatch sets the win rate or the failure of every item. An error is one
// that every batch would meet.
func (p *Pipeline) routeBatch(ctx context.Context, b *batch) error {
	features := make([]scoring.Features, len(b.items))
	for i := range b.items {
		features[i].Query = b.items[i].prompt.Query()
	}
	if p.Embedder != nil {
		if err := p.embed(ctx, b.items, features); err != nil {
			return err
		}
	}
	return p.score(ctx, b.items, features)
}

// embed fills in the embeddings. A batch that the service rejects is tried text
// by text, so that one bad text costs one row.
func (p *Pipeline) embed(ctx context.Context, items []item, features []scoring.Features) error {
	texts := make([]string, len(features))
	for i := range features {
		texts[i] = features[i].Query
	}
	vectors, err := p.Embedder.Embed(ctx, texts)
	switch {
	case err == nil && len(vectors) != len(texts):
		return fmt.Errorf("embedding: %d vectors for %d texts", len(vectors), len(texts))
	case err == nil:
		for i := range vectors {
			if err := p.checkWidth(vectors[i]); err != nil {
				return err
			}
			features[i].Embedding = vectors[i]
		}
		return nil
	case !rejected(err):
		return err
	case len(items) == 1:
		items[0].failure = failure(err)
		return nil
	}
	for i := range items {
		if err := p.embed(ctx, items[i:i+1], features[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// checkWidth refuses vectors that every prompt would be refused for.
func (p *Pipeline) checkWidth(vector []float32) error {
	space := p.Scorer.Space()
	if err := space.Check(scoring.Space{Model: "as the endpoint answers", Dim: len(vector)}); err != nil {
		return fmt.Errorf("embedding: %w", err)
	}
	return nil
}

// score sets the win rates of the items that have not failed. An item that
// cannot be scored fails alone.
func (p *Pipeline) score(ctx context.Context, items []item, features []scoring.Features) error {
	todo := make([]int, 0, len(items))
	for i := range items {
		if items[i].failure == nil {
			todo = append(todo, i)
		}
	}
	for len(todo) > 0 {
		batch := make([]scoring.Features, len(todo))
		for k, i := range todo {
			batch[k] = features[i]
		}
		rates := make([]float64, len(todo))
		err := p.Scorer.WinRates(ctx, rates, batch)
		var bad *scoring.ItemError
		switch {
		case err == nil:
			for k, i := range todo {
				items[i].winRate = rates[k]
			}
			return nil
		case !errors.As(err, &bad):
			return fmt.Errorf("router: %w", err)
		}
		i := todo[bad.Index]
		items[i].failure = &datasets.Failure{Class: string(providers.Rejected), Message: "router: " + bad.Err.Error()}
		todo = append(todo[:bad.Index], todo[bad.Index+1:]...)
	}
	return nil
}

// route is the decision: the candidate that a win rate leads to.
func (p *Pipeline) route(winRate float64) string {
	if winRate >= p.Threshold {
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
