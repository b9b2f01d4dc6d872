package sample

import "fmt"

// A ladder is units of one quantity from small to large. Each is as many of the
// one before as its size says.
type ladder []struct {
	unit string // plural
	size int
}

func (d draw) ladder() ladder {
	ladders := []ladder{
		{{"seconds", 1}, {"minutes", 60}, {"hours", 60}, {"days", 24}, {"weeks", 7}},
		{{"millimetres", 1}, {"centimetres", 10}, {"metres", 100}, {"kilometres", 1000}},
		{{"grams", 1}, {"kilograms", 1000}, {"tonnes", 1000}},
		{{"millilitres", 1}, {"litres", 1000}},
	}
	return ladders[d.IntN(len(ladders))]
}

// factor is how many of unit lo make one of unit hi.
func (l ladder) factor(lo, hi int) int {
	f := 1
	for _, rung := range l[lo+1 : hi+1] {
		f *= rung.size
	}
	return f
}

// conversion is a quantity in other units.
func (d draw) conversion() question {
	l := d.ladder()
	switch steps := d.steps(4); {
	case steps == 1:
		return d.convert(l, 1)
	case steps == 2 && d.chance(50) && len(l) > 2:
		return d.convert(l, 2)
	case steps == 2:
		return d.mixed(l)
	case steps == 3:
		return d.cut(l)
	}
	return d.several()
}

// convert goes up or down the ladder by so many rungs.
func (d draw) convert(l ladder, rungs int) question {
	lo := d.between(0, len(l)-1-rungs)
	hi, n := lo+rungs, d.between(2, 24)
	many := n * l.factor(lo, hi)
	if d.chance(25) {
		return question{text: fill(d.pick("Convert {a} {b} to {c}.", "How many {c} are {a} {b}?", "Express {a} {b} in {c}."), many, l[lo].unit, l[hi].unit), answer: n, steps: rungs}
	}
	form := d.pick("How many {c} are there in {a} {b}?", "Convert {a} {b} to {c}.", "Express {a} {b} in {c}.", "{a} {b} is how many {c}?", "A recipe in an old book says {a} {b}. How many {c} is that?", "What is {a} {b} in {c}?")
	return question{text: fill(form, n, l[hi].unit, l[lo].unit), answer: many, steps: rungs}
}

// mixed is a quantity in two units, to be had in the smaller.
func (d draw) mixed(l ladder) question {
	lo := d.between(0, len(l)-2)
	f := l[lo+1].size
	n, rest := d.between(2, 12), d.between(2, f-1)
	form := d.pick("How many {d} are {a} {b} and {c} {d}?", "Convert {a} {b} and {c} {d} to {d}.", "It takes {a} {b} and {c} {d}. How many {d} is that?", "What do {a} {b} plus {c} {d} make in {d}?")
	return question{text: fill(form, n, l[lo+1].unit, rest, l[lo].unit), answer: n*f + rest, steps: 2}
}

// cut is a quantity of one unit divided by one of another.
func (d draw) cut(l ladder) question {
	lo := d.between(0, len(l)-2)
	for l[lo+1].size%2 != 0 {
		lo = d.between(0, len(l)-2)
	}
	f, pieces := l[lo+1].size, d.between(2, 5)
	if f%pieces != 0 {
		pieces = f / 2
	}
	each := f / pieces
	n, more := d.between(2, 9), d.between(2, 20)
	return question{
		text:   fill("A stock of {a} {b} is divided into portions of {c} {d}, and {e} portions are added. How many portions are there?", n, l[lo+1].unit, each, l[lo].unit, more),
		answer: n*pieces + more, steps: 3,
	}
}

// several adds up pieces of time.
func (d draw) several() question {
	p := d.person()
	h, m1, m2, left := d.between(2, 4), d.between(5, 55), d.between(5, 55), d.between(2, 5)
	days := ""
	if d.chance(30) {
		days = "a fortnight and "
	}
	total := h*60 + m1 + m2 - left
	if days != "" {
		total += 14 * 24 * 60
	}
	text := fmt.Sprintf("%s is under way for %s%d hours and %d minutes, rests for %d minutes, and saves %d minutes by a short cut. How many minutes is that in all?", p.name, days, h, m1, m2, left)
	return question{text: text, answer: total, steps: 4}
}

// rate is something that goes on evenly.
func (d draw) rate() question {
	p := d.person()
	each, n := d.between(3, 40), d.between(2, 12)
	what := d.pick("A pump moves {a} litres per minute.", "A machine makes {a} litres of paint per minute.", "A tap gives {a} litres per minute.")
	switch d.steps(3) {
	case 1:
		return question{text: fill(what+d.maybeAside(p, "")+" How many litres is that in {b} minutes?", each, n), answer: each * n, steps: 1}
	case 2:
		return question{text: fill(what+d.maybeAside(p, "")+" How many litres is that in {b} hours?", each, n), answer: each * n * 60, steps: 2}
	}
	lost := d.between(5, 100)
	return question{text: fill(what+" It runs for {b} hours, and {c} litres are spilt. How many litres are left?", each, n, lost), answer: each*n*60 - lost, steps: 3}
}
