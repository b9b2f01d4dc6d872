package providers

import (
	"context"
	"errors"
	"time"
)

const (
	// How long Ollama itself waits for a model to load, and for how long it keeps
	// one loaded that nobody calls (its defaults).
	ollamaLoadTimeout = 5 * time.Minute
	ollamaKeepAlive   = 5 * time.Minute
)

// errFirstByte ends a call whose answer did not begin in time.
var errFirstByte = errors.New("no answer began in time")

// deadline bounds one call: its whole time, and the time until firstByte is called, the
// latter with the grace for loading a model where that may be due.
func (e *endpoint) deadline(ctx context.Context) (bounded context.Context, firstByte, cancel func()) {
	timed, stop := context.WithTimeout(ctx, e.cfg.Timeout)
	if e.cfg.FirstByteTimeout == 0 {
		return timed, func() {}, stop
	}
	wait := e.cfg.FirstByteTimeout
	if e.cold() {
		wait += e.cfg.LoadGrace
	}
	bounded, end := context.WithCancelCause(timed)
	timer := time.AfterFunc(wait, func() { end(errFirstByte) })
	return bounded, func() { timer.Stop() }, func() {
		timer.Stop()
		end(nil)
		stop()
	}
}

// cold reports whether the server may have to load the model, as far as this
// client's own calls tell.
func (e *endpoint) cold() bool {
	return time.Since(time.Unix(0, e.warm.Load())) > ollamaKeepAlive
}
