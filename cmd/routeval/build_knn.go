package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"routeval/datasets"
	"routeval/scoring"
)

// buildKNN looks up the recorded prompts nearest to a prompt.
func (b *built) buildKNN(w *world, r *resolved) error {
	if len(r.Router.Outcomes) == 0 {
		return errors.New("router.outcomes: missing: name files of prompts with graded outcomes of both models, or run directories")
	}
	if err := r.checkLeak(); err != nil {
		return err
	}
	var asked []remembered
	var qualities []scoring.QualityPair
	for _, source := range r.Router.Outcomes {
		a, q, err := b.recordedPairs(r, source)
		if err != nil {
			return fmt.Errorf("router.outcomes: %w", err)
		}
		asked, qualities = append(asked, a...), append(qualities, q...)
	}
	space, table, err := b.vectorsOf(w, r, asked)
	if err != nil {
		return err
	}
	b.Scorer, err = scoring.NewKNN(space, qualities, table, scoring.KNNOptions{K: r.Router.K, Temperature: r.Router.Temperature})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	return nil
}

// checkLeak refuses outcomes of the very prompts that are routed: each would
// find its own.
func (r *resolved) checkLeak() error {
	input, err := datasets.Files(r.Input)
	if err != nil {
		return nil // said where the input is read
	}
	for _, source := range r.Router.Outcomes {
		same := func(file string) bool { return filepath.Clean(file) == filepath.Clean(source) }
		if slices.ContainsFunc(input, same) {
			return fmt.Errorf("router.outcomes: %s is the input as well: every prompt would find its own outcomes", source)
		}
	}
	return nil
}

// A remembered is a text that a router compares prompts with.
type remembered struct {
	id, text string
	number   bool // the id is the number of a row in a file of vectors
}

// recordedPairs reads prompts on which both models of the scoring pair are graded.
func (b *built) recordedPairs(r *resolved, source string) ([]remembered, []scoring.QualityPair, error) {
	prompts, files, err := graded(source)
	if err != nil {
		return nil, nil, err
	}
	strong, weak := r.sides()
	var asked []remembered
	var pairs []scoring.QualityPair
	met := map[string]bool{}
	for p, err := range prompts {
		if err != nil {
			return nil, nil, err
		}
		q := qualitiesOf(&p, nil)
		s, haveStrong := firstOf(q, strong)
		k, haveWeak := firstOf(q, weak)
		if !haveStrong || !haveWeak {
			for name := range q {
				met[name] = true
			}
			continue
		}
		asked = append(asked, remembered{id: p.ID, text: p.Query()})
		pairs = append(pairs, scoring.QualityPair{Strong: s, Weak: k})
	}
	if len(pairs) == 0 {
		return nil, nil, fmt.Errorf("%s: no prompt has graded outcomes of both %s and %s (have %s); router.scoring_pair names others",
			source, strings.Join(strong, " or "), strings.Join(weak, " or "), cmp.Or(strings.Join(slices.Sorted(maps.Keys(met)), ", "), "none"))
	}
	return asked, pairs, b.digestFiles(files)
}

// sides are the names that outcomes of the strong and of the weak side may go by:
// those of the scoring pair, or else of the candidate and of its model.
func (r *resolved) sides() (strong, weak []string) {
	s, k := r.Router.Candidates()
	side := func(pair, candidate string) []string {
		if pair != "" {
			return []string{pair}
		}
		return slices.Compact([]string{candidate, cmp.Or(r.Models[candidate].Model, candidate)})
	}
	return side(r.Router.ScoringPair.Strong, s), side(r.Router.ScoringPair.Weak, k)
}

func firstOf(qualities map[string]float64, names []string) (float64, bool) {
	for _, name := range names {
		if q, ok := qualities[name]; ok {
			return q, true
		}
	}
	return 0, false
}

// digestFiles notes the content of files that decide results.
func (b *built) digestFiles(files []string) error {
	for _, f := range files {
		sum, err := digestFile(f)
		if err != nil {
			return err
		}
		b.digests[f] = sum
	}
	return nil
}
