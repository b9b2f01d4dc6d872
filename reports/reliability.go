package reports

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
