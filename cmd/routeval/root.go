package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// execute runs the command line in w and returns the exit status. The first
// signal ends the context; the second finds no handler any more and kills.
func execute(ctx context.Context, w *world) int {
	ctx, release := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer release()
	context.AfterFunc(ctx, release)

	root := rootCommand(w)
	root.SetArgs(w.args)
	root.SetIn(w.stdin)
	root.SetOut(w.stdout)
	root.SetErr(w.stderr)
	err := root.ExecuteContext(ctx)
	if err != nil && err.Error() != "" {
		fmt.Fprintln(w.stderr, "routeval:", err)
	}
	return status(ctx, err)
}

func rootCommand(w *world) *cobra.Command {
	root := &cobra.Command{
		Use:   "routeval",
		Short: "Route prompt data sets between language models, and measure what routing costs and keeps",
		Long: `routeval routes prompt data sets in bulk between a strong and a weak language
model and measures what the routing costs and keeps.

A first look:  routeval demo
The main job:  routeval run, then routeval report on its directory
Before it:     routeval calibrate chooses the threshold, routeval check tests
               every endpoint`,
		Version:               version,
		SilenceUsage:          true,
		SilenceErrors:         true,
		DisableFlagsInUseLine: true,

		SuggestionsMinimumDistance: 2,
		Args:                       cobra.NoArgs,
		// Arguments are checked only where something can be run.
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("routeval {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage(fmt.Errorf("%w (see %s --help)", err, c.CommandPath()))
	})
	root.AddCommand(commands(w)...)
	wrapArgs(root)
	return root
}

// commands is the table of commands.
func commands(w *world) []*cobra.Command {
	return []*cobra.Command{
		cacheCommand(w),
		calibrateCommand(w),
		checkCommand(w),
		compareRoutersCommand(w),
		convertCommand(w),
		demoCommand(w),
		embedCommand(w),
		gradeCommand(w),
		reportCommand(w),
		runCommand(w),
		sweepCommand(w),
		trainCommand(w),
		versionCommand(w),
	}
}

// wrapArgs makes wrong arguments, and unknown commands, usage errors.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			err := check(c, args)
			if err != nil && !c.HasParent() && len(args) > 0 {
				err = fmt.Errorf("unknown command %q%s", args[0], suggestions(c, args[0]))
			}
			return usage(err)
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

func suggestions(c *cobra.Command, arg string) string {
	if near := c.SuggestionsFor(arg); len(near) > 0 {
		return fmt.Sprintf(" (did you mean %s?)", strings.Join(near, " or "))
	}
	return " (see routeval --help)"
}

// exits is the last part of a command's help: the exit statuses that it uses.
func exits(statuses ...int) string {
	means := map[int]string{
		statusDone:     "done",
		statusStopped:  "it could not go on",
		statusUsage:    "flags or spec are wrong; nothing was done",
		statusPartial:  "done, but some prompts have no answer",
		statusGate:     "a gate was missed",
		statusBudget:   "the budget is spent",
		statusSignaled: "stopped by a signal",
	}
	var b strings.Builder
	b.WriteString("\n\nExit status:\n")
	for _, s := range statuses {
		fmt.Fprintf(&b, "  %-3d %s\n", s, means[s])
	}
	return strings.TrimRight(b.String(), "\n")
}
