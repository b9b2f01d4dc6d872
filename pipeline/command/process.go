package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	maxReply  = 64 << 10        // bytes of a line that the program writes
	patience  = 5 * time.Second // for a program whose input has ended
	tailBytes = 1024            // of standard error that are kept
)

var errTooSlow = errors.New("no reply in time")

// A process is one run of the program.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	lines  *bufio.Reader // of out
	stderr *tail
}

func start(args []string) (*process, error) {
	p := &process{cmd: exec.Command(args[0], args[1:]...), stderr: new(tail)}
	p.cmd.Stderr = p.stderr
	p.cmd.WaitDelay = time.Second // for descendants that keep standard error open
	ownGroup(p.cmd)
	var err1, err2 error
	p.in, err1 = p.cmd.StdinPipe()
	p.out, err2 = p.cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	p.lines = bufio.NewReaderSize(p.out, maxReply)
	return p, p.cmd.Start()
}

// ask writes a line and reads one. After an error the process is of no more use.
func (p *process) ask(ctx context.Context, line []byte, timeout time.Duration) (verdict, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errTooSlow)
	defer cancel()
	// Only the end of the pipes ends a write or a read that hangs.
	stop := context.AfterFunc(ctx, p.cut)
	_, err := p.in.Write(line)
	var reply []byte
	if err == nil {
		reply, err = p.lines.ReadSlice('\n')
	}
	var v verdict
	switch {
	case !stop():
		return v, context.Cause(ctx)
	case errors.Is(err, bufio.ErrBufferFull):
		return v, fmt.Errorf("a reply of more than %d bytes", maxReply)
	case err != nil:
		return v, errors.New("the program ended")
	case p.lines.Buffered() > 0:
		return v, errors.New("more than one line for one answer")
	}
	if err := json.Unmarshal(reply, &v); err != nil {
		return v, fmt.Errorf("the reply %.60q is not the JSON that is wanted: %w", reply, err)
	}
	return v, nil
}

// cut kills the process with all that it started and closes both pipes.
func (p *process) cut() {
	killGroup(p.cmd)
	p.in.Close()
	p.out.Close()
}

// kill ends the process at once and adds to why how it ended and its last words.
func (p *process) kill(why error) error {
	p.in.Close()
	exited := p.wait(patience / 50) // one that died by itself says how
	if words := p.stderr.String(); words != "" {
		return fmt.Errorf("%w (%v; it wrote: %s)", why, exited, words)
	}
	return fmt.Errorf("%w (%v)", why, exited)
}

// end lets the process end by itself, for a while.
func (p *process) end() {
	p.in.Close()
	p.wait(patience)
}

// wait waits for the end of the process, which it kills after a time.
func (p *process) wait(at time.Duration) error {
	timer := time.AfterFunc(at, p.cut)
	err := p.cmd.Wait()
	timer.Stop()
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b[max(0, len(b)-tailBytes):]...)
	t.last = t.last[max(0, len(t.last)-tailBytes):]
	return len(b), nil
}

// String is the end, on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(string(bytes.ToValidUTF8(t.last, nil))), " ")
}
