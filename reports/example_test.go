package reports_test

import (
	"fmt"

	"routeval/reports"
)

// Five prompts, the strong model ten times as dear. The router sends the prompt
// on which only the strong model is right first, then one that it wastes.
func ExampleSweep() {
	curve, err := reports.Sweep([]reports.Pair{
		{WinRate: 0.9, StrongQuality: 1, WeakQuality: 0, StrongCostUSD: 0.10, WeakCostUSD: 0.01},
		{WinRate: 0.7, StrongQuality: 1, WeakQuality: 1, StrongCostUSD: 0.10, WeakCostUSD: 0.01},
		{WinRate: 0.4, StrongQuality: 1, WeakQuality: 0, StrongCostUSD: 0.10, WeakCostUSD: 0.01},
		{WinRate: 0.2, StrongQuality: 1, WeakQuality: 1, StrongCostUSD: 0.10, WeakCostUSD: 0.01},
		{WinRate: 0.2, StrongQuality: 0, WeakQuality: 0, StrongCostUSD: 0.10, WeakCostUSD: 0.01},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range curve.Points {
		fmt.Printf("win rate >= %-4v strong %3.0f %%  quality %.1f  $%.2f  PGR %.1f\n",
			p.Threshold, 100*p.StrongShare, p.Quality, p.CostUSD, p.PGR)
	}
	half, _ := curve.CPT(0.5)
	fmt.Printf("APGR %.2f; half the gap at a threshold of %v\n", curve.APGR(), half.Threshold)
	// Output:
	// win rate >= +Inf strong   0 %  quality 0.4  $0.05  PGR 0.0
	// win rate >= 0.9  strong  20 %  quality 0.6  $0.14  PGR 0.5
	// win rate >= 0.7  strong  40 %  quality 0.6  $0.23  PGR 0.5
	// win rate >= 0.4  strong  60 %  quality 0.8  $0.32  PGR 1.0
	// win rate >= 0.2  strong 100 %  quality 0.8  $0.50  PGR 1.0
	// APGR 0.70; half the gap at a threshold of 0.9
}
