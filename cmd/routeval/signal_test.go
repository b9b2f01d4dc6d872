//go:build unix

package main_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"routeval/datasets"
)

// signalled is a run of prompts against a slow server, that a test stops.
type signalled struct {
	t      *testing.T
	server *loopback
	args   []string
	dir    string // of the run
	n      int    // prompts
}

const signalSlots = 4 // calls in flight

func newSignalled(t *testing.T, n int, delay time.Duration) *signalled {
	t.Helper()
	server, err := newLoopback("delay=" + delay.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	dir := t.TempDir()
	var prompts strings.Builder
	for i := range n {
		fmt.Fprintf(&prompts, "{\"id\":%d,\"prompt\":\"prompt %[1]d\"}\n", i)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), prompts.String())
	writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
input: [%[1]s/prompts.jsonl]
models:
  strong: {provider: openai, base_url: %[2]s/v1, model: echo, slots: %[3]d}
  weak: {provider: openai, base_url: %[2]s/v1, model: echo, slots: %[3]d}
router: {kind: random, threshold: 0}
grace: 10m
`, dir, server.URL, signalSlots))
	return &signalled{
		t: t, server: server, n: n, dir: filepath.Join(dir, "run"),
		args: []string{"run", filepath.Join(dir, "run.yaml"), "-o", filepath.Join(dir, "run")},
	}
}

// start begins a session and waits until so many calls have reached the server.
func (s *signalled) start(calls int) (cmd *exec.Cmd, stderr *strings.Builder) {
	s.t.Helper()
	cmd, stderr = routeval(s.t, s.args...), &strings.Builder{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for {
		if n, _ := s.server.counts(); n >= calls {
			return cmd, stderr
		}
		time.Sleep(time.Millisecond)
	}
}

// lines counts the lines of each prompt in the journal, which must be valid.
func (s *signalled) lines() map[string]int {
	s.t.Helper()
	lines := map[string]int{}
	for r, err := range datasets.Results([]string{filepath.Join(s.dir, "results.jsonl")}, datasets.Options{}) {
		if err != nil {
			s.t.Fatalf("the journal is not valid: %v", err)
		}
		if o := r.Outcomes[r.Route]; o.Answer != "prompt "+r.PromptID {
			s.t.Errorf("prompt %s is answered with %q", r.PromptID, o.Answer)
		}
		lines[r.PromptID]++
	}
	return lines
}

// finish resumes the run, which must end with one line for every prompt.
func (s *signalled) finish() {
	s.t.Helper()
	s.server.turn("delay=0s")
	if out, err := routeval(s.t, s.args...).CombinedOutput(); err != nil {
		s.t.Fatalf("resumed: %v\n%s", err, out)
	}
	lines := s.lines()
	for i := range s.n {
		if lines[fmt.Sprint(i)] != 1 {
			s.t.Errorf("prompt %d has %d lines", i, lines[fmt.Sprint(i)])
		}
	}
}

// The first signal is gentle: no call begins after it, those in flight are waited
// for and written, the status is 130, and going on pays nothing twice. The judge
// is a server that counts.
func TestFirstSignalIsGentle(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			run := newSignalled(t, 40, 100*time.Millisecond)
			cmd, stderr := run.start(10)
			cmd.Process.Signal(signal)
			err := cmd.Wait()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 130 {
				t.Fatalf("ended with %v, want status 130\n%s", err, stderr)
			}
			if !strings.Contains(stderr.String(), "run the same command again to resume") {
				t.Errorf("does not say how to go on: %s", stderr)
			}
			calls, waiting := run.server.counts()
			if lines := len(run.lines()); lines != calls || waiting != 0 || lines >= run.n {
				t.Errorf("%d lines of %d calls, of which %d were not waited for", lines, calls, waiting)
			}
			run.finish()
			if calls, _ := run.server.counts(); calls != run.n {
				t.Errorf("%d calls for %d prompts: a gentle stop pays nothing twice", calls, run.n)
			}
		})
	}
}

// The second signal does not wait for the calls in flight, of which there are some
// that would take hours: what was finished is in the journal, and going on pays
// at most those in flight again.
func TestSecondSignalKills(t *testing.T) {
	t.Parallel()
	run := newSignalled(t, 40, 10*time.Millisecond)
	cmd, stderr := run.start(12)
	run.server.turn("delay=10h")
	quick, _ := run.server.counts()
	for { // until every slot holds a call that hangs
		if calls, _ := run.server.counts(); calls == quick+signalSlots {
			break
		}
		time.Sleep(time.Millisecond)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	signals := 0
	for alive := true; alive; {
		cmd.Process.Signal(os.Interrupt)
		signals++
		select {
		case err = <-ended:
			alive = false
		case <-time.After(200 * time.Millisecond):
		}
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Fatalf("ended with %v, want an end by the signal\n%s", err, stderr)
	}
	if signals < 2 {
		t.Error("the first signal killed at once: want a grace for calls in flight")
	}
	before, _ := run.server.counts()
	finished := len(run.lines())
	if again := before - finished; again != signalSlots {
		t.Errorf("%d calls have no line; %d were in flight", again, signalSlots)
	}
	run.finish()
	if calls, _ := run.server.counts(); calls != before+run.n-finished {
		t.Errorf("%d calls after the kill for %d prompts that had no line", calls-before, run.n-finished)
	}
}
