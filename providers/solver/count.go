package solver

import (
	"strings"
	"unicode/utf8"
)

// count is about the letters of words, or the members of a list that fit.
func (s Solver) count(q text, w *work) (float64, bool) {
	tokens := q.tokens()
	list := longestList(tokens)
	if len(list) < 2 {
		return s.countLetters(tokens)
	}
	if !q.has("words", "numbers") {
		return 0, false
	}
	fits := s.conditions(tokens)
	n := 0
	for _, t := range list[:min(len(list), s.Span)] {
		if fits(t) {
			n++
		}
	}
	return float64(n), true
}

// longestList is the longest run of items with commas between them.
func longestList(tokens sentence) sentence {
	var best sentence
	for i := 0; i < len(tokens); i++ {
		list := sentence{tokens[i]}
		for tokens.at(i+1).is(",") && i+2 < len(tokens) {
			i += 2
			list = append(list, tokens[i])
		}
		if len(list) > len(best) {
			best = list
		}
	}
	return best
}

// conditions is what the words ask of an item. One who is not careful sees only
// the first condition.
func (s Solver) conditions(tokens sentence) func(token) bool {
	var all []func(token) bool
	for i, t := range tokens {
		argument := tokens.at(i + 2)
		switch {
		case t.is("even"):
			all = append(all, func(t token) bool { return int64(t.value)%2 == 0 })
		case t.is("odd"):
			all = append(all, func(t token) bool { return int64(t.value)%2 != 0 })
		case t.is("greater", "larger") && argument.number:
			all = append(all, func(t token) bool { return t.value > argument.value })
		case t.is("begin") && argument.is("the"):
			initial := tokens.at(i + 4)
			all = append(all, func(t token) bool { return strings.HasPrefix(t.word, initial.word) })
		case t.is("begin"):
			all = append(all, func(t token) bool { return strings.HasPrefix(t.word, argument.word) })
		case t.is("exactly") && tokens.at(i+1).number:
			size := tokens[i+1].value
			all = append(all, func(t token) bool { return float64(utf8.RuneCountInString(t.word)) == size })
		}
	}
	all = all[:min(len(all), s.Steps)]
	either := tokens.index("or") >= 0
	return func(t token) bool {
		for _, fits := range all {
			if fits(t) == either {
				return either
			}
		}
		return !either || len(all) == 0
	}
}

// countLetters counts a letter in the words that are named.
func (s Solver) countLetters(tokens sentence) (float64, bool) {
	i := tokens.index("letter")
	letter := tokens.at(i + 1).word
	if i < 0 || letter == "" {
		return 0, false
	}
	n, words := 0, 0
	for j := i + 2; j < len(tokens); j++ {
		before := tokens[j-1]
		if !before.is("word", "words", "\"") && !(before.is("and") && words > 0) || tokens[j].is("in", "\"") {
			continue
		}
		if words++; words > s.Steps {
			break
		}
		word := tokens[j].word
		n += strings.Count(word[:min(len(word), s.Span)], letter)
	}
	return float64(n), words > 0
}
