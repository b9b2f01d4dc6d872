package reports

import (
	"fmt"
	"math"
)

// paired is a source that needs both models' outcomes on the same prompts.
func paired(of func(*facts) float64) source {
	return func(f *facts, m metric) Value {
		if f.curve == nil {
			return missing(m.name, m.unit, Undefined, f.noPairs())
		}
		return f.doubted(known(m.name, m.unit, of(f), len(f.pairs)))
	}
}

// compared is a source that needs all candidates on the same prompts.
func compared(of func(*facts) float64) source {
	return func(f *facts, m metric) Value {
		switch {
		case f.curve != nil && f.field.common == 0:
			return missing(m.name, m.unit, Undefined, "no prompt has graded outcomes of all candidates")
		case f.curve == nil || f.field.common == len(f.pairs):
			return paired(of)(f, m)
		}
		v := paired(of)(f, m)
		v.N = f.field.common
		v.Warnings = append(v.Warnings, fmt.Sprintf("rests on the %s on which all %d candidates have a grade", plural(f.field.common, "pair"), len(f.field.singles)))
		return v
	}
}

// doubted adds what there is to doubt about a number that rests on pairs.
func (f *facts) doubted(v Value) Value {
	switch units := f.design.units(f.n.prompts); {
	case len(f.pairs) < minPairs:
		v.Warnings = append(v.Warnings, fmt.Sprintf("rests on %s only: too few for an interval", plural(len(f.pairs), "pair")))
	case f.opts.Draws > 0 && units < minPairs:
		v.Warnings = append(v.Warnings, fmt.Sprintf("rests on %s only: too few for an interval", plural(units, "cluster")))
	}
	return v
}

// gap is a source that also needs the strong model to be better: a share of a
// gap that is not there, or may not be, is no number.
func gap(of func(*facts) float64) source {
	return func(f *facts, m metric) Value {
		v := paired(of)(f, m)
		switch ci := f.intervals["gap"]; {
		case !v.OK() || f.curve.hasGap():
			return v
		case f.curve.noise:
			return missing(m.name, m.unit, Undefined, fmt.Sprintf("the gap between strong and weak, %s, is within noise (%s to %s)",
				number(f.curve.Gap()), number(ci.lo), number(ci.hi)))
		}
		return missing(m.name, m.unit, Undefined, fmt.Sprintf("strong (%s) is not better than weak (%s): there is no gap to recover",
			number(f.curve.Strong().Quality), number(f.curve.Weak().Quality)))
	}
}

// rating is a source that also needs win rates, so that there is a threshold to vary.
func rating(of source) source {
	return func(f *facts, m metric) Value {
		v := of(f, m)
		if v.OK() && !f.rated {
			return missing(m.name, m.unit, Undefined, noRates)
		}
		return v
	}
}

const noRates = "the router makes no win rates, so there is no threshold to vary"

// paid is a source that also needs the prices of all that it sums.
func paid(of source) source {
	return func(f *facts, m metric) Value {
		v := of(f, m)
		switch {
		case !v.OK() || !math.IsNaN(v.Center):
			return v
		case f.unpriced > 0:
			return missing(m.name, m.unit, Unknown, fmt.Sprintf("%s of %s lack a price", grouped(float64(f.unpriced)), plural(len(f.pairs), "pair")))
		case f.field.unpriced():
			return missing(m.name, m.unit, Unknown, "a third candidate's outcomes lack a price")
		}
		return missing(m.name, m.unit, Undefined, m.undefined())
	}
}

// undefined is why a figure in money has no meaning although all prices are known.
func (m metric) undefined() string {
	switch m.name {
	case "qnc":
		return "no threshold is as good as the best single model, or that costs nothing"
	case "zero_quality":
		return "no single model is as cheap as the routed answers"
	case "deferral_area_50":
		return "half the cost of strong-only does not pay for weak-only"
	case "arena_opt_cost", "arena_opt_selection":
		return "no routed answer is right"
	}
	return "strong does not cost more than weak"
}

