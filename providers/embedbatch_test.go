package providers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A tapeEmbedder makes vectors of texts' lengths and first bytes, refuses as its
// limits say, and remembers its requests.
type tapeEmbedder struct {
	maxItems, maxBytes, maxText int
	poison                      string // a text that spoils its request
	fail                        func(request int) error
	requests                    [][]string
}

func (e *tapeEmbedder) Embed(_ context.Context, texts []string) ([][]float32, error) {
	e.requests = append(e.requests, slices.Clone(texts))
	if e.fail != nil {
		if err := e.fail(len(e.requests)); err != nil {
			return nil, err
		}
	}
	total := 0
	var vectors [][]float32
	for _, text := range texts {
		total += len(text)
		if e.maxText > 0 && len(text) > e.maxText {
			return nil, refusal(400, "input length exceeds the context length")
		}
		if e.poison != "" && text == e.poison {
			return nil, refusal(400, "invalid input")
		}
		vectors = append(vectors, tapeVector(text))
	}
	switch {
	case e.maxItems > 0 && len(texts) > e.maxItems:
		return nil, refusal(400, "too many inputs")
	case e.maxBytes > 0 && total > e.maxBytes:
		return nil, refusal(413, "payload")
	}
	return vectors, nil
}

func tapeVector(text string) []float32 {
	return []float32{float32(len(text)), float32(text[0]), 1}
}

func refusal(status int, message string) error {
	return &Error{Role: "embedding", Endpoint: "http://localhost", Status: status, Class: Rejected, Message: message}
}

// TestBatchedAgainstSingleRequests holds every text's vector or failure against
// what a request of its own gives, and every accepted request within the limits.
func TestBatchedAgainstSingleRequests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		service := &tapeEmbedder{
			maxItems: rapid.IntRange(0, 9).Draw(t, "service items"),
			maxText:  rapid.IntRange(10, 40).Draw(t, "service text"),
			poison:   "poison",
		}
		service.maxBytes = rapid.IntRange(40, 200).Draw(t, "service bytes")
		limits := BatchLimits{
			Items:      rapid.IntRange(0, 12).Draw(t, "items"),
			Bytes:      rapid.IntRange(0, 100).Draw(t, "bytes"),
			Tokens:     rapid.IntRange(0, 40).Draw(t, "tokens"),
			TextTokens: rapid.IntRange(0, 12).Draw(t, "text tokens"),
		}
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "letter"), rapid.IntRange(0, 60).Draw(t, "length"))
		})
		texts := rapid.SliceOfN(text, 0, 60).Draw(t, "texts")
		if len(texts) > 0 && rapid.Bool().Draw(t, "poisoned") {
			texts[rapid.IntRange(0, len(texts)-1).Draw(t, "at")] = "poison"
		}
		vectors, err := Batched(service, limits).Embed(t.Context(), texts)
		failed := failedItems(t, err)
		for i, text := range texts {
			alone, err := service.Embed(t.Context(), []string{text + strings.Repeat("a", max(0, 1-len(text)))})
			if text == "" || err != nil {
				if !failed[i] || vectors[i] != nil {
					t.Fatalf("text %d (%d bytes) has vector %v, failed %v", i, len(text), vectors[i], failed[i])
				}
				continue
			}
			if failed[i] || !slices.Equal(vectors[i], alone[0]) {
				t.Fatalf("text %d (%d bytes) has %v, want %v", i, len(text), vectors[i], alone[0])
			}
		}
		for _, request := range service.requests {
			bytes, tokens := 0, 0
			for _, text := range request {
				bytes += len(text)
				tokens += estimateTokens(text)
			}
			if n := len(request); n > 1 && (over(n, limits.Items) || over(bytes, limits.Bytes) || over(tokens, limits.Tokens)) {
				t.Fatalf("request of %d texts, %d bytes, %d tokens for limits %+v", n, bytes, tokens, limits)
			}
		}
	})
}

func over(n, limit int) bool { return limit > 0 && n > limit }

func failedItems(t rapid.TB, err error) map[int]bool {
	t.Helper()
	items, broke := itemErrors(err)
	if broke != nil {
		t.Fatal(broke)
	}
	failed := map[int]bool{}
	for _, item := range items.Failed {
		failed[item.Index] = true
	}
	return failed
}

