package traffic

import (
	"math"
	"time"
)

// A pace is the rate that a service turned out to admit. There is none until it
// refuses a call for coming too often. It is then set a little below what was
// admitted, comes back to that within a time K, and goes on to look for more. The
// curve is that of CUBIC (RFC 9438 §4.2) with time in seconds and the rate relative
// to top, and with another time scale L once past the top; as long as the top is but a
// guess it doubles every second instead, and every two where refusals that were noise may
// have set it too low.
//
//	rate(t) = top · (1 + (1−β)·((t−K)/K)³)   t ≤ K;  rate(0) = β·top
//	rate(t) = top · (1 + (1−β)·((t−K)/L)³)   t > K;  or top · 2^(t−K), top · 2^((t−K)/2)
//
// Up to K that is β + ¾(1−β) of top on average.
type pace struct {
	begun    counter       // attempts, less those refused
	top      float64       // calls per second at which the service last refused; 0 if it never did
	guess    bool          // it is no more than that
	cutAt    time.Time     // when it was last cut, or when the pause ends that came with that
	used     time.Time     // when it was last looked at
	recovery time.Duration // K
	scale    time.Duration // L
	bucket   bucket
	noise    noise
}

const (
	paceCut   = 0.9 // β
	leastPace = 0.1 // calls per second

	// A refusal costs a call, and all of the pause that the service asks for with it:
	// K keeps both small beside what is done between two of them.
	recovery       = 4 * time.Second
	recoveryCalls  = 60
	recoveryPauses = 20
	scale          = 4 * time.Second

	// Where much less was admitted than the pace was, traffic was not steady; unless that
	// comes out as it did before.
	steady = 0.9

	stillTooMuch = 0.95
	manyCalls    = 9 // a second: of fewer, one that is refused at once says less

	mostCut   = 0.8  // of a pace that is known, at once
	wellBelow = 0.97 // of the top: nearer to it a refusal may be for the rate
	fewCalls  = 20   // a second, of which a share is no noise to tell from a rate

	// What is taken for noise may be refusals of a rate whose top is thought too high: from
	// time to time a cut tells.
	retest = 10 * time.Second
)

// refused learns from a refusal, with the pause that was asked for, of an attempt that
// began at started.
func (p *pace) refused(now, started time.Time, asked time.Duration) {
	p.begun.add(started, -1)
	if p.top > 0 && started.Before(p.cutAt) {
		return // sent before the last cut, which it cannot judge
	}
	p.ended(started, 1)
	if asked < tick && p.noise.covers() && (p.top == 0 || now.Sub(p.cutAt) < retest) {
		return
	}
	last := p.rate(now)
	measured, enough := p.begun.rate(now)
	guessed := p.guess
	p.guess, p.recovery = true, time.Second
	switch {
	case last == 0:
		p.top = max(1, measured) // a beginning
	case !enough: // refused again at once: it was still too much, but the truth is near
		p.top = last * stillTooMuch
		if p.top > manyCalls {
			p.settle(asked)
		}
	default:
		// Traffic was at the pace when it was refused, and below what is admitted on the
		// way there: the truth is between.
		before := p.top
		last = min(last, 2*measured)
		p.top = (2*measured + last) / 3
		if p.noise.matters() {
			p.top = measured // where all that is refused must show to be noise
			if !guessed {
				p.top = max(measured, mostCut*last) // a moment in which little was sent measures little
			}
		}
		if measured >= steady*last || p.top >= steady*before && p.top <= before/steady {
			p.settle(asked)
		}
	}
	p.top, p.cutAt, p.used = max(leastPace, p.top), now.Add(asked), now.Add(asked)
	p.begun = counter{}
	p.noise.restart(p.top < fewCalls)
	p.bucket = bucket{rate: p.rate(now), burst: 1, at: p.cutAt}
}

// ended counts an attempt that began at started and was refused (1) or not (0).
func (p *pace) ended(started time.Time, refused float64) {
	if started.Before(p.cutAt) {
		return
	}
	p.noise.count(refused, p.top > 0 && p.rate(started) <= wellBelow*p.top)
}

// settle takes the top for more than a guess.
func (p *pace) settle(asked time.Duration) {
	p.guess = false
	p.recovery = max(recovery, p.calls(recoveryCalls), recoveryPauses*asked)
	p.scale = max(scale, p.calls(enoughCalls))
}

// calls is the time that n calls take at the top.
func (p *pace) calls(n float64) time.Duration { return time.Duration(n / p.top * float64(time.Second)) }

// rate is in calls per second; 0 if there is no limit.
func (p *pace) rate(now time.Time) float64 {
	if p.top == 0 {
		return 0
	}
	t := max(0, now.Sub(p.cutAt)) - p.recovery
	x := float64(t) / float64(p.recovery)
	switch {
	case t > 0 && p.guess:
		return p.top * math.Exp2(min(t.Seconds(), 60))
	case t > 0 && p.noise.matters():
		return p.top * math.Exp2(min(t.Seconds()/2, 60))
	case t > 0:
		x = float64(t) / float64(p.scale)
	}
	return p.top * (1 + (1-paceCut)*x*x*x)
}

// wait is how long the next call must wait.
func (p *pace) wait(now time.Time) time.Duration {
	if p.top == 0 {
		return 0
	}
	if idle := now.Sub(p.used); idle > max(2*time.Second, p.calls(3)) {
		p.cutAt = p.cutAt.Add(idle) // nothing was learned meanwhile
	}
	p.used = now
	p.bucket.fill(now)
	p.bucket.rate = p.rate(now)
	p.bucket.burst = max(1, p.bucket.rate/50)
	return p.bucket.wait(now, 1)
}

// begin counts an attempt.
func (p *pace) begin(now time.Time) {
	p.bucket.spend(now, 1)
	p.begun.add(now, 1)
}

// A counter counts events over the last seconds.
type counter struct {
	origin time.Time // of tick 0: the first event
	newest int64     // tick of the last event
	ticks  [160]int32
}

const (
	tick        = 100 * time.Millisecond
	enoughTicks = 3
	enoughCalls = 20
	fewestCalls = 4 // that say anything about a rate
)

// add counts n events at a time, which may lie a little back.
func (c *counter) add(at time.Time, n int32) {
	if c.origin.IsZero() {
		c.origin = at
	}
	t := int64(at.Sub(c.origin) / tick)
	if t < 0 || t <= c.newest-int64(len(c.ticks)) {
		return
	}
	for c.newest = max(c.newest, t-int64(len(c.ticks))); c.newest < t; {
		c.newest++
		c.ticks[c.newest%int64(len(c.ticks))] = 0
	}
	c.ticks[t%int64(len(c.ticks))] += n
}

// rate is the events per second over the shortest time up to now that holds
// enough of them; where there are not enough, a low guess.
func (c *counter) rate(now time.Time) (perSecond float64, ok bool) {
	if c.origin.IsZero() {
		return 0, false
	}
	last := int64(now.Sub(c.origin) / tick)
	events, from := int32(0), last
	for n := last; n >= 0 && last-n < int64(len(c.ticks)); n-- {
		if n <= c.newest && c.newest-n < int64(len(c.ticks)) {
			events += c.ticks[n%int64(len(c.ticks))]
		}
		if from = n; events >= enoughCalls && last-n >= enoughTicks {
			break
		}
	}
	span := now.Sub(c.origin) - time.Duration(from)*tick
	if events < fewestCalls || span < enoughTicks*tick {
		return float64(events) / max(time.Second, span).Seconds(), false
	}
	return float64(events) / span.Seconds(), true
}
