package providers

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter is how long the service asks to wait; 0 if it does not say. It reads
// Retry-After in seconds and as a date, retry-after-ms, and the x-ratelimit-reset-*
// headers of a limit that has nothing remaining.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return seconds(ms / 1000)
	}
	if after := h.Get("Retry-After"); after != "" {
		if s, err := strconv.ParseFloat(after, 64); err == nil {
			return seconds(s)
		}
		if t, err := http.ParseTime(after); err == nil {
			return max(0, t.Sub(serverTime(h)))
		}
	}
	var wait time.Duration
	for _, limit := range []string{"Requests", "Tokens"} {
		if strings.TrimSpace(h.Get("X-Ratelimit-Remaining-"+limit)) == "0" {
			wait = max(wait, resetTime(h.Get("X-Ratelimit-Reset-"+limit)))
		}
	}
	return wait
}

// resetTime reads "6m0s", "20ms" or plain seconds.
func resetTime(s string) time.Duration {
	if d, err := time.ParseDuration(s); err == nil {
		return max(0, d)
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return seconds(n)
}

// serverTime is the service's own clock, so that a skewed one makes no odd waits.
func serverTime(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

// seconds bounds what a header may ask for to what a Duration can hold; no number at
// all asks for nothing.
func seconds(s float64) time.Duration {
	if !(s > 0) {
		return 0
	}
	return time.Duration(min(s, math.MaxInt32) * float64(time.Second))
}