// calibrated is a source that the reliability of the win rates holds.
func calibrated(of func(*Reliability) Value) source {
	return func(f *facts, m metric) Value {
		switch {
		case f.curve == nil:
			return missing(m.name, m.unit, Undefined, f.noPairs())
		case f.calibration == nil:
			return missing(m.name, m.unit, Undefined, noRates)
		}
		return of(f.calibration)
	}
}

func cpt(x float64) func(*facts) float64 {
	return func(f *facts) float64 {
		p, _ := f.curve.CPT(x) // with a gap, all of strong reaches any x up to 1
		return p.StrongShare
	}
}

func saved(x float64) func(*facts) float64 {
	return func(f *facts) float64 {
		if !(f.curve.Weak().CostUSD < f.curve.Strong().CostUSD) {
			return math.NaN() // there is nothing to save
		}
		p, _ := f.curve.Keep(x) // all of strong keeps any x up to 1
		return f.curve.Saved(p)
	}
}

func qnc(f *facts) float64 {
	single := f.bestSingle()
	x, ok := f.curve.QNC(single.Quality.Center, single.CostUSD.Center)
	if !ok {
		return math.NaN()
	}
	return x
}

// aiqZero is on the range of AIQ, so that the two compare.
func aiqZero(f *facts) float64 {
	return f.field.zero.mean(f.curve.Weak().CostUSD, f.curve.Strong().CostUSD)
}

func routedArena(f *facts) float64 {
	return arenaScore(f.routed.Quality, 1000*f.routed.CostUSD/f.curve.Prompts)
}

func (f *facts) bestSingle() *Single { return &f.field.singles[f.field.best] }

// alone is a point that takes no router: a model alone, or routing at random.
func (f *facts) alone(p Point) Point {
	p.CostUSD -= f.curve.RoutingUSD
	return p
}

func routingCost(f *facts, m metric) Value {
	if f.opts.RoutingUSD == nil {
		return missing(m.name, m.unit, Unknown, "the price of the embeddings is not known")
	}
	return known(m.name, m.unit, *f.opts.RoutingUSD, f.n.prompts)
}

// routeLLMBins is the number of bins that RouteLLM's evaluator uses by default.
const routeLLMBins = 10

func routeLLM(f *facts, m metric) Value {
	v := rating(gap(func(*facts) float64 { return math.NaN() }))(f, m)
	if !v.OK() {
		return v
	}
	var err error
	if v.Center, err = f.curve.APGRRouteLLM(routeLLMBins); err != nil {
		return missing(m.name, m.unit, Undefined, err.Error())
	}
	return v
}

// side is a source that one of the two candidates already holds.
func side(role string, of func(*Candidate) Value) source {
	return func(f *facts, m metric) Value {
		for i := range f.candidates {
			if f.candidates[i].Role == role {
				v := of(&f.candidates[i])
				v.Name = m.name
				return v
			}
		}
		return missing(m.name, m.unit, Undefined, "no result names the "+role+" candidate")
	}
}

func quality(f *facts, m metric) Value {
	switch {
	case f.n.answered == 0:
		return missing(m.name, m.unit, Undefined, "nothing was executed")
	case f.n.graded == 0:
		return missing(m.name, m.unit, Unknown, "no answer is graded")
	}
	v := known(m.name, m.unit, f.totalQuality/float64(f.n.graded), f.n.graded)
	if ungraded := f.n.answered - f.n.graded; ungraded > 0 {
		v.Warnings = append(v.Warnings, fmt.Sprintf("%s without a grade %s left out", plural(ungraded, "answer"), isAre(ungraded)))
	}
	return v
}

func totalCost(f *facts, m metric) Value {
	switch {
	case f.n.answered == 0:
		return missing(m.name, m.unit, Undefined, "nothing was executed")
	case f.n.unpriced > 0:
		return missing(m.name, m.unit, Unknown, fmt.Sprintf("%s of %s have no price", grouped(float64(f.n.unpriced)), plural(f.n.answered, "routed answer")))
	}
	return known(m.name, m.unit, f.totalCost, f.n.answered)
}

func errorRate(f *facts, m metric) Value {
	executed := f.n.failed + f.n.answered
	if executed == 0 {
		return missing(m.name, m.unit, Undefined, "nothing was executed")
	}
	return known(m.name, m.unit, float64(f.n.failed)/float64(executed), executed)
}
