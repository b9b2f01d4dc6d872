package pipeline

import (
	"fmt"
	"sync"

	"github.com/go-json-experiment/json"

	"routeval/datasets"
)

// BudgetError ends a run whose next call could cost more than is left.
type BudgetError struct {
	BudgetUSD float64
	SpentUSD  float64 // by all sessions of the run, calls in flight at their worst
	NextUSD   float64 // the worst case of the calls that were not made
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("the budget of $%.4f is spent: $%.4f is gone or in flight, and the next prompt may cost $%.4f", e.BudgetUSD, e.SpentUSD, e.NextUSD)
}

// purse holds a run to its budget: no call begins if what is spent, the worst case
// of the calls in flight and its own worst case would pass it. The nil purse has
// no bound.
type purse struct {
	mu       sync.Mutex
	budget   float64
	spent    float64 // for answers that have come
	inFlight float64 // worst case
}

func (p *purse) reserve(worst float64) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if gone := p.spent + p.inFlight; gone+worst > p.budget {
		return &BudgetError{p.budget, gone, worst}
	}
	p.inFlight += worst
	return nil
}

// settle turns what was reserved into what it cost.
func (p *purse) settle(worst, cost float64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight -= worst
	p.spent += cost
}

// worst bounds what the calls of a prompt can cost.
func (p *Pipeline) worst(it *item, todo []string) (usd float64) {
	size, asked := promptBytes(&it.prompt), askedTokens(&it.prompt)
	for _, name := range todo {
		c := p.Candidates[name]
		w, _ := c.Price.WorstUSD(size, max(asked, c.MaxTokens), c.Timeout)
		usd += w
	}
	return usd
}

// askedTokens is the bound on the answers that a prompt brings in a request body of
// its own; 0 if it brings none.
func askedTokens(p *datasets.Prompt) int {
	if p.Request == nil {
		return 0
	}
	var body struct {
		MaxTokens           int `json:"max_tokens"`
		MaxCompletionTokens int `json:"max_completion_tokens"`
		N                   int `json:"n"`
	}
	_ = json.Unmarshal(p.Request, &body) // what cannot be read asks for nothing
	return max(body.MaxTokens, body.MaxCompletionTokens) * max(1, body.N)
}

func promptBytes(p *datasets.Prompt) (n int) {
	if p.Request != nil {
		return len(p.Request)
	}
	for _, m := range p.Messages {
		n += max(len(m.Content), len(m.Raw))
	}
	return n
}

// paid is what outcomes cost. An answer whose cost is unknown, since the service
// did not count its tokens, is taken at its worst; a call without an answer costs
// nothing that anybody knows of.
func paid(outcomes []*datasets.Outcome, worst float64) (usd float64) {
	for _, o := range outcomes {
		switch {
		case o == nil || !o.OK():
		case o.CostUSD == nil:
			return worst
		default:
			usd += *o.CostUSD
		}
	}
	return usd
}
