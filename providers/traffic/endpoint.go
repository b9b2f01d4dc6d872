package traffic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"routeval/providers"
)

// EndpointOptions describe an endpoint. The zero value of a field is its default.
type EndpointOptions struct {
	// Health asks the server for anything cheap; nil if there is nothing to
	// ask, then calls on trial find out. An error means that it is not up. It is given
	// healthTimeout.
	Health func(ctx context.Context) error

	WaitForBackend time.Duration // how long calls wait for a server that is down; 0 for DefaultWaitForBackend
	MaxRetryAfter  time.Duration // a service that asks for a longer pause holds nobody; 0 for providers.DefaultMaxRetryAfter
	Seed           uint64        // of the jitter
}

const (
	DefaultWaitForBackend = 10 * time.Minute
	healthTimeout         = 10 * time.Second
)

// An Endpoint is one URL and key, for all roles that call it.
type Endpoint struct {
	opts     EndpointOptions
	retrying chan struct{} // full while somebody is next to retry

	// mu guards all that follows, and the state of the endpoint's controllers.
	mu       sync.Mutex
	random   *rand.Rand
	breaker  breaker
	cooldown cooldown
	retries  bucket
	inFlight int           // attempts of all controllers
	changed  chan struct{} // closed, and made anew, when those who wait should look again
}

// NewEndpoint makes an endpoint that is up until the opposite is seen.
func NewEndpoint(o EndpointOptions) *Endpoint {
	o.WaitForBackend = cmp.Or(o.WaitForBackend, DefaultWaitForBackend)
	o.MaxRetryAfter = cmp.Or(o.MaxRetryAfter, providers.DefaultMaxRetryAfter)
	e := &Endpoint{
		opts:     o,
		random:   rand.New(rand.NewPCG(o.Seed, 1)),
		retries:  newBucket(retriesPerSec, retriesSaved),
		changed:  make(chan struct{}),
		retrying: make(chan struct{}, 1),
	}
	e.retries.level = retriesAtFirst
	return e
}

// A hold is what keeps an attempt from beginning: a time, something that somebody
// else does, a question that the caller is to ask, or for good.
type hold struct {
	wait time.Duration // 0 if nothing keeps it
	ask  bool          // ask about the server's health
	err  error
}

// untilTold is a wait that only a change ends.
const untilTold = time.Hour

func (e *Endpoint) hold(now time.Time) hold {
	b, c := &e.breaker, &e.cooldown
	switch {
	case b.state != up && now.Sub(b.down) >= e.opts.WaitForBackend:
		return hold{err: gaveUp(b.last, "has been down for", now.Sub(b.down))}
	case c.lasting(now) && now.Sub(c.since) >= e.opts.WaitForBackend:
		return hold{err: gaveUp(b.last, "has refused every call for", now.Sub(c.since))}
	case b.state == down && b.asking:
		return hold{wait: untilTold}
	case b.state == down && now.Before(b.askAt):
		return hold{wait: b.askAt.Sub(now)}
	case b.state == down:
		return hold{ask: true}
	case b.state == onTrial && e.inFlight >= tripAfter,
		c.lasting(now) && e.inFlight > 0:
		return hold{wait: untilTold}
	}
	return hold{wait: c.wait(now)}
}

// gaveUp is the error of a run that need not go on.
func gaveUp(last error, what string, d time.Duration) error {
	e := providers.Error{Role: "endpoint", Attempts: 1}
	var failure *providers.Error
	if errors.As(last, &failure) {
		e = *failure
	}
	e.Class, e.RetryAfter = providers.Fatal, 0
	e.Message = fmt.Sprintf("%s %s, longer than wait_for_backend allows; the last failure: %s", what, d.Round(time.Second), e.Message)
	e.Hint = cmp.Or(e.Hint, "run again to resume when it is back")
	return &e
}

// ask asks the server about its health, for all who wait.
func (e *Endpoint) ask(ctx context.Context) {
	var err error
	if e.opts.Health != nil {
		ctx, cancel := context.WithTimeout(ctx, healthTimeout)
		err = e.opts.Health(ctx)
		cancel()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.breaker.answered(time.Now(), err)
	e.tell()
}

// tell has all who wait look again.
func (e *Endpoint) tell() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// judge learns from an attempt that began at started and has ended with err. It
// reports what a controller is to make of it.
func (e *Endpoint) judge(now, started time.Time, err error) verdict {
	v := assess(err)
	before, trying := e.breaker.state, e.breaker.state == onTrial || e.cooldown.lasting(now)
	if v.alive {
		e.breaker.worked(now)
	}
	if v.worked {
		e.cooldown.worked()
	}
	if v.sick {
		e.breaker.failed(now, started, err)
	}
	switch {
	case v.asked > e.opts.MaxRetryAfter:
		v.asked = 0 // nobody waits so long
	case v.refused:
		e.breaker.last = err
		e.cooldown.refused(now, started, v.asked, e.random.Float64())
	}
	if trying || e.breaker.state != before {
		e.tell()
	}
	return v
}

// A verdict is what an attempt's end says about its endpoint.
type verdict struct {
	worked  bool          // an answer, or a refusal of this one request
	alive   bool          // the server is up
	sick    bool          // only a sick server does that
	refused bool          // too many or too often
	rate    bool          // of these, too often
	asked   time.Duration // to wait after a refusal
	silent  bool          // nothing: the caller gave up, or nobody was called
}

func assess(err error) verdict {
	if err == nil {
		return verdict{worked: true, alive: true}
	}
	var e *providers.Error
	switch {
	case !errors.As(err, &e), e.Status == 0 && e.Class != providers.Transient:
		return verdict{silent: true}
	case e.Class != providers.Transient:
		return verdict{worked: true, alive: true}
	case e.Status == http.StatusTooManyRequests:
		return verdict{alive: true, refused: true, rate: true, asked: e.RetryAfter}
	case e.Status == statusOverloaded, e.Status == http.StatusServiceUnavailable && (e.RetryAfter > 0 || saysBusy(e.Message)):
		return verdict{sick: true, refused: true, asked: e.RetryAfter}
	case e.Status == 0, e.Status >= 500, e.Status/100 == 2:
		return verdict{sick: true}
	}
	return verdict{alive: true}
}

// saysBusy tells a server that has too much to do (Ollama, vLLM and others say so) from a
// proxy that has no server behind it: both answer 503.
func saysBusy(message string) bool {
	message = strings.ToLower(message)
	return slices.ContainsFunc([]string{"busy", "overload", "capacity", "too many", "queue", "pending requests"}, func(s string) bool {
		return strings.Contains(message, s)
	})
}

// statusOverloaded is Anthropic's, and some others', "overloaded".
const statusOverloaded = 529
