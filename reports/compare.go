package reports

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"slices"
	"strings"

	"routeval/datasets"
)

// A Run is one run to compare with others.
type Run struct {
	Name         string // for the page
	Strong, Weak string // names of the two candidates
	Results      iter.Seq2[datasets.Result, error]

	// Grading is how its answers were graded and Input is what was asked, as
	// texts that are equal if these are. Input is "" if nobody knows.
	Grading, Input string
}

// CompareOptions say how to compare.
type CompareOptions struct {
	Confidence float64 // of the intervals, in (0,1); 0 means 0.95
	Draws      int     // bootstrap draws; 0 means 2000, below 0 none: then there are no intervals
	Seed       uint64  // of the bootstrap
	Force      bool    // pair runs that were graded differently or asked something else
}

// A Comparison is runs side by side, over the prompts that all of them finished.
type Comparison struct {
	Runs       []string // names, the base first
	Prompts    int      // that all runs have
	Rows       []ComparedRow
	Confidence float64
	Draws      int // of the bootstrap; 0 if there was none
	Notes      []string
}

// A ComparedRow is one figure of every run. Values and Deltas rest on the same
// prompts in all runs: those of which the figure is known in each.
type ComparedRow struct {
	Name   string
	Unit   Unit
	Values []Value // by run
	Deltas []Value // by run: its value less the base's; none for the base, Deltas[0] is empty
}

// A PairingError says why runs must not be paired prompt by prompt.
type PairingError struct{ Reasons []string }

func (e *PairingError) Error() string {
	return "these runs cannot be paired prompt by prompt:\n  " + strings.Join(e.Reasons, "\n  ")
}

// Compare pairs runs by the IDs of their prompts; the first is the base. Prompts
// that one of them does not have are left out and counted in a note. Intervals
// of values and deltas are those of the paired bootstrap: each draw takes the
// same prompts from every run, so that what makes a prompt hard for all of them
// does not blur the difference.
//
// Runs that were graded differently, or whose prompts differ, are a
// [*PairingError], unless opts.Force is set; then the doubts are notes.
func Compare(ctx context.Context, runs []Run, opts CompareOptions) (*Comparison, error) {
	opts.Confidence, opts.Draws = cmp.Or(opts.Confidence, 0.95), cmp.Or(opts.Draws, DefaultDraws)
	if len(runs) < 2 {
		return nil, errors.New("a comparison takes two runs or more")
	}
	p, err := pairUp(ctx, runs)
	if err != nil {
		return nil, err
	}
	doubts := append(doubtsBefore(runs), p.doubts...)
	if len(doubts) > 0 && !opts.Force {
		return nil, &PairingError{doubts}
	}
	c := &Comparison{Confidence: opts.Confidence, Prompts: len(p.rows[0]), Notes: append(p.notes, doubts...)}
	for _, r := range runs {
		c.Runs = append(c.Runs, r.Name)
	}
	return c, p.fill(ctx, c, opts)
}

// doubtsBefore are reasons against pairing that show before a row is read.
func doubtsBefore(runs []Run) (doubts []string) {
	base := runs[0]
	for _, r := range runs[1:] {
		if r.Grading != base.Grading {
			doubts = append(doubts, fmt.Sprintf("%s is graded by %s, %s by %s", base.Name, cmp.Or(base.Grading, "nobody"), r.Name, cmp.Or(r.Grading, "nobody")))
		}
		switch {
		case r.Input == "" || base.Input == "":
			doubts = append(doubts, fmt.Sprintf("it is not known whether %s and %s were asked the same: the input of one was not a file", base.Name, r.Name))
		case r.Input != base.Input:
			doubts = append(doubts, fmt.Sprintf("the inputs of %s and %s differ", base.Name, r.Name))
		}
	}
	return doubts
}

// A comparedPrompt is what is kept of one prompt of one run. Unknown numbers are
// NaN.
type comparedPrompt struct {
	quality, cost, latency float64 // of the chosen candidate; latency in seconds
	strong, failed         float64 // 1 if it was routed strong, if it has no answer
	called                 bool
	winRate                float64
	weight, gain, kept     float64 // of a pair: prompts it stands for, strong − weak, routed − weak in quality
	reference              uint64  // digest
}

