package traffic

import (
	"container/list"
	"context"
	"fmt"
	"time"

	"routeval/providers"
)

// Limits are those of one role. A rate of 0 is unlimited.
type Limits struct {
	Slots Slots

	RequestsPerMinute     float64
	TokensPerMinute       float64 // read and written together
	InputTokensPerMinute  float64 // read
	OutputTokensPerMinute float64 // written

	// MaxTokens is the bound on an answer, as far as it is known: what an answer is taken
	// to need until there have been some to go by.
	MaxTokens int
}

// A Controller lets the calls of one role through. It is safe for concurrent use.
type Controller struct {
	*Endpoint
	limits Limits

	turn  chan struct{} // full while somebody is next to begin an attempt
	ended chan struct{} // told when an attempt has ended

	// Guarded by Endpoint.mu.
	slots    adaptive
	held     int       // slots
	queue    list.List // of chan struct{}: those who wait for a slot, closed when it is theirs
	waiting  int       // attempts
	running  int       // attempts
	pace     pace
	requests bucket
	tokens   bucket
	input    bucket
	output   bucket
	written  float64 // tokens of a usual answer
	seen     Seen
}

// Seen counts what a controller has seen.
type Seen struct {
	Attempts int64 // begun, retries included
	Answers  int64
	Refused  int64 // 429, 503
	Failed   int64 // no answer, a broken one, other 5xx
	Slots    int   // now
}

// Controller makes the part of the endpoint that one role has.
func (e *Endpoint) Controller(l Limits) *Controller {
	return &Controller{
		Endpoint: e,
		limits:   l,
		turn:     make(chan struct{}, 1),
		ended:    make(chan struct{}, 1),
		slots:    newAdaptive(l.Slots),
		requests: perMinute(l.RequestsPerMinute, time.Second),
		tokens:   perMinute(l.TokensPerMinute, tokenSpan),
		input:    perMinute(l.InputTokensPerMinute, tokenSpan),
		output:   perMinute(l.OutputTokensPerMinute, tokenSpan),
		written:  float64(l.MaxTokens),
	}
}

// writtenRate is the share of an answer's tokens in those of a usual one.
const writtenRate = 0.1

// Tokens come in larger bites than requests.
const tokenSpan = 6 * time.Second

// MaxSlots is the number of slots that there never are more of.
func (c *Controller) MaxSlots() int { return c.slots.Max }

// Seen says what has been seen so far.
func (c *Controller) Seen() Seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.seen
	s.Slots = c.slots.now()
	return s
}

// A Slot is the right to have a call in flight, and its answer on the way to where it
// lasts.
type Slot struct{ c *Controller }

// Acquire waits for a slot, first come first served. An error is ctx's own.
//
// A slot says how much may be lost if the program ends now; how many attempts are in
// flight the controller sees to by itself. So a call without a slot waits for its
// turn all the same.
func (c *Controller) Acquire(ctx context.Context) (Slot, error) {
	if err := ctx.Err(); err != nil {
		return Slot{}, err
	}
	c.mu.Lock()
	mine := make(chan struct{})
	place := c.queue.PushBack(mine)
	c.give()
	c.mu.Unlock()
	select {
	case <-mine:
		return Slot{c}, nil
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-mine: // at the same moment
		c.held--
		c.give()
	default:
		c.queue.Remove(place)
	}
	return Slot{}, ctx.Err()
}

// give hands what slots are free to those who wait.
func (c *Controller) give() {
	for c.held < c.slots.now() && c.queue.Len() > 0 {
		c.held++
		close(c.queue.Remove(c.queue.Front()).(chan struct{}))
	}
}

// Release gives a slot back. It may be called once.
func (s Slot) Release() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.held--
	s.c.give()
}

func notify(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // told already
	}
}

// An attempt is one call to the service.
type attempt struct {
	started       time.Time
	input, output float64 // tokens spent on it
}

// begin waits until an attempt that needs so many tokens may begin.
func (c *Controller) begin(ctx context.Context, a *attempt) error {
	ctx = providers.Waiting(ctx)
	c.mu.Lock()
	if c.waiting == 0 && ctx.Err() == nil && c.admit(time.Now(), a) == (hold{}) {
		c.mu.Unlock()
		return nil
	}
	c.waiting++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.waiting--
		c.mu.Unlock()
	}()
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return c.gaveUp(ctx)
	}
	defer func() { <-c.turn }()
	for {
		if ctx.Err() != nil {
			return c.gaveUp(ctx)
		}
		c.mu.Lock()
		h, changed := c.admit(time.Now(), a), c.changed
		c.breaker.asking = c.breaker.asking || h.ask
		c.mu.Unlock()
		switch {
		case h.err != nil:
			return h.err
		case h.ask:
			c.ask(ctx)
		case h.wait == 0:
			return nil
		default:
			sleep(ctx, h.wait, changed, c.ended)
		}
	}
}

func (c *Controller) gaveUp(ctx context.Context) error {
	return fmt.Errorf("waiting to call: %w", ctx.Err())
}

// admit begins the attempt if nothing keeps it.
func (c *Controller) admit(now time.Time, a *attempt) hold {
	h := c.hold(now)
	if h != (hold{}) {
		return h
	}
	if c.running >= c.slots.now() {
		return hold{wait: untilTold}
	}
	h.wait = max(c.pace.wait(now), c.requests.wait(now, 1), c.tokens.wait(now, a.input+a.output),
		c.input.wait(now, a.input), c.output.wait(now, a.output))
	if h.wait > 0 {
		return h
	}
	a.started = now
	c.pace.begin(now)
	c.requests.spend(now, 1)
	c.spend(now, a.input, a.output)
	c.retries.spend(now, -retryShare)
	c.inFlight++
	c.running++
	c.seen.Attempts++
	return hold{}
}

func (c *Controller) spend(now time.Time, input, output float64) {
	c.tokens.spend(now, input+output)
	c.input.spend(now, input)
	c.output.spend(now, output)
}

// expected is how many tokens the next answer probably has.
func (c *Controller) expected() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// end learns from an attempt. Input and output are the tokens that it took, as far as they
// are known; latency is per unit of work.
func (c *Controller) end(a attempt, input, output, latency float64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.spend(now, input-a.input, output-a.output)
	v := c.judge(now, a.started, err)
	if !v.rate && !v.silent {
		c.pace.ended(a.started, 0)
	}
	switch {
	case v.rate:
		c.seen.Refused++
		c.pace.refused(now, a.started, v.asked)
	case v.refused:
		c.seen.Refused++
		c.slots.refused(now, a.started)
		c.slots.failed()
	case v.sick:
		c.seen.Failed++
		c.slots.failed()
	case v.worked:
		c.seen.Answers++
		if err == nil {
			c.written += writtenRate * (output - c.written)
			c.slots.worked(now, latency, max(c.running, c.held-c.waiting))
			c.give() // there may be more of them
		}
	}
	c.running--
	c.inFlight--
	notify(c.ended)
}
