package reports

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// A comparedFigure is a figure that a comparison has of every run: a ratio of two
// sums over prompts, or of one sum to nothing. has says whether a prompt counts.
type comparedFigure struct {
	name     string
	unit     Unit
	has      func(p *comparedPrompt) bool
	num, den func(p *comparedPrompt) float64 // den nil for a plain sum
	ranked   bool                            // the area under the curve instead, over the win rates
	lacks    string                          // what a prompt that does not count lacks
}

func one(*comparedPrompt) float64 { return 1 }

func isPair(p *comparedPrompt) bool { return p.weight > 0 }

// figures is the table of what is compared, sorted by name.
var figures = []comparedFigure{
	{"apgr", Ratio, func(p *comparedPrompt) bool { return isPair(p) && !math.IsNaN(p.winRate) }, nil, nil, true, "both models' graded outcomes and a win rate"},
	{"cost_usd", USD, func(p *comparedPrompt) bool { return !math.IsNaN(p.cost) }, func(p *comparedPrompt) float64 { return p.cost }, nil, false, "a price"},
	{"error_rate", Share, func(p *comparedPrompt) bool { return p.called }, func(p *comparedPrompt) float64 { return p.failed }, one, false, "an execution"},
	{"latency_s", Seconds, func(p *comparedPrompt) bool { return !math.IsNaN(p.latency) }, func(p *comparedPrompt) float64 { return p.latency }, one, false, "a latency"},
	{"pgr", Ratio, isPair, func(p *comparedPrompt) float64 { return p.weight * p.kept }, func(p *comparedPrompt) float64 { return p.weight * p.gain }, false, "both models' graded outcomes"},
	{"quality", Ratio, func(p *comparedPrompt) bool { return !math.IsNaN(p.quality) }, func(p *comparedPrompt) float64 { return p.quality }, one, false, "a grade"},
	{"strong_share", Share, func(*comparedPrompt) bool { return true }, func(p *comparedPrompt) float64 { return p.strong }, one, false, ""},
}

// A contest is a figure over the prompts that have it in all runs.
type contest struct {
	comparedFigure
	n    int
	runs []contestant
}

// A contestant is one run's part: sums over prompts, 0 where one does not count.
// For a ranked figure the prompts are in falling order of win rate and ends are
// the exclusive ends of the runs of equal ones.
type contestant struct {
	num, den []float64
	order    []uint32
	ends     []int
}

func (p *pairing) contest(f comparedFigure) *contest {
	c := &contest{comparedFigure: f, runs: make([]contestant, len(p.rows))}
	counts := make([]bool, len(p.rows[0]))
	for i := range counts {
		counts[i] = !slices.ContainsFunc(p.rows, func(rows []comparedPrompt) bool { return !f.has(&rows[i]) })
		if counts[i] {
			c.n++
		}
	}
	for r, rows := range p.rows {
		c.runs[r] = newContestant(f, rows, counts)
	}
	return c
}

func newContestant(f comparedFigure, rows []comparedPrompt, counts []bool) contestant {
	num, den := f.num, f.den
	if f.ranked {
		num, den = func(p *comparedPrompt) float64 { return p.weight * p.gain }, func(p *comparedPrompt) float64 { return p.weight }
	}
	c := contestant{num: make([]float64, len(rows))}
	if den != nil {
		c.den = make([]float64, len(rows))
	}
	for i := range rows {
		if !counts[i] {
			continue
		}
		c.num[i] = num(&rows[i])
		if den != nil {
			c.den[i] = den(&rows[i])
		}
		if f.ranked {
			c.order = append(c.order, uint32(i))
		}
	}
	if f.ranked {
		c.rank(rows)
	}
	return c
}