// TestBatchedRequests counts: N short texts take ⌈N/limit⌉ requests.
func TestBatchedRequests(t *testing.T) {
	texts := make([]string, 5000)
	for i := range texts {
		texts[i] = fmt.Sprintf("text %d", i)
	}
	for _, c := range []struct {
		limits BatchLimits
		want   int
	}{
		{BatchLimits{}, 1},
		{BatchLimits{Items: 256}, 20},
		{OpenAILimits(), 3},
		{BatchLimits{Bytes: 10_000}, 5},
	} {
		service := &tapeEmbedder{}
		if _, err := Batched(service, c.limits).Embed(t.Context(), texts); err != nil {
			t.Fatal(err)
		}
		if len(service.requests) != c.want {
			t.Errorf("limits %+v: %d requests, want %d", c.limits, len(service.requests), c.want)
		}
	}
}

// TestBatchedLongText: what is probably too long travels alone, so that its
// refusal is one request more and not many.
func TestBatchedLongText(t *testing.T) {
	texts := []string{"short", strings.Repeat("é", 500), "shorter"}
	service := &tapeEmbedder{maxText: 301}
	vectors, err := Batched(service, BatchLimits{Items: 10, TextTokens: 100}).Embed(t.Context(), texts)
	if failed := failedItems(t, err); !failed[1] || len(failed) != 1 {
		t.Errorf("got %v, want text 1 to fail", err)
	}
	if vectors[0] == nil || vectors[1] != nil || vectors[2] == nil || len(service.requests) != 3 {
		t.Errorf("vectors %v after %d requests", vectors, len(service.requests))
	}

	service.requests = nil
	vectors, err = Batched(service, BatchLimits{Items: 10, TextTokens: 100, Truncate: true}).Embed(t.Context(), texts)
	items, broke := itemErrors(err)
	if broke != nil || len(items.Failed) != 0 || len(items.Cut) != 1 || items.Cut[0].Index != 1 {
		t.Fatalf("got %v, want text 1 to be cut", err)
	}
	if want := tapeVector(strings.Repeat("é", 150)); !slices.Equal(vectors[1], want) {
		t.Errorf("the vector of the beginning is %v, want %v", vectors[1], want)
	}
	if !strings.Contains(err.Error(), "300 of 1000 bytes") {
		t.Errorf("the warning is %q", err)
	}
}

// TestBatchedGivesUp: where nothing passes, the texts are not at fault, and they
// are not asked for one by one.
func TestBatchedGivesUp(t *testing.T) {
	service := &tapeEmbedder{fail: func(int) error { return refusal(400, "dimensions are not supported") }}
	texts := strings.Split(strings.Repeat("text,", 1000)+"text", ",")
	vectors, err := Batched(service, BatchLimits{}).Embed(t.Context(), texts)
	if failed := failedItems(t, err); len(failed) != len(texts) || slices.ContainsFunc(vectors, func(v []float32) bool { return v != nil }) {
		t.Errorf("%d of %d failed", len(failed), len(texts))
	}
	if n := len(service.requests); n > 50 {
		t.Errorf("%d requests", n)
	}
}

// TestBatchedBreaksOff: what is not about the texts ends the call, and the
// vectors that came before are handed out.
func TestBatchedBreaksOff(t *testing.T) {
	down := &Error{Role: "embedding", Endpoint: "http://localhost", Status: 401, Class: Fatal, Message: "no key"}
	service := &tapeEmbedder{fail: func(request int) error {
		if request == 2 {
			return down
		}
		return nil
	}}
	vectors, err := Batched(service, BatchLimits{Items: 1}).Embed(t.Context(), []string{"a", "b", "c"})
	if !errors.Is(err, down) || len(service.requests) != 2 || vectors[0] == nil || vectors[1] != nil {
		t.Errorf("got %v, %v after %d requests", vectors, err, len(service.requests))
	}
}

// A vectorEmbedder gives what it is.
type vectorEmbedder [][]float32

func (e vectorEmbedder) Embed(context.Context, []string) ([][]float32, error) { return e, nil }

func TestBatchedUnusableVectors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	service := vectorEmbedder{{1, 0}, {0, 0}, {nan, 1}, {1, inf}, {1}, nil}
	vectors, err := Batched(service, BatchLimits{}).Embed(t.Context(), strings.Split("abcdef", ""))
	if failed := failedItems(t, err); len(failed) != 5 || failed[0] {
		t.Errorf("failed %v", failed)
	}
	if vectors[0] == nil || slices.ContainsFunc(vectors[1:], func(v []float32) bool { return v != nil }) {
		t.Errorf("vectors %v", vectors)
	}
	if _, err := Batched(service, BatchLimits{}).Embed(t.Context(), []string{"a"}); err == nil {
		t.Error("six vectors for one text are taken")
	}
}
