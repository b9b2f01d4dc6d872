package scoring

import (
	"errors"
	"fmt"
	"math"
)

// A Shift says how far prompts at hand are from those that weights were trained
// on.
type Shift struct {
	N       int // prompts at hand
	Trained int // prompts trained on

	// Outside is the share of the prompts, in [0,1], that look like few of those
	// trained on: beyond the middle 99 % in length or another number of their
	// [Surface]. OutsideThen is the share of those trained on. Both are NaN where
	// texts are not known.
	Outside, OutsideThen float64

	// Typical and TypicalThen are the win rates at the mean logit.
	Typical, TypicalThen float64
	// Moved is the difference of the mean logits, Spread the ratio of their
	// standard deviations; Moved is in those of the prompts trained on.
	Moved, Spread float64

	Warnings []string // what that means for a threshold
}

// Thresholds of the warnings. Half a standard deviation sends a fifth of the
// prompts to another side than a threshold at the middle meant to.
const (
	movedFar       = 0.5
	spreadFar      = 1.5
	outsideFar     = 0.1
	enoughForShift = 30
)

// ShiftOf compares the win rates of a scoring pair, and the surfaces of the
// prompts if they are known, with what the weights of a card were trained on. A
// nil Shift means that the weights do not say.
func ShiftOf(c *Card, strong, weak string, winRates []float64, surfaces []Surface) (*Shift, error) {
	seen, err := SeenBy(c)
	if seen == nil || err != nil {
		return nil, err
	}
	if len(winRates) == 0 {
		return nil, errors.New("no win rates to compare with those of the training")
	}
	row1, row2, err := c.pair(strong, weak, len(seen.Mean))
	if err != nil {
		return nil, err
	}
	meanThen, sdThen := seen.Pair(row1, row2)
	mean, sd := momentsOfLogits(winRates)
	s := &Shift{
		N: len(winRates), Trained: seen.Prompts, Outside: math.NaN(), OutsideThen: math.NaN(),
		Typical: Sigmoid(mean), TypicalThen: Sigmoid(meanThen),
	}
	if sdThen > 0 {
		s.Moved, s.Spread = (mean-meanThen)/sdThen, sd/sdThen
	}
	if len(surfaces) > 0 && seen.Low != nil {
		s.Outside, s.OutsideThen = seen.outside(surfaces), seen.Outside
	}
	s.warn()
	return s, nil
}

// momentsOfLogits takes win rates of 0 and 1, which are rounded ones, for the
// nearest that are not.
func momentsOfLogits(winRates []float64) (mean, sd float64) {
	logits := make([]float64, len(winRates))
	for i, p := range winRates {
		p = min(max(p, 1e-15), 1-1e-15)
		logits[i] = math.Log(p / (1 - p))
		mean += logits[i] / float64(len(winRates))
	}
	for _, x := range logits {
		sd += float64((x-mean)*(x-mean)) / float64(len(winRates))
	}
	return mean, math.Sqrt(sd)
}

func (s *Shift) warn() {
	if s.N < enoughForShift {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%d prompts are too few to say whether win rates moved", s.N))
		return
	}
	// A mean of n logits is known to Spread/√n; three of those are no accident.
	sure := math.Abs(s.Moved)*math.Sqrt(float64(s.N)) > 3*max(1, s.Spread)
	if math.Abs(s.Moved) > movedFar && sure {
		s.Warnings = append(s.Warnings, fmt.Sprintf("win rates moved by %.1f standard deviations: a threshold chosen on other prompts sends another share of these", s.Moved))
	}
	if s.Spread > spreadFar || s.Spread < 1/spreadFar {
		s.Warnings = append(s.Warnings, fmt.Sprintf("win rates spread %.2f times as widely as on the training prompts", s.Spread))
	}
	if s.Outside > max(outsideFar, 2*s.OutsideThen) {
		s.Warnings = append(s.Warnings, fmt.Sprintf("%.0f %% of the prompts look like few or none of the training prompts: the router knows nothing of them; train on outcomes of such prompts", 100*s.Outside))
	}
}
