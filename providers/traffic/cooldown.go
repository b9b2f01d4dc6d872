package traffic

import "time"

// A cooldown holds all calls of an endpoint after a refusal.
type cooldown struct {
	until time.Time
	// Refusals without an answer between them, counted once for all attempts that were
	// in flight together.
	streak  int
	pauses  int       // that they led to
	since   time.Time // of the first of them
	counted time.Time // when the last of them was
}

const (
	firstPause = 500 * time.Millisecond
	mostPause  = 30 * time.Second
	// So many refusals in a row over so long are no mere burst: pauses begin, and only one
	// call at a time tries.
	fewRefusals = 2
	patience    = time.Second
)

// lasting reports whether the service refuses all calls for some time.
func (c *cooldown) lasting(now time.Time) bool {
	return c.streak >= fewRefusals && now.Sub(c.since) >= patience
}

// refused is told of a refusal of an attempt that began at started, and how long the
// service asks to wait; 0 if it does not say. Spread is in [0,1): everybody was
// told the same moment, and comes back a little behind it.
func (c *cooldown) refused(now, started time.Time, asked time.Duration, spread float64) {
	if asked > 0 {
		c.hold(now, asked+time.Duration(spread*float64(min(asked/10, time.Second))))
	}
	if started.Before(c.counted) {
		return
	}
	if c.streak == 0 {
		c.since = now
	}
	c.streak++
	c.counted = now
	if asked == 0 && c.lasting(now) {
		pause := min(mostPause, firstPause<<min(c.pauses, 10))
		c.pauses++
		c.hold(now, pause/2+time.Duration(spread*float64(pause/2)))
	}
}

func (c *cooldown) hold(now time.Time, d time.Duration) {
	if until := now.Add(d); until.After(c.until) {
		c.until = until
	}
}

func (c *cooldown) worked() { c.streak, c.pauses = 0, 0 }

// wait is how long no call may begin.
func (c *cooldown) wait(now time.Time) time.Duration { return max(0, c.until.Sub(now)) }
