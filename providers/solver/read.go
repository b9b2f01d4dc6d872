package solver

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxQuestion is how many bytes of a question are read.
const maxQuestion = 8 << 10

// A token is a word in lower case, a number, or a sign.
type token struct {
	word    string
	value   float64
	number  bool
	capital bool // the word began with a capital letter
}

func (t token) is(words ...string) bool {
	for _, w := range words {
		if t.word == w {
			return true
		}
	}
	return false
}

// A sentence is a run of tokens up to a full stop, a question mark or the like.
type sentence []token

// A text is a question in sentences.
type text []sentence

// read splits a question. Points and commas inside of numbers belong to them.
func read(question string) text {
	if len(question) > maxQuestion {
		question = question[:maxQuestion]
	}
	var (
		q       text
		current sentence
	)
	for question != "" {
		t, n := next(question)
		question = question[n:]
		switch {
		case t.is(".", "?", "!"):
			if len(current) > 0 {
				q, current = append(q, current), nil
			}
		case t.word != "":
			current = append(current, t)
		}
	}
	if len(current) > 0 {
		q = append(q, current)
	}
	return q
}

// next is the token at the beginning of s, with an empty word for white space,
// and how many bytes it takes.
func next(s string) (token, int) {
	c, size := utf8.DecodeRuneInString(s)
	switch {
	case unicode.IsSpace(c):
		return token{}, size
	case '0' <= c && c <= '9':
		return readNumber(s)
	case unicode.IsLetter(c):
		n := strings.IndexFunc(s, func(c rune) bool { return !unicode.IsLetter(c) })
		if n < 0 {
			n = len(s)
		}
		t := token{word: strings.ToLower(s[:n]), capital: unicode.IsUpper(c)}
		t.value, t.number = numeral(t.word)
		return t, n
	}
	return token{word: s[:size]}, size
}

// readNumber reads digits with decimals, or with commas before every three.
func readNumber(s string) (token, int) {
	n := digits(s)
	for n < len(s) && s[n] == ',' && digits(s[n+1:]) == 3 {
		n += 4
	}
	if n+1 < len(s) && s[n] == '.' {
		if d := digits(s[n+1:]); d > 0 {
			n += 1 + d
		}
	}
	v, _ := strconv.ParseFloat(strings.ReplaceAll(s[:n], ",", ""), 64)
	return token{word: s[:n], value: math.Min(v, 1e15), number: true}, n
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// numeral is the number that a word means. "One" is seldom meant as a number.
func numeral(word string) (float64, bool) {
	words := []string{"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"}
	for n, w := range words {
		if w == word {
			return float64(n + 2), true
		}
	}
	if word == "dozen" {
		return 12, true
	}
	return 0, false
}

// tokens are all tokens of the text, one after the other.
func (q text) tokens() sentence {
	var all sentence
	for _, s := range q {
		all = append(all, s...)
	}
	return all
}

// numbers are the values of all numbers of the text.
func (q text) numbers() []float64 { return q.tokens().numbers() }

func (s sentence) numbers() []float64 {
	var n []float64
	for _, t := range s {
		if t.number {
			n = append(n, t.value)
		}
	}
	return n
}

// has reports whether the text has any of the words.
func (q text) has(words ...string) bool {
	for _, s := range q {
		if s.index(words...) >= 0 {
			return true
		}
	}
	return false
}

// index is where the first of any of the words is, or -1.
func (s sentence) index(words ...string) int {
	for i, t := range s {
		if t.is(words...) {
			return i
		}
	}
	return -1
}

// at is the token at i, or none where there is none.
func (s sentence) at(i int) token {
	if i < 0 || i >= len(s) {
		return token{}
	}
	return s[i]
}

// asked is the sentence that holds the question: the last one that asks how
// many, or else the last one.
func (q text) asked() sentence {
	for i := len(q) - 1; i >= 0; i-- {
		if q[i].index("how", "what", "which") >= 0 {
			return q[i]
		}
	}
	if len(q) == 0 {
		return nil
	}
	return q[len(q)-1]
}
