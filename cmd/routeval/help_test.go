package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

// Every command's help says what it does, ends with the exit statuses that it
// uses, each explained, and shows how it is called.
func TestHelp(t *testing.T) {
	root := rootCommand(&world{lookupEnv: os.LookupEnv})
	status := regexp.MustCompile(`^  (0|1|2|3|4|5|130) +\S`)
	for _, c := range root.Commands() {
		t.Run(c.Name(), func(t *testing.T) {
			if c.Short == "" || strings.HasSuffix(c.Short, ".") {
				t.Errorf("short help %q: want a phrase without a full stop", c.Short)
			}
			_, statuses, found := strings.Cut(c.Long, "\n\nExit status:\n")
			if !found {
				t.Fatalf("the help does not end with exit statuses:\n%s", c.Long)
			}
			lines := strings.Split(statuses, "\n")
			for _, line := range lines {
				if !status.MatchString(line) {
					t.Errorf("%q explains no exit status", line)
				}
			}
			if !strings.HasPrefix(lines[0], "  0 ") || !strings.Contains(statuses, "\n  2 ") {
				t.Errorf("0 and 2, which every command can end with, are not explained:\n%s", statuses)
			}
			if !strings.HasPrefix(c.Example, "  routeval "+c.Name()) {
				t.Errorf("example %q: want one that begins with the command", c.Example)
			}
			for line := range strings.Lines(c.Long + "\n" + c.Example) {
				if n := len([]rune(strings.TrimRight(line, "\n"))); n > 90 {
					t.Errorf("a line of %d characters: %s", n, line)
				}
			}
		})
	}
}

// The examples of the help are command lines that exist: each parses, with its
// flags and its number of arguments.
func TestHelpExamplesParse(t *testing.T) {
	w := &world{lookupEnv: os.LookupEnv}
	for _, c := range rootCommand(w).Commands() {
		examples := strings.ReplaceAll(c.Example, "\\\n", " ")
		for line := range strings.Lines(examples) {
			t.Run(strings.TrimSpace(line), func(t *testing.T) {
				root := rootCommand(w)
				words := shellWords(line)
				command, rest, err := root.Find(words[1:])
				if err != nil || command == root {
					t.Fatalf("no such command: %v", err)
				}
				if err := command.ParseFlags(rest); err != nil {
					t.Fatal(err)
				}
				if err := command.ValidateArgs(command.Flags().Args()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// shellWords splits a line at blanks outside single quotes.
func shellWords(line string) (words []string) {
	for i, part := range strings.Split(strings.TrimSpace(line), "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// A usage error of any command has status 2 and leaves standard output alone.
func TestUnknownFlagOfEveryCommand(t *testing.T) {
	for _, c := range rootCommand(&world{lookupEnv: os.LookupEnv}).Commands() {
		var out, words bytes.Buffer
		w := &world{args: []string{c.Name(), "--no-such-flag"}, lookupEnv: os.LookupEnv, stdin: &out, stdout: &out, stderr: &words}
		if status := execute(t.Context(), w); status != statusUsage {
			t.Errorf("%s: status %d, want %d", c.Name(), status, statusUsage)
		}
		want := fmt.Sprintf("unknown flag: --no-such-flag (see routeval %s --help)", c.Name())
		if out.Len() > 0 || !strings.Contains(words.String(), want) {
			t.Errorf("%s: %q on standard output, %q on standard error", c.Name(), &out, &words)
		}
	}
}
