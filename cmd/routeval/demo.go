package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/datasets/sample"
	"routeval/providers/lexical"
	"routeval/providers/solver"
)

type demoOptions struct {
	dir       string
	questions int
	seed      uint64
	quiet     bool
}

func demoCommand(w *world) *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the main job on generated questions, offline",
		Long: `Demo shows the main job from end to end, offline and in less than a minute: it
makes questions with known answers, has both models answer one half, trains a
router on that, calibrates it to 30 % strong, routes the other half, and reports
what the routing cost and kept.

The two models are stand-ins, not language models: small programs that read a
question and calculate. solver-small handles one step and guesses at the rest,
solver-large handles several. They answer over HTTP from a loopback server with
OpenAI's interface, so the demo takes the same path as a real run, and every
figure of the report is measured. Their prices are examples, of the size of a
small and a large model's.` +
			exits(statusDone, statusStopped, statusUsage, statusSignaled),
		Example: `  routeval demo
  routeval demo --dir /tmp/demo --questions 500`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return demo(c.Context(), w, o) },
	}
	c.Flags().StringVar(&o.dir, "dir", "demo", "the directory to work in; what an earlier demo left there is replaced")
	c.Flags().IntVar(&o.questions, "questions", 2000, "how many questions to make")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "of the questions")
	c.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return c
}

// demoSpec is the spec of the demo's runs.
const demoSpec = `# Two stand-ins for models, served by "routeval demo" on a loopback port.
input: [%[1]s]
models:
  strong:
    provider: openai
    base_url: %[2]s
    model: solver-large
    slots: 64
    price: {input_usd_per_mtok: 10, output_usd_per_mtok: 30}    # an example
  weak:
    provider: openai
    base_url: %[2]s
    model: solver-small
    slots: 64
    price: {input_usd_per_mtok: 0.6, output_usd_per_mtok: 0.6}  # an example
grade: {kind: number}
`

// demo plays the commands that a person would type, in this process.
func demo(ctx context.Context, w *world, o demoOptions) error {
	if o.questions < 100 {
		return usage(errors.New("--questions: the demo needs at least 100"))
	}
	began := time.Now()
	d := demonstration{world: w, demoOptions: o}
	url, stop, err := serveSolvers(ctx)
	if err != nil {
		return err
	}
	defer stop()
	if err := d.prepare(url); err != nil {
		return err
	}
	for _, step := range []struct{ say, command string }{
		{"Both models answer one half of the questions, so that there is something to learn from.",
			"run {dir}/train.yaml --out {dir}/train --router random --execute both"},
		{"A router is trained on who was right on which question.",
			"train {dir}/train --out {dir}/router.safetensors"},
		{"The threshold is chosen that sends 30 % of those questions to the strong model.",
			"calibrate {dir}/test.yaml --input {dir}/train.jsonl --weights {dir}/router.safetensors --strong-share 0.3"},
		{"The other half is routed. Both models answer, so that the report can compare.",
			"run {dir}/test.yaml --out {dir}/test --weights {dir}/router.safetensors --threshold {threshold} --execute both"},
		{"What did it cost, and what did it keep?",
			"report {dir}/test"},
	} {
		if err := d.play(ctx, step.say, step.command); err != nil {
			return err
		}
	}
	fmt.Fprintf(w.stderr, "\nThe demo took %.1f s. Everything is in %s; the same commands do it with real models.\n", time.Since(began).Seconds(), o.dir)
	return nil
}

type demonstration struct {
	*world
	demoOptions
	threshold string // once calibrated
}

// prepare clears what an earlier demo left and writes questions and specs.
func (d *demonstration) prepare(url string) error {
	for _, name := range []string{"train", "test", "train.jsonl", "test.jsonl", "train.yaml", "test.yaml", "router.safetensors"} {
		if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	next, stop := iter.Pull(sample.Questions(d.seed, d.questions))
	defer stop()
	for i, name := range []string{"train", "test"} {
		n := (d.questions + i) / 2
		file := filepath.Join(d.dir, name+".jsonl")
		if _, err := datasets.WritePrompts(file, take(next, n)); err != nil {
			return err
		}
		spec := fmt.Sprintf(demoSpec, file, url)
		if err := os.WriteFile(filepath.Join(d.dir, name+".yaml"), []byte(spec), 0o644); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(d.stderr, "%d questions with known answers, half to learn from and half to route: %s\n", d.questions, d.dir)
	return err
}

// take gives the next n prompts.
func take(next func() (datasets.Prompt, bool), n int) iter.Seq2[datasets.Prompt, error] {
	return func(yield func(datasets.Prompt, error) bool) {
		for range n {
			p, ok := next()
			if !ok || !yield(p, nil) {
				return
			}
		}
	}
}

// play shows a command as a person would type it, and runs it.
func (d *demonstration) play(ctx context.Context, say, command string) error {
	command = strings.NewReplacer("{dir}", d.dir, "{threshold}", d.threshold).Replace(command)
	fmt.Fprintf(d.stderr, "\n%s\n$ routeval %s\n", say, command)
	args := strings.Fields(command)
	if d.quiet && args[0] == "run" {
		args = append(args, "--quiet")
	}
	inner := *d.world
	var out strings.Builder
	if args[0] == "calibrate" {
		inner.stdout = &out
	}
	root := rootCommand(&inner)
	root.SetArgs(args)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	if args[0] == "calibrate" {
		d.threshold = strings.TrimSpace(out.String())
		fmt.Fprintln(d.stdout, d.threshold)
	}
	return nil
}

// serveSolvers serves the stand-ins on a free loopback port and returns their
// base URL and what stops them.
func serveSolvers(ctx context.Context) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	e := lexical.New()
	server := &http.Server{
		Handler: solver.Handler(solver.Options{
			Latency:   map[string]time.Duration{"solver-small": 2 * time.Millisecond, "solver-large": 12 * time.Millisecond},
			Embedding: solver.Embedding{Model: lexical.Name, Dim: lexical.Dim, Embed: e.Embed},
		}),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	go server.Serve(listener) // until stop
	return "http://" + listener.Addr().String() + "/v1", func() { server.Close() }, nil
}
