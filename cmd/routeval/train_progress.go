package main

import (
	"fmt"
	"time"

	"github.com/schollz/progressbar/v3"

	"routeval/scoring/train"
)

// epochProgress tells a person how a training goes: a bar on a terminal, else a
// line after every epoch.
type epochProgress struct {
	w         *world
	total     int
	validated bool
	began     time.Time // the epoch that is running
	bar       *progressbar.ProgressBar
}

func newEpochProgress(w *world, total int, validated bool) *epochProgress {
	p := &epochProgress{w: w, total: total, validated: validated, began: time.Now()}
	if w.terminal {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w.stderr), progressbar.OptionSetWidth(24), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

// resumed says how many epochs a checkpoint holds.
func (p *epochProgress) resumed(epochs int) {
	fmt.Fprintf(p.w.stderr, "resuming after epoch %d of %d\n", epochs, p.total)
	if p.bar != nil {
		p.bar.Set(epochs)
	}
}

// epoch shows the last of the epochs that are done.
func (p *epochProgress) epoch(done []train.Epoch) {
	e := done[len(done)-1]
	figures := fmt.Sprintf("loss %.4f, accuracy %.4f", e.TrainLoss, e.TrainAccuracy)
	if p.validated {
		figures += fmt.Sprintf("; held back: loss %.4f, accuracy %.4f", e.ValidationLoss, e.ValidationAccuracy)
	}
	if p.bar != nil {
		p.bar.Describe(figures)
		p.bar.Set(len(done))
		return
	}
	fmt.Fprintf(p.w.stderr, "epoch %d/%d: %s (%.1fs)\n", len(done), p.total, figures, time.Since(p.began).Seconds())
	p.began = time.Now()
}

// end leaves the bar's line.
func (p *epochProgress) end() {
	if p.bar != nil {
		p.bar.Exit()
		fmt.Fprintln(p.w.stderr)
	}
}
