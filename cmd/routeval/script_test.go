package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"routeval/scoring"
)

// TestScripts runs testdata/script: one script per concern, real files, loopback
// servers. Beside testscript's own commands there are those of scriptCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Values[serversKey{}] = map[string]*loopback{}
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			env.Setenv("GORACE", "atexit_sleep_ms=0") // under the race detector
			return nil
		},
	})
}

// scriptCommands are the commands that our scripts have on top.
//
//	exits STATUS COMMAND ARGS...  runs a command that must end with this exit status
//	serve NAME [KNOB...]          starts a loopback server; $NAME is its base URL
//	turn NAME KNOB...             turns knobs of a server that runs
//	calls NAME N [M]              N chat and M embedding calls have reached the server
//	await NAME N                  waits for them
//	tear FILE                     cuts the last bytes of a file
//	weights FILE WIDTH            writes MF weights whose win rate is σ(v₀/8 − v₋₁)
//	nowhere TEXT DIR              no file below the directory holds the text
//	lines N FILE                  the file has N lines
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits":   exits,
	"serve":   serve,
	"turn":    func(ts *testscript.TestScript, _ bool, args []string) { turn(ts, args[0], args[1:]) },
	"calls":   calls,
	"await":   await,
	"tear":    tear,
	"weights": weights,
	"nowhere": nowhere,
	"lines":   lines,
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	status := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		status = exit.ExitCode()
	}
	if status != want {
		ts.Fatalf("exit status %d, want %d", status, want)
	}
}

type serversKey struct{}

func serve(ts *testscript.TestScript, _ bool, args []string) {
	server, err := newLoopback(args[1:]...)
	ts.Check(err)
	ts.Defer(server.Close)
	ts.Value(serversKey{}).(map[string]*loopback)[args[0]] = server
	ts.Setenv(args[0], server.URL+"/v1")
}

func serverOf(ts *testscript.TestScript, name string) *loopback {
	server := ts.Value(serversKey{}).(map[string]*loopback)[name]
	if server == nil {
		ts.Fatalf("no server %s", name)
	}
	return server
}

func turn(ts *testscript.TestScript, name string, knobs []string) {
	for _, knob := range knobs {
		ts.Check(serverOf(ts, name).turn(knob))
	}
}

func calls(ts *testscript.TestScript, _ bool, args []string) {
	server := serverOf(ts, args[0])
	chats, _ := server.counts()
	got := []int{chats, server.embeddings()}[:len(args)-1]
	if fmt.Sprint(got) != fmt.Sprint(args[1:]) {
		ts.Fatalf("%v calls reached %s, want %v", got, args[0], args[1:])
	}
}

// weights writes weights without a projection: with strong = (1, 0, …), weak = (…, 0, 1)
// and c = (1/8, …, 1) the logit of v is v₀/8 − v₋₁, on the loopback's vectors an
// eighth of the text's bytes less 1.
func weights(ts *testscript.TestScript, _ bool, args []string) {
	width, err := strconv.Atoi(args[1])
	ts.Check(err)
	mf := scoring.MF{
		Card: scoring.Card{Embedding: scoring.Space{Dim: width}},
		Dim:  width, P: make([]float32, 2*width), Classifier: make([]float32, width),
	}
	mf.P[0], mf.P[2*width-1] = 1, 1
	mf.Classifier[0], mf.Classifier[width-1] = 0.125, 1
	var file bytes.Buffer
	ts.Check(mf.Encode(&file))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), file.Bytes(), 0o644))
}

func nowhere(ts *testscript.TestScript, _ bool, args []string) {
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), args[0]) {
			ts.Fatalf("%s holds %q", path, args[0])
		}
		return err
	}))
	if files == 0 {
		ts.Fatalf("there is no file below %s", args[1])
	}
}

func lines(ts *testscript.TestScript, _ bool, args []string) {
	if n := strings.Count(ts.ReadFile(args[1]), "\n"); fmt.Sprint(n) != args[0] {
		ts.Fatalf("%s has %d lines, want %s", args[1], n, args[0])
	}
}

// await waits until N chat calls have begun on a server.
func await(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	for range 3000 {
		if n, _ := serverOf(ts, args[0]).counts(); n >= want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("there were never %d calls on %s", want, args[0])
}

// tear cuts the last bytes of a file.
func tear(ts *testscript.TestScript, _ bool, args []string) {
	whole := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(whole[:len(whole)-5]), 0o644))
}
