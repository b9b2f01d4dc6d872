package providers

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"routeval/providers/veclog"
)

// Cache keeps embeddings on disk from run to run, by model and text, and lets
// calls that need the same text at the same time share one request. It is safe
// for concurrent use; of several processes one writes and the others read.
type Cache struct {
	log *veclog.Log

	mu      sync.Mutex
	flights map[veclog.Key]*flight

	hits, misses atomic.Int64
}

// CacheStats is what a cache holds and has done since it was opened.
type CacheStats struct {
	veclog.Stats
	Hits   int64 // texts answered without a request, those in flight included
	Misses int64 // texts that were requested
}

// A flight is a text on its way. What follows done is set when done is closed.
type flight struct {
	done   chan struct{}
	vector []float32
	err    error // why there is no vector
	broke  bool  // err ended the whole call, rather than concern this text
	cut    error // why the vector is of the text's beginning only; nil if it is not
}

// OpenCache opens the cache in a directory, which it makes if need be, and bounds
// it to maxBytes (0 is veclog.DefaultMaxBytes).
func OpenCache(dir string, maxBytes int64) (*Cache, error) {
	log, err := veclog.Open(dir, maxBytes)
	if err != nil {
		return nil, fmt.Errorf("embedding cache: %w", err)
	}
	return &Cache{log: log, flights: make(map[veclog.Key]*flight)}, nil
}

// Stats is what the cache holds now.
func (c *Cache) Stats() CacheStats {
	return CacheStats{Stats: c.log.Stats(), Hits: c.hits.Load(), Misses: c.misses.Load()}
}

// Prune removes the oldest embeddings until the cache holds at most maxBytes.
func (c *Cache) Prune(maxBytes int64) error {
	if err := c.log.Prune(maxBytes); err != nil {
		return fmt.Errorf("embedding cache: %w", err)
	}
	return nil
}

// Close waits until everything is on disk. It returns the failure that ended
// the writing, if one did: what was embedded after it is not in the cache.
func (c *Cache) Close() error {
	if err := c.log.Close(); err != nil {
		return fmt.Errorf("embedding cache: %w", err)
	}
	return nil
}

// Cached is an embedder that asks e only for texts that neither the cache nor a
// call under way has: one call for all of them, each text once. The fingerprint
// names the model's space; vectors of two fingerprints never meet. Vectors are
// shared with other calls and must not be changed.
//
// Single texts that fail are an [*ItemErrors], see there. Texts that were cut and
// vectors that are unusable are not kept. A cache that cannot be written (a full
// disk) does not fail a call; its Close says so.
func Cached(e Embedder, cache *Cache, fingerprint string) Embedder {
	return &cached{embedder: e, cache: cache, fingerprint: fingerprint}
}

type cached struct {
	embedder    Embedder
	cache       *Cache
	fingerprint string
}

// Embed implements [Embedder].
func (c *cached) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	missing := make(map[veclog.Key][]int) // indexes of equal texts
	for i, text := range texts {
		key := c.key(text)
		if at, ok := missing[key]; ok {
			missing[key] = append(at, i)
		} else if v, ok := c.cache.log.Get(key); ok {
			vectors[i] = v
		} else {
			missing[key] = []int{i}
		}
	}
	c.cache.hits.Add(int64(len(texts) - len(missing)))

	var items ItemErrors
	for len(missing) > 0 {
		mine, others := c.cache.depart(missing)
		broke := c.fly(ctx, texts, mine, missing)
		for key, f := range mine {
			f.land(vectors, &items, missing[key])
			delete(missing, key)
		}
		if broke != nil {
			return vectors, broke
		}
		for key, f := range others {
			select {
			case <-f.done:
			case <-ctx.Done():
				return vectors, ctx.Err()
			}
			if f.broke && isAbandoned(f.err) {
				continue // the call that had it was stopped, this one is not: once more
			}
			if f.broke {
				return vectors, f.err
			}
			f.land(vectors, &items, missing[key])
			delete(missing, key)
		}
	}
	return vectors, items.orNil()
}

