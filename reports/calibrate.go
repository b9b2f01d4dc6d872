package reports

import (
	"errors"
	"fmt"
	"math"
)

// KeepPGR is the point of the smallest strong share whose PGR is at least x, in
// [0,1], by the lower end of its interval: the paired percentile bootstrap of
// [Build], done for every threshold. It says where to route if at least x of the
// gap must be kept, and not just on these pairs. A draw in which the strong model
// is not better keeps nothing.
//
// It fails where [Sweep] does, on fewer than 30 pairs, and where the gap itself is
// within noise. The threshold was chosen for how well it does on these pairs: what
// it is worth, other pairs say.
func KeepPGR(pairs []Pair, x float64, opts Options) (Point, error) {
	if !(x >= 0 && x <= 1) {
		return Point{}, fmt.Errorf("PGR %v: want a share of the gap in [0,1]", x)
	}
	point, curve, err := keep(pairs, opts, func(t *part, gain float64) bool {
		return t.gain > 0 && gain >= (x-rounding)*t.gain
	})
	switch {
	case err != nil:
		return Point{}, err
	case point == nil:
		return Point{}, fmt.Errorf("the gap between strong and weak, %s, is within noise on %s: no threshold is known to keep a share of it", number(curve.Gap()), plural(curve.Pairs, "pair"))
	}
	return *point, nil
}

// KeepQuality is [KeepPGR] for a mean quality of at least q, in [0,1]. It also
// fails where no threshold reaches q by the lower end of its interval.
func KeepQuality(pairs []Pair, q float64, opts Options) (Point, error) {
	if !(q >= 0 && q <= 1) {
		return Point{}, fmt.Errorf("quality %v: want one in [0,1]", q)
	}
	point, curve, err := keep(pairs, opts, func(t *part, gain float64) bool {
		return t.weak+gain >= (q-rounding)*t.weight
	})
	switch {
	case err != nil:
		return Point{}, err
	case point == nil:
		return Point{}, fmt.Errorf("no threshold keeps a quality of %v by the lower end of its interval: the best has %s on %s, before any doubt", q, number(curve.best()), plural(curve.Pairs, "pair"))
	}
	return *point, nil
}

// keep is the first point of the curve that is good enough in all draws but those
// that may lie below the lower end of an interval; nil if there is none. What
// enough is told are the sums of a draw, and how much of its gain is kept.
//
// The lower end of a percentile interval is at least x if and only if so few
// draws fall short of x: so a count for every point takes the place of a table of
// all draws at all points.
func keep(pairs []Pair, opts Options, enough func(t *part, gain float64) bool) (*Point, *Curve, error) {
	opts = opts.withDefaults()
	if opts.Draws < 0 {
		return nil, nil, errors.New("the lower end of an interval needs bootstrap draws")
	}
	if len(pairs) < minPairs {
		return nil, nil, fmt.Errorf("%s with both outcomes graded: the lower end of an interval needs %d", plural(len(pairs), "prompt"), minPairs)
	}
	s, curve, err := sampleOf(pairs, opts)
	if err != nil {
		return nil, nil, err
	}
	var counts [][]int // of each worker, by point: the draws that fall short there
	eachDraw(len(pairs), opts, func() func(int, []uint8) {
		short := make([]int, len(curve.Points))
		counts = append(counts, short)
		return func(_ int, times []uint8) { s.fallShort(short, times, enough) }
	})
	outside := (1 - opts.Confidence) / 2
	allowed := int(outside * float64(opts.Draws-1)) // the rank that the lower end lies at or above
	for i := range curve.Points {
		total := 0
		for _, short := range counts {
			total += short[i]
		}
		if total <= allowed {
			return &curve.Points[i], curve, nil
		}
	}
	return nil, curve, nil
}

// sampleOf makes the sample that draws are made from, and the curve that its runs
// of equal win rates are the points of, but for the first.
func sampleOf(pairs []Pair, opts Options) (*sample, *Curve, error) {
	opts.Draws = -1
	rows := rowsOf(pairs, opts)
	f, err := gather(rows)
	if err != nil {
		return nil, nil, err
	}
	return newSample(f, rows.list), f.curve, nil
}

// fallShort counts, for every point of the curve, a draw that is not enough there.
func (s *sample) fallShort(short []int, times []uint8, enough func(t *part, gain float64) bool) {
	var t part
	for i := range s.steps {
		n := float64(times[i])
		t.weight += n * s.steps[i].weight
		t.gain += n * s.steps[i].gain
		t.weak += n * s.parts[i].weak
	}
	count := func(point int, gain float64) {
		if !enough(&t, gain) {
			short[point]++
		}
	}
	count(0, 0)
	gain, start := 0.0, 0
	for k, end := range s.ends {
		for i := start; i < end; i++ {
			gain += float64(times[i]) * s.steps[i].gain
		}
		start = end
		count(k+1, gain)
	}
}

// best is the highest quality of any point.
func (c *Curve) best() float64 {
	best := math.Inf(-1)
	for i := range c.Points {
		best = max(best, c.Points[i].Quality)
	}
	return best
}
