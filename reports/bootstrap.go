package reports

import (
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
)

// The statistics that every bootstrap draw computes.
const (
	statQuality = iota
	statCost
	statWeakQuality
	statStrongQuality
	statGap
	statOracleQuality
	statRoutedQuality
	statWeakCost
	statStrongCost
	statRoutedCost
	statCostShare
	statPGR
	statAPGR
	statAPGRCost
	statCPT50
	statCPT80
	statCPT95
	statSaved50
	statSaved80
	statSaved95
	numStats
)

// statNames are the names under which metrics and baselines find the intervals.
var statNames = [numStats]string{
	statQuality:       "quality",
	statCost:          "cost_usd",
	statWeakQuality:   "weak_quality",
	statStrongQuality: "strong_quality",
	statGap:           "gap",
	statOracleQuality: "oracle_quality",
	statRoutedQuality: "routed_quality",
	statWeakCost:      "weak_cost_usd",
	statStrongCost:    "strong_cost_usd",
	statRoutedCost:    "routed_cost_usd",
	statCostShare:     "cost_share",
	statPGR:           "pgr",
	statAPGR:          "apgr",
	statAPGRCost:      "apgr_cost",
	statCPT50:         "cpt_50",
	statCPT80:         "cpt_80",
	statCPT95:         "cpt_95",
	statSaved50:       "saved_50",
	statSaved80:       "saved_80",
	statSaved95:       "saved_95",
}

var cptLevels = [...]float64{0.50, 0.80, 0.95} // of statCPT50 and statSaved50 and on, ascending

// bootstrap fills in the intervals of the facts: the paired percentile
// bootstrap over prompts. Each draw takes as many prompts as there are, with
// replacement, each with all that is known of it, and computes the exact
// statistic of the drawn prompts: not an approximation, and not another
// estimand.
//
// Rows are sorted once. A draw is then a number of times for each row, and one
// pass over the rows in order gives every area and crossing. Draw d has its own
// generator, seeded by (seed, d), so the intervals do not depend on how many
// processors share the work.
func bootstrap(f *facts, list []row) {
	s := newSample(f, list)
	draws := f.opts.Draws
	table := make([]float64, numStats*draws)
	eachDraw(len(s.steps), f.opts, func() func(int, []uint8) {
		return func(d int, times []uint8) {
			for i, x := range s.draw(times) {
				table[i*draws+d] = x
			}
		}
	})
	for i, name := range statNames {
		lo, hi := percentiles(table[i*draws:(i+1)*draws], f.opts.Confidence)
		f.intervals[name] = interval{lo, hi}
	}
}

// eachDraw makes the draws of the options from n rows, on all processors: each
// has a worker of its own, which is told the number of a draw and how often
// every row came in it.
func eachDraw(n int, opts Options, worker func() func(d int, times []uint8)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), opts.Draws) {
		use := worker()
		workers.Go(func() {
			times := make([]uint8, n)
			for {
				d := int(next.Add(1)) - 1
				if d >= opts.Draws {
					return
				}
				resample(times, rand.NewPCG(opts.Seed, uint64(d)))
				use(d, times)
			}
		})
	}
	workers.Wait()
}

// resample draws len(times) rows with replacement and counts how often each
// came: an exact multinomial. Indexes are Lemire's unbiased ones ("Fast random
// integer generation in an interval", TOMACS 2019), two from each 64-bit number.
// A count overflows with a probability below 1/256!.
func resample(times []uint8, source *rand.PCG) {
	clear(times)
	n := uint32(len(times))
	reject := -n % n // products below it would favour small indexes
	for drawn := 0; drawn < len(times); {
		bits := source.Uint64()
		for range 2 {
			product := uint64(uint32(bits)) * uint64(n)
			if uint32(product) >= reject && drawn < len(times) {
				times[product>>32]++
				drawn++
			}
			bits >>= 32
		}
	}
}

// A sample is the rows in falling order of win rate, as sums want them: weights
// are multiplied in, and what a row does not have is 0.
type sample struct {
	steps []step
	parts []part
	rows  []uint32 // the index in the list of each of them
	ends  []int    // exclusive end of each run of equal win rates

	priced    bool    // all pairs are
	allPriced bool    // all chosen answers are
	anyGraded bool    // some chosen answer is
	pairs     bool    // there are any
	rated     bool    // their win rates are known
	prompts   float64 // sum of the weights of all pairs
}

// A step is what the ordered pass needs of a row.
type step struct{ weight, gain, cost float64 } // weight, weight × (strong − weak) of quality and of cost

// A part is what the plain sums need of a row.
type part struct {
	weight, gain, cost         float64
	weak, best, routed         float64 // weight × quality
	weakCost, routedCost       float64 // weight × cost
	quality, graded, chosenUSD float64 // of the chosen answer, whether or not the row is a pair
}