// errAbandoned is what a flight ends with if its call did not come back.
var errAbandoned = errors.New("the call was abandoned")

// isAbandoned reports whether a flight ended for a reason of its own call.
func isAbandoned(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errAbandoned)
}

// land gives the flight's result to the texts at some indexes.
func (f *flight) land(vectors [][]float32, items *ItemErrors, indexes []int) {
	for _, i := range indexes {
		vectors[i] = f.vector
		if f.err != nil && !f.broke {
			items.Failed = append(items.Failed, ItemError{i, f.err})
		}
		if f.cut != nil {
			items.Cut = append(items.Cut, ItemError{i, f.cut})
		}
	}
}

// key is the digest of the fingerprint and the text, kept apart by the
// fingerprint's length.
func (c *cached) key(text string) (key veclog.Key) {
	h := sha256.New()
	fmt.Fprintf(h, "%d %s ", len(c.fingerprint), c.fingerprint)
	io.WriteString(h, text)
	h.Sum(key[:0])
	return key
}

// depart divides missing texts into those that this call has to embed, for
// which it now has a flight, and those that are in the air already. A text that
// has landed meanwhile is a flight that is over.
func (c *Cache) depart(missing map[veclog.Key][]int) (mine, others map[veclog.Key]*flight) {
	mine, others = make(map[veclog.Key]*flight), make(map[veclog.Key]*flight)
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range missing {
		if f, ok := c.flights[key]; ok {
			others[key] = f
			continue
		}
		f := &flight{done: make(chan struct{})}
		if v, ok := c.log.Get(key); ok {
			f.vector = v
			close(f.done)
			others[key] = f
			continue
		}
		c.flights[key] = f
		mine[key] = f
	}
	c.hits.Add(int64(len(others)))
	c.misses.Add(int64(len(mine)))
	return mine, others
}

// fly embeds the texts of this call's own flights, in the order of the texts,
// and ends them whatever happens. It returns what broke the call off.
func (c *cached) fly(ctx context.Context, texts []string, mine map[veclog.Key]*flight, at map[veclog.Key][]int) (broke error) {
	if len(mine) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(mine), func(a, b veclog.Key) int { return at[a][0] - at[b][0] })
	wanted := make([]string, len(keys))
	for k, key := range keys {
		wanted[k] = texts[at[key][0]]
		mine[key].broke, mine[key].err = true, errAbandoned
	}
	defer c.cache.arrive(keys, mine)

	vectors, err := c.embedder.Embed(ctx, wanted)
	items, broke := itemErrors(err)
	if broke == nil && len(vectors) != len(keys) {
		broke = fmt.Errorf("%d embeddings came for %d texts", len(vectors), len(keys))
	}
	for k, key := range keys {
		f := mine[key]
		f.broke, f.err = broke != nil, broke
		if k < len(vectors) && vectors[k] != nil {
			*f = flight{done: f.done, vector: vectors[k]}
			if err := usable(f.vector, len(f.vector)); err != nil {
				f.vector, f.err = nil, err
			}
		}
	}
	for _, item := range items.Failed {
		f := mine[keys[item.Index]]
		f.vector, f.err = nil, item.Err
	}
	for _, item := range items.Cut {
		mine[keys[item.Index]].cut = item.Err
	}
	return broke
}

// arrive keeps what the flights brought, if it is the vector of the whole text,
// and ends them. They are in the log before they are no longer in the air, so
// nobody sees them in neither. What the log does not take is told by Close.
func (c *Cache) arrive(keys []veclog.Key, flights map[veclog.Key]*flight) {
	var entries []veclog.Entry
	for _, key := range keys {
		if f := flights[key]; f.vector != nil && f.cut == nil {
			entries = append(entries, veclog.Entry{Key: key, Vector: f.vector})
		}
	}
	_ = c.log.Put(entries...)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.flights, key)
		close(flights[key].done)
	}
}
