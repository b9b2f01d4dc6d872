package reports

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"sort"
)

// A Pair is one prompt on which the outcomes of both models are known.
type Pair struct {
	WinRate       float64 // estimated P(strong's answer beats weak's), in [0,1]
	StrongQuality float64 // grade of the strong model's answer; [0,1] in our files, any finite scale here
	WeakQuality   float64 // grade of the weak model's answer, on the same scale
	StrongCostUSD float64 // price of the strong model's call; NaN if unknown
	WeakCostUSD   float64 // price of the weak model's call; NaN if unknown
	Weight        float64 // number of prompts that the pair stands for, 1/propensity; 0 means 1
}

// A Point is one way to route all prompts of a curve.
type Point struct {
	Threshold   float64 // win rate >= Threshold goes strong; +Inf sends nothing; NaN at points that no threshold makes
	StrongShare float64 // share of prompts routed strong, [0,1]
	Quality     float64 // mean quality of the chosen answers
	CostUSD     float64 // price of the chosen answers, summed over all prompts; NaN if one of them is unknown
	PGR         float64 // performance gap recovered; NaN where strong is not better than weak
}

// A Curve is what routing by one threshold can reach on a set of pairs: a point
// for each distinct win rate and one above them all. Every other threshold
// routes as one of them does, so nothing lies between.
type Curve struct {
	// Points ascend in strong share and descend in threshold. The first sends
	// no prompt to the strong model, the last sends all.
	Points []Point

	Pairs   int     // number of pairs
	Prompts float64 // number of prompts that they stand for, the sum of the weights

	// RoutingUSD is what making the win rates cost, in US dollars. It is part of
	// the cost of every point, since only routing reaches one; a model alone does
	// not pay it. 0 on a curve of [Sweep].
	RoutingUSD float64

	weighted bool // some weight is not 1
	noise    bool // the gap may be none; see dismissGap
}

// Sweep routes the pairs at every threshold. It costs one sort and one pass.
//
// With weights w, total weight W and S(t) the pairs of win rate >= t
//
//	share(t)   = Σ_S w / W
//	quality(t) = (Σ_S w·strong + Σ_rest w·weak) / W
//	cost(t)    =  Σ_S w·cost strong + Σ_rest w·cost weak
//
// Pairs of equal win rate are always routed together. The end points are plain
// means over all pairs, and the sums are compensated, so the curve does not
// depend on the order of the pairs beyond the last digits.
//
// It is an error if there are no pairs, a win rate is not in [0,1], a quality
// is not finite, a price is infinite or negative, or a weight is not a positive
// number.
func Sweep(pairs []Pair) (*Curve, error) {
	if err := checkPairs(pairs); err != nil {
		return nil, err
	}
	return sweepBy(pairs, func(p *Pair) float64 { return p.WinRate }), nil
}

func checkPairs(pairs []Pair) error {
	if len(pairs) == 0 {
		return errors.New("no pairs: a curve needs prompts on which both models' outcomes are known")
	}
	if uint64(len(pairs)) > math.MaxUint32 {
		return fmt.Errorf("%d pairs are too many for one curve", len(pairs))
	}
	for i := range pairs {
		if err := pairs[i].check(); err != nil {
			return fmt.Errorf("pair %d: %w", i, err)
		}
	}
	return nil
}

