package train

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Comparison says which of two models did better on a prompt.
type Comparison struct {
	Winner, Loser int32 // indexes of models
	Tie           bool  // neither did; then the two names mean nothing
}

// An Example is a prompt and the comparisons made on it.
type Example struct {
	Row         int // of Rows
	Comparisons []Comparison
}

// Comparisons are what [Fit] learns from.
type Comparisons struct {
	Rows     Rows
	Models   []string
	Examples []Example // the unit of a batch; a row may have several
}

// Ties says what becomes of a comparison without a winner.
type Ties string

const (
	// HalfTies takes a tie for half a win of either side, so that the win
	// rate estimates (1 + E[quality difference]) / 2.
	HalfTies Ties = "half"
	// DropTies is RouteLLM's way. The win rate is then P(win | no tie), which
	// sends prompts that end in a tie for certain to the strong model.
	DropTies Ties = "drop"
)

// Comparisons compares every two models whose quality is known, prompt by
// prompt. Prompts without a comparison make no example.
func (o *Outcomes) Comparisons(ties Ties) (*Comparisons, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if ties != HalfTies && ties != DropTies {
		return nil, fmt.Errorf("unknown ties %q (have %s, %s)", ties, DropTies, HalfTies)
	}
	c := &Comparisons{Rows: o.Rows, Models: o.Models}
	for i := range o.Rows.Len() {
		if pairs := comparePairs(o.Quality[i*len(o.Models):][:len(o.Models)], ties); len(pairs) > 0 {
			c.Examples = append(c.Examples, Example{i, pairs})
		}
	}
	return c, nil
}

// comparePairs compares the qualities of one prompt, in the order of models.
func comparePairs(quality []float64, ties Ties) (pairs []Comparison) {
	for a, qa := range quality {
		for b := a + 1; b < len(quality); b++ {
			qb := quality[b]
			switch {
			case math.IsNaN(qa) || math.IsNaN(qb):
			case qa > qb:
				pairs = append(pairs, Comparison{Winner: int32(a), Loser: int32(b)})
			case qa < qb:
				pairs = append(pairs, Comparison{Winner: int32(b), Loser: int32(a)})
			case ties == HalfTies:
				pairs = append(pairs, Comparison{Winner: int32(a), Loser: int32(b), Tie: true})
			}
		}
	}
	return pairs
}

// WithoutTies is what is left of the comparisons with [DropTies].
func (c *Comparisons) WithoutTies() *Comparisons {
	untied := &Comparisons{Rows: c.Rows, Models: c.Models}
	for _, e := range c.Examples {
		pairs := slices.DeleteFunc(slices.Clone(e.Comparisons), func(p Comparison) bool { return p.Tie })
		if len(pairs) > 0 {
			untied.Examples = append(untied.Examples, Example{e.Row, pairs})
		}
	}
	return untied
}

// Merge puts the comparisons of several sources together, by the names of their
// models, which are sorted. The rows follow each other in the order of the
// sources and must have one width.
func Merge(sources ...*Comparisons) (*Comparisons, error) {
	if len(sources) == 0 {
		return nil, errors.New("no comparisons to train on")
	}
	var models []string
	var rows []Rows
	for _, c := range sources {
		if got, want := c.Rows.Width(), sources[0].Rows.Width(); got != want {
			return nil, fmt.Errorf("rows of width %d and %d do not go together", want, got)
		}
		models = append(models, c.Models...)
		rows = append(rows, c.Rows)
	}
	slices.Sort(models)
	merged := &Comparisons{Rows: joinRows(rows), Models: slices.Compact(models)}
	offset := 0
	for _, c := range sources {
		over, err := c.Over(merged.Models)
		if err != nil {
			return nil, err
		}
		for _, e := range over.Examples {
			merged.Examples = append(merged.Examples, Example{e.Row + offset, e.Comparisons})
		}
		offset += c.Rows.Len()
	}
	return merged, nil
}

// Over is the same comparisons with the models numbered as in another list,
// such as that of weights to begin with. It must have all of them.
func (c *Comparisons) Over(models []string) (*Comparisons, error) {
	number := make([]int32, len(c.Models))
	for m, name := range c.Models {
		k := slices.Index(models, name)
		if k < 0 {
			return nil, fmt.Errorf("unknown model %q (have %s)", name, strings.Join(models, ", "))
		}
		number[m] = int32(k)
	}
	over := &Comparisons{Rows: c.Rows, Models: models, Examples: make([]Example, len(c.Examples))}
	for i, e := range c.Examples {
		pairs := slices.Clone(e.Comparisons)
		for k, p := range pairs {
			pairs[k] = Comparison{number[p.Winner], number[p.Loser], p.Tie}
		}
		over.Examples[i] = Example{e.Row, pairs}
	}
	return over, nil
}

// Split holds back about the given share of the groups, for validation: groups
// by row of Rows, as in [Folds].
func (c *Comparisons) Split(groups []string, share float64, seed uint64) (train, held *Comparisons) {
	const parts = 10_000
	folds := Folds(groups, c.Rows.Len(), parts, seed)
	train, held = &Comparisons{Rows: c.Rows, Models: c.Models}, &Comparisons{Rows: c.Rows, Models: c.Models}
	for _, e := range c.Examples {
		side := train
		if float64(folds[e.Row]) < share*parts {
			side = held
		}
		side.Examples = append(side.Examples, e)
	}
	return train, held
}

func (c *Comparisons) check() error {
	if err := checkNames(c.Models); err != nil {
		return err
	}
	for i, e := range c.Examples {
		if e.Row < 0 || e.Row >= c.Rows.Len() {
			return fmt.Errorf("example %d: row %d of %d", i, e.Row, c.Rows.Len())
		}
		if len(e.Comparisons) == 0 {
			return fmt.Errorf("example %d: no comparison", i)
		}
		bad := slices.IndexFunc(e.Comparisons, func(p Comparison) bool { return !c.valid(p) })
		if bad >= 0 {
			return fmt.Errorf("example %d: compares models %d and %d of %d", i, e.Comparisons[bad].Winner, e.Comparisons[bad].Loser, len(c.Models))
		}
	}
	return nil
}

func (c *Comparisons) valid(p Comparison) bool {
	n := int32(len(c.Models))
	return p.Winner != p.Loser && p.Winner >= 0 && p.Loser >= 0 && p.Winner < n && p.Loser < n
}
