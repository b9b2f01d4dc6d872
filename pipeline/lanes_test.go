package pipeline

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"routeval/datasets"
)

// A slow candidate keeps nobody from a fast one until the window is full.
func TestASlowLaneKeepsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		done := map[string]int{}
		l := newLanes(100, func(p *pending) bool {
			time.Sleep(map[string]time.Duration{"slow": time.Hour, "fast": time.Millisecond}[p.todo[0]])
			mu.Lock()
			done[p.todo[0]]++
			mu.Unlock()
			return false
		}, func(p *pending) (string, int) { return p.todo[0], 2 })
		start := time.Now()
		for i := range 80 {
			l.put(&pending{todo: []string{[]string{"slow", "fast"}[i%2]}})
		}
		time.Sleep(time.Second)
		mu.Lock()
		early := fmt.Sprint(done)
		mu.Unlock()
		l.wait()
		if early != "map[fast:40]" || done["slow"] != 40 || time.Since(start) != 20*time.Hour {
			t.Errorf("after a second %s, after %s %v", early, time.Since(start), done)
		}
	})
}

// Whatever the window, every prompt has its turns, never more of them are under way than the
// window holds, nor in a lane than it may have callers.
func TestLanesHoldTheWindow(t *testing.T) {
	const prompts, callers = 1000, 3
	for _, window := range []int{1, 2, 10, 5000} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			turns, under, calling, most, mostCalling := map[*pending]int{}, 0, map[string]int{}, 0, 0
			l := newLanes(window, func(p *pending) (more bool) {
				lane := p.todo[0]
				mu.Lock()
				calling[lane]++
				mostCalling = max(mostCalling, calling[lane])
				mu.Unlock()
				time.Sleep(time.Duration(1+p.it.seq%7) * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				calling[lane]--
				turns[p]++
				if p.it.seq%3 == 0 && turns[p] == 1 { // as for a fallback
					p.todo = []string{"other"}
					return true
				}
				under--
				return false
			}, func(p *pending) (string, int) { return p.todo[0], callers })
			for i := range prompts {
				l.put(&pending{it: &item{seq: int64(i)}, todo: []string{fmt.Sprint("lane ", i%2)}})
				mu.Lock()
				under++
				most = max(most, under)
				mu.Unlock()
			}
			l.wait()
			for p, n := range turns {
				if want := map[bool]int{true: 2, false: 1}[p.it.seq%3 == 0]; n != want {
					t.Errorf("window %d: prompt %d had %d turns, want %d", window, p.it.seq, n, want)
				}
			}
			if len(turns) != prompts || under != 0 || most > window+1 || mostCalling > callers {
				t.Errorf("window %d: %d prompts, %d left, %d under way at most, %d callers", window, len(turns), under, most, mostCalling)
			}
		})
	}
}

// A disk that takes nothing stops the run; everybody gets his slots back, and nobody waits.
func TestWriterWithoutDisk(t *testing.T) {
	j, err := OpenJournal(filepath.Join(t.TempDir(), JournalFile), false)
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	var mu sync.Mutex
	var failures []error
	written, counted := 0, 0
	w := newWriter(j, func(err error) error {
		if err != nil {
			mu.Lock()
			failures = append(failures, err)
			mu.Unlock()
		}
		return err
	}, func(r []*datasets.Result) { counted += len(r) })
	var g sync.WaitGroup
	const each = writeGroup
	for n := range 4 {
		g.Go(func() {
			for i := range each {
				w.put(done{&datasets.Result{PromptID: fmt.Sprint(n, i)}, func() {
					mu.Lock()
					written++
					mu.Unlock()
				}})
			}
		})
	}
	g.Wait()
	w.close()
	if len(failures) != 1 || written != 4*each || counted != 0 {
		t.Errorf("failures %v, %d of %d given back, %d said to be on disk", failures, written, 4*each, counted)
	}
}
