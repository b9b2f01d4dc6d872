//go:build e2e && unix

package main_test

import (
	"testing"
	"time"

	"routeval/providers/faulttest"
)

// 20,000 prompts with 30 % of calls spoiled and two outages of 20 seconds: beside the outages, 5
// seconds to notice that each is over and 15 to learn at first what the server bears, the run takes
// at most what its calls take at 85 % of the rate that the server admits.
func TestE2ERoughWeather(t *testing.T) {
	const rate, outage = 500, 20 * time.Second
	took, counts := weather{20_000, rate, []faulttest.Span{
		{From: 15 * time.Second, To: 15*time.Second + outage},
		{From: 50 * time.Second, To: 50*time.Second + outage},
	}}.run(t)
	served := float64(counts.Calls - counts.Cut - counts.Refused)
	least := time.Duration(served / rate * float64(time.Second))
	t.Logf("%.0f calls served take %s at %d a second", served, least, rate)
	if most := 2*outage + 25*time.Second + least*100/85; took > most {
		t.Errorf("took %s, more than %s", took, most)
	}
}
