package lexical

import (
	"iter"
	"math"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// The hash starts at seed (the first bits of π after the point) and takes in a
// character with an exclusive or and a multiplication by an odd number (2⁶⁴
// over the golden ratio). Both are part of the definition.
const (
	seed       uint64 = 0x243f6a8885a308d3
	multiplier uint64 = 0x9e3779b97f4a7c15
)

// A reading is what one pass over a text collects. It lives on the stack of the
// method that asks for it.
type reading struct {
	counts [buckets]int32       // signed counts
	seen   [buckets / 64]uint64 // a bit for every bucket that was counted in
	ascii  [utf8.RuneSelf]int   // how often each ASCII character occurs
	traits
}

// traits are the counts behind the surface features that the ASCII table does
// not have.
type traits struct {
	characters int // invalid bytes count one each
	words      int // maximal runs of letters
	letters    int
	capitals   int // letters that have another lower case
	numbers    int // maximal runs of ASCII digits
	options    int // lines that look like an answer to choose
	code       bool
}

// read counts the tokens, the pairs of tokens and the traits of text into r,
// which must be zero.
func (e *Embedder) read(r *reading, text string) {
	var (
		t      traits
		before uint64        // the token before; 0 if there is none
		word          = seed // hash of the letters so far
		last   rune   = -1   // the character before
	)
	for _, c := range text {
		t.characters++
		if c < utf8.RuneSelf {
			r.ascii[c]++
		}
		f := e.letters.fold(c)
		if f >= 0 {
			word = (word ^ uint64(f)) * multiplier
			t.letters++
			if f != c {
				t.capitals++
			}
			last = c
			continue
		}
		if word != seed {
			t.words++
			before = r.token(before, word)
			word = seed
		}
		if f == other {
			if isDigit(c) && !isDigit(last) {
				t.numbers++
			}
			before = r.token(before, (seed^uint64(c))*multiplier)
		}
		last = c
	}
	if word != seed {
		t.words++
		r.token(before, word)
	}
	t.options = optionLines(text)
	t.code = r.hasCode(text)
	r.traits = t
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

// token counts the token with the given hash and, if there is a token before
// it, the pair. It returns what the next token is paired with.
func (r *reading) token(before, hash uint64) uint64 {
	t := mix(hash)
	r.count(t)
	if before != 0 {
		r.count(mix(before*multiplier + t))
	}
	return t
}

// count adds one feature to the bucket its first 12 bits name, with the sign
// its last bit says.
func (r *reading) count(feature uint64) {
	b := feature >> (64 - 12)
	r.counts[b] += int32(feature&1)*2 - 1
	r.seen[b/64] |= 1 << (b % 64)
}

// mix spreads every bit of x over all 64: Stafford's variant 13 of the
// finaliser of MurmurHash3, as in SplitMix64.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// vector yields the coordinates of r's vector in ascending order; one that it
// leaves out is zero. Every form of the vector is made from it.
func (e *Embedder) vector(r *reading) iter.Seq2[int, float32] {
	return func(yield func(int, float32) bool) {
		inverse := 1 / math.Sqrt(max(e.squares(r), math.SmallestNonzeroFloat64))
		for i, word := range r.seen {
			for ; word != 0; word &= word - 1 {
				b := i*64 + bits.TrailingZeros64(word)
				if !yield(b, float32(e.weight(r.counts[b])*inverse)) {
					return
				}
			}
		}
		for i, v := range r.surface() {
			if !yield(buckets+i, v) {
				return
			}
		}
		yield(Dim-1, 1)
	}
}

// squares is the sum of the squared weights of r's buckets.
func (e *Embedder) squares(r *reading) float64 {
	sum := 0.0
	for i, word := range r.seen {
		for ; word != 0; word &= word - 1 {
			w := e.weight(r.counts[i*64+bits.TrailingZeros64(word)])
			sum += float64(w * w)
		}
	}
	return sum
}

// weight is sign(c)·(1 + ln|c|), and 0 for 0.
func (e *Embedder) weight(c int32) float64 {
	if i := int(c) + tabulated; uint(i) < uint(len(e.weights)) {
		return e.weights[i]
	}
	return weight(int64(c))
}

func weight(c int64) float64 {
	switch {
	case c > 0:
		return 1 + ln(float64(c))
	case c < 0:
		return -(1 + ln(float64(-c)))
	}
	return 0
}

// ln is the natural logarithm of a finite x ≥ 1, within 2 units in the last
// place of the true one and the same on every platform, which [math.Log] is
// not: some processors have it in assembler, and compilers may fuse its
// products. With x = 2ᵏ·m and s = (m−1)/(m+1),
//
//	ln x = k·ln 2 + 2·(s + s³/3 + s⁵/5 + …),
//
// where m in [√½, √2) makes |s| < 0.172 and the term after s²¹ less than 2⁻⁶⁰.
func ln(x float64) float64 {
	m, k := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	s := (m - 1) / (m + 1)
	square := float64(s * s)
	sum := 0.0
	for n := 21; n >= 3; n -= 2 {
		sum = float64(square * (sum + 1/float64(n)))
	}
	return float64(float64(k)*math.Ln2) + 2*float64(s*(1+sum))
}

// optionLines counts the lines of text that begin, after blanks, like an
// answer to choose: a letter from A to J and a point or a closing bracket.
func optionLines(text string) int {
	n := 0
	for more := true; more; {
		var line string
		line, text, more = strings.Cut(text, "\n")
		for line != "" && (line[0] == ' ' || line[0] == '\t') {
			line = line[1:]
		}
		if len(line) >= 2 && 'A' <= line[0] && line[0] <= 'J' && (line[1] == '.' || line[1] == ')') {
			n++
		}
	}
	return n
}

// hasCode reports whether text, whose ASCII characters r has counted, holds one
// of the marks of program code.
func (r *reading) hasCode(text string) bool {
	return r.ascii['`'] >= 3 && strings.Contains(text, "```") ||
		r.ascii['#'] > 0 && strings.Contains(text, "#include") ||
		r.ascii[';'] > 0 && strings.Contains(text, ";\n") ||
		containsBy(text, "def ", 2) ||
		containsBy(text, "return", 3) ||
		containsBy(text, "assert ", 1) ||
		containsBy(text, "import ", 2)
}

// containsBy is strings.Contains, but looks for byte k of the pattern first: in
// a language with many r and few u that is several times as fast.
func containsBy(text, pattern string, k int) bool {
	for i := k; i < len(text); i++ {
		j := strings.IndexByte(text[i:], pattern[k])
		if j < 0 {
			return false
		}
		i += j
		if strings.HasPrefix(text[i-k:], pattern) {
			return true
		}
	}
	return false
}
