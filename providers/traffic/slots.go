package traffic

import (
	"math"
	"time"
)

// Slots bound the calls in flight of one role. Min = Max is a fixed number.
type Slots struct {
	Min   int // never fewer; at least 1
	Start int // at first; 0 for Min
	Max   int // never more; 0 for Start
}

// Fixed is n slots, whatever happens.
func Fixed(n int) Slots { return Slots{Min: n, Start: n, Max: n} }

// filled puts the three in order.
func (s Slots) filled() Slots {
	s.Min = max(1, s.Min)
	s.Start = max(s.Start, s.Min)
	s.Max = max(s.Max, s.Start)
	return s
}

// adaptive is a number of slots that follows what the service bears. It goes by
// rounds of as many answers as there are slots. After a round in which all were in
// use and nothing went wrong there are more: twice as many at first; once the service has
// refused a call, half the way to where it did, a few rounds there, and then
// again more and more. A refusal leaves refusedCut of them, once for all calls that
// were sent before it was known. So does, with slowCut, a round whose answers took slowBy
// times as long as they usually do: then calls only queue at the server.
type adaptive struct {
	Slots
	limit float64
	top   float64   // the most that seem to be borne; 0 if nothing ever went wrong
	stay  int       // rounds at the top or above without growth
	cutAt time.Time // when it was last cut
	round round

	// The latency of a round that was not slowed by too many calls, and the number
	// of slots it was seen with. More slots cannot raise it, or it would follow every queue.
	usual   float64
	usualAt float64
}

type round struct {
	answers int
	latency float64 // sum
	full    bool    // all slots were in use at some time
	failed  int     // calls without an answer, refusals left out
}

const (
	refusedCut  = 0.8
	slowCut     = 0.9
	slowBy      = 2.0
	learnRate   = 0.2 // share of a round's latency in the usual one
	stayAtTop   = 4   // rounds
	leastAnswer = 8   // answers of a round, so that one long answer is not a slow server
)

func newAdaptive(s Slots) adaptive {
	s = s.filled()
	return adaptive{Slots: s, limit: float64(s.Start)}
}

// now is the number of slots.
func (a *adaptive) now() int { return int(a.limit) }

// worked counts an answer. Latency is in any unit that is the same for all; 0
// if it says nothing. inFlight counts its own attempt.
func (a *adaptive) worked(now time.Time, latency float64, inFlight int) {
	r := &a.round
	r.answers++
	r.latency += latency
	r.full = r.full || inFlight >= a.now()
	if r.answers < max(leastAnswer, a.now()) {
		return
	}
	mean := r.latency / float64(r.answers)
	slow := a.usual > 0 && mean > slowBy*a.usual
	a.learn(mean)
	switch {
	case slow && r.full:
		a.cut(now, slowCut)
	case r.full && r.failed <= r.answers:
		a.grow()
	}
	a.round = round{}
}

func (a *adaptive) learn(mean float64) {
	switch {
	case a.usual == 0:
		a.usual, a.usualAt = mean, a.limit
	case mean <= a.usual:
		a.usual += learnRate * (mean - a.usual)
		a.usualAt = max(a.usualAt, a.limit)
	case a.limit <= a.usualAt:
		a.usual += learnRate * (mean - a.usual)
	}
}

func (a *adaptive) grow() {
	step := (a.top - a.limit) / 2
	if a.limit >= a.top {
		if a.stay++; a.top > 0 && a.stay <= stayAtTop {
			return
		}
		step = a.limit - a.top
	}
	a.limit = min(float64(a.Max), math.Floor(a.limit+max(1, step)))
}

func (a *adaptive) cut(now time.Time, to float64) {
	if a.limit < a.top {
		a.top = a.limit * slowCut // less than was thought
	} else {
		a.top = a.limit - 1
	}
	a.top = max(float64(a.Min), math.Floor(a.top))
	a.limit = max(float64(a.Min), a.limit*to)
	a.stay, a.cutAt, a.round = 0, now, round{}
}

// refused cuts for an attempt that began at started, unless it was sent before the last
// cut.
func (a *adaptive) refused(now, started time.Time) {
	if !started.Before(a.cutAt) {
		a.cut(now, refusedCut)
	}
}

// failed counts a call without an answer: no reason for fewer calls, and where most end
// so, none for more.
func (a *adaptive) failed() { a.round.failed++ }
