package traffic

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"routeval/providers"
)

// Requests per minute are kept, in every minute.
func TestRequestsPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Fixed(64), RequestsPerMinute: 600})
		load(t.Context(), c, c.Completer(s, providers.RetryPolicy{}), 64, 3000, 0)
		for i, from := range s.begun {
			n := 0
			for _, at := range s.begun[i:] {
				if at.Sub(from) < time.Minute {
					n++
				}
			}
			if n > 600+10 {
				t.Fatalf("%d calls in the minute from %s", n, from)
			}
		}
		took := s.begun[len(s.begun)-1].Sub(s.begun[0])
		if took > 301*time.Second {
			t.Errorf("3000 calls took %s at 600 a minute", took)
		}
	})
}

// Tokens are estimated high before a call and corrected by what it took, so that the limit is
// kept and used: 10 tokens are written where 1,000 might have been.
func TestTokensPerMinute(t *testing.T) {
	for name, limits := range map[string]Limits{
		"together": {TokensPerMinute: 15_000},
		"read":     {InputTokensPerMinute: 5_000},
		"written":  {OutputTokensPerMinute: 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				limits.Slots, limits.MaxTokens = Fixed(64), 1000
				c := NewEndpoint(EndpointOptions{}).Controller(limits)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				load(ctx, c, c.Completer(s, providers.RetryPolicy{}), 64, math.MaxInt, 0)
				_, answered, _, _ := s.counts()
				// 5 tokens read and 10 written a call: 1,000 calls a minute in all three.
				if perMinute := float64(answered) / 5; perMinute > 1110 || perMinute < 800 {
					t.Errorf("%.0f calls a minute where 1,000 are allowed", perMinute)
				}
			})
		})
	}
}

// Never more prompts are held than there are slots, and a slot is free when it is released,
// not when its call ends.
func TestSlotsAreHeldUntilReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Fixed(10)})
		start := time.Now()
		load(t.Context(), c, c.Completer(s, providers.RetryPolicy{}), 50, 100, 900*time.Millisecond)
		if s.most > 10 {
			t.Errorf("%d calls at a time in 10 slots", s.most)
		}
		if took := time.Since(start); took < 9*time.Second {
			t.Errorf("100 calls of a second each took %s in 10 slots", took)
		}
	})
}

// A wait says when; what was spent can be given back; the level is that of exact arithmetic.
func TestBucket(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBucket(2, 10)
	if w := b.wait(now, 10); w != 0 {
		t.Errorf("full: wait %s", w)
	}
	b.spend(now, 13)
	if w := b.wait(now, 1); w != 2*time.Second {
		t.Errorf("at -3: wait %s for 1, want 2s", w)
	}
	if w := b.wait(now, 1000); w != 6500*time.Millisecond {
		t.Errorf("at -3: wait %s until full, want 6.5s", w)
	}
	b.spend(now, -100)
	if b.level != 10 {
		t.Errorf("level %v after more was given back than fits", b.level)
	}
	if w := (&bucket{burst: 1, level: -5}).wait(now, 1); w != 0 {
		t.Errorf("no limit: wait %s", w)
	}
}

func BenchmarkComplete(b *testing.B) {
	c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Fixed(256)})
	m := c.Completer(instant{}, providers.RetryPolicy{})
	b.ReportAllocs()
	for b.Loop() {
		slot, err := c.Acquire(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := m.Complete(b.Context(), providers.Request{}); err != nil {
			b.Fatal(err)
		}
		slot.Release()
	}
}

type instant struct{}

func (instant) Complete(context.Context, providers.Request) (providers.Completion, error) {
	return providers.Completion{}, nil
}
