package pipeline

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/go-json-experiment/json"

	"routeval/datasets"
)

// A Journal is the file of a run that only grows: one line, the JSON of a
// [datasets.Result], per finished prompt. A last line without its newline was
// never acknowledged and is cut when the journal is opened. A whole line that
// does not parse, or a prompt that has two, is corruption and an error with its
// place, never a guess.
//
// A Journal serves one [Pipeline.Run]. Append is for one goroutine at a time, and
// another may call Sync meanwhile.
type Journal struct {
	f    *os.File
	size int64  // bytes written
	buf  []byte // of Append
	keys *keySet
	done Tally
}

// A Tally counts what a journal holds.
type Tally struct {
	Prompts  int64   // finished
	Failed   int64   // of these, without an answer
	StoodIn  int64   // answered by another candidate than the one they were routed to
	CostUSD  float64 // of the priced calls, the judge's included
	Unpriced int64   // answers and verdicts that were called for and have no price: their cost is unknown
	Calls    int64   // attempts, retries and the judge's included
}

// OpenJournal opens the journal at path, creating it if there is none, and
// learns which prompts are finished. With dropFailed, finished prompts that have
// no answer are taken out, by an atomic rewrite, so that they run again.
func OpenJournal(path string, dropFailed bool) (*Journal, error) {
	if dropFailed {
		if err := rewriteWithoutFailed(path); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{f: f, keys: newKeySet()}
	if err := j.recover(); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// recover reads every line, cuts a torn one, and leaves the file at its end.
func (j *Journal) recover() error {
	end, err := scanJournal(j.f, func(_ []byte, r *datasets.Result) error {
		if !j.keys.finish(r.PromptID) {
			return fmt.Errorf("second line of prompt %q", r.PromptID)
		}
		j.done.add(r)
		return nil
	})
	if err != nil {
		return err
	}
	if err := j.f.Truncate(end); err != nil {
		return err
	}
	j.size = end
	_, err = j.f.Seek(end, io.SeekStart)
	return err
}

// ReadRun reads a run directory without locking it: its manifest, and the results
// that are on disk now, by the rules of a [Journal]. An error is the last thing
// that the sequence yields.
func ReadRun(dir string) (datasets.Manifest, iter.Seq2[datasets.Result, error], error) {
	m, err := datasets.ReadManifest(current(dir, ManifestFile))
	if err != nil {
		return m, nil, err
	}
	return m, func(yield func(datasets.Result, error) bool) {
		err := scanFile(current(dir, JournalFile), func(_ []byte, r *datasets.Result) error {
			if !yield(*r, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(datasets.Result{}, err)
		}
	}, nil
}

// errStop ends a scan that has seen enough.
var errStop = errors.New("stop")

func scanFile(path string, line func(raw []byte, r *datasets.Result) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = scanJournal(f, line)
	return err
}

// scanJournal calls line for every whole line of f and returns the offset
// behind the last one.
func scanJournal(f *os.File, line func(raw []byte, r *datasets.Result) error) (end int64, err error) {
	in := bufio.NewReaderSize(f, 1<<20)
	for n := 1; ; n++ {
		raw, err := in.ReadBytes('\n')
		if err == io.EOF {
			return end, nil // what is left over, if anything, is torn
		}
		if err != nil {
			return 0, err
		}
		var r datasets.Result
		err = json.Unmarshal(raw, &r)
		if err == nil {
			err = line(raw, &r)
		}
		if err != nil {
			return 0, fmt.Errorf("%s:%d: corrupt journal at byte %d: %w (restore the file, or cut it there and run again)", f.Name(), n, end, err)
		}
		end += int64(len(raw))
	}
}

// rewriteWithoutFailed replaces the journal by one without the prompts that have
// no answer. A crash leaves either the old file or the new one.
func rewriteWithoutFailed(path string) error {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return writeAtomically(path, func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<20)
		err := scanFile(path, func(raw []byte, r *datasets.Result) error {
			if Failed(r) {
				return nil
			}
			_, err := out.Write(raw)
			return err
		})
		return errors.Join(err, out.Flush())
	})
}

// Append writes the results as lines. They outlive this process; whether they are on
// disk says Sync. After an error nothing more may be appended: what was half written
// is cut at the next opening.
func (j *Journal) Append(results ...*datasets.Result) error {
	j.buf = j.buf[:0]
	for _, r := range results {
		var err error
		if j.buf, err = datasets.AppendResult(j.buf, r); err != nil {
			return fmt.Errorf("result of prompt %q: %w", r.PromptID, err)
		}
	}
	n, err := j.f.Write(j.buf)
	if err != nil {
		// Cut back to the last whole line, so that a full disk leaves no torn one;
		// where even that fails the next opening does it.
		return errors.Join(err, j.f.Truncate(j.size+int64(bytes.LastIndexByte(j.buf[:n], '\n')+1)))
	}
	j.size += int64(n)
	for _, r := range results {
		j.keys.finish(r.PromptID)
		j.done.add(r)
	}
	return nil
}

// Sync returns when all that was appended before is on disk.
func (j *Journal) Sync() error { return j.f.Sync() }

// Tally counts what was appended.
func (j *Journal) Tally() Tally { return j.done }

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }

// Failed reports whether a finished prompt has no answer: it could not be routed,
// or the candidate it was routed to failed and no other one stood in.
func Failed(r *datasets.Result) bool {
	if r.Failure != nil {
		return true
	}
	o, called := r.Delivered()
	return called && !o.OK()
}

func (t *Tally) add(r *datasets.Result) {
	t.Prompts++
	if Failed(r) {
		t.Failed++
	}
	if o, _ := r.Delivered(); o.FallbackFor != "" {
		t.StoodIn++
	}
	if j := r.Judged; j != nil {
		t.Calls += int64(j.Calls)
		if j.CostUSD != nil {
			t.CostUSD += *j.CostUSD
		} else {
			t.Unpriced++
		}
	}
	for _, o := range r.Outcomes {
		t.Calls += int64(o.Attempts)
		switch {
		case o.Recorded:
		case o.CostUSD != nil:
			t.CostUSD += *o.CostUSD
		case o.OK():
			t.Unpriced++
		}
	}
}
