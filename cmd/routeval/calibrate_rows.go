package main

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"

	"routeval/datasets"
	"routeval/reports"
	"routeval/scoring/train"
)

// A calibrationRow is what calibrate keeps of a prompt that has a win rate.
type calibrationRow struct {
	reports.Pair
	category string
	group    string // prompts of one group are never on both sides of a split
}

func calibrationRows(s scored) ([]calibrationRow, error) {
	var rows []calibrationRow
	for r, err := range s.results {
		if err != nil {
			return nil, err
		}
		p, ok := reports.PairOf(&r, s.strong, s.weak)
		if !ok {
			continue
		}
		_, group := labels(r.Extra, "")
		rows = append(rows, calibrationRow{Pair: p, category: r.Category, group: cmp.Or(group, r.PromptID)})
	}
	if len(rows) == 0 {
		return nil, errors.New("no prompt has a win rate: there is nothing to calibrate on")
	}
	return rows, nil
}

// ratesOf are the win rates of rows.
func ratesOf(rows []calibrationRow) []float64 {
	rates := make([]float64, len(rows))
	for i := range rows {
		rates[i] = rows[i].WinRate
	}
	return rates
}

// split keeps about a share of the groups out.
func split(rows []calibrationRow, share float64, seed uint64) (chosenOn, heldOut []calibrationRow) {
	if share == 0 {
		return rows, nil
	}
	const parts = 10_000
	groups := make([]string, len(rows))
	for i := range rows {
		groups[i] = rows[i].group
	}
	for i, fold := range train.Folds(groups, len(rows), parts, seed) {
		if float64(fold) < share*parts {
			heldOut = append(heldOut, rows[i])
		} else {
			chosenOn = append(chosenOn, rows[i])
		}
	}
	return chosenOn, heldOut
}

// byCategory sorts rows into their categories.
func byCategory(rows []calibrationRow) map[string][]calibrationRow {
	categories := map[string][]calibrationRow{}
	for _, r := range rows {
		categories[r.category] = append(categories[r.category], r)
	}
	return categories
}

// gradedPairs are the pairs on which both qualities are known.
func gradedPairs(rows []calibrationRow) []reports.Pair {
	var pairs []reports.Pair
	for i := range rows {
		if rows[i].Graded() {
			pairs = append(pairs, rows[i].Pair)
		}
	}
	return pairs
}

// pricedPairs are the pairs on which both prices are known; their qualities are
// left out. Prompts that have both answers must have both prices: to leave those
// out that have none would be to take them for free.
func pricedPairs(rows []calibrationRow) ([]reports.Pair, error) {
	var pairs []reports.Pair
	unpriced := 0
	for i := range rows {
		p := rows[i].Pair
		switch {
		case p.Priced():
			p.StrongQuality, p.WeakQuality = 0, 0
			pairs = append(pairs, p)
		case p.Graded():
			unpriced++
		}
	}
	if unpriced > 0 || len(pairs) == 0 {
		return nil, fmt.Errorf("the costs of %d of %d prompts are unknown: give both models a price (price: in the spec, or --prices) and, for answers that nobody counted, --answer-tokens", max(unpriced, len(rows)-len(pairs)), len(rows))
	}
	return pairs, nil
}

// withTokens gives both candidates of every prompt an outcome with tokens, where
// it has none: of the prompt a quarter of its bytes, of the answer so many. What
// was counted stays.
func withTokens(prompts iter.Seq2[datasets.Prompt, error], r *resolved, answer int64) iter.Seq2[datasets.Prompt, error] {
	return func(yield func(datasets.Prompt, error) bool) {
		for p, err := range prompts {
			if err == nil {
				p.Recorded = maps.Clone(p.Recorded)
				if p.Recorded == nil {
					p.Recorded = map[string]datasets.Outcome{}
				}
				for name, m := range r.Models {
					o, ok := p.Recorded[name]
					if !ok {
						o = p.Recorded[m.Model]
					}
					p.Recorded[name] = estimated(o, &p, answer)
				}
			}
			if !yield(p, err) {
				return
			}
		}
	}
}

// estimated fills in the tokens of an outcome that nobody counted.
func estimated(o datasets.Outcome, p *datasets.Prompt, answer int64) datasets.Outcome {
	if o.PromptTokens == nil {
		size := int64(0)
		for _, m := range p.Messages {
			size += int64(len(m.Content))
		}
		o.PromptTokens = new((size + 3) / 4)
	}
	if o.CompletionTokens == nil {
		o.CompletionTokens = new(answer)
	}
	return o
}
