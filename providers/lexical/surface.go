package lexical

import "unicode/utf8"

// A surface feature is standardised with its mean and standard deviation,
// clipped to ±clip and multiplied by scale, so that all of them together weigh
// about as much as the buckets.
const (
	clip  = 3
	scale = 0.1
)

// means and deviations are those of the raw surface features over 20,660
// prompts: questions of MMLU as RouteLLM recorded them, without those it calls
// contaminated (11,165), and of MMLU-Pro (9,495). They are part of the
// definition and stay what they are, whatever is embedded.
var (
	means = [surfaces]float64{
		5.992698,    // characters
		4.203823,    // words
		0.03778852,  // digits
		0.04757269,  // capitals
		0.06225534,  // punctuation
		2.066449,    // newlines
		0.001055607, // backslashes
		0.00252699,  // dollars
		0.02333011,  // code
		0.4159026,   // question marks
		1.942451,    // options
		1.161798,    // numbers
		4.420902,    // word length
		0.3957305,   // operators
		0.001915523, // non-ASCII
		0.07245886,  // underscore
	}
	deviations = [surfaces]float64{
		0.775582,   // characters
		0.765961,   // words
		0.0656718,  // digits
		0.0341715,  // capitals
		0.054531,   // punctuation
		0.313171,   // newlines
		0.00569987, // backslashes
		0.0101949,  // dollars
		0.15095,    // code
		0.359449,   // question marks
		0.382612,   // options
		1.38152,    // numbers
		0.889832,   // word length
		0.854545,   // operators
		0.00831798, // non-ASCII
		0.259246,   // underscore
	}
)

// surface is the part of the vector that tells how a text looks.
func (r *reading) surface() [surfaces]float32 {
	raw := r.rawSurface()
	var out [surfaces]float32
	for i, x := range raw {
		z := (x - means[i]) / deviations[i]
		out[i] = float32(min(max(z, -clip), clip) * scale)
	}
	return out
}

// rawSurface is the surface features before they are standardised, in the order
// of the vector. Shares are of all characters; of a text without any they are 0.
func (r *reading) rawSurface() [surfaces]float64 {
	ascii := 0
	for _, n := range r.ascii {
		ascii += n
	}
	return [surfaces]float64{
		logCount(r.characters),
		logCount(r.words),
		share(r.count1("0123456789"), r.characters),
		share(r.capitals, r.characters),
		share(r.punctuation(), r.characters),
		logCount(r.ascii['\n']),
		min(share(r.ascii['\\'], r.characters), 0.1),
		min(share(r.ascii['$'], r.characters), 0.1),
		indicator(r.code),
		logCount(r.ascii['?']),
		logCount(r.options),
		logCount(r.numbers),
		share(r.letters, r.words), // mean length of a word
		logCount(r.count1("=+*/^<>")),
		min(share(r.characters-ascii, r.characters), 0.5),
		indicator(r.ascii['_'] > 0),
	}
}

// logCount is ln(1+n).
func logCount(n int) float64 { return ln(float64(n) + 1) }

// share is n/of, or 0 of nothing.
func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// count1 is how often the given ASCII characters occur.
func (r *reading) count1(characters string) int {
	n := 0
	for i := range len(characters) {
		n += r.ascii[characters[i]]
	}
	return n
}

// punctuation is how many ASCII characters are visible and neither letter nor digit.
func (r *reading) punctuation() int {
	n := 0
	for c := '!'; c < utf8.RuneSelf-1; c++ {
		if c < '0' || '9' < c && c < 'A' || 'Z' < c && c < 'a' || 'z' < c {
			n += r.ascii[c]
		}
	}
	return n
}
