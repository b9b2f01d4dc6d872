package pipeline

import "sync"

// callers are goroutines that carry prompts through their calls. One that is done
// takes the next: its stack has grown to what a call needs, and growing it anew for
// every prompt took a quarter of the executor's time.
type callers struct {
	group sync.WaitGroup
	jobs  chan func() // taken by whoever is idle
	most  int         // callers
	n     int
}

func newCallers(most int) *callers { return &callers{jobs: make(chan func()), most: most} }

// do hands a job to an idle caller, to a new one, or to the first that is done.
func (c *callers) do(job func()) {
	select {
	case c.jobs <- job:
		return
	default:
	}
	if c.n == c.most {
		c.jobs <- job
		return
	}
	c.n++
	c.group.Go(func() {
		job()
		for job := range c.jobs {
			job()
		}
	})
}

// wait lets the callers finish and ends them.
func (c *callers) wait() {
	close(c.jobs)
	c.group.Wait()
}
