package pipeline

import (
	"sync"
	"time"

	"routeval/datasets"
)

// done is a result that waits to be written.
type done struct {
	result  *datasets.Result
	written func() // called once it is, or never will be; may be nil
}

// The disk is asked to keep what was written when it is mostUnsynced results, or
// syncDelay after the first of them. While it is at that no line can be written, and
// asking for every answer by itself, or a dozen, took a third of the executor's time.
const (
	writeGroup   = 4096 // results that wait at most
	mostUnsynced = 1024
	syncDelay    = 50 * time.Millisecond
)

// A writer brings results to the journal and to the disk. What was written survives the
// end of the process, so its slots are given back: a kill repeats only the calls that
// were in flight. A power cut may repeat 2·mostUnsynced more.
//
// It drains to the end: an answer that was paid for never loses a race against the end
// of the run. After a failure it only drains, so that nobody waits for it for ever.
type writer struct {
	journal *Journal
	halt    func(error) error        // told of a failure, which it gives back
	count   func([]*datasets.Result) // told of results that are on disk

	mu      sync.Mutex
	room    *sync.Cond // for who finds too much waiting
	waiting []done
	spare   []done // the memory of what was written last
	writing bool

	results  []*datasets.Result // of one write
	failed   error              // of a write
	unsynced chan *datasets.Result
	full     chan struct{} // told when there are mostUnsynced, or no more to come

	helpers sync.WaitGroup
	synced  chan struct{} // closed when nothing is left to wait for
}

func newWriter(j *Journal, halt func(error) error, count func([]*datasets.Result)) *writer {
	w := &writer{
		journal: j, halt: halt, count: count,
		unsynced: make(chan *datasets.Result, mostUnsynced), full: make(chan struct{}, 1),
		synced: make(chan struct{}),
	}
	w.room = sync.NewCond(&w.mu)
	go w.sync()
	return w
}

// put adds results. Whoever finds nobody writing writes them and what waits already, all
// in one write; a goroutine that does nothing else would have to be woken for every
// answer. It then writes what has come meanwhile, so that no caller is kept from its
// calls.
func (w *writer) put(results ...done) {
	w.mu.Lock()
	for len(w.waiting) >= writeGroup {
		w.room.Wait()
	}
	w.waiting = append(w.waiting, results...)
	if w.writing || len(w.waiting) == 0 {
		w.mu.Unlock()
		return
	}
	w.writing = true
	if w.writeWaiting() {
		w.helpers.Go(func() {
			w.mu.Lock()
			for w.writeWaiting() {
			}
			w.mu.Unlock()
		})
	}
	w.mu.Unlock()
}

// writeWaiting writes what waits and reports whether more has come; if none has, nobody is
// writing any more. The mutex is held before and after.
func (w *writer) writeWaiting() (more bool) {
	group := w.waiting
	w.waiting = w.spare[:0]
	w.mu.Unlock()
	w.append(group)
	w.mu.Lock()
	clear(group)
	w.spare = group
	w.room.Broadcast()
	w.writing = len(w.waiting) > 0
	return w.writing
}

// append adds results to the journal and waits while too many are not on disk.
func (w *writer) append(group []done) {
	if w.failed == nil {
		w.results = w.results[:0]
		for _, d := range group {
			w.results = append(w.results, d.result)
		}
		if w.failed = w.halt(w.journal.Append(w.results...)); w.failed == nil {
			for _, result := range w.results {
				w.hand(result)
			}
		}
	}
	for _, d := range group {
		if d.written != nil {
			d.written()
		}
	}
}

func (w *writer) hand(result *datasets.Result) {
	select {
	case w.unsynced <- result:
		return
	default:
	}
	w.hurry()
	w.unsynced <- result
}

// hurry has the disk asked now.
func (w *writer) hurry() {
	select {
	case w.full <- struct{}{}:
	default: // told already
	}
}

// sync waits for the disk and tells what is there.
func (w *writer) sync() {
	defer close(w.synced)
	var failed error
	group := make([]*datasets.Result, 0, mostUnsynced+1)
	for first := range w.unsynced {
		select {
		case <-w.full:
		case <-time.After(syncDelay):
		}
		group = append(group[:0], first)
		for range len(w.unsynced) {
			group = append(group, <-w.unsynced)
		}
		if failed == nil {
			if failed = w.halt(w.journal.Sync()); failed == nil {
				w.count(group)
			}
		}
	}
}

// close waits until all that was put is on disk, or has failed to get there. Nothing may
// be put after.
func (w *writer) close() {
	w.helpers.Wait()
	close(w.unsynced)
	w.hurry()
	<-w.synced
}
