package sample

import (
	"fmt"
	"time"
)

// interval is about the days between two dates, or a date some days away.
func (d draw) interval() question {
	steps := d.steps(8)
	year := d.between(1990, 2039)
	month := d.between(1, 12)
	from := time.Date(year, time.Month(month), d.between(1, 28), 0, 0, 0, 0, time.UTC)
	// The other date lies steps-1 ends of months later.
	to := time.Date(year, time.Month(month+steps-1), d.between(1, 28), 0, 0, 0, 0, time.UTC)
	if steps == 1 {
		if from.After(to) {
			from, to = to, from
		}
		if to.Sub(from) < 48*time.Hour {
			to = to.AddDate(0, 0, 3)
		}
		if from.Month() != to.Month() {
			steps++
		}
	}
	days := int(to.Sub(from).Hours() / 24)
	if d.chance(40) {
		return d.later(from, days, steps)
	}
	form := d.pick("How many days are there between {a} and {b}?", "How many days is it from {a} to {b}?", "A parcel is sent on {a} and arrives on {b}. How many days is it under way?", "{a} to {b}: how many days?", "The exhibition opens on {a} and closes on {b}. After how many days does it close?")
	return question{text: fill(form, d.date(from), d.date(to)), answer: days, steps: steps}
}

// later asks for the day of the month some days after a date.
func (d draw) later(from time.Time, days, steps int) question {
	to := from.AddDate(0, 0, days)
	away := fmt.Sprintf("%d days", days)
	if days%7 == 0 && days > 7 && d.chance(70) {
		away = fmt.Sprintf("%d weeks", days/7)
		steps++
	}
	form := d.pick("On which day of the month does it fall, {b} after {a}?", "A library book is lent on {a} and due {b} later. What is the day of the month when it is due?", "It is {a}. Which day of the month will it be in {b}?")
	return question{text: fill(form, d.date(from), away), answer: to.Day(), steps: steps}
}

// date writes a date in one of the usual ways.
func (d draw) date(t time.Time) string {
	return t.Format(d.pick("2 January 2006", "January 2, 2006", "2 January 2006"))
}

// years is about whole years.
func (d draw) years() question {
	p := d.person()
	a := d.between(1900, 1990)
	b := a + d.between(7, 60)
	switch d.steps(3) {
	case 1:
		form := d.pick("How many years passed between {a} and {b}?", "{c} was born in {a}. How old did {d} turn in {b}?", "A bridge built in {a} was torn down in {b}. For how many years did it stand?")
		return question{text: fill(form, a, b, p.name, p.pronoun), answer: b - a, steps: 1}
	case 2:
		n, m := d.between(5, 40), d.between(3, 30)
		return question{text: fill("A mill was founded in {a}, burnt down {b} years later, and was rebuilt {c} years after the fire. In what year was it rebuilt?", a, n, m), answer: a + n + m, steps: 2}
	}
	q, later, older := d.another(p), d.between(2, 6), d.between(2, 15)
	return question{text: fill("{a} was born in {b}, and {c} {d} years later. A cousin is {e} years older than {c}. How old did the cousin turn in {f}?", p.name, a, q.name, later, older, b), answer: b - a - later + older, steps: 3}
}
