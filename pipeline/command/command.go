// Package command grades answers with a program of the user's: one process that
// reads a line of JSON per answer and writes one back.
//
//	{"query": "…", "answer": "…", "reference": "…"}
//	{"quality": 0.75}            or            {"error": "why it cannot tell"}
//
// The program must write its line before it is given the next one (and so flush
// its output), and end when its input does. What it writes to standard error
// shows where it fails. One that dies, is too slow or writes anything else is
// started again, and the answer at which that happened is tried once more unless it
// was too slow; after maxFailures failures in a row it is given up.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"routeval/scoring"
)

// DefaultTimeout is how long a program may take for one answer.
const DefaultTimeout = time.Minute

const maxFailures = 10

// A Grader is a [scoring.Grader] that asks a program, one answer at a time. It
// starts the program when it is first used. It is safe for concurrent use.
type Grader struct {
	args    []string
	timeout time.Duration

	turn     chan struct{} // holds a token while an answer is being graded
	process  *process      // nil if none runs
	failures int           // in a row
	broken   error         // set once it is given up
}

// New is a grader that runs args, a program and its arguments. It may take timeout
// for an answer, 0 for [DefaultTimeout].
func New(args []string, timeout time.Duration) (*Grader, error) {
	if len(args) == 0 || args[0] == "" {
		return nil, errors.New("names no program")
	}
	return &Grader{args: args, timeout: cmp.Or(timeout, DefaultTimeout), turn: make(chan struct{}, 1)}, nil
}

// question and verdict are the lines.
type (
	question struct {
		Query     string `json:"query"`
		Answer    string `json:"answer"`
		Reference string `json:"reference"`
	}
	verdict struct {
		Quality *float64 `json:"quality"`
		Error   string   `json:"error"`
	}
)

// Grade implements [scoring.Grader]. An error is the program's word on this
// answer, its failure, the end of ctx, or, from when the program has been given
// up, a [*scoring.BrokenError].
func (g *Grader) Grade(ctx context.Context, a scoring.Answer) (float64, error) {
	line, err := json.Marshal(question{a.Query, a.Text, a.Reference})
	if err != nil {
		return 0, err
	}
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	defer func() { <-g.turn }()
	reply, err := g.ask(ctx, append(line, '\n'))
	if err != nil {
		return 0, err
	}
	return reply.read()
}

// read is what a well-formed reply says.
func (v verdict) read() (float64, error) {
	switch {
	case v.Error != "":
		return 0, errors.New(v.Error)
	case v.Quality == nil:
		return 0, errors.New("the program's reply has neither quality nor error")
	case !(*v.Quality >= 0 && *v.Quality <= 1):
		return 0, fmt.Errorf("the program gives quality %v, which is outside [0,1]", *v.Quality)
	}
	return *v.Quality, nil
}

// ask puts a line to the program, and again to another process if the first one
// fails.
func (g *Grader) ask(ctx context.Context, line []byte) (verdict, error) {
	for second := false; ; second = true {
		if g.broken != nil {
			return verdict{}, &scoring.BrokenError{Err: g.broken}
		}
		if g.process == nil {
			var err error
			if g.process, err = start(g.args); err != nil {
				g.broken = fmt.Errorf("start %s: %w", g.args[0], err)
				continue
			}
		}
		reply, err := g.process.ask(ctx, line, g.timeout)
		if err == nil {
			g.failures = 0
			return reply, nil
		}
		err = g.process.kill(err)
		g.process = nil
		if ctx.Err() != nil {
			return verdict{}, ctx.Err()
		}
		if g.failures++; g.failures == maxFailures {
			g.broken = fmt.Errorf("%s failed %d times in a row: %w", g.args[0], maxFailures, err)
		}
		if second || errors.Is(err, errTooSlow) {
			return verdict{}, fmt.Errorf("%s: %w", g.args[0], err)
		}
	}
}

// Close ends the program: its input ends, and if that is not enough it is killed.
// It must not be called while Grade runs.
func (g *Grader) Close() error {
	if g.process == nil {
		return nil
	}
	g.process.end()
	g.process = nil
	return nil
}
