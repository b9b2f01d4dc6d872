package reports

// A Single is one candidate answering every prompt alone, on the same pairs as
// the curve.
type Single struct {
	Name     string
	Role     string // "strong", "weak", or "" for a third one
	Quality  Value
	CostUSD  Value
	Best     bool // the single model of the highest quality, the cheapest of them
	Frontier bool // on the zero router's hull: no mix of others is as good for its price
}
