package pipeline

import "routeval/datasets"

// done is a result that waits for the disk.
type done struct {
	result  *datasets.Result
	durable func() // called once it is there, or never will be; may be nil
}

// write appends results to the journal until there are no more: whatever waits
// joins one write and one fsync. After a write that failed it only drains, so
// that nobody waits for it for ever.
func (r *run) write() error {
	var failed error
	group := make([]done, 0, writeGroup)
	results := make([]*datasets.Result, 0, writeGroup)
	for first := range r.results {
		group = r.gather(append(group[:0], first))
		if failed == nil {
			results = results[:0]
			for _, d := range group {
				results = append(results, d.result)
			}
			if failed = r.journal.Append(results...); failed == nil {
				r.count(results)
			}
			r.halt(failed)
		}
		for _, d := range group {
			if d.durable != nil {
				d.durable()
			}
		}
	}
	return failed
}

// gather adds what waits already.
func (r *run) gather(group []done) []done {
	for len(group) < writeGroup {
		select {
		case d, ok := <-r.results:
			if !ok {
				return group
			}
			group = append(group, d)
		default:
			return group
		}
	}
	return group
}

func (r *run) count(results []*datasets.Result) {
	for _, result := range results {
		r.summary.Finished++
		if Failed(result) {
			r.summary.Failed++
		}
	}
	if r.Finished != nil {
		r.Finished(results)
	}
}
