package reports

// A Slice is the prompts that share one value of a field, looked at as a run of
// their own.
type Slice struct {
	Name    string // the value of the field; "" for prompts that have none
	Prompts int
	Pairs   int
	Small   bool // too few pairs for intervals

	StrongShare   Value // routed to the strong model
	Quality       Value // of the routed answers
	WeakQuality   Value
	StrongQuality Value
	PGR           Value // of the routed answers
	APGR          Value // over all thresholds
	CostUSD       Value // of the routed answers
	CostShare     Value // of what strong-only costs
}
