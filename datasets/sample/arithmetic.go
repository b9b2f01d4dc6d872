package sample

import (
	"fmt"
	"strconv"
	"strings"
)

// expression is a calculation in signs or in words.
func (d draw) expression() question {
	steps := d.steps(6)
	if steps == 1 && d.chance(55) {
		return d.spoken()
	}
	if steps == 2 && d.chance(40) {
		return d.dictated()
	}
	text, value := d.formula(steps)
	form := d.pick("What is {a}?", "Compute {a}.", "Work out {a}.", "Evaluate {a}.", "{a} = ?", "Calculate the value of {a}.", "How much is {a}?", "Please solve {a}.")
	return question{text: fill(form, text), answer: value, steps: steps}
}

// formula is an expression of so many operations, in signs.
func (d draw) formula(steps int) (string, int) {
	value := d.between(2, 60)
	text := strconv.Itoa(value)
	product := true // the expression so far needs no brackets under a product
	for range steps {
		switch r := d.IntN(3); {
		case r == 0 && value > 2:
			b := d.between(1, min(60, value-1))
			text, value, product = fmt.Sprintf("%s - %d", text, b), value-b, false
		case r <= 1:
			b := d.between(2, 60)
			text, value, product = fmt.Sprintf("%s + %d", text, b), value+b, false
		default:
			b := d.between(2, 12)
			if !product {
				text = "(" + text + ")"
			}
			text, value, product = fmt.Sprintf("%s %s %d", text, d.pick("*", "×"), b), value*b, true
		}
	}
	return text, value
}

// spoken is one operation in words.
func (d draw) spoken() question {
	a, b := d.between(12, 95), d.between(2, 11)
	form, value := "", 0
	switch d.IntN(5) {
	case 0:
		b = d.between(12, 95)
		form, value = d.pick("What is {a} plus {b}?", "What is the sum of {a} and {b}?", "Add {b} to {a}.", "How much do {a} and {b} make together?"), a+b
	case 1:
		form, value = d.pick("What is {a} minus {b}?", "Subtract {b} from {a}.", "What is the difference between {a} and {b}?", "Take {b} away from {a}. What is left?"), a-b
	case 2:
		form, value = d.pick("What is {a} times {b}?", "Multiply {a} by {b}.", "What is the product of {a} and {b}?"), a*b
	case 3:
		a, value = a*b, a
		form = d.pick("What is {a} divided by {b}?", "Divide {a} by {b}.", "How often does {b} go into {a}?")
	case 4:
		a, b = 10*d.between(1, 9), 10*d.between(2, 60)
		form, value = d.pick("What is {a} percent of {b}?", "How much is {a}% of {b}?"), a*b/100
	}
	return question{text: fill(form, a, b), answer: value, steps: 1}
}

// dictated is two operations in words.
func (d draw) dictated() question {
	a, b, c := d.between(10, 60), d.between(2, 9), d.between(2, 9)
	form, value := "", 0
	switch d.IntN(4) {
	case 0:
		form, value = "Add {a} and {b}, then multiply the result by {c}. What do you get?", (a+b)*c
	case 1:
		form, value = "Multiply {a} by {b} and subtract {c} from the result.", a*b-c
	case 2:
		form, value = "Take {a}, double it and then add {b}. What is the result?", 2*a+b
	case 3:
		form, value = "Start with {a}, subtract {b}, and multiply what is left by {c}. Which number do you get?", (a-b)*c
	}
	return question{text: fill(form, a, b, c), answer: value, steps: 2}
}

// price is a purchase: the sum, the change, or the reduced price.
func (d draw) price() question {
	p, thing := d.person(), d.thing()
	each, n := d.between(2, 25), d.between(3, 12)
	sum := each * n
	opening := fill(d.pick("One of the {a} costs {b} dollars.", "The {a} cost {b} dollars each.", "{c} buys {a} at {b} dollars each."), thing, each, p.name)
	switch d.steps(4) {
	case 1:
		if d.chance(30) {
			return question{text: fill("{a} pays {b} dollars for {c} {d}. How many dollars does each of them cost?", p.name, sum, n, thing), answer: each, steps: 1}
		}
		return question{text: opening + d.maybeAside(p, thing) + fill(d.pick(" How many dollars do {a} {b} cost?", " What do {a} {b} cost, in dollars?"), n, thing), answer: sum, steps: 1}
	case 2:
		note := (sum/50 + 1) * 50
		return question{text: opening + d.maybeAside(p, thing) + fill(" {a} takes {b} {c} and pays with {d} dollars. How many dollars does {e} get back?", p.name, n, thing, note, p.pronoun), answer: note - sum, steps: 2}
	case 3:
		off := d.between(1, 5) * 10
		sum = 10 * each * n
		return question{text: fill("{a} orders {b} {c} at {d} dollars each and gets {e} percent off the whole bill. How many dollars does {f} pay?", p.name, n, thing, 10*each, off, p.pronoun), answer: sum - sum*off/100, steps: 3}
	}
	each2, n2, other := d.between(2, 15), d.between(2, 9), d.another(p)
	note := ((sum+each2*n2)/50 + 1) * 50
	return question{text: opening + fill(" {a} takes {b} of them, and {c} ribbons at {d} dollars each for {e}. {f} pays with {g} dollars. How many dollars come back?", p.name, n, n2, each2, other.name, capital(p.pronoun), note), answer: note - sum - each2*n2, steps: 4}
}

