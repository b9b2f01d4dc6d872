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
makes questions with known answers, has both models answer some of them, trains a
router on that, calibrates it to 30 % strong on others, routes those that are
left, and reports what the routing cost and kept.

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
	c.Flags().IntVar(&o.questions, "questions", 2000, "how many questions to calibrate on and to route; half as many are made to learn from")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "of the questions")
	c.Flags().BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	return c
}

// demoSpec is the spec of the demo's runs.
const demoSpec = `# Two stand-ins for models, served by "routeval demo" on a loopback port.
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
router: {weights: %[1]s/router.safetensors}
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
		{"Both models answer the questions to learn from.",
			"run {dir}/demo.yaml --input {dir}/learn.jsonl --out {dir}/learn --router random --execute both"},
		{"A router is trained on who was right on which question.",
			"train {dir}/learn --out {dir}/router.safetensors"},
		{"The threshold is chosen that sends 30 % of other questions to the strong model. Nobody is called.",
			"calibrate {dir}/demo.yaml --input {dir}/calibrate.jsonl --strong-share 0.3"},
		{"The questions that are left are routed. Both models answer, so that the report can compare.",
			"run {dir}/demo.yaml --input {dir}/test.jsonl --out {dir}/test --threshold {threshold} --execute both"},
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
	parts := []struct {
		name string
		n    int
	}{{"learn", d.questions / 2}, {"calibrate", d.questions / 2}, {"test", d.questions - d.questions/2}}
	for _, p := range parts {
		if err := os.RemoveAll(filepath.Join(d.dir, p.name)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	next, stop := iter.Pull(sample.Questions(d.seed, d.questions+parts[0].n))
	defer stop()
	for _, p := range parts {
		if _, err := datasets.WritePrompts(filepath.Join(d.dir, p.name+".jsonl"), take(next, p.n)); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.stderr, "In %s: %d questions with known answers to learn from, %d to calibrate on, %d to route.\n", d.dir, parts[0].n, parts[1].n, parts[2].n)
	return os.WriteFile(filepath.Join(d.dir, "demo.yaml"), fmt.Appendf(nil, demoSpec, d.dir, url), 0o644)
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
