package pipeline

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"routeval/datasets"
	"routeval/scoring"
)

// notGraded begins the warning of an answer that could not be graded.
const notGraded = "not graded: "

// grade gives a quality to every outcome that has an answer and no quality yet.
// An answer that cannot be graded carries a warning instead. The error, if there
// is one, is a [*scoring.BrokenError], a [*BudgetError] or the end of ctx: every
// answer would meet it. A judge is paid from the purse.
func (p *Pipeline) grade(ctx context.Context, purse *purse, query string, result *datasets.Result) error {
	switch {
	case p.Judge != nil:
		return p.Judge.grade(ctx, purse, p.Strong, p.Weak, query, result)
	case p.Grader == nil:
		return nil
	}
	var broken error
	for _, name := range ungraded(result) {
		o := result.Outcomes[name]
		q, err := p.Grader.Grade(ctx, scoring.Answer{Query: query, Text: o.Answer, Reference: result.Reference})
		if err != nil {
			o.Warnings = append(o.Warnings, notGraded+err.Error())
			broken = errors.Join(broken, everyones(ctx, err))
		} else {
			o.Quality, o.Grader = &q, p.GradeKind
		}
		result.Outcomes[name] = o
	}
	return broken
}

// ungraded names the candidates whose answers can be graded and have no quality.
func ungraded(result *datasets.Result) []string {
	names := slices.Sorted(maps.Keys(result.Outcomes))
	return slices.DeleteFunc(names, func(name string) bool {
		o := result.Outcomes[name]
		return !o.OK() || o.Quality != nil || o.Recorded && o.Answer == ""
	})
}

// everyones is err if every answer would meet it, else nil.
func everyones(ctx context.Context, err error) error {
	var broken *scoring.BrokenError
	var broke *BudgetError
	if ctx.Err() != nil || errors.As(err, &broken) || errors.As(err, &broke) {
		return err
	}
	return nil
}

// ungrade takes away what earlier gradings left. A quality that came with the
// prompt stays.
func ungrade(result *datasets.Result) {
	result.Judged = nil
	for name, o := range result.Outcomes {
		if o.Grader != "" {
			o.Quality, o.Grader = nil, ""
		}
		o.Warnings = slices.DeleteFunc(slices.Clone(o.Warnings), func(w string) bool {
			return strings.HasPrefix(w, notGraded) || strings.HasPrefix(w, judgeDoubt)
		})
		result.Outcomes[name] = o
	}
}
