package traffic

import (
	"math"
	"time"
)

// A bucket holds units that come at a steady rate and are spent by calls.
// golang.org/x/time/rate has the same at heart, but neither takes back what
// a call did not use nor answers without reserving, and an attempt must pass several
// buckets at once.
type bucket struct {
	rate  float64 // units per second; 0 is no limit
	burst float64 // most that is held; > 0
	level float64 // ≤ burst; below 0 where more was spent than there was
	at    time.Time
}

// newBucket is full.
func newBucket(rate, burst float64) bucket { return bucket{rate: rate, burst: burst, level: burst} }

// perMinute is a bucket of n units a minute that holds those of a span.
func perMinute(n float64, span time.Duration) bucket {
	return newBucket(n/60, max(1, n/60*span.Seconds()))
}

// fill adds what came since the last time.
func (b *bucket) fill(now time.Time) {
	if !b.at.IsZero() {
		b.level = min(b.burst, b.level+b.rate*max(0, now.Sub(b.at)).Seconds())
	}
	b.at = now
}

// wait is how long it takes until n units are there; for more than the bucket
// can hold, until it is full.
func (b *bucket) wait(now time.Time, n float64) time.Duration {
	if b.rate <= 0 {
		return 0
	}
	b.fill(now)
	lack := min(n, b.burst) - b.level
	if lack <= 0 {
		return 0
	}
	// Rounded up: a nanosecond early is a wait of nothing, again and again.
	return time.Duration(min(math.Ceil(lack/b.rate*1e9), math.MaxInt64/2))
}

// spend takes n units, there or not; below 0 it gives them back.
func (b *bucket) spend(now time.Time, n float64) {
	b.fill(now)
	b.level = min(b.burst, b.level-n)
}
