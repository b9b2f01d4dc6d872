package pipeline

import (
	"maps"
	"slices"

	"routeval/datasets"
)

// plan decides the route of an item, takes over what was recorded, and names
// the candidates that must be called.
func (p *Pipeline) plan(it *item) (*datasets.Result, []string) {
	prompt := &it.prompt
	result := &datasets.Result{
		Seq: it.seq, PromptID: prompt.ID, Category: prompt.Category, Reference: prompt.Reference, Extra: prompt.Extra,
		Failure: it.failure,
	}
	if it.failure != nil {
		return result, nil
	}
	result.WinRate = &it.winRate
	result.Route = p.route(prompt.Category, it.winRate)
	result.Outcomes = make(map[string]datasets.Outcome, len(p.Candidates))
	if len(prompt.Recorded) > 0 {
		p.takeRecorded(result, prompt)
	}
	todo := slices.DeleteFunc(p.wanted(prompt.ID, result.Route), func(name string) bool {
		_, recorded := result.Outcomes[name]
		return recorded
	})
	result.Propensity = p.propensity(result)
	return result, todo
}

// takeRecorded takes over the outcomes that came with a prompt.
func (p *Pipeline) takeRecorded(result *datasets.Result, prompt *datasets.Prompt) {
	for name, c := range p.Candidates {
		if o, ok := recorded(prompt, name, c.Model); ok {
			o.CostUSD = c.Price.CostUSD(&o)
			result.Outcomes[name] = o
		}
	}
}

// recorded finds the outcome that came with a prompt, by the candidate's name
// or by its model's.
func recorded(p *datasets.Prompt, name, model string) (datasets.Outcome, bool) {
	if o, ok := p.Recorded[name]; ok {
		return o, true
	}
	o, ok := p.Recorded[model]
	return o, ok
}

// wanted names the candidates that are to answer a prompt.
func (p *Pipeline) wanted(id, route string) []string {
	switch {
	case p.Execute == datasets.RouteOnly:
		return nil
	case p.Execute == datasets.Both, p.sampled(id):
		return slices.Sorted(maps.Keys(p.Candidates))
	}
	return []string{route}
}

// propensity is the probability that a prompt like this one has an outcome of
// every candidate: 1 where all are recorded or all are called, the share of the
// sample where that decides, else 0.
func (p *Pipeline) propensity(result *datasets.Result) float64 {
	missing := len(p.Candidates) - len(result.Outcomes)
	_, routeRecorded := result.Outcomes[result.Route]
	switch {
	case missing == 0:
		return 1
	case p.Execute == datasets.RouteOnly:
		return 0
	case p.Execute == datasets.Both, missing == 1 && !routeRecorded:
		return 1
	}
	return p.BothShare
}
