package solver

// price is about what things cost, what comes back, or what is taken off.
func (s Solver) price(q text, w *work) (float64, bool) {
	if !q.has("dollars", "dollar") || len(q.numbers()) < 2 {
		return 0, false
	}
	if !s.Careful {
		return s.glance(q, w), true
	}
	tokens := q.tokens()
	if q.asked().index("each") >= 0 && q.has("for") {
		n := q.numbers()
		return w.do(n[0], '/', n[1]), true
	}
	b := bill{work: w}
	for i, t := range tokens {
		if t.number {
			b.take(tokens, i)
		}
	}
	return b.total, b.total != 0
}

// bill adds up what things cost.
type bill struct {
	work   *work
	price  float64 // of one thing
	number float64 // of things whose price has not come yet
	total  float64
}

// take takes the number at i for what the words around it say it is. A number
// of things that are named only once in the text is left out: it is not they
// that are sold.
func (b *bill) take(tokens sentence, i int) {
	n, after := tokens[i].value, tokens.at(i+1)
	switch {
	case after.is("dollars") && tokens.at(i-1).is("with"):
		b.total = b.work.do(n, '-', b.total)
	case after.is("dollars"):
		b.price = n
		if b.number != 0 {
			b.add(b.number)
			b.number = 0
		}
	case after.is("percent", "%"):
		off := b.work.do(b.total, '*', n/100)
		b.total = b.work.do(b.total, '-', off)
	case tokens.at(i+2).is("at") && tokens.at(i+3).number:
		b.number = n
	case after.is("of") || tokens.often(after.word):
		b.add(n)
	}
}

func (b *bill) add(n float64) {
	sum := b.work.do(b.price, '*', n)
	if b.total == 0 {
		b.total = sum
		return
	}
	b.total = b.work.do(b.total, '+', sum)
}

// often reports whether a word comes more than once.
func (s sentence) often(word string) bool {
	n := 0
	for _, t := range s {
		if t.is(word) {
			n++
		}
	}
	return n > 1
}
