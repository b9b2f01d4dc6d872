package reports

import "math"

// A walker computes the statistics of one draw after another. A draw is the
// number of times that each row came.
type walker struct {
	*sample
	times     []uint8
	counts    []uint32 // rows drawn of each class
	stretches []stretch
	hull      hull
}

// A stretch is some consecutive runs: the sums over all rows before it, and the
// highest gain that a run in it reaches.
type stretch struct {
	sums
	peak float64
}

// sums are over the rows from the largest win rate down.
type sums struct{ weight, gain, cost float64 }

func (s *sample) newWalker() *walker {
	return &walker{
		sample: s, times: make([]uint8, s.n), counts: make([]uint32, len(s.classes)),
		stretches: make([]stretch, 0, len(s.ends)/s.stretch+2),
	}
}

// draw computes all statistics for the times as they stand.
func (w *walker) draw(out *drawn) {
	for i := range out.stats {
		out.stats[i] = math.NaN()
	}
	for i := range out.band {
		out.band[i] = math.NaN()
	}
	area := w.walk()
	t := w.total()
	t.weight, t.gain = area.weight, area.gain // as the crossings find them, to the last bit
	if t.graded > 0 {
		out.stats[statQuality] = t.quality / t.graded
	}
	if w.chosenUSD != nil {
		out.stats[statCost] = dot(w.times, w.chosenUSD) + w.otherRouting
	}
	if t.weight == 0 {
		return
	}
	w.qualities(out, &t)
	w.money(out, &t, area.cost)
	if w.rated {
		if w.whole {
			w.crossings(out, &t)
		}
		w.areas(out, &t, &area)
	}
	if w.rated && out.band != nil {
		w.fillBand(out.band, &t)
	}
}

// total sums over the classes.
func (w *walker) total() class {
	var t class
	for i, n := range w.counts {
		k, c := float64(n), &w.classes[i]
		t.better += k * c.better
		t.sent += k * c.sent
		t.weak += k * c.weak
		t.best += k * c.best
		t.routed += k * c.routed
		t.common += k * c.common
		t.commonRouted += k * c.commonRouted
		t.bestAll += k * c.bestAll
		t.single += k * c.single
		t.quality += k * c.quality
		t.graded += k * c.graded
	}
	return t
}

// areas are sums of areas under the curve of the draw, not yet divided, and the
// sums over all rows.
type areas struct {
	sums
	calls, money, better float64
}

// walk goes over the curve of the draw from no prompt to all, one run of equal
// win rates at a time, by the definitions of [Curve.APGR] and auroc. It counts
// the rows of each class, notes the sums at the beginning of each stretch for
// later searches, and builds the hull for [Curve.AIQ]. This is where a bootstrap
// spends its time: the loop has no branch that a row decides, but for the hull.
func (w *walker) walk() areas {
	clear(w.counts)
	w.stretches = w.stretches[:0]
	w.hull.reset()
	w.hull.add(0, 0)
	var all areas
	var better, record float64
	hull := w.whole && w.priced
	for start := 0; start < len(w.ends); start += w.stretch {
		here := stretch{sums: all.sums, peak: math.Inf(-1)}
		from, to := w.rowsOf(start, start+w.stretch)
		times := w.times[from:to]
		numbers, prices, lasts := w.class[from:to][:len(times)], w.cost[from:to][:len(times)], w.last[from:to][:len(times)]
		var run sums
		var b float64
		for i, n := range times {
			number := numbers[i]
			w.counts[number] += uint32(n)
			k, c := float64(n), &w.steps[number]
			run.weight += k * c.weight
			run.gain += k * c.gain
			run.cost += k * prices[i]
			b += k * c.better
			if !lasts[i] {
				continue
			}
			middle := all.gain + run.gain/2
			all.calls += run.weight * middle
			all.money += run.cost * middle
			all.better += (run.weight - b) * (better + b/2)
			better += b
			all.weight += run.weight
			all.gain += run.gain
			all.cost += run.cost
			if all.gain > here.peak {
				here.peak = all.gain
			}
			// The hull does not decrease, so where costs do not fall its corners are
			// among the records.
			if all.gain > record || run.cost < 0 {
				record = max(record, all.gain)
				if hull {
					w.hull.add(all.cost, all.gain)
				}
			}
			run, b = sums{}, 0
		}
		w.stretches = append(w.stretches, here)
	}
	return all
}

// rowsOf are the rows of the runs from one to before another.
func (s *sample) rowsOf(run, end int) (from, to int) {
	if run > 0 {
		from = int(s.ends[run-1])
	}
	return from, int(s.ends[min(end, len(s.ends))-1])
}

// run sums the rows of run i, to the last bit as walk does.
func (w *walker) run(i int) sums {
	var run sums
	from, to := w.rowsOf(i, i+1)
	for row := from; row < to; row++ {
		k, c := float64(w.times[row]), &w.steps[w.class[row]]
		run.weight += k * c.weight
		run.gain += k * c.gain
		run.cost += k * w.cost[row]
	}
	return run
}

// reach is the first point of the draw's curve at which the gain is at least
// that; false if it never is.
func (w *walker) reach(gain float64) (sums, bool) {
	if gain <= 0 {
		return sums{}, true
	}
	for b := range w.stretches {
		if w.stretches[b].peak < gain {
			continue
		}
		at := w.stretches[b].sums
		for i := b * w.stretch; i < min((b+1)*w.stretch, len(w.ends)); i++ {
			run := w.run(i)
			at.weight += run.weight
			at.gain += run.gain
			at.cost += run.cost
			if run.weight > 0 && at.gain >= gain {
				return at, true
			}
		}
	}
	return sums{}, false
}

