package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// workflow is what the test reads of a GitHub workflow.
type workflow struct {
	Jobs map[string]struct {
		Steps []struct{ Name, Run string }
	}
}

// TestGateExample runs the shell steps of the example workflow as GitHub does, but
// for the one that builds the program: with real runs, and a gh that notes what it
// is told.
func TestGateExample(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the steps are for bash")
	}
	source, err := os.ReadFile("../../.github/examples/gate.yml")
	if err != nil {
		t.Fatal(err)
	}
	var flow workflow
	if err := yaml.Unmarshal(source, &flow); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		threshold string // of the change; the base has 0.5
		status    int
		want      []string // in the summary and the comment
	}{
		{"as good", "0.45", 0, []string{"### routeval", "**Against evals/base**", "- met: delta(quality, base) &gt;= -0.01"}},
		{"worse", "1", 4, []string{"### routeval", "**Against evals/base**", "- missed: delta(quality, base) &gt;= -0.01"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			e := newExample(t, dir, c.threshold)
			status, steps := 0, 0
			for _, step := range flow.Jobs["gate"].Steps {
				if step.Run == "" || step.Name == "build" {
					continue
				}
				steps++
				cmd := exec.CommandContext(t.Context(), bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
				cmd.Dir, cmd.Env = dir, e.env(t)
				out, err := cmd.CombinedOutput()
				var exit *exec.ExitError
				if errors.As(err, &exit) && step.Name == "gate" {
					status = exit.ExitCode()
				} else if err != nil {
					t.Fatalf("step %s: %v\n%s", step.Name, err, out)
				}
			}
			if status != c.status || steps != 4 {
				t.Errorf("%d steps end with status %d, want 4 and %d", steps, status, c.status)
			}
			for _, file := range []string{"summary", "comment"} {
				text := e.read(t, file)
				for _, want := range c.want {
					if !strings.Contains(text, want) {
						t.Errorf("the %s lacks %q:\n%s", file, want, text)
					}
				}
			}
			if !strings.Contains(e.read(t, "report.html"), "<html") {
				t.Error("there is no page for the browser")
			}
		})
	}
}

// example is a checkout of a repository that uses the workflow.
type example struct{ dir string }

func newExample(t *testing.T, dir, threshold string) example {
	t.Helper()
	e := example{dir}
	for _, sub := range []string{"bin", "evals"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var prompts strings.Builder
	for i := range 60 {
		fmt.Fprintf(&prompts, "{\"id\":\"p%d\",\"prompt\":\"question %[1]d\",\"outcomes\":{\"big\":{\"quality\":1,\"cost_usd\":0.03},\"small\":{\"quality\":%d,\"cost_usd\":0.01}}}\n", i, i%2)
	}
	writeFile(t, filepath.Join(dir, "evals", "prompts.jsonl"), prompts.String())
	spec := func(threshold string) string {
		return fmt.Sprintf("input: [evals/prompts.jsonl]\nmodels:\n  strong: {provider: recorded, model: big}\n  weak: {provider: recorded, model: small}\nrouter: {kind: random, threshold: %s}\n", threshold)
	}
	writeFile(t, filepath.Join(dir, "evals", "spec.yaml"), spec("0.5"))
	base := routeval(t, "run", "evals/spec.yaml", "--out", "evals/base")
	base.Dir = dir
	if out, err := base.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	writeFile(t, filepath.Join(dir, "evals", "spec.yaml"), spec(threshold))

	// The test binary is the program under this name, see TestMain.
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program := fmt.Sprintf("#!/bin/sh\nROUTEVAL_TEST_MAIN=1 exec '%s' \"$@\"\n", self)
	gh := "#!/bin/sh\n[ \"$1 $2 $3 $4\" = 'pr comment 7 --body-file' ] && cat \"$5\" >comment\n"
	for name, text := range map[string]string{"routeval": program, "gh": gh} {
		if err := os.WriteFile(filepath.Join(dir, "bin", name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// env is the environment of a step: GitHub's files, and the outputs of the steps
// before it under the names that the workflow gives them.
func (e example) env(t *testing.T) []string {
	t.Helper()
	env := append(os.Environ(),
		"PATH="+filepath.Join(e.dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"GITHUB_STEP_SUMMARY="+filepath.Join(e.dir, "summary"), "GITHUB_OUTPUT="+filepath.Join(e.dir, "output"),
		"PULL_REQUEST=7",
	)
	outputs, err := os.Open(filepath.Join(e.dir, "output"))
	if err != nil {
		return env
	}
	defer outputs.Close()
	for s := bufio.NewScanner(outputs); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), "=")
		env = append(env, strings.ToUpper(name)+"="+value)
	}
	return env
}

func (e example) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(e.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
