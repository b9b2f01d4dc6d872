package solver

import "cmp"

// calculate evaluates an expression in signs, or an operation in words.
func (s Solver) calculate(q text, w *work) (float64, bool) {
	tokens := q.tokens()
	signs := 0
	for _, t := range tokens {
		if _, ok := sign(t); ok {
			signs++
		}
	}
	if signs > 0 {
		return s.expression(tokens, w)
	}
	return s.spoken(tokens, w)
}

// sign is the operation of a sign.
func sign(t token) (byte, bool) {
	switch t.word {
	case "+", "-", "*", "/":
		return t.word[0], true
	case "×":
		return '*', true
	case "÷":
		return '/', true
	}
	return 0, false
}

// expression evaluates the numbers, signs and brackets among the tokens. A
// careful solver knows brackets and that products come before sums; another one
// goes from left to right.
func (s Solver) expression(tokens sentence, w *work) (float64, bool) {
	var e evaluation
	e.work = w
	for _, t := range tokens {
		_, operation := sign(t)
		if t.number || operation || s.Careful && t.is("(", ")") {
			e.rest = append(e.rest, t)
		}
	}
	if len(e.rest) == 0 {
		return 0, false
	}
	if s.Careful {
		return e.sum(0), true
	}
	v := e.operand(0)
	for len(e.rest) > 0 {
		v = e.step(v, 0)
	}
	return v, true
}

// evaluation reads an expression from the front.
type evaluation struct {
	rest sentence
	work *work
}

// maxDepth bounds brackets within brackets.
const maxDepth = 50

func (e *evaluation) sum(depth int) float64 {
	v := e.product(depth)
	for len(e.rest) > 0 && e.rest[0].is("+", "-") {
		op, _ := sign(e.rest[0])
		e.rest = e.rest[1:]
		v = e.work.do(v, op, e.product(depth))
	}
	return v
}

func (e *evaluation) product(depth int) float64 {
	v := e.operand(depth)
	for len(e.rest) > 0 && e.rest[0].is("*", "×", "/", "÷") {
		v = e.step(v, depth)
	}
	return v
}

// step takes an operation and its second operand; of something else it takes
// one token.
func (e *evaluation) step(v float64, depth int) float64 {
	op, ok := sign(e.rest[0])
	e.rest = e.rest[1:]
	if !ok {
		return v
	}
	return e.work.do(v, op, e.operand(depth))
}

func (e *evaluation) operand(depth int) float64 {
	if len(e.rest) == 0 {
		return 0
	}
	t := e.rest[0]
	e.rest = e.rest[1:]
	if !t.is("(") || depth == maxDepth {
		return t.value
	}
	v := e.sum(depth + 1)
	if len(e.rest) > 0 && e.rest[0].is(")") {
		e.rest = e.rest[1:]
	}
	return v
}

// spoken does operations that stand in words, in the order of the words.
func (s Solver) spoken(tokens sentence, w *work) (float64, bool) {
	var (
		v       float64
		known   int     // how many of v and other are known
		other   float64 // an operand that waits for its operation
		op      spokenOperation
		started bool
	)
	for i, t := range tokens {
		switch {
		case t.number && known == 0:
			v, known = t.value, 1
		case t.number:
			other, known = t.value, 2
		case t.is("percent", "%") && known == 1:
			v, op = v/100, spokenOperation{sign: '*'}
		case t.is("double") && known == 1:
			v, started = w.do(v, '*', 2), true
		default:
			op = cmp.Or(operationAt(tokens, i), op)
		}
		if known == 2 && op.sign != 0 {
			a, b := v, other
			if op.backward {
				a, b = b, a
			}
			v, known, op, started = w.do(a, op.sign, b), 1, spokenOperation{}, true
		}
	}
	return v, started
}

// A spokenOperation is what a word does to two numbers. It is backward if it
// does the first to the second, as in "subtract 3 from 9".
type spokenOperation struct {
	sign     byte
	backward bool
}

// operationAt is the operation that the word at i means, if any.
func operationAt(tokens sentence, i int) spokenOperation {
	switch t := tokens[i]; {
	case t.is("plus", "sum", "add", "together"):
		return spokenOperation{sign: '+'}
	case t.is("minus", "difference"):
		return spokenOperation{sign: '-'}
	case t.is("subtract"):
		return spokenOperation{'-', tokens.at(i+2).is("from") && tokens.at(i+3).number}
	case t.is("away"):
		return spokenOperation{'-', tokens.at(i+1).is("from") && tokens.at(i+2).number}
	case t.is("times", "product", "multiply"):
		return spokenOperation{sign: '*'}
	case t.is("divided", "divide"):
		return spokenOperation{sign: '/'}
	case t.is("go", "goes") && tokens.at(i+1).is("into"):
		return spokenOperation{'/', true}
	}
	return spokenOperation{}
}
