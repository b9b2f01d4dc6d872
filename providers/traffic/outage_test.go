package traffic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"routeval/providers"
)

// between is down between two times after the start of a bubble.
func between(start time.Time, spans ...time.Duration) func(time.Time) bool {
	return func(now time.Time) bool {
		at := now.Sub(start)
		for i := 0; i+1 < len(spans); i += 2 {
			if at >= spans[i] && at < spans[i+1] {
				return true
			}
		}
		return false
	}
}

// 20,000 prompts through a service that admits 500 calls a second, spoils 30 % of them and
// is away twice for 20 seconds: all are answered or end as classified failures,
// with at most 1.6 calls a prompt, and while the service is there throughput is within 15 %
// of what it admits.
func TestRoughWeather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.rate, s.faults = 500, 0.3
		s.odd = []error{fail(429, 0)}
		s.down = between(time.Now(), 15*time.Second, 35*time.Second, 50*time.Second, 70*time.Second)
		e := NewEndpoint(EndpointOptions{Health: s.Health})
		c := e.Controller(Limits{Slots: Slots{Min: 1, Start: 8, Max: 512}})
		const prompts = 20_000
		type mark struct{ admitted int }
		var marks []mark
		for _, at := range []time.Duration{76 * time.Second, 86 * time.Second} {
			time.AfterFunc(at, func() {
				s.mu.Lock()
				marks = append(marks, mark{s.admitted})
				s.mu.Unlock()
			})
		}
		start := time.Now()
		failed, done := load(t.Context(), c, c.Completer(s, providers.RetryPolicy{}), 1000, prompts, 0)
		calls, answered, refused, bad := s.counts()
		lost := 0
		for what, n := range failed {
			lost += n
			if !strings.Contains(what, "models.weak http://service") {
				t.Errorf("%d times: %s", n, what)
			}
		}
		after := float64(marks[1].admitted-marks[0].admitted) / 10 / s.rate
		t.Logf("%d done in %s, %d answered, %d without an answer; %d calls (%.2f a prompt), %d refused, %d failed; %.2f of the admitted rate from 6 s after the second outage on",
			done, time.Since(start), answered, lost, calls, float64(calls)/prompts, refused, bad, after)
		if done != prompts || answered+lost != prompts {
			t.Errorf("%d done, %d answered, %d failed of %d", done, answered, lost, prompts)
		}
		if float64(calls) > 1.6*prompts || float64(lost) > 0.005*prompts || after < 0.85 {
			t.Errorf("%d calls, %d without an answer, %.2f of the admitted rate", calls, lost, after)
		}
	})
}

// After an outage throughput is soon within 15 % of what the service admits, though it
// refuses one call in twenty at random and breaks one in four, with slots that adapt and with
// fixed ones, whatever happens to fail.
func TestRecoversToTheAdmittedRate(t *testing.T) {
	for _, slots := range []Slots{Fixed(128), {Min: 1, Start: 8, Max: 256}} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%d to %d slots, seed %d", slots.Min, slots.Max, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newService()
					s.random = rand.New(rand.NewPCG(seed, 3))
					s.rate, s.latency, s.faults = 500, 20*time.Millisecond, 0.3
					s.odd = []error{fail(429, 0)}
					s.down = between(time.Now(), 5*time.Second, 25*time.Second)
					c := NewEndpoint(EndpointOptions{Health: s.Health, Seed: seed}).Controller(Limits{Slots: slots})
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					go load(ctx, c, c.Completer(s, providers.RetryPolicy{}), 512, math.MaxInt, 0)
					const recovery, measured = 10, 30 // seconds
					time.Sleep((25 + recovery) * time.Second)
					before := s.countAdmitted()
					time.Sleep(measured * time.Second)
					used := float64(s.countAdmitted()-before) / measured / s.rate
					t.Logf("%.3f of the admitted rate", used)
					if used < 0.85 {
						t.Errorf("%.3f of the admitted rate", used)
					}
				})
			})
		}
	}
}

// While a server is down calls wait, nobody calls it but the health check, and no
// prompt is lost; when it stays down the run's error says so.
func TestOutage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		length time.Duration
		fatal  bool
	}{{"short", 9 * time.Minute, false}, {"too long", 11 * time.Minute, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				start := time.Now()
				s.down = between(start, time.Second, time.Second+tt.length)
				c := NewEndpoint(EndpointOptions{Health: s.Health}).Controller(Limits{Slots: Fixed(32)})
				failed, done := load(t.Context(), c, c.Completer(s, providers.RetryPolicy{}), 32, 2000, 0)
				during := 0
				for _, at := range s.begun {
					if s.down(at) {
						during++
					}
				}
				t.Logf("%d done after %s, %d calls while it was down", done, time.Since(start), during)
				if during > 2*32 {
					t.Errorf("%d calls while it was down", during)
				}
				if done != 2000 || (len(failed) > 0) != tt.fatal {
					t.Errorf("%d done, failures %v", done, failed)
				}
				if !tt.fatal {
					return
				}
				_, err := c.Completer(s, providers.RetryPolicy{}).Complete(t.Context(), providers.Request{})
				var e *providers.Error
				if !errors.As(err, &e) || e.Class != providers.Fatal || !strings.Contains(e.Message, "has been down for 10m") || e.Role != "models.weak" {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// Without a health check calls on trial find out.
func TestOutageWithoutHealthCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.down = between(time.Now(), 0, time.Minute)
		c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Fixed(8)})
		failed, done := load(t.Context(), c, c.Completer(s, providers.RetryPolicy{Attempts: 50}), 8, 500, 0)
		calls, _, _, bad := s.counts()
		if done != 500 || len(failed) > 0 || bad > 120 {
			t.Errorf("%d done, failures %v, %d calls, %d in vain", done, failed, calls, bad)
		}
	})
}

