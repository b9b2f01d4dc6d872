package traffic

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"routeval/providers"
)

const settling, measured = 10, 60 // seconds

// Against a service that admits R calls a second and refuses the rest, with and without
// Retry-After, throughput after ten seconds is between 0.85 R and R, and under 5 % of the
// calls are refused. The judge is what the service counts. `make bench-traffic` prints
// the table; time is simulated, so that it does not depend on the machine.
func TestSettlesBelowTheAdmittedRate(t *testing.T) {
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "admitted/s\tlatency\tRetry-After\tanswered of what is admitted, second by second\tthen\trefused\tslots\t")
	for _, after := range []time.Duration{0, time.Second} {
		for _, rate := range []float64{10, 50, 200, 1000} {
			for _, latency := range []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second} {
				t.Run(fmt.Sprintf("%g per second, %s, retry after %s", rate, latency, after), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := settles(t, rate, latency, after)
						if s.used < 0.85 || s.used > 1.01 || s.refused >= 0.05 {
							t.Errorf("%.3f of the admitted rate, %.2f %% refused", s.used, 100*s.refused)
						}
						fmt.Fprintf(w, "%g\t%s\t%s\t%s\t%.3f\t%.2f %%\t%d\t\n", rate, latency, after, s.first, s.used, 100*s.refused, s.slots)
					})
				})
			}
		}
	}
	w.Flush()
	t.Logf("Slots that adapt to a service which refuses what is above its rate:\n%s", &table)
}

// settled is what became of a controller.
type settled struct {
	first         string  // shares of the admitted rate that were answered in the first seconds
	used, refused float64 // thereafter: share of the admitted rate that was answered, of the calls that were refused
	slots         int
}

func settles(t *testing.T, rate float64, latency, after time.Duration) (all settled) {
	s := newService()
	s.rate, s.latency, s.after = rate, latency, after
	c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Slots{Min: 1, Start: 8, Max: 2048}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go load(ctx, c, c.Completer(s, providers.RetryPolicy{}), 64+int(2*rate*latency.Seconds()), math.MaxInt, 0)
	var answered int
	for range settling {
		time.Sleep(time.Second)
		_, now, _, _ := s.counts()
		all.first += fmt.Sprintf(" %.2f", float64(now-answered)/rate)
		answered = now
	}
	calls, answered, refused, _ := s.counts()
	time.Sleep(measured * time.Second)
	n, a, r, _ := s.counts()
	all.used = float64(a-answered) / measured / rate
	all.refused = float64(r-refused) / float64(n-calls)
	all.slots = c.Seen().Slots
	return all
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
