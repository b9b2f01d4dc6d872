package reports

import (
	"context"
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
func KeepPGR(ctx context.Context, pairs []Pair, x float64, opts Options) (Point, error) {
	if !(x >= 0 && x <= 1) {
		return Point{}, fmt.Errorf("PGR %v: want a share of the gap in [0,1]", x)
	}
	point, curve, err := keep(ctx, pairs, opts, func(_, _, all, kept float64) bool {
		return all > 0 && kept >= (x-rounding)*all
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
func KeepQuality(ctx context.Context, pairs []Pair, q float64, opts Options) (Point, error) {
	if !(q >= 0 && q <= 1) {
		return Point{}, fmt.Errorf("quality %v: want one in [0,1]", q)
	}
	point, curve, err := keep(ctx, pairs, opts, func(weight, weak, _, kept float64) bool {
		return weak+kept >= (q-rounding)*weight
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
// that may lie below the lower end of an interval; nil if there is none.
//
// The lower end of a percentile interval is at least x if and only if so few
// draws fall short of x: so a count for every point takes the place of a table of
// all draws at all points.
func keep(ctx context.Context, pairs []Pair, opts Options, enough floor) (*Point, *Curve, error) {
	opts = opts.withDefaults()
	if opts.Draws < 0 {
		return nil, nil, errors.New("the lower end of an interval needs bootstrap draws")
	}
	if len(pairs) < minPairs {
		return nil, nil, fmt.Errorf("%s with both outcomes graded: the lower end of an interval needs %d", plural(len(pairs), "prompt"), minPairs)
	}
	f, err := gather(pairRows(pairs, opts), opts)
	if err != nil {
		return nil, nil, err
	}
	s := newSample(f, false)
	var counts [][]int // of each worker, by point: the draws that fall short there
	err = eachDraw(ctx, s.design, opts.Draws, opts.Seed, func() ([]uint8, func(int)) {
		w := s.newWalker()
		short := make([]int, len(f.curve.Points))
		counts = append(counts, short)
		return w.times, func(int) { w.fallShort(short, enough) }
	})
	if err != nil {
		return nil, nil, err
	}
	outside := (1 - opts.Confidence) / 2
	allowed := int(outside * float64(opts.Draws-1)) // the rank that the lower end lies at or above
	for i := range f.curve.Points {
		total := 0
		for _, short := range counts {
			total += short[i]
		}
		if total <= allowed {
			return &f.curve.Points[i], f.curve, nil
		}
	}
	return nil, f.curve, nil
}

// A floor says whether a draw that keeps so much of its gain is good enough. It is
// told the draw's sums of weight, of weight × quality of the weak model, and of
// what the strong model gains on it.
type floor func(weight, weak, all, kept float64) bool

// fallShort counts a draw at every point of the curve at which it is not enough.
func (w *walker) fallShort(short []int, enough floor) {
	all := w.walk()
	weak := w.total().weak
	var kept float64
	for point := range short {
		if point > 0 {
			kept += w.run(point - 1).gain
		}
		if !enough(all.weight, weak, all.gain, kept) {
			short[point]++
		}
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