// In an outage that the breaker does not see, since now and then a call works, retries
// are at most a tenth of all calls, beyond what the budget held.
func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := NewEndpoint(EndpointOptions{})
		c := e.Controller(Limits{Slots: Fixed(100)})
		const first = 1000
		retries := 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for e.Spend(ctx, fail(500, 0)) == nil {
				retries++
			}
		}()
		start := time.Now()
		for range first {
			a := attempt{}
			if err := c.begin(t.Context(), &a); err != nil {
				t.Fatal(err)
			}
			c.end(a, 0, 0, 1, fail(conflict, 0))
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		if most := retriesAtFirst + first/10 + int(time.Since(start).Seconds()) + 1; retries > most || retries < first/10 {
			t.Errorf("%d retries beside %d calls, at most %d", retries, first, most)
		}
	})
}

const conflict = 409 // transient, and no sign of a sick server

// A pause that one call is asked for is kept by all, and by all roles of the endpoint.
func TestCoolDownIsForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := NewEndpoint(EndpointOptions{})
		strong, weak := e.Controller(Limits{Slots: Fixed(4)}), e.Controller(Limits{Slots: Fixed(4)})
		s := newService()
		a := attempt{}
		if err := strong.begin(t.Context(), &a); err != nil {
			t.Fatal(err)
		}
		strong.end(a, 0, 0, 0, fail(429, 40*time.Second))
		start := time.Now()
		load(t.Context(), weak, weak.Completer(s, providers.RetryPolicy{}), 4, 20, 0)
		first, last := s.begun[0].Sub(start), s.begun[0].Sub(start)
		for _, at := range s.begun {
			first = min(first, at.Sub(start))
			last = max(last, at.Sub(start))
		}
		if first < 40*time.Second || first > 42*time.Second {
			t.Errorf("the first call came after %s", first)
		}
	})
}

// A longer wait than is allowed is a quota that is used up: the run's error, at once.
func TestLongRetryAfterIsFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.rate, s.after = 1, 6*time.Hour
		c := NewEndpoint(EndpointOptions{MaxRetryAfter: time.Minute}).Controller(Limits{Slots: Fixed(1)})
		m := c.Completer(s, providers.RetryPolicy{MaxRetryAfter: time.Minute})
		s.level, s.at = 0, time.Now()
		start := time.Now()
		_, err := m.Complete(t.Context(), providers.Request{})
		var e *providers.Error
		if !errors.As(err, &e) || e.Class != providers.Fatal || time.Since(start) > time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// A service that refuses for minutes without a word costs few rows, few calls, and in the
// end the run.
func TestRefusedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.rate = 1e-9
		c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Fixed(32)})
		start := time.Now()
		failed, done := load(t.Context(), c, c.Completer(s, providers.RetryPolicy{}), 32, 200, 0)
		calls, _, _, _ := s.counts()
		fatal := 0
		for what, n := range failed {
			if strings.Contains(what, "has refused every call for 10m") {
				fatal += n
			}
		}
		t.Logf("%d done after %s, %d of them by the run's end; %d calls", done, time.Since(start), fatal, calls)
		if calls > 100 || fatal < 180 || time.Since(start) > 12*time.Minute {
			t.Errorf("%d calls, %d fatal of %d after %s", calls, fatal, done, time.Since(start))
		}
	})
}

// Whoever stops waiting is let go at once, wherever he waits, and the next takes his turn.
func TestCancelWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.latency = time.Hour
		c := NewEndpoint(EndpointOptions{}).Controller(Limits{Slots: Fixed(1)})
		m := c.Completer(s, providers.RetryPolicy{})
		ctx, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 3)
		go func() { _, err := m.Complete(ctx, providers.Request{}); errs <- err }()
		synctest.Wait()
		go func() { _, err := m.Complete(ctx, providers.Request{}); errs <- err }() // at the gate
		go func() { _, err := m.Complete(ctx, providers.Request{}); errs <- err }() // in the queue before it
		synctest.Wait()
		start := time.Now()
		cancel()
		for range 3 {
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		}
		s.latency = time.Second
		if _, err := m.Complete(t.Context(), providers.Request{}); err != nil || time.Since(start) > 2*time.Second {
			t.Errorf("the next: %v after %s", err, time.Since(start))
		}
	})
}
