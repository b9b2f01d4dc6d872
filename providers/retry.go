package providers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// RetryPolicy says how often and when a transient failure is tried again. The zero
// value of a field is its default.
type RetryPolicy struct {
	Attempts      int           // calls at most, the first included; 0 for DefaultAttempts
	BaseWait      time.Duration // the longest first wait; it doubles with every attempt; 0 for DefaultBaseWait
	MaxWait       time.Duration // what the doubling stops at; 0 for DefaultMaxWait
	MaxRetryAfter time.Duration // a service that asks for a longer wait is not waited for; 0 for DefaultMaxRetryAfter
	Seed          uint64        // of the jitter
	Budget        RetryBudget   // bounds retries over many calls; nil for no bound
}

// A RetryBudget bounds retries over many calls, so that they do not make an outage
// worse. It is safe for concurrent use.
type RetryBudget interface {
	// Spend is called before each retry, with the failure that it follows, and waits
	// until there is one to spend. An error is ctx's own.
	Spend(ctx context.Context, after error) error
	// Refund is called after a retry that brought an answer, with the failure that it
	// followed.
	Refund(after error)
}

const (
	DefaultAttempts      = 5
	DefaultBaseWait      = 500 * time.Millisecond
	DefaultMaxWait       = 30 * time.Second
	DefaultMaxRetryAfter = 2 * time.Minute
)

// Retry calls c again after transient failures, with exponential waits of full jitter: a
// wait is drawn evenly from [0, min(MaxWait, BaseWait·2ᵏ)] before retry k, counted from
// 0, so that callers that failed together do not come back together. A longer wait
// that the service asks for is kept to; one longer than MaxRetryAfter makes the failure
// fatal, since every other call would meet it too. Completions and errors count the
// calls made.
func Retry(c Completer, p RetryPolicy) Completer {
	return &retryCompleter{c, newRetrier(p)}
}

// RetryEmbedder does for an embedder what [Retry] does for a completer.
func RetryEmbedder(e Embedder, p RetryPolicy) Embedder {
	return &retryEmbedder{e, newRetrier(p)}
}

type retryCompleter struct {
	inner Completer
	*retrier
}

func (r *retryCompleter) Complete(ctx context.Context, req Request) (Completion, error) {
	c, attempts, err := retry(ctx, r.retrier, func() (Completion, error) { return r.inner.Complete(ctx, req) })
	if err == nil {
		c.Attempts = attempts
	}
	return c, err
}

type retryEmbedder struct {
	inner Embedder
	*retrier
}

func (r *retryEmbedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors, _, err := retry(ctx, r.retrier, func() ([][]float32, error) { return r.inner.Embed(ctx, texts) })
	return vectors, err
}

// retrier is a policy and its source of jitter, which all calls share.
type retrier struct {
	policy RetryPolicy
	mu     sync.Mutex
	random *rand.Rand
}

func newRetrier(p RetryPolicy) *retrier {
	p.Attempts = cmp.Or(p.Attempts, DefaultAttempts)
	p.BaseWait = cmp.Or(p.BaseWait, DefaultBaseWait)
	p.MaxWait = cmp.Or(p.MaxWait, DefaultMaxWait)
	p.MaxRetryAfter = cmp.Or(p.MaxRetryAfter, DefaultMaxRetryAfter)
	return &retrier{policy: p, random: rand.New(rand.NewPCG(p.Seed, 0))}
}

// upTo draws a wait evenly from [0, most].
func (r *retrier) upTo(most time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Duration(r.random.Int64N(int64(max(0, most)) + 1))
}

// retry makes the calls and says how many there were.
func retry[T any](ctx context.Context, r *retrier, call func() (T, error)) (value T, attempts int, err error) {
	wait := &fullJitter{retrier: r}
	var last error
	operation := func() (T, error) {
		after := last
		if err := r.spend(ctx, after); err != nil {
			var none T
			return none, backoff.Permanent(err)
		}
		attempts++
		v, err := call()
		last = err
		if err == nil {
			r.refund(after)
		}
		return v, r.verdict(err, wait)
	}
	waiting := Waiting(ctx)
	value, err = backoff.Retry(waiting, operation,
		backoff.WithBackOff(wait), backoff.WithMaxTries(uint(max(1, r.policy.Attempts))), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return value, attempts, nil
	}
	var failure *Error
	switch {
	case waiting.Err() != nil && (errors.Is(err, waiting.Err()) || errors.Is(err, context.Cause(waiting))) && !errors.Is(last, waiting.Err()):
		// Not %w of both: a call that was given up is no failed call.
		return value, attempts, fmt.Errorf("%w while waiting to retry: %v", waiting.Err(), last)
	case errors.As(err, &failure):
		counted := *failure
		counted.Attempts = attempts
		return value, attempts, &counted
	}
	return value, attempts, last
}

// spend takes a retry from the budget if an attempt failed before.
func (r *retrier) spend(ctx context.Context, after error) error {
	if r.policy.Budget == nil || after == nil {
		return nil
	}
	return r.policy.Budget.Spend(ctx, after)
}

func (r *retrier) refund(after error) {
	if r.policy.Budget != nil && after != nil {
		r.policy.Budget.Refund(after)
	}
}

// verdict is err as backoff understands it: permanent, or worth another call after a wait
// that is at least what the service asks for.
func (r *retrier) verdict(err error, wait *fullJitter) error {
	if err == nil {
		return nil
	}
	var failure *Error
	switch {
	case !errors.As(err, &failure) || failure.Class != Transient:
		return backoff.Permanent(err)
	case failure.RetryAfter > r.policy.MaxRetryAfter:
		quota := *failure
		quota.Class = Fatal
		quota.Hint = fmt.Sprintf("the service asks to wait %s, longer than max_retry_after %s: run again later to resume",
			failure.RetryAfter, r.policy.MaxRetryAfter)
		return backoff.Permanent(&quota)
	}
	wait.atLeast = failure.RetryAfter
	return err
}

// fullJitter gives the waits of one call.
type fullJitter struct {
	*retrier
	most    time.Duration // of the next wait
	atLeast time.Duration // asked for by the service
}

func (w *fullJitter) Reset() { w.most = w.policy.BaseWait }

func (w *fullJitter) NextBackOff() time.Duration {
	most := min(w.most, w.policy.MaxWait)
	w.most = 2 * most
	if w.atLeast > 0 {
		// Everybody was told the same moment: spread behind it.
		return w.atLeast + w.upTo(w.policy.BaseWait)
	}
	return w.upTo(most)
}
