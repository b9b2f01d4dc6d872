package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"

	"github.com/go-json-experiment/json"

	"routeval/datasets"
)

// Grading says what one grading of a run did.
type Grading struct {
	Prompts  int64 // finished ones
	Graded   int64 // answers that have a quality by this grading
	Ungraded int64 // answers that could not be graded; their outcomes say why
}

// OpenToGrade opens the run in the directory at path, whatever it asks for, and
// locks it until Close.
func OpenToGrade(path string) (*RunDir, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	return openDir(path, (*RunDir).openToGrade)
}

func (d *RunDir) openToGrade() (err error) {
	d.Resumed = true
	if d.Manifest, err = datasets.ReadManifest(filepath.Join(d.Path, ManifestFile)); err != nil {
		return err
	}
	j, err := OpenJournal(filepath.Join(d.Path, JournalFile), false)
	if err != nil {
		return err
	}
	d.Journal = j
	return nil
}

// OpenVerdicts opens the judge's replies that are kept with the run.
func (d *RunDir) OpenVerdicts() (*Verdicts, error) {
	return OpenVerdicts(filepath.Join(d.Path, VerdictsFile))
}

// Regrade replaces the grades of every finished prompt by those of p's grader or
// judge, and the run's manifest by m. Qualities that came with the prompts stay.
// Manifest and journal change together or not at all, however it ends; after an
// error both are as before.
//
// prompts is the run's input, for graders that look at the question; the rows of
// it that are bad or not finished are passed over. It is nil for others. With it
// the journal's new order is the input's.
//
// told, if not nil, learns of results as they are graded; it must not keep them.
func (d *RunDir) Regrade(ctx context.Context, p *Pipeline, prompts iter.Seq2[datasets.Prompt, error], m datasets.Manifest, told func(*datasets.Result)) (Grading, error) {
	var sum Grading
	items := d.finished
	if prompts != nil {
		items = func(yield func(item, error) bool) { d.joined(prompts, yield) }
	}
	next, err := newNextFiles(d.Path)
	if err != nil {
		return sum, err
	}
	defer next.remove()
	err = next.write(JournalFile, func(w io.Writer) error {
		var line []byte
		for b, err := range p.gradedBatches(ctx, items) {
			if err != nil {
				return err
			}
			for _, it := range b.items {
				sum.count(it.result)
				if line, err = datasets.AppendResult(line[:0], it.result); err != nil {
					return err
				}
				if _, err := w.Write(line); err != nil {
					return err
				}
				if told != nil {
					told(it.result)
				}
			}
		}
		return nil
	})
	if err != nil {
		return Grading{}, err
	}
	return sum, d.replace(next, m)
}

// gradedBatches grades items, many at a time, in their order.
func (p *Pipeline) gradedBatches(ctx context.Context, items iter.Seq2[item, error]) iter.Seq2[*batch, error] {
	var judging *purse
	if p.BudgetUSD != nil {
		judging = &purse{budget: *p.BudgetUSD}
	}
	stage := *p
	stage.EmbedSlots, stage.Batch = runtime.GOMAXPROCS(0), Batch{}
	if p.Judge != nil {
		stage.EmbedSlots, stage.Batch.Items = p.Judge.slots(), 1
	}
	return stage.inBatches(ctx, items, func(ctx context.Context, b *batch) error {
		for _, it := range b.items {
			ungrade(it.result)
			if err := p.grade(ctx, judging, it.prompt.Query(), it.result); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *Grading) count(r *datasets.Result) {
	g.Prompts++
	for _, o := range r.Outcomes {
		if o.Grader != "" {
			g.Graded++
		}
	}
	g.Ungraded += int64(len(ungraded(r)))
}

// finished gives the journal's results in their order.
func (d *RunDir) finished(yield func(item, error) bool) {
	err := scanFile(filepath.Join(d.Path, JournalFile), func(_ []byte, r *datasets.Result) error {
		if !yield(item{result: r}, nil) {
			return errStop
		}
		return nil
	})
	if err != nil && !errors.Is(err, errStop) {
		yield(item{}, err)
	}
}

// joined gives the journal's results with their prompts, in the order of the
// input. It keeps a place in the file for each prompt.
func (d *RunDir) joined(prompts iter.Seq2[datasets.Prompt, error], yield func(item, error) bool) {
	f, at, err := d.places()
	if err != nil {
		yield(item{}, err)
		return
	}
	defer f.Close()
	for prompt, err := range prompts {
		if row := (*datasets.RowError)(nil); errors.As(err, &row) {
			continue
		}
		place, ok := at[prompt.ID]
		if err == nil && !ok {
			continue
		}
		delete(at, prompt.ID)
		it := item{prompt: prompt}
		if err == nil {
			it.result, err = readResult(f, place)
		}
		if !yield(it, err) || err != nil {
			return
		}
	}
	for id := range at {
		yield(item{}, fmt.Errorf("%d finished prompts, such as %q, are not in the input", len(at), id))
		return
	}
}

// places says where each finished prompt's line is in the journal.
func (d *RunDir) places() (f *os.File, at map[string]span, err error) {
	if f, err = os.Open(filepath.Join(d.Path, JournalFile)); err != nil {
		return nil, nil, err
	}
	at = map[string]span{}
	offset := int64(0)
	_, err = scanJournal(f, func(raw []byte, r *datasets.Result) error {
		at[r.PromptID] = span{offset, int64(len(raw))}
		offset += int64(len(raw))
		return nil
	})
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, at, nil
}

func readResult(f *os.File, at span) (*datasets.Result, error) {
	line := make([]byte, at.length)
	if _, err := f.ReadAt(line, at.offset); err != nil {
		return nil, err
	}
	r := new(datasets.Result)
	return r, json.Unmarshal(line, r)
}

// replace makes the next files the run's, with the manifest m.
func (d *RunDir) replace(next *nextFiles, m datasets.Manifest) error {
	text, err := m.Encode()
	if err != nil {
		return err
	}
	if err := next.write(ManifestFile, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	if err := errors.Join(next.commit(), d.Journal.Close()); err != nil {
		return err
	}
	return d.openToGrade()
}
