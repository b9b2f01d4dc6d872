package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/pipeline"
)

func convertCommand(w *world) *cobra.Command {
	var o convertOptions
	c := &cobra.Command{
		Use:   "convert IN... OUT",
		Short: "Convert prompts or results between formats",
		Long: `Convert reads files of prompts, or the results of a run directory, and writes them
to one file: JSONL (.jsonl, also .jsonl.gz and .jsonl.zst) or Parquet (.parquet),
by its name. OUT may be - for JSONL on standard output. Nothing is lost on the
way: fields that are not known come back byte for byte. The file is there whole
or not at all.

With --from the files are another tool's, and become prompts with recorded
outcomes, which sweep and train take:
  llmrouterbench  DATASET/SPLIT/MODEL/TIME.json of any number of models
  mt-bench        question.jsonl and the judgements of single answers
  routellm        evaluation tables (CSV): prompt, and True or False by model
  routerarena     prediction files of any number of models` +
			exits(statusDone, statusStopped, statusUsage, statusPartial),
		Example: `  routeval convert prompts.jsonl.gz prompts.parquet
  routeval convert runs/first answers.parquet
  routeval convert --results results.jsonl results.parquet
  routeval convert --from mt-bench question.jsonl judgements.jsonl mt-bench.jsonl`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return convert(w, args[:len(args)-1], args[len(args)-1], o)
		},
	}
	c.Flags().StringVar(&o.from, "from", "", "the tool that the files are of: "+strings.Join(datasets.Importers(), ", "))
	c.Flags().BoolVar(&o.results, "results", false, "the files hold results, not prompts")
	c.Flags().BoolVar(&o.skipBad, "skip-bad-rows", false, "leave rows out that cannot be read, and say which")
	c.Flags().IntVar(&o.maxLine, "max-line", 0, "bytes; a longer line is a bad row")
	return c
}

type convertOptions struct {
	from    string
	results bool
	skipBad bool
	maxLine int
}

func convert(w *world, in []string, out string, o convertOptions) error {
	if o.from != "" && !slices.Contains(datasets.Importers(), o.from) {
		return usage(fmt.Errorf("--from: unknown tool %q (have %s)", o.from, strings.Join(datasets.Importers(), ", ")))
	}
	if o.from != "" && o.results {
		return usage(errors.New("--from and --results: another tool's files hold prompts"))
	}
	if o.from == "" && len(in) == 1 {
		if info, err := os.Stat(in[0]); err == nil && info.IsDir() {
			in[0] = filepath.Join(in[0], pipeline.JournalFile)
			o.results = true
		}
	}
	opts := datasets.Options{MaxLine: o.maxLine, Stdin: w.stdin}
	bad := 0
	var n int64
	var err error
	switch {
	case o.from != "":
		n, err = transfer(w, out, sieve(w, o.skipBad, &bad, datasets.Import(o.from, in, opts)), datasets.WritePrompts, datasets.EncodePrompts)
	case o.results:
		n, err = transfer(w, out, sieve(w, o.skipBad, &bad, datasets.Results(in, opts)), datasets.WriteResults, datasets.EncodeResults)
	default:
		n, err = transfer(w, out, sieve(w, o.skipBad, &bad, datasets.Prompts(in, opts)), datasets.WritePrompts, datasets.EncodePrompts)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stderr, "%s: %d rows\n", out, n)
	if bad > 0 {
		return &statusError{statusPartial, fmt.Errorf("%d bad rows were left out", bad)}
	}
	return nil
}

// transfer writes a sequence to a file or to standard output.
func transfer[T any](w *world, out string, seq iter.Seq2[T, error],
	toFile func(string, iter.Seq2[T, error]) (int64, error),
	toWriter func(io.Writer, string, iter.Seq2[T, error]) (int64, error)) (int64, error) {
	if out == "-" {
		return toWriter(w.stdout, "stdout.jsonl", seq)
	}
	return toFile(out, seq)
}

// sieve takes bad rows out of a sequence, if asked to, telling each.
func sieve[T any](w *world, skipBad bool, bad *int, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	if !skipBad {
		return seq
	}
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if row := (*datasets.RowError)(nil); errors.As(err, &row) {
				*bad++
				fmt.Fprintln(w.stderr, "routeval:", err)
				continue
			}
			if !yield(v, err) {
				return
			}
		}
	}
}
