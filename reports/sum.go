package reports

import "math"

// sum adds float64s and keeps what each addition rounds away, by Knuth's exact
// two-term sum (TAOCP 2, §4.2.2, theorem B): the error stays at a few units in
// the last place of the result, however many terms there are, so that a curve
// does not depend on the order of its rows.
type sum struct{ total, lost float64 }

func (s *sum) add(x float64) {
	t := s.total + x
	taken := t - s.total
	s.lost += (s.total - (t - taken)) + (x - taken)
	s.total = t
}

func (s *sum) value() float64 { return s.total + s.lost }

// money is a sum of amounts of which some may be unknown (NaN). One unknown
// amount makes the sum unknown, and taking it out again makes it known.
type money struct {
	known   sum
	unknown int
}

func (m *money) add(usd, weight float64) {
	if math.IsNaN(usd) {
		m.unknown++
		return
	}
	m.known.add(float64(usd * weight))
}

func (m *money) value() float64 {
	if m.unknown > 0 {
		return math.NaN()
	}
	return m.known.value()
}

// less is the sum without the amounts of part, which must all be among those of m.
func (m *money) less(part *money) float64 {
	if m.unknown > part.unknown {
		return math.NaN()
	}
	return m.known.value() - part.known.value()
}
