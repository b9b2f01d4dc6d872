package traffic

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"routeval/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A service is a model of a server in the time of a synctest bubble: the judge of
// what a controller sends.
type service struct {
	latency  time.Duration
	capacity int           // calls worked on at a time, others queue; 0: any number
	queue    int           // calls that may wait; more are refused with 503; 0: any number
	rate     float64       // calls per second that are admitted, the rest gets 429; 0: all
	after    time.Duration // Retry-After of a 429
	faults   float64       // share of calls that fail transiently
	odd      []error       // failures that a sixth of those each come as
	down     func(now time.Time) bool

	mu       sync.Mutex
	random   *rand.Rand
	inFlight int
	most     int
	level    float64
	at       time.Time
	workers  chan struct{}

	calls, admitted, refused, failed, answered int
	begun                                      []time.Time
}

func newService() *service {
	return &service{random: rand.New(rand.NewPCG(7, 7)), latency: 100 * time.Millisecond}
}

func fail(status int, after time.Duration) error {
	return &providers.Error{Role: "models.weak", Endpoint: "http://service", Status: status, Class: providers.Transient, RetryAfter: after, Message: "server busy", Attempts: 1}
}

func (s *service) Complete(ctx context.Context, req providers.Request) (providers.Completion, error) {
	if err := s.enter(); err != nil {
		return providers.Completion{}, err
	}
	defer func() {
		s.mu.Lock()
		s.inFlight--
		s.mu.Unlock()
	}()
	if s.workers != nil {
		s.workers <- struct{}{}
		defer func() { <-s.workers }()
	}
	s.mu.Lock()
	bad := s.random.Float64() < s.faults
	spread := 0.8 + 0.4*s.random.Float64()
	s.mu.Unlock()
	select {
	case <-time.After(time.Duration(float64(s.latency) * spread)):
	case <-ctx.Done():
		return providers.Completion{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if bad {
		s.failed++
		if i := s.random.IntN(6); i < len(s.odd) {
			return providers.Completion{}, s.odd[i]
		}
		return providers.Completion{}, fail(500, 0)
	}
	s.answered++
	return providers.Completion{Text: "ok", Usage: providers.Usage{CompletionTokens: new(int64(10)), PromptTokens: new(int64(5))}}, nil
}

func (s *service) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.calls++
	s.begun = append(s.begun, now)
	if s.capacity > 0 && s.workers == nil {
		s.workers = make(chan struct{}, s.capacity)
	}
	if s.down != nil && s.down(now) {
		s.failed++
		return fail(0, 0)
	}
	if s.rate > 0 {
		if s.at.IsZero() {
			s.level = s.rate / 10
		} else {
			s.level = min(max(1, s.rate/10), s.level+s.rate*now.Sub(s.at).Seconds())
		}
		s.at = now
		if s.level < 1 {
			s.refused++
			return fail(429, s.after)
		}
		s.level--
	}
	if s.queue > 0 && s.inFlight >= s.capacity+s.queue {
		s.refused++
		return fail(503, 0)
	}
	s.admitted++
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	return nil
}

// Health is down when the service is.
func (s *service) Health(context.Context) error {
	if s.down != nil && s.down(time.Now()) {
		return errors.New("down")
	}
	return nil
}

// counts are what the service did up to now.
func (s *service) counts() (calls, answered, refused, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.answered, s.refused, s.failed
}

func (s *service) countAdmitted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admitted
}

// load keeps workers callers busy, each with a slot that it holds for held
// longer than its call, until ctx ends or total calls are done. It returns
// how many failed.
func load(ctx context.Context, c *Controller, m providers.Completer, workers, total int, held time.Duration) (failed map[string]int, done int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed = map[string]int{}
	next := 0
	for range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				next++
				n := next
				mu.Unlock()
				if n > total {
					return
				}
				slot, err := c.Acquire(ctx)
				if err != nil {
					return
				}
				_, err = m.Complete(ctx, providers.Request{Messages: []providers.Message{{Role: "user", Content: "hello"}}})
				time.Sleep(held)
				slot.Release()
				mu.Lock()
				done++
				if err != nil {
					failed[err.Error()]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return failed, done
}
