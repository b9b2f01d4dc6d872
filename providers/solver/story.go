package solver

// story follows how many of something there are, from sentence to sentence. It
// needs to be asked how many.
func (s Solver) story(q text, w *work) (float64, bool) {
	noun, ok := q.askedNoun()
	if !ok || len(q.numbers()) == 0 {
		return 0, false
	}
	if !s.Careful {
		return s.glance(q, w), true
	}
	f := follower{work: w, noun: noun, backward: q.has("first", "originally")}
	for _, sentence := range q {
		f.follow(sentence)
	}
	return f.total, f.started
}

// askedNoun is what the question asks the number of; "" if it does not say what.
func (q text) askedNoun() (noun string, ok bool) {
	asked := q.asked()
	i := asked.index("many")
	if i < 1 || !asked[i-1].is("how") {
		return "", false
	}
	if after := asked.at(i + 1); !after.is("do", "does", "did", "is", "are", "of") {
		return after.word, true
	}
	return "", true
}

// glance does to the first two numbers of a text what its words suggest.
func (s Solver) glance(q text, w *work) float64 {
	n := q.numbers()
	op := q.suggestion()
	switch {
	case q.has("doubles", "twice"):
		return w.do(n[0], '*', 2)
	case len(n) == 1:
		return n[0]
	}
	return w.do(n[0], op, n[1])
}

// suggestion is the operation that the words of a text suggest at first sight.
func (q text) suggestion() byte {
	switch {
	case q.has("equally", "among", "divided"):
		return '/'
	case q.has("each", "cost", "costs", "per"):
		return '*'
	}
	for _, t := range q.tokens() {
		if op := change(t); op != 0 {
			return op
		}
	}
	return '+'
}

// change is whether a verb, or a word like one, makes things more ('+') or
// fewer ('-'); 0 if neither.
func change(t token) byte {
	switch {
	case t.is("buys", "buy", "bought", "finds", "found", "gets", "got", "collects", "wins", "won", "brings", "receives",
		"adds", "added", "picks", "picked", "makes", "bakes", "earns", "more", "plus"):
		return '+'
	case t.is("gives", "give", "gave", "loses", "lost", "sells", "sold", "uses", "used", "takes", "took", "eats", "ate",
		"breaks", "broke", "spends", "spent", "drops", "dropped", "throws", "fewer", "less", "spilt", "removed"):
		return '-'
	}
	return 0
}

// follower keeps a total over the sentences of a story, leaving out the numbers
// of other things.
type follower struct {
	work     *work
	noun     string // what is counted; "" for the first thing that comes
	backward bool   // the story tells what came after what is asked
	total    float64
	started  bool
}

func (f *follower) follow(s sentence) {
	for i := 0; i < len(s); i++ {
		switch t := s[i]; {
		case t.is("half") && f.started:
			f.total = f.work.do(f.total, '/', 2)
		case t.is("doubles", "twice") && f.started:
			f.total = f.work.do(f.total, '*', 2)
		case t.number && s[:i].index("among", "between") >= 0 && f.started:
			f.total = f.work.do(f.total, '/', t.value)
		case t.number:
			if each, at := f.each(s, i); at > 0 {
				f.take(s[:i], f.work.do(t.value, '*', each))
				i = at
			} else if f.about(s, i) {
				f.take(s[:min(i+2, len(s))], t.value)
			}
		}
	}
}

// each is the second number of "4 bags with 7 apples in each", of which the
// first is at i, and where it is.
func (f *follower) each(s sentence, i int) (value float64, at int) {
	if s.at(i+2).is("with", "of") && s.at(i+3).number && s.at(i+4).is(f.noun) {
		return s[i+3].value, i + 3
	}
	return 0, 0
}

// about reports whether the number at i counts what is asked.
func (f *follower) about(s sentence, i int) bool {
	after := s.at(i + 1)
	if f.noun == "" {
		f.noun = after.word
	}
	return after.is("", f.noun, "more", "fewer", "of", "to", "left", ",", "and", "away", "again")
}

// take adds n to the total or takes it away, whichever the last verb before it
// says. The first number is what there is.
func (f *follower) take(before sentence, n float64) {
	more := true
	for _, t := range before {
		if op := change(t); op != 0 {
			more = op == '+'
		}
	}
	switch {
	case !f.started:
		f.total, f.started = n, true
	case more != f.backward:
		f.total = f.work.do(f.total, '+', n)
	default:
		f.total = f.work.do(f.total, '-', n)
	}
}
