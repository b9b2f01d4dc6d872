package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/pipeline"
)

func gradeCommand(w *world) *cobra.Command {
	var quiet bool
	c := &cobra.Command{
		Use:   "grade RUN",
		Short: "Grade a run again, without calling its candidates",
		Long: `Grade replaces the grades of a run's finished prompts: by another grader, by other
options, or by the same ones again. No candidate is called. Qualities that came
with the prompts stay.

How to grade is taken from the run's manifest, and flags change it; --grade with
another kind drops the options of the old one. The new grades and the manifest
that says how they were made take effect together: killed at any point, the run
is graded either as before or anew. From then on the run is resumed with a spec
that says the new grade.

A judge's replies are kept in the run directory (verdicts.jsonl): a grading that
was stopped, or one that asks the same judge the same again, pays for none of
them twice. --budget bounds what the judge's new replies may cost: none is asked for
that could pass it. Where an answer could not be graded its outcome says why, and the
exit status is 3; the same command tries those again.

The kinds choice, contains, exact, f1, json, number, regex and rouge_l compare
an answer with the reference; command asks a program of yours, judge_single and
judge_pair a language model.` +
			exits(statusDone, statusStopped, statusUsage, statusPartial, statusBudget, statusSignaled),
		Example: `  routeval grade runs/first --grade number --set grade.tolerance=0.01
  routeval grade runs/first --grade judge_pair --judge openai/gpt-4o \
      --set 'judge.params={temperature: 0}'
  routeval grade runs/first --grade command --set 'grade.command=[python3, grade.py]'`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return gradeRun(c.Context(), w, c, args[0], quiet) },
	}
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "no progress")
	addSpecFlags(c, "grade", "judge", "budget")
	return c
}

func gradeRun(ctx context.Context, w *world, c *cobra.Command, path string, quiet bool) error {
	dir, err := pipeline.OpenToGrade(path)
	if err != nil {
		return usage(err)
	}
	defer dir.Close()
	r, err := resolveGrade(w, c, dir.Manifest.Spec)
	if err != nil {
		return err
	}
	b, err := buildGrading(w, r)
	if err != nil {
		return err
	}
	prompts, err := questions(r, &dir.Manifest)
	if err != nil {
		return err
	}
	verdicts, err := b.openVerdicts(dir)
	if err != nil {
		return err
	}
	was := dir.Manifest.Spec.Grade
	p := newProgress(w, quiet, dir.Journal.Tally().Prompts, pipeline.Tally{})
	sum, err := dir.Regrade(ctx, &b.Pipeline, prompts, regraded(dir.Manifest, r, b), func(r *datasets.Result) {
		p.finished([]*datasets.Result{{Judged: r.Judged}}) // what the candidates cost is long paid
	})
	p.end()
	err = errors.Join(err, verdicts(), b.close())
	var broke *pipeline.BudgetError
	switch {
	case errors.As(err, &broke):
		return &statusError{statusBudget, fmt.Errorf("%w; the grades are as before, and the same command with another --budget goes on where the replies end", err)}
	case err != nil && ctx.Err() != nil:
		return &statusError{statusSignaled, fmt.Errorf("stopped: %w; the grades are as before, run the same command again", err)}
	case err != nil:
		return fmt.Errorf("%w\n(the grades of %s are as before)", err, path)
	}
	fmt.Fprintln(w.stderr, sumUp(path, sum, was, r.Grade))
	if sum.Ungraded > 0 {
		return &statusError{statusPartial, fmt.Errorf("%d answers could not be graded; their outcomes say why", sum.Ungraded)}
	}
	return nil
}

