package train

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls f for 0 to n−1 on as many goroutines as there are processors
// and returns when all calls have. The calls must not touch what another one
// writes, so that their order cannot show in the result.
func parallel(n int, f func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	workers.Wait()
}
