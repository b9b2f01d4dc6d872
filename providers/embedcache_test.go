package providers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func openCache(t testing.TB, dir string) *Cache {
	t.Helper()
	c, err := OpenCache(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestCachedAgainstUncached holds the cache against the embedder behind it, over
// calls with repeated texts and over reopening: the same vectors, in order, and
// no text requested twice.
func TestCachedAgainstUncached(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "embedcache")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		service := &tapeEmbedder{}
		text := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("text", rapid.IntRange(0, 20).Draw(t, "text")) })
		for range rapid.IntRange(1, 3).Draw(t, "runs") {
			cache, err := OpenCache(dir, 0)
			if err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(0, 4).Draw(t, "calls") {
				texts := rapid.SliceOfN(text, 0, 12).Draw(t, "texts")
				before := len(service.requests)
				vectors, err := Cached(service, cache, "model").Embed(t.Context(), texts)
				if err != nil || len(vectors) != len(texts) {
					t.Fatalf("%d vectors for %d texts: %v", len(vectors), len(texts), err)
				}
				for i, text := range texts {
					if !slices.Equal(vectors[i], tapeVector(text)) {
						t.Fatalf("text %q has %v", text, vectors[i])
					}
				}
				if n := len(service.requests) - before; n > 1 {
					t.Fatalf("%d requests for one call", n)
				}
			}
			if err := cache.Close(); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string]bool{}
		for _, text := range slices.Concat(service.requests...) {
			if seen[text] {
				t.Fatalf("text %q was requested twice", text)
			}
			seen[text] = true
		}
	})
}

// TestCachedKeepsModelsApart: neither fingerprints that share a beginning nor
// texts that begin like the rest of a fingerprint meet.
func TestCachedKeepsModelsApart(t *testing.T) {
	cache, service := openCache(t, t.TempDir()), &tapeEmbedder{}
	for _, pair := range [][2]string{{"a", "b c"}, {"a b", "c"}, {"a", "c"}, {"", "a c"}, {"a b c", " "}} {
		if _, err := Cached(service, cache, pair[0]).Embed(t.Context(), []string{pair[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if len(service.requests) != 5 {
		t.Errorf("%d requests, want 5", len(service.requests))
	}
}

// TestCachedItems: texts that fail or are cut are so wherever they stand in the
// call, and are not kept.
func TestCachedItems(t *testing.T) {
	cache := openCache(t, t.TempDir())
	service := &tapeEmbedder{maxText: 8, poison: "poison"}
	long := strings.Repeat("a", 9)
	texts := []string{"one", "poison", long, "one", "", long, "two", "poison"}
	for run := range 2 {
		vectors, err := Cached(Batched(service, BatchLimits{Truncate: true}), cache, "m").Embed(t.Context(), texts)
		items, broke := itemErrors(err)
		if broke != nil {
			t.Fatal(broke)
		}
		if got, want := indexes(items.Failed), []int{1, 4, 7}; !slices.Equal(got, want) {
			t.Errorf("run %d: failed %v, want %v", run, got, want)
		}
		if got, want := indexes(items.Cut), []int{2, 5}; !slices.Equal(got, want) {
			t.Errorf("run %d: cut %v, want %v", run, got, want)
		}
		for i, v := range vectors {
			if (v == nil) != slices.Contains([]int{1, 4, 7}, i) {
				t.Errorf("run %d: text %d has %v", run, i, v)
			}
		}
		if n := cache.Stats().Vectors; n != 2 {
			t.Errorf("run %d: %d vectors are kept, want 2", run, n)
		}
	}
}

func indexes(items []ItemError) (at []int) {
	for _, item := range items {
		at = append(at, item.Index)
	}
	return at
}

// A slowEmbedder takes a second a call and counts texts.
type slowEmbedder struct {
	mu    sync.Mutex
	texts int
	err   error
}

func (e *slowEmbedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.texts += len(texts)
	if e.err != nil {
		return nil, e.err
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		vectors[i] = tapeVector(text)
	}
	return vectors, nil
}

// TestCachedInFlight: calls that overlap share what they have in common.
func TestCachedInFlight(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cache, service := openCache(t, dir), &slowEmbedder{}
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				time.Sleep(time.Duration(w) * 300 * time.Millisecond)
				texts := []string{fmt.Sprint("own", w), "shared", fmt.Sprint("pair", w/2), "shared"}
				vectors, err := Cached(service, cache, "m").Embed(t.Context(), texts)
				if err != nil {
					t.Error(err)
				}
				for i, text := range texts {
					if !slices.Equal(vectors[i], tapeVector(text)) {
						t.Errorf("text %q has %v", text, vectors[i])
					}
				}
			})
		}
		wg.Wait()
		if want := 8 + 1 + 4; service.texts != want {
			t.Errorf("%d texts were embedded, want %d", service.texts, want)
		}
		if s := cache.Stats(); s.Misses != 13 || s.Hits+s.Misses != 8*4 {
			t.Errorf("%d hits and %d misses of 32 texts", s.Hits, s.Misses)
		}
	})
}

