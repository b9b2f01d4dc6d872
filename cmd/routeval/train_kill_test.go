package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// kill -9 of a training at random points, some before the first checkpoint and
// some in the middle of one: run again each time, it ends with the file that a
// training ends with that nobody killed, and its checkpoint is gone.
func TestTrainKilledTwentyTimes(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "outcomes.jsonl"), sums(400))
	train := func(out string) *exec.Cmd {
		return routeval(t, "train", filepath.Join(dir, "outcomes.jsonl"), "-o", filepath.Join(dir, out, "router.safetensors"),
			"--method", "mf", "--epochs", "40", "--factors", "16", "--validation", "0.2", "--patience", "40")
	}
	for _, out := range []string{"whole", "killed"} {
		if err := os.Mkdir(filepath.Join(dir, out), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if out, err := train("whole").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(began)

	random := rand.New(rand.NewPCG(20, 40))
	const kills = 20
	killed, resumed := 0, 0
	for range kills {
		cmd := train("killed")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Float64() * float64(took) / 3))
		cmd.Process.Kill()
		if exit := (*exec.ExitError)(nil); errors.As(cmd.Wait(), &exit) && !exit.Exited() {
			killed++
		}
		if strings.Contains(stderr.String(), "resuming after epoch") {
			resumed++
		}
	}
	checkpoint := filepath.Join(dir, "killed", "router.safetensors.checkpoint")
	if _, err := os.Stat(checkpoint); err == nil {
		other := train("killed")
		other.Args = append(other.Args, "--seed", "7")
		out, err := other.CombinedOutput()
		if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "seed: 42 → 7") {
			t.Errorf("a checkpoint of another seed: %v\n%s", err, out)
		}
	}
	if out, err := train("killed").CombinedOutput(); err != nil {
		t.Fatalf("the last session: %v\n%s", err, out)
	}
	t.Logf("%d of %d sessions were killed, %d resumed", killed, kills, resumed)
	if killed == 0 || resumed == 0 {
		t.Error("no session was killed, or none resumed: the test says nothing")
	}
	want, got := readFile(t, filepath.Join(dir, "whole", "router.safetensors")), readFile(t, filepath.Join(dir, "killed", "router.safetensors"))
	if !bytes.Equal(want, got) {
		t.Error("the training that was killed ends with another file")
	}
	if _, err := os.Stat(checkpoint); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the checkpoint is still there: %v", err)
	}
}

// sums are prompts of two models of which one adds well and the other spells.
func sums(n int) string {
	var b strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		prompt, adds, spells := fmt.Sprintf("Add %d and %d.", random.IntN(100), random.IntN(100)), 1, random.IntN(2)
		if i%2 == 0 {
			prompt, adds, spells = fmt.Sprintf("Spell word %d of the list backwards.", i), random.IntN(2), 1
		}
		fmt.Fprintf(&b, "{\"id\":%d,\"prompt\":%q,\"outcomes\":{\"adder\":{\"quality\":%d},\"speller\":{\"quality\":%d}}}\n", i, prompt, adds, spells)
	}
	return b.String()
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
