package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/pipeline/command"
	"routeval/providers"
	"routeval/scoring"
)

// The kinds of grades that are not scoring's own.
const (
	gradeCommandKind = "command"
	gradeSingleKind  = "judge_single"
	gradePairKind    = "judge_pair"
)

// gradeKinds lists all kinds of grades, sorted.
func gradeKinds() []string {
	return slices.Sorted(slices.Values(append(scoring.GraderKinds(), gradeCommandKind, gradeSingleKind, gradePairKind)))
}

// asksJudge reports whether a kind of grades asks a language model.
func asksJudge(kind string) bool { return kind == gradeSingleKind || kind == gradePairKind }

// readsQuestions reports whether a kind of grades looks at the question.
func readsQuestions(kind string) bool { return asksJudge(kind) || kind == gradeCommandKind }

// buildGrade makes the grader or the judge. An option of the grade that its kind
// does not take is an error, so that none is ever without effect.
func (b *built) buildGrade(w *world, r *resolved, prices map[string]datasets.Price) error {
	g := r.Grade
	switch {
	case r.Judge != nil && (g == nil || !asksJudge(g.Kind)):
		return fmt.Errorf("judge: nobody asks it: set grade.kind to %s or %s", gradeSingleKind, gradePairKind)
	case g == nil:
		return nil
	case g.Rubric != "" && !asksJudge(g.Kind):
		return fmt.Errorf("grade.rubric: %s asks no judge", g.Kind)
	case (g.Command != nil || g.Timeout != 0) && g.Kind != gradeCommandKind:
		return fmt.Errorf("grade.command, grade.timeout: %s runs no program", g.Kind)
	}
	b.GradeKind = g.Kind
	opts, err := graderOptions(g)
	switch {
	case err != nil:
	case asksJudge(g.Kind):
		err = errors.Join(noOptions(opts, g.Kind), b.buildJudge(w, r, prices))
	case g.Kind == gradeCommandKind:
		err = errors.Join(noOptions(opts, g.Kind), b.buildCommand(g))
	case !slices.Contains(gradeKinds(), g.Kind):
		err = fmt.Errorf("grade: unknown grader %q (have %s)", g.Kind, strings.Join(gradeKinds(), ", "))
	default:
		if b.Grader, err = scoring.NewGrader(g.Kind, opts); err != nil {
			err = fmt.Errorf("grade: %w", err)
		}
	}
	return err
}

func graderOptions(g *datasets.Grade) (scoring.GraderOptions, error) {
	o := scoring.GraderOptions{IgnoreCase: g.IgnoreCase, IgnoreSpace: g.IgnoreSpace, Tolerance: g.Tolerance, Pattern: g.Pattern}
	if g.Schema != nil {
		var err error
		if o.Schema, err = json.Marshal(g.Schema, json.Deterministic(true)); err != nil {
			return o, fmt.Errorf("grade.schema: %w", err)
		}
	}
	return o, nil
}

func noOptions(o scoring.GraderOptions, kind string) error {
	if given := o.Given(); len(given) > 0 {
		return fmt.Errorf("grade.%s: %s does not take it", given[0], kind)
	}
	return nil
}

// buildCommand makes the grader that runs a program, and digests what of the
// command is a file by its name, such as a script, since that decides the grades.
func (b *built) buildCommand(g *datasets.Grade) error {
	grader, err := command.New(g.Command, time.Duration(g.Timeout))
	if err != nil {
		return fmt.Errorf("grade.command: %w", err)
	}
	if _, err := exec.LookPath(g.Command[0]); err != nil {
		return fmt.Errorf("grade.command: %w", err)
	}
	for _, file := range g.Command {
		if isFile(file) {
			if b.digests[file], err = digestFile(file); err != nil {
				return fmt.Errorf("grade.command: %w", err)
			}
		}
	}
	before := b.close
	b.Grader, b.close = grader, func() error { return errors.Join(before(), grader.Close()) }
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (b *built) buildJudge(w *world, r *resolved, prices map[string]datasets.Price) error {
	if r.Judge == nil {
		return fmt.Errorf("judge: missing: %s asks a language model; name it, such as --judge openai/gpt-4o", r.Grade.Kind)
	}
	if r.Grade.Kind == gradePairKind && !r.hasPairs() {
		return fmt.Errorf("grade.kind: %s compares the answers of both candidates: set execute to %s, or both_share above 0", gradePairKind, datasets.Both)
	}
	c, err := b.buildCandidate(w, r, "judge", *r.Judge)
	if err != nil {
		return err
	}
	if c.Completer == nil {
		return fmt.Errorf("judge.provider: %q answers no questions", r.Judge.Provider)
	}
	if price, ok := prices[r.Judge.Model]; ok && r.Judge.Price == nil {
		c.Price = &price
	}
	if r.BudgetUSD != nil && c.Price == nil {
		return errors.New("judge.price: missing: a budget cannot hold for a model whose price is unknown")
	}
	settings, err := judgeSettings(*r.Judge)
	if err != nil {
		return err
	}
	j := &pipeline.Judge{Candidate: c, Kind: r.Grade.Kind, Settings: settings}
	if r.Grade.Kind == gradePairKind {
		j.Pair = &scoring.PairJudge{Rubric: r.Grade.Rubric}
	} else {
		j.Single = &scoring.SingleJudge{Rubric: r.Grade.Rubric}
	}
	b.Judge = j
	return nil
}

// hasPairs reports whether there can be a prompt that both candidates answer.
func (r *resolved) hasPairs() bool {
	strong, weak := r.Router.Candidates()
	return r.Execute == datasets.Both || r.BothShare > 0 ||
		r.Models[strong].Provider == recordedProvider || r.Models[weak].Provider == recordedProvider || r.Execute == datasets.RouteOnly
}

// judgeSettings is all that decides what a judge replies to a question.
func judgeSettings(m datasets.Model) (string, error) {
	b, err := json.Marshal(datasets.Model{
		Provider: m.Provider, BaseURL: m.BaseURL, Model: m.Model, Params: m.Params,
		MaxTokens: cmp.Or(m.MaxTokens, providers.DefaultMaxTokens),
	}, json.Deterministic(true))
	return string(b), err
}

// openVerdicts gives the judge, if there is one, the replies that are kept with
// the run, and returns what closes them.
func (b *built) openVerdicts(dir *pipeline.RunDir) (closeThem func() error, err error) {
	if b.Judge == nil {
		return func() error { return nil }, nil
	}
	if b.Judge.Verdicts, err = dir.OpenVerdicts(); err != nil {
		return nil, err
	}
	return b.Judge.Verdicts.Close, nil
}
