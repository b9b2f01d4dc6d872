package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadme runs the README: every "console" block whose lines begin with
// "$ routeval" is run, in order and in one directory, and what it prints must be
// what follows. A fenced block whose info string names a file makes that file.
// "…" in an expected line stands for any text, and alone for any lines.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	runBlocks(t, string(text))
}

// TestManual runs the manual, which is the doc comment of main.go, in the same
// way: its indented blocks are sessions, or files where they begin with
// "-- NAME --".
func TestManual(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	manual, _, _ := strings.Cut(string(source), "*/")
	var fenced strings.Builder
	for block := range strings.SplitSeq(manual, "\n\n") {
		if !strings.HasPrefix(block, "\t") {
			continue
		}
		first, rest, _ := strings.Cut(strings.ReplaceAll(block[1:], "\n\t", "\n"), "\n")
		if name, isFile := strings.CutPrefix(first, "-- "); isFile {
			fenced.WriteString("```text " + strings.TrimSuffix(name, " --") + "\n" + rest + "\n```\n")
		} else if strings.HasPrefix(first, "$ routeval ") {
			fenced.WriteString("```console\n" + first + "\n" + rest + "\n```\n")
		}
	}
	runBlocks(t, fenced.String())
}

var fence = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

func runBlocks(t *testing.T, text string) {
	dir := t.TempDir()
	sessions := 0
	for _, block := range fence.FindAllStringSubmatch(text, -1) {
		language, file, body := block[1], block[2], block[3]
		switch {
		case file != "":
			writeFile(t, filepath.Join(dir, file), body)
		case language == "console":
			sessions++
			runSession(t, dir, body)
		}
	}
	if sessions == 0 {
		t.Error("no session was run")
	}
}

// runSession runs the commands of one block. A command that another one prints,
// as the demo does, is part of its output: only the first of a block and those
// after an answered one are run, told apart by the words that follow.
func runSession(t *testing.T, dir, body string) {
	lines := strings.Split(strings.TrimRight(body, "\n"), "\n")
	for len(lines) > 0 {
		command, ok := strings.CutPrefix(lines[0], "$ routeval ")
		if !ok {
			t.Fatalf("a session goes on with %q", lines[0])
		}
		lines = lines[1:]
		end := len(lines)
		if !strings.HasPrefix(command, "demo") { // which prints the commands that it plays
			for i, line := range lines {
				if strings.HasPrefix(line, "$ ") {
					end = i
					break
				}
			}
		}
		want := strings.Join(lines[:end], "\n")
		lines = lines[end:]
		cmd := routeval(t, words(command)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(want, "routeval: ") {
			t.Fatalf("$ routeval %s: %v\n%s", command, err, out)
		}
		if got := strings.TrimRight(string(out), "\n"); !matches(want, got) {
			t.Errorf("$ routeval %s\nprints\n%s\nwant\n%s", command, got, want)
		}
	}
}

// words splits a command line as a shell does, single quotes being all it knows.
func words(command string) (out []string) {
	for i, part := range strings.Split(command, "'") {
		if i%2 == 1 {
			out = append(out, part)
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out
}

// matches compares a text with a pattern of lines.
func matches(want, got string) bool {
	var b strings.Builder
	b.WriteString(`\A`)
	for i, line := range strings.Split(want, "\n") {
		if line == "…" {
			b.WriteString(`(?:\n?.*)*`)
			continue
		}
		if i > 0 {
			b.WriteString(`\n`)
		}
		b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String()).MatchString(got)
}
