package scoring

import (
	"regexp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// FinalChoice is the letter from A to J that a text settles on, for questions
// with options; ok is false if it settles on none.
//
// There are three ways of naming a letter, the plainer before the weaker; of
// the plainest that occurs, the last one counts:
//
//  1. stated: "the answer is (B)", "Answer: **B**", "the correct option is B",
//     \boxed{B}
//  2. marked: (B), **B**, B) or B. at the beginning of a line, "option B", and
//     a text that is nothing but a letter
//  3. a capital letter standing alone, or a small one in brackets
//
// The article A and the pronoun I are no answers: where a word follows them
// they count only after "answer is", or if the word is one that neither would
// stand before ("A is right"). Other small letters count in \boxed{} and as the
// whole text.
func FinalChoice(text string) (letter byte, ok bool) {
	for _, forms := range choiceForms {
		at := -1
		for _, form := range forms {
			if i, found := form.last(text); found && i > at {
				at = i
			}
		}
		if at >= 0 {
			return text[at] &^ 0x20, true // Upper case.
		}
	}
	return 0, false
}

// A choiceForm is a way of naming a letter: its group 1.
type choiceForm struct {
	re *regexp.Regexp
	// article says that the letter may be a word instead, and what follows
	// must be looked at.
	article bool
}

const (
	markup = `(?:[\s*_:="'(\[{$]|\\(?:text|textbf|mathrm|mathbf|boxed)\b)*`
	stated = `(?i:\b(?:answer|choice|option|solution))`
	noun   = `(?:(?i:option|choice|letter)\b)?`
)

// choiceForms are the three ways, the plainest first.
var choiceForms = [][]choiceForm{
	{
		{regexp.MustCompile(`\\boxed\s*\{` + markup + `([A-Ja-j])`), false},
		{regexp.MustCompile(stated + markup + `(?i:is|was|would be|must be|should be)\b` + markup + noun + markup + `([A-J])`), false},
		{regexp.MustCompile(stated + `[\s*_]*[:=-]` + markup + noun + markup + `([A-J])`), true},
	},
	{
		{regexp.MustCompile(`^\s*([A-Ja-j])\s*$`), false},
		{regexp.MustCompile(`\(([A-J])\)`), false},
		{regexp.MustCompile(`\*\*\s*\(?([A-J])(?:\*\*|[).:](?:[\s*]|$))`), false},
		{regexp.MustCompile(`(?m:^)[\s*_>-]*([A-J])[).:](?:\s|$)`), false},
		{regexp.MustCompile(`(?i:\b(?:option|choice))\s+([A-J])`), true},
	},
	{
		{regexp.MustCompile(`([A-J])`), true},
		{regexp.MustCompile(`\(([a-j])\)`), false},
	},
}

// last is the place of the letter in the last match that names one.
func (f choiceForm) last(text string) (at int, ok bool) {
	for _, m := range slices.Backward(f.re.FindAllStringSubmatchIndex(text, -1)) {
		if at := m[2]; standsAlone(text, at) && !(f.article && isArticle(text[at:])) {
			return at, true
		}
	}
	return 0, false
}

// standsAlone reports whether the letter at i is no part of a word.
func standsAlone(text string, i int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	return !isWord(before) && !restOfWord.MatchString(text[i+1:])
}

func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

var restOfWord = regexp.MustCompile(`^['’.]?[\pL\pN\pM]`)

// isArticle reports whether a text that begins with a letter begins with the
// article A or the pronoun I.
func isArticle(text string) bool {
	if text[0] != 'A' && text[0] != 'I' {
		return false
	}
	word := followingWord.FindStringSubmatch(text[1:])
	return word != nil && !slices.Contains([]string{"is", "because", "since"}, word[1])
}

var followingWord = regexp.MustCompile(`^[ \t]+(\pL+)`)
