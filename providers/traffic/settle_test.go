package traffic

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"routeval/providers"
)

// Against a service that admits R calls a second and refuses the rest, with and without
// Retry-After, throughput after ten seconds is between 0.85 R and R, and under 5 % of the
// calls are refused.
func TestSettlesBelowTheAdmittedRate(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second} {
		for _, rate := range []float64{10, 50, 200, 1000} {
			for _, latency := range []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second} {
				t.Run(fmt.Sprintf("%g per second, %s, retry after %s", rate, latency, after), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { settles(t, rate, latency, after) })
				})
			}
		}
	}
}

func settles(t *testing.T, rate float64, latency, after time.Duration) {
	s := newService()
	s.rate, s.latency, s.after = rate, latency, after
	c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Slots{Min: 1, Start: 8, Max: 2048}})
	ctx, cancel := context.WithCancel(t.Context())
	const settle, measured = 10 * time.Second, 60 * time.Second
	var calls, answered, refused, slots int
	time.AfterFunc(settle, func() { calls, answered, refused, _ = s.counts() })
	time.AfterFunc(settle+measured, func() {
		n, a, r, _ := s.counts()
		calls, answered, refused = n-calls, a-answered, r-refused
		slots = c.Seen().Slots
		cancel()
	})
	load(ctx, c, c.Completer(s, providers.RetryPolicy{}), 64+int(2*rate*latency.Seconds()), math.MaxInt, 0)
	admitted := float64(answered) / measured.Seconds() / rate
	share := float64(refused) / float64(calls)
	t.Logf("%6g/s admitted, latency %6s: %.3f of it used, %.2f %% refused, %d slots", rate, latency, admitted, 100*share, slots)
	if admitted < 0.85 || admitted > 1.01 || share >= 0.05 {
		t.Errorf("%.3f of the admitted rate, %.2f %% refused", admitted, 100*share)
	}
}

// Against a server that works on a few calls at a time the slots stay where it is busy
// and its queue short, and where the queue is bounded, it is not overrun.
func TestSlotsFollowCapacity(t *testing.T) {
	for _, tt := range []struct{ capacity, queue int }{{1, 0}, {4, 0}, {32, 0}, {1, 2}, {8, 8}, {32, 32}} {
		t.Run(fmt.Sprintf("capacity %d, queue %d", tt.capacity, tt.queue), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				s.capacity, s.queue = tt.capacity, tt.queue
				c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Slots{Min: 1, Start: 2, Max: 256}})
				ctx, cancel := context.WithTimeout(t.Context(), 120*time.Second)
				defer cancel()
				load(ctx, c, c.Completer(s, providers.RetryPolicy{}), 500, math.MaxInt, 0)
				calls, answered, refused, _ := s.counts()
				used := float64(answered) / (120 * float64(tt.capacity) / s.latency.Seconds())
				share := float64(refused) / float64(calls)
				t.Logf("%.3f of capacity used, %.2f %% refused, at most %d in flight, %d slots", used, 100*share, s.most, c.Seen().Slots)
				if used < 0.85 || share >= 0.05 || s.most > 8*tt.capacity+8 {
					t.Errorf("%.3f of capacity used, %.2f %% refused, %d in flight", used, 100*share, s.most)
				}
			})
		})
	}
}