// maybeAside is an aside after a blank, in about three cases of ten.
func (d draw) maybeAside(p person, thing string) string {
	if d.chance(30) {
		return " " + d.aside(p, thing)
	}
	return ""
}

// story is a person whose number of things changes.
func (d draw) story() question {
	steps := d.steps(7)
	if steps == 1 && d.chance(45) {
		return d.shortStory()
	}
	p, thing := d.person(), d.thing()
	have := d.between(10, 60)
	text := []string{fill(d.pick("{a} has {b} {c}.", "{a} starts with {b} {c}.", "At the beginning {a} has {b} {c}.", "There are {b} {c} in {a}'s drawer."), p.name, have, thing)}
	for done := 0; done < steps; {
		event, after, took := d.event(p, thing, have, steps-done)
		if done > 0 || d.chance(30) {
			event = d.pick("Then ", "After that ", "Later ", "The next day ", "In the evening ", "") + event
		}
		text = append(text, capital(event)+".")
		have, done = after, done+took
	}
	if d.chance(30) {
		at := d.between(1, len(text))
		text = append(text[:at], append([]string{d.aside(p, thing)}, text[at:]...)...)
	}
	text = append(text, fill(d.pick("How many {b} does {a} have now?", "How many {b} are left?", "How many {b} does {c} have in the end?", "How many {b} are there now?"), p.name, thing, p.pronoun))
	return question{text: strings.Join(text, " "), answer: have, steps: steps}
}

// event is one thing that happens to what p has, in at most limit steps.
func (d draw) event(p person, thing string, have, limit int) (text string, after, steps int) {
	who := d.pick(p.pronoun, p.name)
	switch r := d.IntN(10); {
	case limit >= 2 && r < 2:
		n, each := d.between(2, 6), d.between(2, 9)
		verb := d.pick("buys", "gets", "finds")
		return fill("{a} {b} {c} {d} with {e} {f} in each", who, verb, n, d.container(), each, thing), have + n*each, 2
	case limit >= 2 && r == 2 && have%2 == 0 && have >= 4:
		n := d.between(1, have/2-1)
		return fill("{a} gives half of them away and loses another {b}", who, n), have/2 - n, 2
	case r == 3 && have < 150:
		return fill(d.pick("{a} doubles the number of {b}", "{a} gets as many again and now has twice as many {b}"), who, thing), have * 2, 1
	case r < 7 || have < 6:
		n := d.between(2, 40)
		return fill(d.pick("{a} buys {b} more", "{a} finds {b} more {c}", "{a} gets {b} {c} from {d}", "{a} collects {b} more {c}", "{a} wins {b} {c}", "{d} brings {b} {c}"),
			who, n, thing, d.another(p).name), have + n, 1
	}
	n := d.between(2, have-2)
	return fill(d.pick("{a} gives {b} to {d}", "{a} loses {b} of them", "{a} sells {b} {c}", "{a} gives away {b} {c}", "{a} uses {b}", "{d} takes {b} of them"),
		who, n, thing, d.another(p).name), have - n, 1
}

// shortStory is one step that is not an event.
func (d draw) shortStory() question {
	p, thing := d.person(), d.thing()
	other := d.another(p)
	a, b := d.between(10, 60), d.between(3, 9)
	text, value := "", 0
	switch d.IntN(6) {
	case 0:
		text, value = fill("{a} has {b} {c} with {d} {e} in each.", p.name, a, d.container(), b, thing)+d.maybeAside(p, thing)+fill(" How many {a} is that altogether?", thing), a*b
	case 1:
		text, value = fill("{a} shares {b} {c} equally among {d} friends.", p.name, a*b, thing, b)+d.maybeAside(p, thing)+" How many does each friend get?", a
	case 2:
		text, value = fill("{a} has {b} {c} and {d} has {e}.", p.name, a, thing, other.name, b)+d.maybeAside(p, thing)+fill(" How many {a} do they have together?", thing), a+b
	case 3:
		b = d.between(3, a-2)
		text, value = fill("{a} has {b} {c}. {d} has {e} fewer than {a}.", p.name, a, thing, other.name, b)+d.maybeAside(p, thing)+fill(" How many {a} does {b} have?", thing, other.name), a-b
	case 4:
		text, value = fill("{a} gave {b} {c} to {d} and has {e} left.", p.name, b, thing, other.name, a)+d.maybeAside(p, thing)+fill(" How many {a} did {b} have at first?", thing, p.pronoun), a+b
	case 5:
		flowers := d.pick("roses", "tulips", "daisies")
		text, value = fill("{a} picks {b} {c}, and then {d} more.", p.name, a, flowers, b)+d.maybeAside(p, thing)+" How many flowers is that?", a+b
	}
	return question{text: text, answer: value, steps: 1}
}
