package reports

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
