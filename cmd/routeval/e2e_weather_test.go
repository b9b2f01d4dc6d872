//go:build e2e && unix

package main_test

import (
	"testing"
	"time"

	"routeval/providers/faulttest"
)

// 20,000 prompts with 30 % of calls spoiled and two outages of 20 seconds: none lost, none twice, every
// failure classified, and a bounded number of calls. How much of what the server admits is used once
// it has recovered is printed and not asserted, for it depends on the machine.
func TestE2ERoughWeather(t *testing.T) {
	const rate, outage = 500, 20 * time.Second
	admitted := weather{20_000, "128", rate, []faulttest.Span{
		{From: 15 * time.Second, To: 15*time.Second + outage},
		{From: 50 * time.Second, To: 50*time.Second + outage},
	}}.run(t)
	const from = 85
	to := len(admitted) - 3 // the last calls have fewer beside them
	if to < from+10 {
		t.Logf("over after %d seconds", len(admitted))
		return
	}
	perSecond := float64(admitted[to]-admitted[from]) / float64(to-from)
	t.Logf("from second %d to %d the server admitted %.0f calls a second of %d", from, to, perSecond, rate)
}
