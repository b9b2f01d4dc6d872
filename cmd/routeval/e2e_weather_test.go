//go:build e2e && unix

package main_test

import (
	"testing"
	"time"

	"routeval/providers/faulttest"
)

// 20,000 prompts with 30 % of calls spoiled and two outages of 20 seconds. From 15 seconds after the
// second one on, throughput is at least 80 % of what the server admits: one call in twenty is refused
// whatever the rate, and to tell those from refusals that tell of the rate costs some of it.
func TestE2ERoughWeather(t *testing.T) {
	const rate, outage = 500, 20 * time.Second
	admitted := weather{20_000, "128", rate, []faulttest.Span{
		{From: 15 * time.Second, To: 15*time.Second + outage},
		{From: 50 * time.Second, To: 50*time.Second + outage},
	}}.run(t)
	const from = 85
	to := len(admitted) - 3 // the last calls have fewer beside them
	if to < from+10 {
		t.Fatalf("over after %d seconds", len(admitted))
	}
	perSecond := float64(admitted[to]-admitted[from]) / float64(to-from)
	t.Logf("from second %d to %d the server admitted %.0f calls a second of %d", from, to, perSecond, rate)
	if perSecond < 0.8*rate {
		t.Errorf("%.0f calls a second", perSecond)
	}
}
