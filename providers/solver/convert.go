package solver

import "slices"

// A scale is the units of one quantity, from small to large; each is as many of
// the one before as its factor says.
type scale []unit

type unit struct {
	singular, plural string
	factor           float64
}

// scales are what a solver knows of units.
var scales = [...]scale{
	{{"second", "seconds", 1}, {"minute", "minutes", 60}, {"hour", "hours", 60}, {"day", "days", 24}, {"week", "weeks", 7}},
	{{"millimetre", "millimetres", 1}, {"centimetre", "centimetres", 10}, {"metre", "metres", 100}, {"kilometre", "kilometres", 1000}},
	{{"milligram", "milligrams", 1}, {"gram", "grams", 1000}, {"kilogram", "kilograms", 1000}, {"tonne", "tonnes", 1000}},
	{{"millilitre", "millilitres", 1}, {"litre", "litres", 1000}},
}

// A measure is a unit: the place of a scale, and the place on it.
type measure struct{ scale, rung int }

// unitOf is the unit that a token names.
func unitOf(t token) (measure, bool) {
	for i, sc := range scales {
		if j := slices.IndexFunc(sc, func(u unit) bool { return t.is(u.singular, u.plural) }); j >= 0 {
			return measure{i, j}, true
		}
	}
	return measure{}, false
}

// A quantity is a number of units. Its sign says whether it is to be added.
type quantity struct {
	value float64
	in    measure
	op    byte
	per   bool // of something for each of a unit that follows
}

// convert is about quantities: in other units, added up, divided into portions,
// or running at a rate.
func (s Solver) convert(q text, w *work) (float64, bool) {
	quantities, target, ok := s.quantities(q)
	if len(quantities) == 0 {
		return 0, false
	}
	first := quantities[0]
	switch {
	case !ok && len(quantities) > 1 && q.has("portions"):
		return s.portions(q, quantities, w), true
	case !ok:
		return 0, false
	case first.per && len(quantities) > 1:
		return s.rate(q, quantities, w), true
	case !s.Careful:
		return w.towards(first.value, first.in, target, 1), true
	}
	total := 0.0
	for i, x := range quantities {
		v := w.towards(x.value, x.in, target, len(scales[x.in.scale]))
		if i == 0 {
			total = v
		} else if x.in.scale == target.scale {
			total = w.do(total, x.op, v)
		}
	}
	return total, true
}

// quantities are the numbers with units, and the unit that is asked for.
func (s Solver) quantities(q text) (of []quantity, target measure, asked bool) {
	tokens := q.tokens()
	for i, t := range tokens {
		u, ok := unitOf(t)
		switch {
		case !ok:
		case tokens.at(i - 1).number:
			op := byte('+')
			for _, t := range tokens[max(0, i-6):i] {
				if t.is("saves", "less", "minus", "spilt") {
					op = '-'
				}
			}
			per := tokens.at(i+1).is("per") || tokens.at(i+3).is("per")
			of = append(of, quantity{tokens[i-1].value, u, op, per})
		case tokens.at(i-1).is("many", "to", "in"):
			target, asked = u, true
		}
	}
	return of, target, asked
}

// towards converts v by at most so many rungs of a scale, a calculation each.
func (w *work) towards(v float64, from, to measure, rungs int) float64 {
	if from.scale != to.scale {
		return v
	}
	sc := scales[from.scale]
	for ; from.rung > to.rung && rungs > 0; rungs-- {
		v = w.do(v, '*', sc[from.rung].factor)
		from.rung--
	}
	for ; from.rung < to.rung && rungs > 0; rungs-- {
		from.rung++
		v = w.do(v, '/', sc[from.rung].factor)
	}
	return v
}

// portions is how often the second quantity goes into the first, with what the
// text adds to it.
func (s Solver) portions(q text, quantities []quantity, w *work) float64 {
	a, b := quantities[0], quantities[1]
	if !s.Careful {
		return w.do(a.value, '/', b.value)
	}
	v := w.do(w.towards(a.value, a.in, b.in, len(scales[a.in.scale])), '/', b.value)
	tokens := q.tokens()
	for i, t := range tokens {
		if t.number && tokens.at(i+1).is("portions") {
			v = w.do(v, '+', t.value)
		}
	}
	return v
}

// rate is what comes together at so much for each unit of time.
func (s Solver) rate(q text, quantities []quantity, w *work) float64 {
	each, last := quantities[0], quantities[1]
	if !s.Careful {
		return w.do(each.value, '*', last.value)
	}
	tokens := q.tokens()
	unit, ok := unitOf(tokens.at(tokens.index("per") + 1))
	if !ok {
		return each.value
	}
	v := w.do(each.value, '*', w.towards(last.value, last.in, unit, len(scales[unit.scale])))
	for _, x := range quantities[2:] {
		if x.in.scale == each.in.scale && q.has("spilt", "lost") {
			v = w.do(v, '-', x.value)
		}
	}
	return v
}
