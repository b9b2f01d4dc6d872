package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"routeval/datasets"
	"routeval/pipeline"
)

// progress tells a person how far a run is: a bar on a terminal, else a line
// every few seconds. Its methods are for one goroutine at a time.
type progress struct {
	out     io.Writer
	total   int64 // prompts; -1 if not known
	began   time.Time
	printed time.Time
	bar     *progressbar.ProgressBar // nil for lines

	done, session, failed int64
	costUSD               float64
	unpriced              int64
}

const lineEvery = 5 * time.Second

// newProgress shows the state of a run of total prompts, of which tally is done
// already. A quiet one shows nothing.
func newProgress(w *world, quiet bool, total int64, tally pipeline.Tally) *progress {
	p := &progress{
		out: w.stderr, total: total, began: time.Now(), printed: time.Now(),
		done: tally.Prompts, failed: tally.Failed, costUSD: tally.CostUSD, unpriced: tally.Unpriced,
	}
	switch {
	case quiet:
		p.out = io.Discard
	case w.terminal:
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(w.stderr), progressbar.OptionSetWidth(24),
			progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("prompts"),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond))
		p.bar.Add64(tally.Prompts)
	}
	return p
}

// finished counts results that are on disk.
func (p *progress) finished(results []*datasets.Result) {
	for _, r := range results {
		p.done++
		p.session++
		if pipeline.Failed(r) {
			p.failed++
		}
		if j := r.Judged; j != nil {
			if j.CostUSD == nil {
				p.unpriced++
			} else {
				p.costUSD += *j.CostUSD
			}
		}
		for _, o := range r.Outcomes {
			switch {
			case o.Recorded:
			case o.CostUSD != nil:
				p.costUSD += *o.CostUSD
			case o.OK():
				p.unpriced++
			}
		}
	}
	if p.bar != nil {
		p.bar.Describe(p.money())
		p.bar.Add(len(results))
		return
	}
	if time.Since(p.printed) >= lineEvery {
		p.printed = time.Now()
		fmt.Fprintln(p.out, p.line())
	}
}

// end leaves the bar's line.
func (p *progress) end() {
	if p.bar != nil {
		p.bar.Exit()
		fmt.Fprintln(p.out)
	}
}

// line is the state in one line: "1200/5000 prompts, 310/s, ETA 12s, $0.41, 3 failed".
func (p *progress) line() string {
	rate := float64(p.session) / time.Since(p.began).Seconds()
	parts := []string{fmt.Sprintf("%d prompts", p.done), fmt.Sprintf("%.0f/s", rate)}
	if p.total >= 0 {
		parts[0] = fmt.Sprintf("%d/%d prompts", p.done, p.total)
		if left := p.total - p.done; left > 0 && rate > 0 {
			parts = append(parts, "ETA "+(time.Duration(float64(left)/rate)*time.Second).String())
		}
	}
	return strings.Join(append(parts, p.money()), ", ")
}

func (p *progress) money() string {
	s := spent(p.costUSD, p.unpriced)
	if p.failed > 0 {
		s += fmt.Sprintf(", %d failed", p.failed)
	}
	return s
}

// spent is what calls cost. Answers without a price are told apart: what they
// cost is unknown, which is not nothing.
func spent(costUSD float64, unpriced int64) string {
	if unpriced == 0 {
		return fmt.Sprintf("$%.4f", costUSD)
	}
	return fmt.Sprintf("$%.4f and %d answers of unknown price", costUSD, unpriced)
}
