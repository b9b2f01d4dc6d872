package traffic

import "time"

// A breaker knows whether a server is up. It is down after tripAfter failures in
// a row; then it is asked about its health until it answers, tripAfter calls may
// try it, and the first answer ends the matter.
type breaker struct {
	state    state
	changed  time.Time // when the state did; attempts from before say nothing of it
	failures int       // in a row
	down     time.Time // when it last went down from being up
	askAt    time.Time // when to ask about its health next
	wait     time.Duration
	asking   bool
	last     error // what a call failed with
}

type state int

const (
	up state = iota
	down
	onTrial
)

const (
	tripAfter = 5
	firstWait = 500 * time.Millisecond
	mostWait  = 5 * time.Second
)

// worked is told of an answer of any kind that a server in health gives.
func (b *breaker) worked(now time.Time) {
	b.failures = 0
	if b.state != up {
		b.become(up, now)
		b.wait = 0
	}
}

// failed is told of a failure of an attempt that began at started.
func (b *breaker) failed(now, started time.Time, err error) {
	if b.state == down || started.Before(b.changed) {
		return
	}
	b.last = err
	if b.failures++; b.failures < tripAfter {
		return
	}
	if b.state == up {
		b.down = now
	}
	// The first question is asked at once: in rough weather five failures happen to
	// be in a row while the server is well.
	b.askAt = now.Add(b.wait)
	b.longer()
	b.become(down, now)
}

// answered is told how the server answered the question about its health.
func (b *breaker) answered(now time.Time, err error) {
	b.asking = false
	switch {
	case b.state != down: // an answer of an earlier call was faster
	case err == nil:
		b.become(onTrial, now)
	default:
		b.askAt = now.Add(b.wait)
		b.longer()
	}
}

func (b *breaker) longer() { b.wait = min(mostWait, max(firstWait, 2*b.wait)) }

func (b *breaker) become(s state, now time.Time) { b.state, b.changed, b.failures = s, now, 0 }
