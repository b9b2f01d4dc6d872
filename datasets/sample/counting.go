package sample

import (
	"fmt"
	"strings"
)

// counting is about the members of a list or of a word that fit.
func (d draw) counting() question {
	switch r := d.IntN(10); {
	case r < 2:
		return d.countLetter()
	case r < 5:
		return d.countWords()
	}
	return d.countNumbers()
}

func (d draw) countLetter() question {
	word := d.longWord()
	letter := string(word[d.IntN(len(word))])
	form := d.pick("How many times does the letter {a} occur in the word {b}?", "How often is the letter {a} in \"{b}\"?", "Count the letter {a} in the word {b}.")
	if d.chance(40) {
		second := d.noun()
		form := d.pick("How many times does the letter {a} occur in the words {b} and {c} together?", "Count the letter {a} in the word {b} and in the word {c}. How many is that in all?")
		return question{text: fill(form, letter, word, second), answer: strings.Count(word, letter) + strings.Count(second, letter), steps: 3}
	}
	return question{text: fill(form, letter, word), answer: strings.Count(word, letter), steps: 1}
}

func (d draw) countWords() question {
	words := make([]string, d.between(4, 9)+d.longer())
	for i := range words {
		words[i] = d.noun()
	}
	initial, size := string(words[d.IntN(len(words))][0]), 5+d.IntN(2)
	list := strings.Join(words, ", ")
	begins := func(w string) bool { return strings.HasPrefix(w, initial) }
	long := func(w string) bool { return len(w) == size }
	switch d.steps(3) {
	case 1:
		if d.chance(40) {
			return question{text: fill(d.pick("How many words are in this list: {a}?", "Count the words: {a}."), list), answer: len(words), steps: 1}
		}
		form := d.pick("How many of these words begin with {a}: {b}?", "Here are some words: {b}. How many of them begin with the letter {a}?")
		return question{text: fill(form, initial, list), answer: count(words, begins), steps: 1}
	case 2:
		return question{
			text:   fill("How many of these words begin with {a} and have exactly {b} letters: {c}?", initial, size, list),
			answer: count(words, func(w string) bool { return begins(w) && long(w) }), steps: 2,
		}
	}
	return question{
		text:   fill("How many of these words begin with {a} or have exactly {b} letters: {c}?", initial, size, list),
		answer: count(words, func(w string) bool { return begins(w) || long(w) }), steps: 3,
	}
}

func (d draw) countNumbers() question {
	numbers := make([]int, d.between(4, 9)+d.longer())
	texts := make([]string, len(numbers))
	for i := range numbers {
		numbers[i] = d.between(1, 99)
		texts[i] = fmt.Sprint(numbers[i])
	}
	list, limit := strings.Join(texts, ", "), d.between(20, 80)
	parity := d.pick("even", "odd")
	right := func(n int) bool { return (n%2 == 0) == (parity == "even") }
	above := func(n int) bool { return n > limit }
	switch d.steps(3) {
	case 1:
		if d.chance(50) {
			form := d.pick("How many of these numbers are greater than {a}: {b}?", "Here is a list of numbers: {b}. How many of them are greater than {a}?")
			return question{text: fill(form, limit, list), answer: count(numbers, above), steps: 1}
		}
		form := d.pick("How many of these numbers are {a}: {b}?", "How many {a} numbers are in the list {b}?", "Count the {a} numbers: {b}.")
		return question{text: fill(form, parity, list), answer: count(numbers, right), steps: 1}
	case 2:
		form := d.pick("How many of these numbers are {a} and greater than {b}: {c}?", "How many numbers in this list are {a} and greater than {b}: {c}?")
		return question{text: fill(form, parity, limit, list), answer: count(numbers, func(n int) bool { return right(n) && above(n) }), steps: 2}
	}
	return question{
		text:   fill("How many of these numbers are {a} or greater than {b}: {c}?", parity, limit, list),
		answer: count(numbers, func(n int) bool { return right(n) || above(n) }), steps: 3,
	}
}

// longer is by how much a list is longer than usual: seldom at all.
func (d draw) longer() int {
	if d.chance(15) {
		return d.between(4, 20)
	}
	return 0
}

func count[T any](of []T, fits func(T) bool) int {
	n := 0
	for _, x := range of {
		if fits(x) {
			n++
		}
	}
	return n
}
