package reports

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"routeval/datasets"
)

// A Misroute is a prompt on which the router lost quality, wasted money or
// both. Texts are cut to a bounded length.
type Misroute struct {
	Seq       int64 // 0-based row of the prompt in the input
	PromptID  string
	Category  string
	Reference string  // gold answer; "" if none
	WinRate   float64 // NaN where the router makes none
	Route     string  // the chosen candidate

	Strong, Weak Answered

	LostQuality float64 // quality of the better of the two minus that of the routed answer; 0 if it is the best
	WastedUSD   float64 // cost of the routed answer beyond that of the cheaper one which is as good; 0 if none is, NaN if not known
}

// Answered is what one of the two models did with a misrouted prompt.
type Answered struct {
	Quality float64 // [0,1]
	CostUSD float64 // NaN if unknown
	Answer  string  // the text, or its beginning; "" if it was not recorded
}

const (
	maxMisroutes = 50   // of each kind
	maxText      = 2000 // bytes of an answer or a reference
)

// misroutes keeps the worst of each kind: those that lost most quality, and
// those that wasted most money without losing any. Of equal ones it keeps those
// on which the router was surest, by the distance of the win rate from the
// threshold, and of these the first of the input.
type misroutes struct{ lost, wasted []ranking }

// A ranking is a misroute and what it is ranked by.
type ranking struct {
	badness, sureness float64
	Misroute
}

func (m *misroutes) add(r *datasets.Result, kept *row, opts Options) {
	lost := max(kept.strongQuality, kept.weakQuality) - kept.routedQuality
	wasted := wastedUSD(kept)
	list, badness := &m.lost, lost
	if lost == 0 {
		list, badness = &m.wasted, wasted
	}
	if !(badness > 0) {
		return
	}
	rank := ranking{badness: badness}
	if opts.Threshold != nil && !math.IsNaN(kept.winRate) {
		rank.sureness = math.Abs(kept.winRate - *opts.Threshold)
	}
	rank.Seq = r.Seq
	i, _ := slices.BinarySearchFunc(*list, rank, worseFirst)
	if i == maxMisroutes {
		return
	}
	rank.Misroute = newMisroute(r, kept, opts, lost, wasted)
	*list = slices.Insert(*list, i, rank)[:min(len(*list)+1, maxMisroutes)]
}

func worseFirst(a, b ranking) int {
	return cmp.Or(cmp.Compare(b.badness, a.badness), cmp.Compare(b.sureness, a.sureness), cmp.Compare(a.Seq, b.Seq))
}

// wastedUSD is what the routed answer cost beyond the cheapest of the two that
// is at least as good.
func wastedUSD(r *row) float64 {
	if math.IsNaN(r.routedCost) {
		return math.NaN()
	}
	cheapest := r.routedCost
	if r.strongQuality >= r.routedQuality {
		cheapest = min(cheapest, r.strongCost) // NaN if unknown
	}
	if r.weakQuality >= r.routedQuality {
		cheapest = min(cheapest, r.weakCost)
	}
	return r.routedCost - cheapest
}

func newMisroute(r *datasets.Result, kept *row, opts Options, lost, wasted float64) Misroute {
	strong, weak := r.Outcomes[opts.Strong], r.Outcomes[opts.Weak]
	return Misroute{
		Seq: r.Seq, PromptID: cut(r.PromptID), Category: cut(r.Category), Reference: cut(r.Reference),
		WinRate: kept.winRate, Route: cut(r.Route),
		Strong:      Answered{kept.strongQuality, kept.strongCost, cut(strong.Answer)},
		Weak:        Answered{kept.weakQuality, kept.weakCost, cut(weak.Answer)},
		LostQuality: lost, WastedUSD: wasted,
	}
}

// cut is the text, or its beginning with an ellipsis if it is long. It is a copy,
// so that it does not hold the row that it is from.
func cut(s string) string {
	if len(s) <= maxText {
		return strings.Clone(s)
	}
	end := maxText
	for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + " …"
}

func (m *misroutes) list() []Misroute {
	var all []Misroute
	for _, rank := range slices.Concat(m.lost, m.wasted) {
		all = append(all, rank.Misroute)
	}
	return all
}
