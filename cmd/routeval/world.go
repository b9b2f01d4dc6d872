package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
)

// world is all that a command touches of the process around it.
type world struct {
	args           []string
	lookupEnv      func(string) (string, bool)
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // stderr is one
}

// env is the value of an environment variable, "" if it is not set.
func (w *world) env(name string) string {
	v, _ := w.lookupEnv(name)
	return v
}

// warnings is where what is odd but no error goes.
func (w *world) warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(w.stderr, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // the reader is watching
			}
			return a
		},
	}))
}

// Exit statuses. Each command's help lists those that it uses.
const (
	statusDone     = 0
	statusStopped  = 1 // the run could not go on
	statusUsage    = 2 // flags or spec are wrong; nothing was done
	statusPartial  = 3 // done, but some prompts have no answer
	statusGate     = 4 // a gate was missed
	statusBudget   = 5 // the budget is spent
	statusSignaled = 130
)

// statusError is an error that knows the exit status it ends the program with.
type statusError struct {
	status int
	error
}

func (e *statusError) Unwrap() error { return e.error }

// usage marks an error of flags or spec, found before anything was done.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &statusError{statusUsage, err}
}

// status is the exit status for the error that a command ended with.
func status(ctx context.Context, err error) int {
	var s *statusError
	switch {
	case err == nil:
		return statusDone
	case errors.As(err, &s):
		return s.status
	case ctx.Err() != nil:
		return statusSignaled
	}
	return statusStopped
}

// isTerminal reports whether f is a terminal that takes control sequences.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
