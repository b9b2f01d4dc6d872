package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"routeval/scoring"
)

// TestMain lets the test binary be the program of a grader: what the answers say
// is what it does.
func TestMain(m *testing.M) {
	if os.Getenv("COMMAND_TEST") != "" {
		play()
		return
	}
	os.Setenv("COMMAND_TEST", "1")
	goleak.VerifyTestMain(m)
}

func play() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	for n := 0; in.Scan(); n++ {
		var q struct{ Query, Answer, Reference string }
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
		switch q.Answer {
		case "die":
			fmt.Fprintln(os.Stderr, "last\nwords")
			os.Exit(7)
		case "die once":
			if _, err := os.Stat(q.Query); err != nil {
				os.WriteFile(q.Query, nil, 0o600)
				os.Exit(7)
			}
			fmt.Println(`{"quality": 0.25}`)
		case "hang":
			exec.Command("sleep", "3600").Run()
		case "count":
			fmt.Printf("{\"quality\": 0.%d, \"pid\": %d}\n", n, os.Getpid())
		case "length":
			fmt.Printf("{\"quality\": %v}\n", float64(len(q.Query))/1e7)
		default: // as it stands
			fmt.Println(q.Answer)
		}
	}
}

func grader(t *testing.T, timeout time.Duration) *Grader {
	t.Helper()
	g, err := New([]string{os.Args[0]}, timeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func TestGrade(t *testing.T) {
	g := grader(t, 0)
	for _, c := range []struct {
		answer  string
		quality float64
		err     string
	}{
		{`{"quality": 0.5}`, 0.5, ""},
		{`{"quality": 0}`, 0, ""},
		{`{"quality": 1, "why": "other members do not matter"}`, 1, ""},
		{`{"error": "cannot tell"}`, 0, "cannot tell"},
		{`{"quality": 1.5}`, 0, "outside [0,1]"},
		{`{}`, 0, "neither quality nor error"},
		{`{"quality": null}`, 0, "neither quality nor error"},
		{`quality: 1`, 0, "not the JSON that is wanted"},
		{"{\"quality\": 1}\n{\"quality\": 0}", 0, "more than one line"},
		{strings.Repeat("x", maxReply+1), 0, "more than 65536 bytes"},
		{"die", 0, "the program ended (exit status 7; it wrote: last words)"},
		{`{"quality": 0.75}`, 0.75, ""},
	} {
		quality, err := g.Grade(t.Context(), scoring.Answer{Text: c.answer})
		switch {
		case c.err == "" && (err != nil || quality != c.quality):
			t.Errorf("%.40s: got %v and %v, want %v", c.answer, quality, err, c.quality)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%.40s: got %v and %v, want an error with %q", c.answer, quality, err, c.err)
		}
	}
}

// One process serves all answers, however many callers there are, and each caller
// gets the reply to its own.
func TestOneProcess(t *testing.T) {
	g := grader(t, 0)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			want := float64(i) / 100
			got, err := g.Grade(t.Context(), scoring.Answer{Text: fmt.Sprintf(`{"quality": %v}`, want)})
			if err != nil || got != want {
				t.Errorf("got %v and %v, want %v", got, err, want)
			}
		})
	}
	wg.Wait()
	first := g.process.cmd.Process.Pid
	g.Grade(t.Context(), scoring.Answer{Text: "count"})
	if g.process.cmd.Process.Pid != first {
		t.Error("another process answers")
	}
}

// More than a pipe holds goes through.
func TestLongAnswer(t *testing.T) {
	g := grader(t, 0)
	got, err := g.Grade(t.Context(), scoring.Answer{Query: strings.Repeat("x", 5_000_000), Text: "length"})
	if err != nil || got != 0.5 {
		t.Errorf("got %v and %v", got, err)
	}
}

func TestStartsAgain(t *testing.T) {
	g := grader(t, 0)
	mark := filepath.Join(t.TempDir(), "mark")
	if got, err := g.Grade(t.Context(), scoring.Answer{Query: mark, Text: "die once"}); err != nil || got != 0.25 {
		t.Errorf("got %v and %v", got, err)
	}
}

// A program that hangs is killed with its children, and a wait for it is bounded
// by the caller's context too.
func TestTooSlow(t *testing.T) {
	g := grader(t, 2*time.Second)
	if _, err := g.Grade(t.Context(), scoring.Answer{Text: "hang"}); !errors.Is(err, errTooSlow) {
		t.Errorf("got %v", err)
	}
	if got, err := g.Grade(t.Context(), scoring.Answer{Text: `{"quality": 1}`}); err != nil || got != 1 {
		t.Errorf("after it: got %v and %v", got, err)
	}
	patient := grader(t, time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := patient.Grade(ctx, scoring.Answer{Text: "hang"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestGivenUp(t *testing.T) {
	var broken *scoring.BrokenError
	g := grader(t, 0)
	for i := range maxFailures {
		_, err := g.Grade(t.Context(), scoring.Answer{Text: "die"})
		if is := errors.As(err, &broken); is != (i >= maxFailures/2) {
			t.Fatalf("answer %d: got %v", i, err)
		}
	}
	if _, err := g.Grade(t.Context(), scoring.Answer{Text: `{"quality": 1}`}); !errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
	none, _ := New([]string{filepath.Join(t.TempDir(), "none")}, 0)
	if _, err := none.Grade(t.Context(), scoring.Answer{}); !errors.As(err, &broken) || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v", err)
	}
	if _, err := New(nil, 0); err == nil {
		t.Error("no program is no error")
	}
}

// No process is left behind, running or not.
func TestNoZombie(t *testing.T) {
	g := grader(t, time.Hour)
	if _, err := g.Grade(t.Context(), scoring.Answer{Text: `{"quality": 1}`}); err != nil {
		t.Fatal(err)
	}
	pid := g.process.cmd.Process.Pid
	g.Close()
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("there is no /proc to look at")
	}
	if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
		t.Errorf("process %d is still there", pid)
	}
}

func BenchmarkGrade(b *testing.B) {
	g, err := New([]string{os.Args[0]}, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Grade(b.Context(), scoring.Answer{Text: `{"quality": 1}`}); err != nil {
			b.Fatal(err)
		}
	}
}
