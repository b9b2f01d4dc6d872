package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"routeval/datasets"
)

func sampleJournal(t *testing.T, n int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), JournalFile)
	j := openJournal(t, path)
	for i := range n {
		r := &datasets.Result{Seq: int64(i), PromptID: fmt.Sprint("p", i), Route: "weak", Outcomes: map[string]datasets.Outcome{
			"weak": {Answer: "a\nb", CostUSD: ptr(0.5), Attempts: 2},
		}}
		if i%3 == 0 {
			r.Outcomes["weak"] = datasets.Outcome{Failure: &datasets.Failure{Class: "transient", Message: "m"}, Attempts: 1}
		}
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Cut at every byte, reopened, appended to: the journal holds every line that
// was whole, and no torn one.
func TestJournalCutAtEveryByte(t *testing.T) {
	whole := sampleJournal(t, 4)
	for cut := range len(whole) + 1 {
		path := filepath.Join(t.TempDir(), JournalFile)
		if err := os.WriteFile(path, whole[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		j := openJournal(t, path)
		lines := int64(strings.Count(string(whole[:cut]), "\n"))
		if j.Tally().Prompts != lines {
			t.Fatalf("cut at %d: %d prompts, want %d", cut, j.Tally().Prompts, lines)
		}
		if err := j.Append(&datasets.Result{PromptID: "new", Route: "weak"}); err != nil {
			t.Fatal(err)
		}
		j.Close()
		if got := readJournal(t, path); int64(len(got)) != lines+1 {
			t.Fatalf("cut at %d: %d lines, want %d", cut, len(got), lines+1)
		}
	}
}

func TestJournalRefusesCorruption(t *testing.T) {
	whole := sampleJournal(t, 3)
	first := string(whole[:strings.IndexByte(string(whole), '\n')+1])
	for name, c := range map[string]struct{ text, want string }{
		"a line that does not parse": {first + "{\"seq\":\n" + string(whole), ":2: corrupt journal at byte " + fmt.Sprint(len(first))},
		"two lines of a prompt":      {string(whole) + first, `:4: corrupt journal at byte ` + fmt.Sprint(len(whole)) + `: second line of prompt "p0"`},
		"zeros in the middle":        {first + strings.Repeat("\x00", 100) + "\n", ":2: corrupt journal"},
	} {
		path := filepath.Join(t.TempDir(), JournalFile)
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenJournal(path, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if b, _ := os.ReadFile(path); string(b) != c.text {
			t.Errorf("%s: the corrupt journal was changed", name)
		}
	}
}

func TestRetryFailedDropsTheFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), JournalFile)
	if err := os.WriteFile(path, append(sampleJournal(t, 7), "{\"torn"...), 0o644); err != nil {
		t.Fatal(err)
	}
	j := openJournal(t, path)
	if got := j.Tally(); got != (Tally{Prompts: 7, Failed: 3, CostUSD: 2, Calls: 4*2 + 3}) {
		t.Errorf("tally %+v", got)
	}
	j.Close()
	j, err := OpenJournal(path, true)
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	got := readJournal(t, path)
	if _, kept := got["p1"]; len(got) != 4 || !kept {
		t.Errorf("kept %d lines: %v", len(got), got)
	}
}

func TestRunDirResumeAndRefusal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	m := datasets.Manifest{Version: datasets.ManifestVersion, Spec: datasets.Spec{Seed: 1, Window: 5}, Digests: map[string]string{"in": "aaaaaaaaaaaaaaaa"}}
	open := func(m datasets.Manifest) (*RunDir, error) { return Open(dir, m, false) }
	d, err := open(m)
	if err != nil || d.Resumed {
		t.Fatal(d, err)
	}
	if _, err := open(m); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second process: %v", err)
	}
	d.Close()

	m.Spec.Window = 9 // a dial: no reason to refuse
	d, err = open(m)
	if err != nil || !d.Resumed || d.Manifest.Spec.Window != 9 {
		t.Fatal(d, err)
	}
	d.Close()

	m.Spec.Seed = 2
	m.Digests = map[string]string{"in": "bbbbbbbbbbbbbbbb"}
	_, err = open(m)
	if err == nil || !strings.Contains(err.Error(), "seed: 1 → 2") || !strings.Contains(err.Error(), "in: its content changed") {
		t.Errorf("another run: %v", err)
	}

	os.Remove(filepath.Join(dir, ManifestFile))
	if _, err := open(m); err == nil || !strings.Contains(err.Error(), "no manifest.json") {
		t.Errorf("journal without manifest: %v", err)
	}
}
