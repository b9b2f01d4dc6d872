package datasets

import (
	"strings"
	"testing"
)

// Both forms of slots read from YAML and --set, survive the manifest, and never
// keep a run from being resumed.
func TestSlots(t *testing.T) {
	const head = "input: [p.jsonl]\nmodels:\n  weak: {provider: ollama, model: m, slots: "
	for text, want := range map[string]Slots{
		"4":                           {4, 4, 4},
		"{min: 2, start: 8, max: 64}": {2, 8, 64},
		"{max: 64}":                   {0, 0, 64},
	} {
		s, err := ParseSpec("run.yaml", []byte(head+text+"}\n"))
		if err != nil || s.Models["weak"].Slots != want {
			t.Errorf("%s: %+v, %v", text, s.Models["weak"].Slots, err)
			continue
		}
		other := s
		if err := other.Set("models.weak.slots", 5); err != nil || other.Models["weak"].Slots != (Slots{5, 5, 5}) {
			t.Errorf("%s: set to 5: %+v, %v", text, other.Models["weak"], err)
		}
		if d := s.Differences(&other); len(d) > 0 {
			t.Errorf("%s: differs from 5 in %q", text, d)
		}
		if err := other.Set("models.weak.slots.max", 9); err != nil || other.Models["weak"].Slots.Max != 9 {
			t.Errorf("%s: max set to 9: %+v, %v", text, other.Models["weak"], err)
		}
	}
	for text, want := range map[string]string{
		"many":               "3:45: want a whole number, have a string",
		"{most: 4}":          "unknown field",
		"{min: 9, max: 4}":   "min <= start <= max",
		"{min: 9, start: 4}": "min <= start <= max",
	} {
		s, err := ParseSpec("run.yaml", []byte(head+text+"}\n"))
		if err == nil {
			err = s.Validate()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
