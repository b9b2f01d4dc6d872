package reports

import "math"

// The constants of RouterArena's score.
const (
	arenaBeta   = 0.1
	arenaMaxUSD = 200    // per 1,000 prompts
	arenaMinUSD = 0.0044 // per 1,000 prompts
)

// arenaScore is RouterArena's score (arXiv 2510.00202) of a quality A and a cost
// c in US dollars per 1,000 prompts, with its program's constants:
//
//	S = (1+β)·A·C / (β·A + C),  C = (log₂ c_max − log₂ c) / (log₂ c_max − log₂ c_min)
//
// β = 0.1, c_max = 200, c_min = 0.0044. C is held to [0,1], which their program
// leaves to its data: what costs less than c_min, or nothing, has C = 1.
func arenaScore(quality, usd float64) float64 {
	if math.IsNaN(quality) || math.IsNaN(usd) {
		return math.NaN()
	}
	c := (math.Log2(arenaMaxUSD) - math.Log2(usd)) / (math.Log2(arenaMaxUSD) - math.Log2(arenaMinUSD))
	c = min(max(c, 0), 1)
	if quality == 0 || c == 0 {
		return 0
	}
	return (1 + arenaBeta) * quality * c / (arenaBeta*quality + c)
}

// arenaParts are the parts of RouterArena's optimality. An answer is right if no
// candidate's has a higher quality and its own is above 0.
//
//	selection = right and the cheapest that is / right
//	cost      = mean of the cheapest right answer's cost / the routed answer's, where that is right
//	accuracy  = mean quality of the routed answers / mean of the best there are
//
// The first two are over the prompts that the router got right, as the figures
// of RouterArena's board demand: a router there has a selection of 99.7 % at an
// accuracy of 68.8 %, which no share of all solvable prompts could be.
type arenaParts struct{ selection, cost, accuracy float64 }

func (f *facts) arenaParts() arenaParts {
	var right, selected, cost, routed, best sum
	for i := range f.list {
		r := &f.list[i]
		if !f.compared(i) {
			continue
		}
		quality, usd := f.ideal(i)
		routed.add(r.weight * r.routedQuality)
		best.add(r.weight * quality)
		if r.routedQuality < quality || quality == 0 {
			continue
		}
		right.add(r.weight)
		share := usd / r.routedCost // NaN if one of them is unknown
		if r.routedCost == 0 {
			share = 1
		}
		cost.add(r.weight * share)
		switch {
		case math.IsNaN(share):
			selected.add(math.NaN())
		case share >= 1:
			selected.add(r.weight)
		}
	}
	return arenaParts{selected.value() / right.value(), cost.value() / right.value(), routed.value() / best.value()}
}
