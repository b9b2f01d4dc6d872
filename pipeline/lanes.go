package pipeline

import "sync"

// lanes bring prompts to callers. Every candidate has a lane, with a queue and as many
// callers as it has slots at most, so that a slow candidate keeps nobody from a fast one
// until the window is full of its prompts. Callers are kept: a goroutine's stack has
// to grow to what a call needs.
type lanes struct {
	window int // prompts in queues and calls
	// call works on a prompt. It reports whether more is to be done for it, in what is then
	// its lane.
	call func(*pending) (more bool)
	of   func(*pending) (name string, callers int) // the lane of a prompt, and how many callers that may have

	group  sync.WaitGroup
	mu     sync.Mutex
	room   *sync.Cond // for who puts
	byName map[string]*lane
	n      int // prompts in queues and calls
	idle   int // callers
	ended  bool
}

type lane struct {
	queue   []*pending
	callers int
	idle    int
	wake    *sync.Cond
}

func newLanes(window int, call func(*pending) bool, of func(*pending) (string, int)) *lanes {
	l := &lanes{window: max(1, window), call: call, of: of, byName: map[string]*lane{}}
	l.room = sync.NewCond(&l.mu)
	return l
}

// put adds a prompt. Once the window is full it waits until that is half empty, so
// that it need not be woken for each prompt, or somebody has nothing to do.
func (l *lanes) put(p *pending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for full := l.n >= l.window; full && !l.thirsty(); {
		l.room.Wait()
	}
	l.n++
	l.push(p)
}

func (l *lanes) thirsty() bool { return l.n <= l.window/2 || l.n < l.window && l.idle > 0 }

func (l *lanes) push(p *pending) {
	name, most := l.of(p)
	ln := l.byName[name]
	if ln == nil {
		ln = &lane{wake: sync.NewCond(&l.mu)}
		l.byName[name] = ln
	}
	ln.queue = append(ln.queue, p)
	switch {
	case ln.idle > 0:
		ln.wake.Signal()
	case ln.callers < max(1, most):
		ln.callers++
		l.group.Go(func() { l.work(ln) })
	}
}

// work takes prompts from a lane until there are no more.
func (l *lanes) work(ln *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(ln.queue) == 0 {
			if l.ended && l.n == 0 {
				return
			}
			ln.idle++
			l.idle++
			l.tell()
			ln.wake.Wait()
			ln.idle--
			l.idle--
		}
		p := ln.queue[0]
		ln.queue[0], ln.queue = nil, ln.queue[1:]
		l.mu.Unlock()
		more := l.call(p)
		l.mu.Lock()
		if more {
			l.push(p)
			continue
		}
		l.n--
		l.tell()
	}
}

// tell wakes who waits for what has become true.
func (l *lanes) tell() {
	if l.thirsty() {
		l.room.Signal()
	}
	if l.ended && l.n == 0 {
		l.wakeAll()
	}
}

func (l *lanes) wakeAll() {
	for _, ln := range l.byName {
		ln.wake.Broadcast()
	}
}

// wait lets the callers finish and ends them.
func (l *lanes) wait() {
	l.mu.Lock()
	l.ended = true
	l.wakeAll()
	l.mu.Unlock()
	l.group.Wait()
}