func (p *Pair) check() error {
	switch {
	case !(p.WinRate >= 0 && p.WinRate <= 1):
		return fmt.Errorf("win rate %v is not in [0,1]", p.WinRate)
	case !finite(p.StrongQuality) || !finite(p.WeakQuality):
		return fmt.Errorf("qualities %v (strong) and %v (weak) must be finite", p.StrongQuality, p.WeakQuality)
	case p.StrongCostUSD < 0 || p.WeakCostUSD < 0 || math.IsInf(p.StrongCostUSD, 1) || math.IsInf(p.WeakCostUSD, 1):
		return fmt.Errorf("prices %v (strong) and %v (weak) must be finite and not negative", p.StrongCostUSD, p.WeakCostUSD)
	case !(p.Weight >= 0) || math.IsInf(p.Weight, 1):
		return fmt.Errorf("weight %v is not a positive number", p.Weight)
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// totals are sums over a set of pairs.
type totals struct {
	weight, strong, weak sum
	strongCost, weakCost money
}

func (t *totals) add(p *Pair) {
	w := cmp.Or(p.Weight, 1)
	t.weight.add(w)
	t.strong.add(float64(w * p.StrongQuality))
	t.weak.add(float64(w * p.WeakQuality))
	t.strongCost.add(p.StrongCostUSD, w)
	t.weakCost.add(p.WeakCostUSD, w)
}

// sweepBy makes the curve that sends pairs strong in falling order of key.
func sweepBy(pairs []Pair, key func(*Pair) float64) *Curve {
	order := make([]ranked, len(pairs))
	var all totals
	c := &Curve{Pairs: len(pairs)}
	for i := range pairs {
		all.add(&pairs[i])
		order[i] = ranked{fallingKey(key(&pairs[i])), uint32(i)}
		c.weighted = c.weighted || cmp.Or(pairs[i].Weight, 1) != 1
	}
	order = sortRanked(order)

	c.Prompts = all.weight.value()
	c.Points = make([]Point, 0, distinct(order)+1)
	c.Points = append(c.Points, Point{
		Threshold: math.Inf(1),
		Quality:   all.weak.value() / c.Prompts,
		CostUSD:   all.weakCost.value(),
	})
	var sent totals
	for i, p := range inOrder(pairs, order) {
		sent.add(p)
		if i+1 < len(order) && order[i+1].key == order[i].key {
			continue
		}
		c.Points = append(c.Points, Point{
			Threshold:   fallingValue(order[i].key),
			StrongShare: sent.weight.value() / c.Prompts,
			Quality:     (sent.strong.value() + (all.weak.value() - sent.weak.value())) / c.Prompts,
			CostUSD:     sent.strongCost.value() + all.weakCost.less(&sent.weakCost),
		})
	}
	last := &c.Points[len(c.Points)-1]
	last.StrongShare = 1
	last.Quality = all.strong.value() / c.Prompts
	last.CostUSD = all.strongCost.value()
	c.fillPGR()
	return c
}

// inOrder yields the pairs in their order. It fetches a block of them at a time,
// so that the processor waits for many cache lines at once instead of for each.
func inOrder(pairs []Pair, order []ranked) iter.Seq2[int, *Pair] {
	return func(yield func(int, *Pair) bool) {
		var block [256]Pair
		for start := 0; start < len(order); start += len(block) {
			part := order[start:min(start+len(block), len(order))]
			for i, r := range part {
				block[i] = pairs[r.index]
			}
			for i := range part {
				if !yield(start+i, &block[i]) {
					return
				}
			}
		}
	}
}

func distinct(sorted []ranked) int {
	n := 0
	for i := range sorted {
		if i == 0 || sorted[i].key != sorted[i-1].key {
			n++
		}
	}
	return n
}

// Weak is the point that sends no prompt to the strong model.
func (c *Curve) Weak() Point { return c.Points[0] }

// Strong is the point that sends every prompt to the strong model.
func (c *Curve) Strong() Point { return c.Points[len(c.Points)-1] }

// At is the point that routing by the threshold reaches. Its own threshold is
// the smallest win rate that is still sent strong.
func (c *Curve) At(threshold float64) Point {
	n := sort.Search(len(c.Points), func(i int) bool { return !(c.Points[i].Threshold >= threshold) })
	return c.Points[max(n-1, 0)]
}

// AtShare is the point of the largest strong share that is not above share.
func (c *Curve) AtShare(share float64) Point {
	n := sort.Search(len(c.Points), func(i int) bool { return !(c.Points[i].StrongShare <= share) })
	return c.Points[max(n-1, 0)]
}

// AtCost is the point of the largest strong share whose cost is not above usd,
// and false if there is none or the costs are unknown.
func (c *Curve) AtCost(usd float64) (Point, bool) {
	for i := len(c.Points) - 1; i >= 0; i-- {
		if c.Points[i].CostUSD <= usd {
			return c.Points[i], true
		}
	}
	return Point{}, false
}

// CostShare is what a point of the pairs costs relative to the strong model
// alone; NaN if either is unknown or that costs nothing.
func (c *Curve) CostShare(p Point) float64 {
	if strong := c.Strong().CostUSD - c.RoutingUSD; strong > 0 {
		return p.CostUSD / strong
	}
	return math.NaN()
}

// thinned are the points at about every nth part of the strong share, ends included.
func (c *Curve) thinned(n int) []Point {
	var points []Point
	for i := range n + 1 {
		p := c.AtShare(float64(i) / float64(n))
		if len(points) == 0 || p.StrongShare > points[len(points)-1].StrongShare {
			points = append(points, p)
		}
	}
	return points
}

// Mix is the point on the straight line between the two points that enclose the
// strong share. No threshold makes it: it takes sending a random part of the
// prompts of one win rate to the strong model.
func (c *Curve) Mix(share float64) Point {
	share = min(max(share, 0), 1)
	n := sort.Search(len(c.Points), func(i int) bool { return c.Points[i].StrongShare >= share })
	if n == 0 || c.Points[n].StrongShare == share {
		return c.Points[n]
	}
	return between(c.Points[n-1], c.Points[n], share)
}

// Random is what sending that share of the prompts to the strong model at
// random gives in the mean: the straight line between the ends. For two models
// it is also RouterBench's zero router (arXiv 2403.12031).
func (c *Curve) Random(share float64) Point {
	return between(c.Weak(), c.Strong(), min(max(share, 0), 1))
}

func between(a, b Point, share float64) Point {
	t := (share - a.StrongShare) / (b.StrongShare - a.StrongShare)
	line := func(x, y float64) float64 { return x + t*(y-x) }
	return Point{
		Threshold:   math.NaN(),
		StrongShare: share,
		Quality:     line(a.Quality, b.Quality),
		CostUSD:     line(a.CostUSD, b.CostUSD),
		PGR:         line(a.PGR, b.PGR),
	}
}