// TestCachedLeaderStops: who waits for a call that is cancelled embeds the text
// itself; who is cancelled while waiting returns at once.
func TestCachedLeaderStops(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cache, service := openCache(t, dir), &slowEmbedder{}
		embedder := Cached(service, cache, "m")
		leader, stop := context.WithCancel(t.Context())
		impatient, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := embedder.Embed(leader, []string{"text"}); !errors.Is(err, context.Canceled) {
				t.Errorf("leader: %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			start := time.Now()
			vectors, err := embedder.Embed(t.Context(), []string{"text"})
			if err != nil || !slices.Equal(vectors[0], tapeVector("text")) {
				t.Errorf("follower: %v %v", vectors, err)
			}
			if took := time.Since(start); took != 1500*time.Millisecond {
				t.Errorf("follower took %v", took)
			}
		})
		wg.Go(func() {
			if _, err := embedder.Embed(impatient, []string{"text"}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("impatient: %v", err)
			}
		})
		time.Sleep(500 * time.Millisecond)
		stop()
		wg.Wait()
	})
}

// TestCachedBreaksOff: an error that ended a call ends those that waited for it
// too, and the next call asks again.
func TestCachedBreaksOff(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		down := &Error{Role: "embedding", Endpoint: "http://localhost", Class: Fatal, Message: "no key"}
		cache, service := openCache(t, dir), &slowEmbedder{err: down}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := Cached(service, cache, "m").Embed(t.Context(), []string{"text"}); !errors.Is(err, down) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		service.err = nil
		if _, err := Cached(service, cache, "m").Embed(t.Context(), []string{"text"}); err != nil || service.texts != 2 {
			t.Errorf("after it: %v, %d texts", err, service.texts)
		}
	})
}

// TestCacheThatCannotBeWritten fails no call, and Close says why.
func TestCacheThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	cache := openCache(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "00000001.vec"), 0o700); err != nil { // where its first file belongs
		t.Fatal(err)
	}
	vectors, err := Cached(&tapeEmbedder{}, cache, "m").Embed(t.Context(), []string{"text"})
	if err != nil || !slices.Equal(vectors[0], tapeVector("text")) {
		t.Errorf("got %v %v", vectors, err)
	}
	if err := cache.Close(); err == nil || !strings.Contains(err.Error(), "embedding cache: ") {
		t.Errorf("close: %v", err)
	}
}

// BenchmarkCachedHit is a batch of prompts that all are in the cache.
func BenchmarkCachedHit(b *testing.B) {
	const n, width = 256, 1536
	cache := openCache(b, b.TempDir())
	texts, vectors := make([]string, n), make(vectorEmbedder, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("%d: how many apples does she have left after lunch?", i)
		vectors[i] = slices.Repeat([]float32{float32(i + 1)}, width)
	}
	embedder := Cached(vectors, cache, "model")
	if _, err := embedder.Embed(b.Context(), texts); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(n * width * 4)
	for b.Loop() {
		if _, err := embedder.Embed(b.Context(), texts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/text")
}
