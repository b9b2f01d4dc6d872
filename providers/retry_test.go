package providers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// failing fails with errs, one a call, and then answers.
type failing struct {
	errs  []error
	calls int
}

func (f *failing) next() error {
	f.calls++
	if f.calls <= len(f.errs) {
		return f.errs[f.calls-1]
	}
	return nil
}

func (f *failing) Complete(context.Context, Request) (Completion, error) {
	return Completion{Text: "done", Attempts: 1}, f.next()
}

func (f *failing) Embed(context.Context, []string) ([][]float32, error) {
	return [][]float32{{1}}, f.next()
}

func transient(after time.Duration) error {
	return &Error{Role: "r", Class: Transient, Message: "busy", RetryAfter: after, Attempts: 1}
}

func TestRetryCounts(t *testing.T) {
	busy := transient(0)
	for _, c := range []struct {
		name     string
		errs     []error
		attempts int
		class    Class // "" if answered
	}{
		{"at once", nil, 1, ""},
		{"third time", []error{busy, busy}, 3, ""},
		{"never", []error{busy, busy, busy, busy, busy}, 4, Transient},
		{"rejected", []error{busy, &Error{Class: Rejected}}, 2, Rejected},
		{"fatal", []error{&Error{Class: Fatal}}, 1, Fatal},
		{"rejected at last", []error{busy, busy, busy, &Error{Class: Rejected}}, 4, Rejected},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &failing{errs: c.errs}
			got, err := Retry(f, RetryPolicy{Attempts: 4}).Complete(t.Context(), Request{})
			if f.calls != c.attempts {
				t.Errorf("%s: %d calls, want %d", c.name, f.calls, c.attempts)
			}
			var failure *Error
			switch {
			case c.class == "" && (err != nil || got.Attempts != c.attempts || got.Text != "done"):
				t.Errorf("%s: %+v, %v", c.name, got, err)
			case c.class != "" && (!errors.As(err, &failure) || failure.Class != c.class || failure.Attempts != c.attempts):
				t.Errorf("%s: %v", c.name, err)
			}
		})
	}
}

// Full jitter has its waits between 0 and a bound that doubles up to MaxWait; the mean of a
// wait is half its bound.
func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := RetryPolicy{Attempts: 6, BaseWait: time.Second, MaxWait: 5 * time.Second, Seed: 7}
		bounds := []time.Duration{1, 2, 4, 5, 5}
		w := &fullJitter{retrier: newRetrier(p)}
		const rounds = 4000
		sums := make([]time.Duration, len(bounds))
		for range rounds {
			w.Reset()
			for i, bound := range bounds {
				wait := w.NextBackOff()
				if wait < 0 || wait > bound*time.Second {
					t.Fatalf("wait %d is %s, above %ds", i, wait, bound)
				}
				sums[i] += wait
			}
		}
		for i, bound := range bounds {
			if mean := (sums[i] / rounds).Seconds(); mean < 0.47*float64(bound) || mean > 0.53*float64(bound) {
				t.Errorf("wait %d has mean %.3fs, want half of %ds", i, mean, bound)
			}
		}
	})
}

// Whoever waits to call again waits no longer than the run begins calls, and his prompt is no
// failure; a call that has begun may end, and is tried no more.
func TestRetryWaitsWhileCallsBegin(t *testing.T) {
	for _, cause := range []error{nil, errors.New("a signal"), transient(0)} {
		synctest.Test(t, func(t *testing.T) {
			stop, end := context.WithCancelCause(t.Context())
			ctx := WithStop(t.Context(), stop)
			start := time.Now()
			time.AfterFunc(time.Second, func() { end(cause) })
			_, err := RetryEmbedder(&failing{errs: []error{transient(time.Minute)}}, RetryPolicy{}).Embed(ctx, nil)
			if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
				t.Errorf("stopped for %v: %v after %s", cause, err, time.Since(start))
			}
			_, err = RetryEmbedder(&failing{errs: []error{transient(0)}}, RetryPolicy{}).Embed(ctx, nil)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("stopped for %v: %v of a call that had begun", cause, err)
			}
			if _, err = RetryEmbedder(&failing{}, RetryPolicy{}).Embed(ctx, nil); err != nil {
				t.Errorf("stopped for %v: %v", cause, err)
			}
		})
	}
}

func TestRetrySeeded(t *testing.T) {
	elapsed := func(seed uint64) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			f := &failing{errs: []error{transient(0), transient(0), transient(0)}}
			if _, err := RetryEmbedder(f, RetryPolicy{Seed: seed}).Embed(t.Context(), nil); err != nil {
				t.Error(err)
			}
			d = time.Since(start)
		})
		return d
	}
	first, again, other := elapsed(1), elapsed(1), elapsed(2)
	if first != again || first == other {
		t.Errorf("the seed does not make the waits: %s, %s, %s", first, again, other)
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := &failing{errs: []error{transient(40 * time.Second)}}
		if _, err := Retry(f, RetryPolicy{BaseWait: time.Second}).Complete(t.Context(), Request{}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 40*time.Second || d > 41*time.Second {
			t.Errorf("waited %s, asked for 40s", d)
		}
	})
}

// A quota of a day is not slept through.
func TestRetryAfterTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		f := &failing{errs: []error{transient(6 * time.Hour)}}
		_, err := Retry(f, RetryPolicy{MaxRetryAfter: time.Minute}).Complete(t.Context(), Request{})
		var failure *Error
		if !errors.As(err, &failure) || failure.Class != Fatal || !strings.Contains(failure.Hint, "6h0m0s") || f.calls != 1 {
			t.Errorf("got %v after %d calls", err, f.calls)
		}
		if time.Since(start) != 0 {
			t.Errorf("waited %s", time.Since(start))
		}
	})
}

func TestRetryStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		f := &failing{errs: []error{transient(time.Minute), transient(time.Minute)}}
		_, err := Retry(f, RetryPolicy{}).Complete(ctx, Request{})
		var failure *Error
		if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &failure) {
			t.Errorf("got %v, want only the context's error", err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("returned after %s, the context ended after 3s", d)
		}
	})
}
