package providers

import "context"

// WithStop gives a context for calls that wait for their turn, or to be tried again, only
// until stop ends. A call that has begun goes on.
func WithStop(ctx, stop context.Context) context.Context {
	return context.WithValue(ctx, stopKey{}, stop)
}

type stopKey struct{}

// Waiting is the context of whoever waits to begin a call under ctx.
func Waiting(ctx context.Context) context.Context {
	if stop, ok := ctx.Value(stopKey{}).(context.Context); ok {
		return stop
	}
	return ctx
}
