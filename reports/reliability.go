package reports

import (
	"math"
	"slices"
)

// Reliability says how far a win rate may be read as a probability: whether
// the strong answer is strictly better as often as the win rate says.
type Reliability struct {
	Bins  []Bin // ascending in win rate, about equally many prompts in each
	Brier Value // mean squared distance of win rate and what happened; [0,1], lower is better
	ECE   Value // expected calibration error over Bins; [0,1], lower is better
	AUROC Value // P(win rate is higher where strong is strictly better); 0.5 is knowing nothing
}

// A Bin is the prompts whose win rates lie together.
type Bin struct {
	Lo, Hi  float64 // smallest and largest win rate in it
	WinRate float64 // their mean
	Better  Value   // share of the prompts on which strong is strictly better, with Wilson's interval
	Pairs   int
}

// reliabilityBins is the number of bins, fewer where win rates are tied.
const reliabilityBins = 10

// A trial is a win rate and whether strong was strictly better.
type trial struct {
	rate, weight float64
	better       bool
}

// reliability measures the win rates p of the pairs against what happened,
// y = 1 where the strong answer is strictly better and 0 elsewhere:
//
//	Brier = mean (p − y)²                                    (Brier 1950)
//	ECE   = Σ_b n_b/n |mean p in b − mean y in b|            (Naeini et al., AAAI 2015)
//	AUROC = P(p of a pair with y=1 > p of one with y=0), ties counting half
//
// The bins of ECE hold equally many prompts, ties never parted (Nguyen and
// O'Connor, EMNLP 2015): win rates of a router often fill a small part of [0,1],
// where bins of equal width would be one or two.
func (f *facts) reliability() *Reliability {
	if f.curve == nil || !f.rated {
		return nil
	}
	trials := make([]trial, 0, len(f.pairs))
	for i := range f.pairs {
		p := &f.pairs[i]
		trials = append(trials, trial{p.WinRate, p.Weight, p.StrongQuality > p.WeakQuality})
	}
	slices.SortFunc(trials, func(a, b trial) int {
		switch {
		case a.rate < b.rate:
			return -1
		case a.rate > b.rate:
			return 1
		}
		return 0
	})
	r := &Reliability{Bins: binned(trials, f.opts.Confidence)}
	r.Brier = f.withInterval(f.doubted(known("brier", Ratio, brier(trials), len(trials))))
	r.ECE = f.doubted(known("ece", Ratio, ece(r.Bins, trials), len(trials)))
	r.AUROC = missing("auroc", Ratio, Undefined, "strong is strictly better on all pairs, or on none")
	if area := auroc(trials); !math.IsNaN(area) {
		r.AUROC = f.withInterval(f.doubted(known("auroc", Ratio, area, len(trials))))
	}
	return r
}

func brier(trials []trial) float64 {
	var squares, weight sum
	for _, t := range trials {
		d := t.rate - t.outcome()
		squares.add(t.weight * d * d)
		weight.add(t.weight)
	}
	return squares.value() / weight.value()
}

func (t *trial) outcome() float64 {
	if t.better {
		return 1
	}
	return 0
}

// binned parts sorted trials so that each bin but the last has at least a tenth
// of the weight that is left for it and its followers.
func binned(trials []trial, confidence float64) []Bin {
	var left float64
	for _, t := range trials {
		left += t.weight
	}
	var bins []Bin
	for start, n := 0, reliabilityBins; start < len(trials); n = max(n-1, 1) {
		end, weight := start, 0.0
		for end < len(trials) && (weight < left/float64(n)*(1-rounding) || trials[end].rate == trials[end-1].rate) {
			weight += trials[end].weight
			end++
		}
		bins = append(bins, newBin(trials[start:end], confidence))
		left -= weight
		start = end
	}
	return bins
}

// newBin is the bin of those trials. With weights the interval is that of the
// share in (Σw)²/Σw² trials, Kish's effective number.
func newBin(trials []trial, confidence float64) Bin {
	var rate, better, weight, squares sum
	for _, t := range trials {
		rate.add(t.weight * t.rate)
		better.add(t.weight * t.outcome())
		weight.add(t.weight)
		squares.add(t.weight * t.weight)
	}
	b := Bin{Lo: trials[0].rate, Hi: trials[len(trials)-1].rate, WinRate: rate.value() / weight.value(), Pairs: len(trials)}
	b.Better = known("", Share, better.value()/weight.value(), len(trials))
	b.Better.Lo, b.Better.Hi = wilsonShare(b.Better.Center, weight.value()*weight.value()/squares.value(), confidence)
	return b
}

func ece(bins []Bin, trials []trial) float64 {
	var off, weight sum
	for _, b := range bins {
		var w sum
		for _, t := range trials[:b.Pairs] {
			w.add(t.weight)
		}
		trials = trials[b.Pairs:]
		off.add(w.value() * math.Abs(b.WinRate-b.Better.Center))
		weight.add(w.value())
	}
	return off.value() / weight.value()
}

// auroc is the Mann–Whitney statistic over the product of both classes' weights;
// NaN if there is only one class.
func auroc(trials []trial) float64 {
	var area, better, worse sum
	for i := 0; i < len(trials); {
		var b, w sum
		for j := i; i < len(trials) && trials[i].rate == trials[j].rate; i++ {
			if trials[i].better {
				b.add(trials[i].weight)
			} else {
				w.add(trials[i].weight)
			}
		}
		area.add(b.value() * (worse.value() + w.value()/2))
		better.add(b.value())
		worse.add(w.value())
	}
	return area.value() / (better.value() * worse.value())
}
