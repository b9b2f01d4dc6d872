package pipeline

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"routeval/datasets"
	"routeval/providers"
	"routeval/scoring"
)

// swapping is a local server that keeps one model loaded, and counts loads.
type swapping struct {
	mu     sync.Mutex
	loaded string
	loads  int
}

func (s *swapping) model(name string, fails func(query string) bool) func(context.Context, string) (providers.Completion, error) {
	return func(_ context.Context, query string) (providers.Completion, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.loaded != name {
			s.loaded = name
			s.loads++
		}
		if fails != nil && fails(query) {
			return providers.Completion{}, &providers.Error{Role: name, Endpoint: "http://x", Status: 400, Class: providers.Rejected, Message: "no"}
		}
		return providers.Completion{Text: name}, nil
	}
}

// A grouped run loads each model at most once a chunk, whoever answers, and ends
// with the same results as an interleaved one.
func TestGroupedLoadsEachModelOnceAChunk(t *testing.T) {
	const n, chunk = 400, 50
	third := func(query string) bool { return len(query)%3 == 0 }
	for _, mode := range []datasets.Execute{datasets.Routed, datasets.Both} {
		for _, fallback := range []string{"", "strong"} {
			var grouped, interleaved map[string]datasets.Result
			for _, size := range []int{chunk, 0} {
				server := &swapping{}
				p, strong, weak := testPipeline(n)
				strong.answer, weak.answer = server.model("strong", nil), server.model("weak", third)
				p.Execute, p.OnFailure, p.Chunk = mode, fallback, size
				p.Scorer = mixing{}
				p.Threshold = 0.5
				path := filepath.Join(t.TempDir(), JournalFile)
				if _, err := p.Run(t.Context(), prompts(n), openJournal(t, path)); err != nil {
					t.Fatal(err)
				}
				phases := 2
				if fallback != "" {
					phases = 3
				}
				switch got := readJournal(t, path); {
				case size == 0:
					interleaved = got
				case server.loads > phases*n/chunk:
					t.Errorf("%s, fallback %q: %d loads in %d chunks", mode, fallback, server.loads, n/chunk)
				default:
					grouped = got
				}
			}
			for id, want := range interleaved {
				got := grouped[id]
				if got.Route != want.Route || len(got.Outcomes) != len(want.Outcomes) {
					t.Fatalf("%s: %+v, interleaved %+v", id, got, want)
				}
				for name, o := range want.Outcomes {
					if g := got.Outcomes[name]; g.Answer != o.Answer || g.OK() != o.OK() || g.FallbackFor != o.FallbackFor {
						t.Fatalf("%s, %s: %+v, interleaved %+v", id, name, g, o)
					}
				}
			}
			if len(grouped) != n || len(interleaved) != n {
				t.Errorf("%d and %d lines", len(grouped), len(interleaved))
			}
		}
	}
}

// mixing sends every other prompt to the strong model.
type mixing struct{ scoring.Always }

func (mixing) WinRates(_ context.Context, dst []float64, batch []scoring.Features) error {
	for i, f := range batch {
		dst[i] = hash01(0, f.Query)
	}
	return nil
}
