package reports

import "math"

// A sample is the rows in falling order of win rate, laid out for draws. Weights
// are multiplied in, and what a row does not have is 0.
type sample struct {
	design  design
	n       int
	row     []uint32 // of each place in the order: the row that stands there
	ends    []uint32 // exclusive end of each run of equal win rates
	last    []bool   // of each row: it is the last of its run
	stretch int      // runs that a walker sums at a time

	class   []uint32 // of each row: which of classes it is
	classes []class
	steps   []step // of classes, what the walk needs

	// cost is the price of sending the row to the strong model instead of the
	// weak one, 0 where not all pairs are priced. The others are plain sums; nil
	// where they are not known.
	priced                bool
	cost                  []float64
	weakCost, routedCost  []float64
	chosenUSD, brier      []float64
	routing, otherRouting float64 // US dollars of routing itself: of the pairs, of all prompts

	rated      bool    // win rates are known, and there are pairs
	whole      bool    // all statistics are wanted, not those of a slice alone
	prompts    float64 // sum of the weights of all pairs
	bestSingle int     // 0 for strong, 1 for weak, above for a third
}

// A class is rows that are equal in all that their qualities say; where grades
// are 0 or 1 there are a dozen of them, and a draw sums over these.
type class struct {
	weight, gain       float64 // weight, weight × (strong − weak)
	better             float64 // weight where strong is strictly better
	sent               float64 // weight where strong was chosen
	weak, best, routed float64 // weight × quality
	common             float64 // weight where all candidates are compared
	commonRouted       float64 // weight × quality, there
	bestAll, single    float64 // weight × quality, there
	quality, graded    float64 // of the chosen answer, whether or not the row is a pair
}

// A step is the part of a class that moves the curve.
type step struct{ weight, gain, better float64 }

// maxClasses is the number of classes above which every row has its own.
const maxClasses = 4096

func newSample(f *facts, whole bool) *sample {
	s := &sample{
		n: len(f.list), row: make([]uint32, len(f.list)), class: make([]uint32, len(f.list)), last: make([]bool, len(f.list)), rated: f.rated && f.curve != nil, whole: whole,
		bestSingle: f.field.best,
	}
	order := fallingRows(f.list)
	position := make([]uint32, len(order))
	for i, o := range order {
		position[o.index], s.row[i] = uint32(i), o.index
		if i+1 == len(order) || order[i+1].key != o.key {
			s.ends = append(s.ends, uint32(i+1))
			s.last[i] = true
		}
	}
	s.stretch = max(16, len(s.ends)/1024)
	s.design = f.design.renumbered(position)
	s.fillClasses(f, order)
	s.fillColumns(f, order)
	for _, c := range s.classes {
		s.steps = append(s.steps, step{c.weight, c.gain, c.better})
	}
	return s
}

// fallingRows sorts rows by falling win rate; what is no pair, or has no win
// rate, comes last.
func fallingRows(list []row) []ranked {
	order := make([]ranked, len(list))
	for i := range list {
		key := list[i].winRate
		if math.IsNaN(key) {
			key = -1
		}
		order[i] = ranked{fallingKey(key), uint32(i)}
	}
	return sortRanked(order)
}

func (s *sample) fillClasses(f *facts, order []ranked) {
	numbers := make(map[class]uint32)
	for i, o := range order {
		c := f.class(int(o.index))
		n, ok := numbers[c]
		if !ok {
			if len(numbers) == maxClasses {
				s.ownClasses(f, order)
				return
			}
			n = uint32(len(s.classes))
			numbers[c] = n
			s.classes = append(s.classes, c)
		}
		s.class[i] = n
	}
}

// ownClasses gives every row a class of its own.
func (s *sample) ownClasses(f *facts, order []ranked) {
	s.classes = make([]class, len(order))
	for i, o := range order {
		s.classes[i] = f.class(int(o.index))
		s.class[i] = uint32(i)
	}
}

func (f *facts) class(i int) class {
	r := &f.list[i]
	var c class
	if r.marks.is(graded) {
		c.quality, c.graded = r.routedQuality, 1
	}
	if r.weight == 0 {
		return c
	}
	c.weight = r.weight
	c.gain = r.weight * (r.strongQuality - r.weakQuality)
	if r.strongQuality > r.weakQuality {
		c.better = r.weight
	}
	if r.marks.is(routedStrong) {
		c.sent = r.weight
	}
	c.weak = r.weight * r.weakQuality
	c.best = r.weight * max(r.strongQuality, r.weakQuality)
	c.routed = r.weight * r.routedQuality
	if f.compared(i) {
		best, _ := f.ideal(i)
		c.common = r.weight
		c.commonRouted = c.routed
		c.bestAll = r.weight * best
		c.single = r.weight * f.singleQuality(i)
	}
	return c
}

// fillColumns lays out what is summed on its own. Prices are left out where one
// that a sum needs is unknown.
func (s *sample) fillColumns(f *facts, order []ranked) {
	column := func(of func(r *row) float64) []float64 {
		x := make([]float64, len(order))
		for i, o := range order {
			x[i] = of(&f.list[o.index])
		}
		return x
	}
	weighted := func(of func(r *row) float64) []float64 {
		return column(func(r *row) float64 {
			if r.weight == 0 {
				return 0
			}
			return r.weight * of(r)
		})
	}
	for i := range f.list {
		s.prompts += f.list[i].weight
	}
	s.routing, s.otherRouting = f.routingUSD(s.prompts), f.routingUSD(float64(f.n.prompts))
	if f.n.unpriced == 0 && f.n.answered > 0 {
		s.chosenUSD = column(func(r *row) float64 { return r.routedCost })
	}
	if s.rated && s.whole {
		s.brier = weighted(func(r *row) float64 {
			d := r.winRate
			if r.strongQuality > r.weakQuality {
				d--
			}
			return d * d
		})
	}
	s.priced = f.curve != nil && f.unpriced == 0
	if !s.priced {
		s.cost = make([]float64, len(order))
		return
	}
	s.cost = weighted(func(r *row) float64 { return r.strongCost - r.weakCost })
	s.weakCost = weighted(func(r *row) float64 { return r.weakCost })
	s.routedCost = weighted(func(r *row) float64 { return r.routedCost })
}
