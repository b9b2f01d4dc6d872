package solver

import "slices"

// A date is a day as people write it.
type date struct{ year, month, day int }

// monthOf is the number, from 1, of the month that a token names, or 0.
func monthOf(t token) int { return 1 + slices.Index(months[:], t.word) }

var months = [...]string{"january", "february", "march", "april", "may", "june", "july", "august",
	"september", "october", "november", "december"}

// days is how many days a month has. Every fourth year is a leap year, as far as
// a solver knows.
func (d date) days() int {
	switch d.month {
	case 2:
		if d.year%4 == 0 {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// dates is about days between dates, a date some time after another, or years.
func (s Solver) dates(q text, w *work) (float64, bool) {
	tokens := q.tokens()
	var found []date
	var span float64 // a number of days or weeks
	weeks := false
	for i, t := range tokens {
		switch {
		case monthOf(t) > 0 && t.capital:
			if d, ok := dateAt(tokens, i); ok {
				found = append(found, d)
			}
		case t.number && tokens.at(i+1).is("days", "day", "weeks", "week"):
			span, weeks = t.value, tokens[i+1].is("weeks", "week")
		}
	}
	switch {
	case len(found) >= 2:
		return s.between(found[0], found[1], w), true
	case len(found) == 1 && span > 0:
		if weeks && s.Careful {
			span = w.do(span, '*', 7)
		}
		return s.later(found[0], span, w), true
	}
	return s.years(q, w)
}

// dateAt reads "3 May 2024" or "May 3, 2024", whose month is at i.
func dateAt(tokens sentence, i int) (date, bool) {
	d := date{month: monthOf(tokens[i])}
	switch before, after := tokens.at(i-1), tokens.at(i+1); {
	case before.number:
		d.day, d.year = whole(before), whole(after)
	case after.number && tokens.at(i+2).is(","):
		d.day, d.year = whole(after), whole(tokens.at(i+3))
	}
	return d, 1 <= d.day && d.day <= 31 && d.year > 0
}

// whole is the number of a token, at most 9999.
func whole(t token) int { return int(min(t.value, 9999)) }

// between is the days from one date to a later one: to the end of the month, a
// month at a time, and to the day.
func (s Solver) between(from, to date, w *work) float64 {
	months := (to.year-from.year)*12 + to.month - from.month
	if months <= 0 || !s.Careful {
		return w.do(float64(to.day), '-', float64(from.day))
	}
	total := w.do(float64(from.days()), '-', float64(from.day))
	for from = from.next(); from.month != to.month || from.year != to.year; from = from.next() {
		if w.left == 0 {
			return total
		}
		total = w.do(total, '+', float64(from.days()))
	}
	return w.do(total, '+', float64(to.day))
}

// next is the first day of the next month.
func (d date) next() date {
	if d.month == 12 {
		return date{d.year + 1, 1, 1}
	}
	return date{d.year, d.month + 1, 1}
}

// later is the day of the month so many days after a date. One who is not
// careful takes every month for 30 days.
func (s Solver) later(from date, days float64, w *work) float64 {
	day := w.do(float64(from.day), '+', days)
	if !s.Careful {
		if day > 30 {
			day -= 30
		}
		return day
	}
	for ; day > float64(from.days()) && w.left > 0; from = from.next() {
		day = w.do(day, '-', float64(from.days()))
	}
	return day
}

// years is about years that passed, and ages.
func (s Solver) years(q text, w *work) (float64, bool) {
	if !q.has("years", "year", "born", "old") {
		return 0, false
	}
	tokens := q.tokens()
	var given []float64 // the years themselves
	var first int
	for i, t := range tokens {
		if t.number && 1000 <= t.value && t.value < 3000 {
			if len(given) == 0 {
				first = i
			}
			given = append(given, t.value)
		}
	}
	if len(given) == 0 {
		return 0, false
	}
	v := given[0]
	for i, t := range tokens {
		if i <= first || !t.number || !tokens.at(i+1).is("years") {
			continue
		}
		op := byte('+')
		if tokens.at(i+2).is("older", "before", "earlier") {
			op = '-'
		}
		v = w.do(v, op, t.value)
	}
	if len(given) > 1 {
		v = w.do(given[len(given)-1], '-', v)
	}
	return v, true
}
