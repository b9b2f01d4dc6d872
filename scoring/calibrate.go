package scoring

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// A Calibration is a threshold and what it does to the win rates that it was
// chosen on: a prompt goes strong if its win rate is at or above it.
type Calibration struct {
	// Threshold, in full precision. A rounded one may route quite another
	// share where many win rates are equal.
	Threshold float64
	// Asked is the strong share that was asked for, in [0,1].
	Asked float64
	// StrongShare is the share that the threshold achieves, in [0,1].
	StrongShare float64
	// Strong of N prompts go strong.
	Strong, N int
	// Ties is how many win rates equal the threshold. They go strong
	// together, and so bound how near to Asked any threshold can come.
	Ties int
}

// Calibrate chooses the threshold whose strong share is nearest to the one
// asked for, among all that any threshold can achieve on these win rates; of
// two equally near it takes the smaller share. Without ties it misses by at
// most half a prompt.
//
// The threshold is the lowest win rate that goes strong. A share of 0 gives a
// threshold just above 1 and a share of 1 gives 0, so that they hold for any
// other prompts as well; where no prompt goes strong because a tie is too
// large, it lies just above the largest win rate.
//
// There must be at least one win rate, and all of them and the share in [0,1].
// One that is not, NaN included, is an [*ItemError].
func Calibrate(winRates []float64, strongShare float64) (Calibration, error) {
	sorted, err := sortedWinRates(winRates, strongShare)
	if err != nil {
		return Calibration{}, err
	}
	return calibration(sorted, strongShare, exactThreshold(sorted, strongShare)), nil
}

// CalibrateRouteLLM chooses the threshold as RouteLLM does: the quantile at
// 1 − strongShare, interpolated between win rates. It is there to repeat
// RouteLLM's numbers: with ties the share achieved may be far from the one
// asked for although a nearer one is possible. Unlike RouteLLM it refuses NaN,
// and it rounds nothing. Errors are those of [Calibrate].
func CalibrateRouteLLM(winRates []float64, strongShare float64) (Calibration, error) {
	sorted, err := sortedWinRates(winRates, strongShare)
	if err != nil {
		return Calibration{}, err
	}
	return calibration(sorted, strongShare, Quantile(sorted, 1-strongShare)), nil
}

func sortedWinRates(winRates []float64, strongShare float64) ([]float64, error) {
	if !(0 <= strongShare && strongShare <= 1) {
		return nil, fmt.Errorf("strong share %v: want a share in [0,1]", strongShare)
	}
	if len(winRates) == 0 {
		return nil, errors.New("no win rates to calibrate on")
	}
	for i, x := range winRates {
		if !(0 <= x && x <= 1) {
			return nil, &ItemError{i, fmt.Errorf("win rate %v: want one in [0,1]", x)}
		}
	}
	return slices.Sorted(slices.Values(winRates)), nil
}

func exactThreshold(sorted []float64, strongShare float64) float64 {
	switch strongShare {
	case 0:
		return math.Nextafter(1, 2)
	case 1:
		return 0
	}
	// The achievable counts next to the one asked for: the prompts strictly
	// above a win rate that sits there, and those at or above it.
	n := len(sorted)
	asked := float64(strongShare * float64(n)) // in (0, n]
	at := sorted[n-int(math.Ceil(asked))]
	above := n - upperBound(sorted, at)
	atOrAbove := n - lowerBound(sorted, at)
	if float64(atOrAbove)-asked < asked-float64(above) {
		return at
	}
	if above == 0 {
		return math.Nextafter(sorted[n-1], 2)
	}
	return sorted[n-above]
}

// calibration counts what a threshold does.
func calibration(sorted []float64, asked, threshold float64) Calibration {
	n, from := len(sorted), lowerBound(sorted, threshold)
	return Calibration{
		Threshold:   threshold,
		Asked:       asked,
		StrongShare: float64(n-from) / float64(n),
		Strong:      n - from,
		N:           n,
		Ties:        upperBound(sorted, threshold) - from,
	}
}

// lowerBound is the number of sorted values below x.
func lowerBound(sorted []float64, x float64) int {
	i, _ := slices.BinarySearch(sorted, x)
	return i
}

// upperBound is the number of sorted values at or below x.
func upperBound(sorted []float64, x float64) int {
	return lowerBound(sorted, math.Nextafter(x, math.Inf(1)))
}
