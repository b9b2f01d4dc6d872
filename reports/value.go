package reports

import "math"

// A Value is one number of a report and the doubts about it.
type Value struct {
	Name     string   // of the table of metrics; what gates say
	Unit     Unit     // how to read Center
	Center   float64  // the number; NaN if Missing says so
	Lo, Hi   float64  // its interval at the report's confidence; NaN if it has none
	N        int      // prompts, pairs or calls that it rests on
	Missing  string   // why there is no number, in one word: [Unknown] or [Undefined]; "" if there is one
	Warnings []string // what to know before relying on it: footnotes
}

// What a Value says in place of a number.
const (
	Unknown   = "unknown" // it exists, but was not recorded or not paid to be known
	Undefined = "n/a"     // it has no meaning here
)

// A Unit tells what a number counts.
type Unit string

const (
	Ratio     Unit = "ratio" // a quality or a ratio, about [0,1]
	Share     Unit = "share" // a fraction, [0,1]; percent on paper
	USD       Unit = "USD"   // US dollars
	Seconds   Unit = "s"     // seconds
	PerSecond Unit = "1/s"   // tokens per second
	Count     Unit = "count" // prompts, pairs, calls or tokens
)

// OK reports whether there is a number.
func (v Value) OK() bool { return v.Missing == "" }

// HasInterval reports whether there is an interval.
func (v Value) HasInterval() bool { return v.OK() && !math.IsNaN(v.Lo) && !math.IsNaN(v.Hi) }

func known(name string, unit Unit, center float64, n int) Value {
	return Value{Name: name, Unit: unit, Center: center, Lo: math.NaN(), Hi: math.NaN(), N: n}
}

// missing is a value without a number and the reason for that.
func missing(name string, unit Unit, word, reason string) Value {
	v := known(name, unit, math.NaN(), 0)
	v.Missing = word
	v.Warnings = []string{reason}
	return v
}