func (w *walker) qualities(out *drawn, t *class) {
	s := &out.stats
	s[statWeakQuality] = t.weak / t.weight
	s[statStrongQuality] = (t.weak + t.gain) / t.weight
	s[statGap] = t.gain / t.weight
	s[statOracleQuality] = t.best / t.weight
	s[statOracleAllQuality] = t.bestAll / t.common
	s[statBestSingleQuality] = t.single / t.common
	s[statRoutedQuality] = t.routed / t.weight
	s[statGainBestSingle] = relative(t.commonRouted, t.single)
	s[statGainRandom] = relative(t.routed, t.weak+t.sent/t.weight*t.gain)
	s[statOracleGap] = -relative(t.commonRouted, t.bestAll)
	if t.gain > 0 {
		s[statPGR] = (t.routed - t.weak) / t.gain
	}
	if w.brier != nil {
		s[statBrier] = dot(w.times, w.brier) / t.weight
	}
}

// relative is how much x is above base, as a share of base.
func relative(x, base float64) float64 {
	if base == 0 {
		return math.NaN()
	}
	return x/base - 1
}

// money are the statistics that a price makes. Sums over the pairs stand for as
// many prompts as the pairs of the run do; extra is what sending all of them to
// the strong model costs more.
func (w *walker) money(out *drawn, t *class, extra float64) {
	if !w.priced {
		return
	}
	s := &out.stats
	scale := w.prompts / t.weight
	weak, routed := dot(w.times, w.weakCost)*scale, dot(w.times, w.routedCost)*scale+w.routing
	strong := weak + extra*scale
	s[statWeakCost], s[statStrongCost], s[statRoutedCost] = weak, strong, routed
	s[statArenaScore] = arenaScore(t.routed/t.weight, 1000*routed/w.prompts)
	if strong > 0 {
		s[statCostShare] = routed / strong
		s[statCostSaved] = 1 - routed/strong
	}
}

// crossings are the statistics of the first point that is good enough, by the
// definitions of [Curve.CPT], [Curve.Keep] and [Curve.QNC].
func (w *walker) crossings(out *drawn, t *class) {
	s := &out.stats
	for i, x := range cptLevels {
		if at, ok := w.reach((x - rounding) * t.gain); ok && t.gain > 0 {
			s[statCPT20+statistic(i)] = at.weight / t.weight
		}
	}
	if !w.priced {
		return
	}
	scale := w.prompts / t.weight
	weak, strong := s[statWeakCost], s[statStrongCost]
	for i, x := range keepLevels {
		want := x * (t.weak + t.gain)
		if at, ok := w.reach(want*(1-rounding) - t.weak); ok && strong > 0 {
			s[statSaved95+statistic(i)] = 1 - (weak+w.routing+at.cost*scale)/strong
		}
	}
	single := math.NaN() // a third candidate's cost is not drawn
	switch w.bestSingle {
	case 0:
		single = strong
	case 1:
		single = weak
	}
	if at, ok := w.reach(t.single/t.common*t.weight*(1-rounding) - t.weak); ok && single > 0 {
		s[statQNC] = (weak + w.routing + at.cost*scale) / single
	}
}

// areas are the statistics that the whole curve makes.
func (w *walker) areas(out *drawn, t *class, area *areas) {
	s := &out.stats
	if t.gain > 0 {
		s[statAPGR] = area.calls / (t.weight * t.gain)
	}
	if t.better > 0 && t.better < t.weight {
		// walk came from the largest win rates: it counted the pairs in which the
		// better one has the larger.
		s[statAUROC] = area.better / (t.better * (t.weight - t.better))
	}
	if !w.priced {
		return
	}
	if t.gain > 0 && area.cost > 0 {
		s[statAPGRCost] = area.money / (area.cost * t.gain)
	}
	if w.whole {
		s[statAIQ] = (t.weak + w.hull.mean(0, area.cost)) / t.weight
	}
}

// fillBand computes the quality at each percent of the strong share, by the
// definition of [Curve.Mix].
func (w *walker) fillBand(band []float64, t *class) {
	step := t.weight / bandSteps
	k := 0
	put := func(gain float64) {
		band[k] = (t.weak + gain) / t.weight
		k++
	}
	put(0)
	for b := range w.stretches {
		end := t.weight
		if b+1 < len(w.stretches) {
			end = w.stretches[b+1].weight
		}
		if end < float64(k)*step {
			continue
		}
		at := w.stretches[b].sums
		for i := b * w.stretch; i < min((b+1)*w.stretch, len(w.ends)) && k < bandSteps; i++ {
			run := w.run(i)
			for k < bandSteps && run.weight > 0 && at.weight+run.weight >= float64(k)*step {
				put(at.gain + (float64(k)*step-at.weight)/run.weight*run.gain)
			}
			at.weight += run.weight
			at.gain += run.gain
		}
	}
	for k <= bandSteps {
		put(t.gain)
	}
}

// dot is the sum of times × x. Four sums side by side keep the adder busy.
func dot(times []uint8, x []float64) float64 {
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(times) && i+4 <= len(x); i += 4 {
		t, y := times[i:i+4:i+4], x[i:i+4:i+4]
		a += float64(t[0]) * y[0]
		b += float64(t[1]) * y[1]
		c += float64(t[2]) * y[2]
		d += float64(t[3]) * y[3]
	}
	for ; i < len(times); i++ {
		a += float64(times[i]) * x[i]
	}
	return (a + b) + (c + d)
}