func newSample(f *facts, list []row) *sample {
	s := &sample{
		steps: make([]step, len(list)), parts: make([]part, len(list)), rows: make([]uint32, len(list)),
		priced: f.unpriced == 0, allPriced: f.n.unpriced == 0 && f.n.answered > 0,
		anyGraded: f.n.graded > 0, pairs: len(f.pairs) > 0, rated: f.rated,
	}
	order := make([]ranked, len(list))
	for i := range list {
		key := list[i].winRate
		if math.IsNaN(key) {
			key = -1 // no pair, or one that no threshold tells apart
		}
		order[i] = ranked{fallingKey(key), uint32(i)}
	}
	order = sortRanked(order)
	for i, o := range order {
		s.rows[i] = o.index
		s.parts[i] = list[o.index].part(s.priced, s.allPriced)
		s.steps[i] = step{s.parts[i].weight, s.parts[i].gain, s.parts[i].cost}
		s.prompts += s.parts[i].weight
		if i+1 == len(order) || order[i+1].key != o.key {
			s.ends = append(s.ends, i+1)
		}
	}
	return s
}

func (r *row) part(priced, allPriced bool) part {
	var p part
	if !math.IsNaN(r.routedQuality) {
		p.quality, p.graded = r.routedQuality, 1
	}
	if allPriced {
		p.chosenUSD = r.routedCost
	}
	if r.weight == 0 {
		return p
	}
	p.weight = r.weight
	p.gain = r.weight * (r.strongQuality - r.weakQuality)
	p.weak = r.weight * r.weakQuality
	p.best = r.weight * max(r.strongQuality, r.weakQuality)
	p.routed = r.weight * r.routedQuality
	if priced {
		p.cost = r.weight * (r.strongCost - r.weakCost)
		p.weakCost = r.weight * r.weakCost
		p.routedCost = r.weight * r.routedCost
	}
	return p
}

// draw computes all statistics of one draw; NaN where one has no meaning.
func (s *sample) draw(times []uint8) [numStats]float64 {
	var t part
	for i := range s.parts {
		n, p := float64(times[i]), &s.parts[i]
		t.weight += n * p.weight
		t.gain += n * p.gain
		t.cost += n * p.cost
		t.weak += n * p.weak
		t.best += n * p.best
		t.routed += n * p.routed
		t.weakCost += n * p.weakCost
		t.routedCost += n * p.routedCost
		t.quality += n * p.quality
		t.graded += n * p.graded
		t.chosenUSD += n * p.chosenUSD
	}
	var out [numStats]float64
	for i := range out {
		out[i] = math.NaN()
	}
	if s.anyGraded {
		out[statQuality] = t.quality / t.graded
	}
	if s.allPriced {
		out[statCost] = t.chosenUSD
	}
	if s.pairs && t.weight > 0 {
		s.pairStats(&out, &t)
		if s.rated && t.gain > 0 {
			s.curveStats(&out, &t, times)
		}
	}
	return out
}

func (s *sample) pairStats(out *[numStats]float64, t *part) {
	out[statWeakQuality] = t.weak / t.weight
	out[statStrongQuality] = (t.weak + t.gain) / t.weight
	out[statGap] = t.gain / t.weight
	out[statOracleQuality] = t.best / t.weight
	out[statRoutedQuality] = t.routed / t.weight
	if t.gain > 0 {
		out[statPGR] = (t.routed - t.weak) / t.gain
	}
	if s.priced {
		scale := s.prompts / t.weight
		out[statWeakCost] = t.weakCost * scale
		out[statStrongCost] = (t.weakCost + t.cost) * scale
		out[statRoutedCost] = t.routedCost * scale
		if strong := t.weakCost + t.cost; strong > 0 {
			out[statCostShare] = t.routedCost / strong
		}
	}
}

// curveStats walks the curve of the draw from no prompt to all, one run of equal
// win rates at a time, by the definitions of [Curve.APGR] and [Curve.CPT].
func (s *sample) curveStats(out *[numStats]float64, t *part, times []uint8) {
	var area, costArea, weight, gain, cost float64
	crossed, start := 0, 0
	for _, end := range s.ends {
		var w, g, k float64
		for i := start; i < end; i++ {
			n, p := float64(times[i]), &s.steps[i]
			w += n * p.weight
			g += n * p.gain
			k += n * p.cost
		}
		start = end
		middle := gain + g/2
		area += w * middle
		costArea += k * middle
		weight += w
		gain += g
		cost += k
		for crossed < len(cptLevels) && gain >= (cptLevels[crossed]-rounding)*t.gain {
			out[statCPT50+crossed] = weight / t.weight
			if strong := t.weakCost + t.cost; s.priced && strong > 0 {
				out[statSaved50+crossed] = 1 - (t.weakCost+cost)/strong
			}
			crossed++
		}
	}
	out[statAPGR] = area / (t.weight * t.gain)
	if s.priced && t.cost > 0 {
		out[statAPGRCost] = costArea / (t.cost * t.gain)
	}
}
