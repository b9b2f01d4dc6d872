package traffic

import (
	"context"
	"time"

	"routeval/providers"
)

// The budget of retries: every attempt adds retryShare to it, a retry takes 1, and one
// that brings an answer puts it back. So retries that fail again are at most
// retryShare of all attempts. In an outage, where all fail, that holds for
// retries at all; of a service that merely fails now and then, up to
// √retryShare ≈ 0.32 of its calls, every call is tried again at once. Time adds a little
// too, so that nobody waits for ever.
const (
	retryShare     = 0.1
	retriesSaved   = 50  // most that is in the budget
	retriesAtFirst = 10  //
	retriesPerSec  = 1.0 // that time adds
)

// Spend waits until the budget has a retry, first come first served. A call that came
// too often is no part of an outage and comes back at its pace, without one.
func (e *Endpoint) Spend(ctx context.Context, after error) error {
	if assess(after).rate {
		return nil
	}
	ctx = providers.Waiting(ctx)
	select {
	case e.retrying <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.retrying }()
	for {
		now := time.Now()
		e.mu.Lock()
		wait := e.retries.wait(now, 1)
		if wait == 0 {
			e.retries.spend(now, 1)
		}
		e.mu.Unlock()
		if wait == 0 {
			return nil
		}
		// Attempts and refunds add to it meanwhile.
		if err := sleep(ctx, min(wait, 50*time.Millisecond), nil, nil); err != nil {
			return err
		}
	}
}

// Refund puts a retry back.
func (e *Endpoint) Refund(after error) {
	if assess(after).rate {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.retries.spend(time.Now(), -1)
}

// sleep waits until d has passed, something is heard on a or b, or ctx has ended,
// which alone is an error.
func sleep(ctx context.Context, d time.Duration, a, b <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-a:
	case <-b:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