// resolveGrade lays the flags over what a run's spec says of grades.
func resolveGrade(w *world, c *cobra.Command, spec datasets.Spec) (*resolved, error) {
	r := &resolved{Spec: spec, origins: map[string]string{}}
	r.BudgetUSD = nil // that of the run is for its calls
	noteChanges(r.origins, nil, r.Fields(), "the run's manifest")
	if kind := c.Flags().Lookup("grade"); kind.Changed && (r.Grade == nil || r.Grade.Kind != kind.Value.String()) {
		r.Grade = nil
		if !asksJudge(kind.Value.String()) {
			r.Judge = nil
		}
	}
	if other := c.Flags().Lookup("judge"); other.Changed {
		r.Judge = anotherJudge(r.Judge, other.Value.String())
	}
	origins, err := overlay(c, &r.Spec)
	if err != nil {
		return nil, usage(err)
	}
	for field := range origins {
		if top, _, _ := strings.Cut(field, "."); !slices.Contains([]string{"grade", "judge", "budget_usd"}, top) {
			return nil, usage(fmt.Errorf("%s: of a finished run only grade and judge can be changed", field))
		}
	}
	maps.Copy(r.origins, origins)
	if r.Grade == nil {
		return nil, usage(fmt.Errorf("--grade: missing: the run was not graded; choose one of %s", strings.Join(gradeKinds(), ", ")))
	}
	r.fromEnvironment(w)
	r.defaults(w)
	return r, nil
}

// anotherJudge is what of an old judge holds for one that is named now: for
// another model of the same provider how it is reached, for the same one all.
func anotherJudge(old *datasets.Model, named string) *datasets.Model {
	provider, model, _ := strings.Cut(named, "/")
	switch {
	case old == nil || old.Provider != provider:
		return nil
	case model == "" || old.Model == model:
		return old
	}
	another := *old
	another.Price, another.Params, another.MaxTokens = nil, nil, 0
	return &another
}

// buildGrading builds what grades, and nothing else of the run.
func buildGrading(w *world, r *resolved) (*built, error) {
	b := newBuilt()
	b.Strong, b.Weak = r.Router.Candidates()
	b.BudgetUSD = r.BudgetUSD
	var prices map[string]datasets.Price
	errs := []error{r.Validate()}
	if r.Judge != nil && r.Judge.Price == nil {
		var err error
		prices, err = b.readPrices(r)
		errs = append(errs, err)
	}
	return b, usage(errors.Join(append(errs, b.buildGrade(w, r, prices))...))
}

// questions are the run's prompts, for the kinds of grades that look at the
// question; nil for others. The input must be what it was.
func questions(r *resolved, m *datasets.Manifest) (iter.Seq2[datasets.Prompt, error], error) {
	if !readsQuestions(r.Grade.Kind) {
		return nil, nil
	}
	if slices.Contains(r.Input, "-") {
		return nil, usage(fmt.Errorf("grade.kind: %s reads the questions, and those of this run came from standard input", r.Grade.Kind))
	}
	files, err := datasets.Files(r.Input)
	if err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	for _, f := range files {
		now, err := digestFile(f)
		if err != nil {
			return nil, fmt.Errorf("input: %w", err)
		}
		if was := m.Digests[f]; was != now {
			return nil, fmt.Errorf("%s: its content changed since the run began (sha256 %.12s → %.12s)", f, was, now)
		}
	}
	return datasets.Prompts(r.Input, datasets.Options{MaxLine: r.MaxLine}), nil
}

// regraded is a run's manifest once it has the grades that r asks for.
func regraded(m datasets.Manifest, r *resolved, b *built) datasets.Manifest {
	m.Spec.Grade, m.Spec.Judge = r.Grade, r.Judge
	m.Graded = time.Now().UTC().Truncate(time.Second)
	digests := map[string]string{}
	maps.Copy(digests, m.Digests)
	maps.Copy(digests, b.digests)
	m.Digests = digests
	return m
}

func sumUp(path string, sum pipeline.Grading, was, now *datasets.Grade) string {
	text := fmt.Sprintf("%s: %d answers to %d prompts graded by %s", path, sum.Graded, sum.Prompts, now.Kind)
	if was != nil && was.Kind != now.Kind {
		text += " (before: " + was.Kind + ")"
	}
	if sum.Ungraded > 0 {
		text += fmt.Sprintf(", %d not graded", sum.Ungraded)
	}
	return text
}