func (c *contestant) rank(rows []comparedPrompt) {
	rate := func(k int) float64 { return rows[c.order[k]].winRate }
	slices.SortStableFunc(c.order, func(a, b uint32) int {
		switch x, y := rows[a].winRate, rows[b].winRate; {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for k := range c.order {
		if k+1 == len(c.order) || rate(k) != rate(k+1) {
			c.ends = append(c.ends, k+1)
		}
	}
}

// value is the figure of the prompts, each taken times[i] times.
func (c *contestant) value(times []uint8) float64 {
	if c.order != nil {
		return c.area(times)
	}
	num, den := dot(times, c.num), 1.0
	if c.den != nil {
		den = dot(times, c.den)
	}
	if !(den > 0) {
		return math.NaN()
	}
	return num / den
}

// area is [Curve.APGR] of the drawn prompts: Σ w·(G before + g/2) / (W·G) over the
// runs of equal win rates, from the largest down.
func (c *contestant) area(times []uint8) float64 {
	var weight, gain, area float64
	k := 0
	for _, end := range c.ends {
		var w, g float64
		for ; k < end; k++ {
			i := c.order[k]
			w += float64(times[i]) * c.den[i]
			g += float64(times[i]) * c.num[i]
		}
		area += w * (gain + g/2)
		weight += w
		gain += g
	}
	if !(gain > rounding*weight) {
		return math.NaN()
	}
	return area / (weight * gain)
}

// fill computes all figures and their intervals.
func (p *pairing) fill(ctx context.Context, c *Comparison, opts CompareOptions) error {
	all := slices.Repeat([]uint8{1}, len(p.rows[0]))
	var contests []*contest
	for _, f := range figures {
		q := p.contest(f)
		contests = append(contests, q)
		c.Rows = append(c.Rows, q.row(all, len(p.rows[0])))
	}
	if opts.Draws <= 0 || len(all) < minPairs {
		return nil
	}
	c.Draws = opts.Draws
	byFigure, err := drawAll(ctx, contests, len(all), opts)
	for i, draws := range byFigure {
		c.Rows[i].setIntervals(draws, opts.Confidence)
	}
	return err
}

// row is a figure without intervals.
func (q *contest) row(all []uint8, prompts int) ComparedRow {
	row := ComparedRow{Name: q.name, Unit: q.unit, Deltas: make([]Value, len(q.runs))}
	for r := range q.runs {
		row.Values = append(row.Values, q.known(q.runs[r].value(all), prompts))
		if r > 0 {
			row.Deltas[r] = q.known(row.Values[r].Center-row.Values[0].Center, prompts)
		}
	}
	return row
}

func (q *contest) known(x float64, prompts int) Value {
	switch {
	case q.n == 0:
		return missing(q.name, q.unit, Unknown, fmt.Sprintf("no prompt has %s in every run", q.lacks))
	case math.IsNaN(x):
		return missing(q.name, q.unit, Undefined, "strong is not better than weak: there is no gap to recover")
	}
	v := known(q.name, q.unit, x, q.n)
	switch {
	case q.n < minPairs:
		v.Warnings = append(v.Warnings, fmt.Sprintf("rests on %s only: too few for an interval", plural(q.n, "prompt")))
	case q.n < prompts:
		v.Warnings = append(v.Warnings, fmt.Sprintf("rests on the %s that have %s in every run", plural(q.n, "prompt"), q.lacks))
	}
	return v
}

// drawAll gives each contest's draws: by run, in one slice after the other. Draw d
// has its own generator, so that the result does not depend on who computes it.
func drawAll(ctx context.Context, contests []*contest, prompts int, opts CompareOptions) ([][][]float64, error) {
	out := make([][][]float64, len(contests))
	for i, q := range contests {
		for range q.runs {
			out[i] = append(out[i], make([]float64, opts.Draws))
		}
	}
	err := eachDraw(ctx, design{}, opts.Draws, opts.Seed, func() ([]uint8, func(int)) {
		times := make([]uint8, prompts)
		return times, func(d int) {
			for i, q := range contests {
				for r := range q.runs {
					out[i][r][d] = q.runs[r].value(times)
				}
			}
		}
	})
	return out, err
}

// setIntervals sets the intervals of values and, from the same draws, of deltas.
func (row *ComparedRow) setIntervals(draws [][]float64, confidence float64) {
	base := slices.Clone(draws[0])
	for r := range draws {
		if r > 0 && row.Deltas[r].OK() && row.Deltas[r].N >= minPairs {
			deltas := make([]float64, len(base))
			for d := range base {
				deltas[d] = draws[r][d] - base[d]
			}
			row.Deltas[r].Lo, row.Deltas[r].Hi = percentiles(deltas, confidence)
		}
		switch v := &row.Values[r]; {
		case !v.OK() || v.N < minPairs:
		case v.Unit == Share: // has a width at 0 and at 1 too
			v.Lo, v.Hi = wilsonShare(v.Center, float64(v.N), confidence)
		default:
			v.Lo, v.Hi = percentiles(draws[r], confidence)
		}
	}
}
