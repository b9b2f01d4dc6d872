package scoring

import (
	"regexp"
	"strconv"
	"strings"
)

// FinalNumber is the number that a text ends on; ok is false if it holds none.
//
// Where the text marks its answer, that counts: the first number after the
// last "####" (the mark of GSM8K), else the last one in the last \boxed{…};
// else it is the last number of all. A number is written
//
//   - in digits, with commas between groups of three if at all: 1,234,567
//   - with decimals (18.50, .5), an exponent (2e5), or as a fraction of whole
//     numbers (3/4, \frac{3}{4}), never with a denominator of 0
//   - negative with a minus right before it or before its currency sign
//     (-5, −5, -$5), unless that joins it to a word or a number (7-5 ends on 5)
//
// Currency and percent signs, units and a full stop after it do not count, so
// that 50% is 50.
func FinalNumber(text string) (x float64, ok bool) {
	if _, marked, found := cutLast(text, "####"); found {
		if x, _, ok = nextNumber(marked, 0); ok {
			return x, true
		}
	}
	if _, boxed, found := cutLast(text, `\boxed{`); found {
		if x, ok = lastNumber(braced(boxed)); ok {
			return x, true
		}
	}
	return lastNumber(text)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// braced is s up to the brace that closes one opened before it.
func braced(s string) string {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return s[:i]
			}
		}
	}
	return s
}

func lastNumber(s string) (last float64, ok bool) {
	for i := 0; ; {
		x, end, found := nextNumber(s, i)
		if !found {
			return last, ok
		}
		last, ok, i = x, true, end
	}
}

// nextNumber finds the first number at or after i, and where it ends.
func nextNumber(s string, i int) (x float64, end int, ok bool) {
	for ; i < len(s); i++ {
		switch {
		case isDigit(s, i), s[i] == '.' && isDigit(s, i+1):
			x, end, ok = numberAt(s, i)
		case s[i] == '\\':
			x, end, ok = latexFraction(s, i)
		default:
			continue
		}
		if ok && negative(s[:i]) {
			x = -x
		}
		if ok {
			return x, end, true
		}
		i = max(i, end-1) // Past one that is out of float64's range.
	}
	return 0, len(s), false
}

// numberAt reads the number that begins with the digit or point at i.
func numberAt(s string, i int) (x float64, end int, ok bool) {
	end = wholeEnd(s, i)
	whole := end
	if end < len(s) && s[end] == '.' && isDigit(s, end+1) {
		end = digitsEnd(s, end+1)
	}
	if e := exponentEnd(s, end); e > end {
		end = e
	}
	x, err := strconv.ParseFloat(strings.ReplaceAll(s[i:end], ",", ""), 64)
	if err != nil {
		return 0, end, false
	}
	if end == whole && end < len(s) && s[end] == '/' && isDigit(s, end+1) {
		to := wholeEnd(s, end+1)
		if d, err := strconv.ParseFloat(strings.ReplaceAll(s[end+1:to], ",", ""), 64); err == nil && d != 0 {
			return x / d, to, true
		}
	}
	return x, end, true
}

// wholeEnd is the end of the digits at i, groups of three after a comma
// included.
func wholeEnd(s string, i int) int {
	end := digitsEnd(s, i)
	if end-i > 3 || end == i {
		return end
	}
	for end < len(s) && s[end] == ',' && digitsEnd(s, end+1) == end+4 {
		end += 4
	}
	return end
}

// exponentEnd is the end of an exponent at i, or i if there is none.
func exponentEnd(s string, i int) int {
	if i >= len(s) || s[i] != 'e' && s[i] != 'E' {
		return i
	}
	j := i + 1
	if j < len(s) && (s[j] == '-' || s[j] == '+') {
		j++
	}
	if !isDigit(s, j) {
		return i
	}
	return digitsEnd(s, j)
}

var latexFractionForm = regexp.MustCompile(`^\\[dt]?frac\{(\d+)\}\{(\d+)\}`)

// latexFraction reads the \frac{3}{4}, \dfrac or \tfrac at i.
func latexFraction(s string, i int) (x float64, end int, ok bool) {
	m := latexFractionForm.FindStringSubmatch(s[i:])
	if m == nil {
		return 0, i, false
	}
	n, err1 := strconv.ParseFloat(m[1], 64)
	d, err2 := strconv.ParseFloat(m[2], 64)
	if err1 != nil || err2 != nil || d == 0 {
		return 0, i, false
	}
	return n / d, i + len(m[0]), true
}

// negative reports whether the text before a number ends in its minus sign.
func negative(before string) bool {
	before = strings.TrimRight(before, `$€£¥₹\`)
	before, ok := strings.CutSuffix(before, "-")
	if !ok {
		if before, ok = strings.CutSuffix(before, "−"); !ok {
			return false
		}
	}
	if before == "" {
		return true
	}
	c := before[len(before)-1]
	return !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte(")]}.%-_", c) >= 0 || c >= 0x80)
}

func isDigit(s string, i int) bool { return i < len(s) && '0' <= s[i] && s[i] <= '9' }

func digitsEnd(s string, i int) int {
	for isDigit(s, i) {
		i++
	}
	return i
}