func newComparedPrompt(r *datasets.Result, run *Run) (comparedPrompt, error) {
	p := comparedPrompt{quality: math.NaN(), cost: math.NaN(), latency: math.NaN(), winRate: orNaN(r.WinRate), reference: digest(r.Reference)}
	if err := checkResult(r); err != nil {
		return p, fmt.Errorf("%s: result %q: %w", run.Name, r.PromptID, err)
	}
	if r.Route == run.Strong {
		p.strong = 1
	}
	o, called := r.Outcomes[r.Route]
	if p.called = called || r.Failure != nil; !p.called {
		return p, nil
	}
	if !called || !o.OK() {
		p.failed, p.cost = 1, 0
		if o.CostUSD != nil {
			p.cost = *o.CostUSD
		}
		return p, nil
	}
	p.quality, p.cost = orNaN(o.Quality), orNaN(o.CostUSD)
	if o.LatencyNS > 0 {
		p.latency = float64(o.LatencyNS) / 1e9
	}
	s, w := r.Outcomes[run.Strong], r.Outcomes[run.Weak]
	if s.Quality != nil && w.Quality != nil && o.Quality != nil {
		p.gain, p.kept, p.weight = *s.Quality-*w.Quality, *o.Quality-*w.Quality, 1
		if r.Propensity > 0 {
			p.weight = 1 / r.Propensity
		}
	}
	return p, nil
}

func digest(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}

// A pairing is the prompts that all runs have: rows[r][i] is prompt i of run r.
type pairing struct {
	rows          [][]comparedPrompt
	notes, doubts []string
}

func pairUp(ctx context.Context, runs []Run) (*pairing, error) {
	p := &pairing{rows: make([][]comparedPrompt, len(runs))}
	at := map[string]uint32{} // of the base's prompts
	var in []int              // runs that have each of them
	for i := range runs {
		run := &runs[i]
		count, others := 0, 0
		for r, err := range run.Results {
			if err == nil && count%1024 == 0 {
				err = ctx.Err()
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", run.Name, err)
			}
			kept, err := newComparedPrompt(&r, run)
			if err != nil {
				return nil, err
			}
			count++
			if i == 0 {
				at[r.PromptID] = uint32(len(in))
				p.rows[0], in = append(p.rows[0], kept), append(in, 1)
				continue
			}
			if p.rows[i] == nil {
				p.rows[i] = make([]comparedPrompt, len(in))
			}
			n, ok := at[r.PromptID]
			if !ok {
				others++
				continue
			}
			p.rows[i][n] = kept
			in[n]++
		}
		if count == 0 {
			return nil, fmt.Errorf("%s: there are no results to compare", run.Name)
		}
		if others > 0 {
			p.notes = append(p.notes, fmt.Sprintf("%s of %s %s not in %s: left out.", plural(others, "prompt"), run.Name, isAre(others), runs[0].Name))
		}
	}
	p.keep(in, runs)
	if len(p.rows[0]) == 0 {
		return nil, &PairingError{[]string{"no prompt has the same id in all of them"}}
	}
	return p, nil
}

// keep drops the prompts that not all runs have.
func (p *pairing) keep(in []int, runs []Run) {
	for r := range p.rows {
		n := 0
		for i, row := range p.rows[r] {
			if in[i] == len(runs) {
				p.rows[r][n] = row
				n++
			}
		}
		p.rows[r] = p.rows[r][:n]
	}
	if missing := len(in) - len(p.rows[0]); missing > 0 {
		p.notes = append(p.notes, fmt.Sprintf("%s of %s %s not in every run: left out.", plural(missing, "prompt"), runs[0].Name, isAre(missing)))
	}
	for r := 1; r < len(runs); r++ {
		n := 0
		for i := range p.rows[r] {
			if p.rows[r][i].reference != p.rows[0][i].reference {
				n++
			}
		}
		if n > 0 {
			p.doubts = append(p.doubts, fmt.Sprintf("%s of %s and %s have the same id and another reference", plural(n, "prompt"), runs[0].Name, runs[r].Name))
		}
	}
}

// CompareNames are the names of the figures of a comparison, sorted.
func CompareNames() []string {
	names := make([]string, len(figures))
	for i, f := range figures {
		names[i] = f.name
	}
	return names
}

// Delta is the difference of a figure between the last run and the base.
func (c *Comparison) Delta(name string) Value {
	i := slices.IndexFunc(c.Rows, func(r ComparedRow) bool { return r.Name == name })
	if i < 0 {
		return missing(name, Ratio, Undefined, "a comparison has no figure of this name")
	}
	return c.Rows[i].Deltas[len(c.Runs)-1]
}
