package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"routeval/datasets"
	"routeval/scoring"
	"routeval/scoring/train"
)

// A preferenceSet is the comparisons of one file of preferences.
type preferenceSet struct {
	train.Comparisons
	groups   []string          // by row: what was asked
	surfaces []scoring.Surface // of the prompts whose texts are known
	data     train.Data

	file   string
	itself int // of a model with itself, left out
}

func (s *preferenceSet) String() string {
	text := fmt.Sprintf("%s: %d comparisons of %d models on %d prompts", s.file, len(s.Examples), len(s.Models), len(s.groups))
	if s.itself > 0 {
		text += fmt.Sprintf("; %d of a model with itself left out", s.itself)
	}
	return text
}

// gatherPreferences reads a file of preferences, each an example of its own, and
// makes features of the prompts, each once; only names the models to take, nil
// for all.
func gatherPreferences(ctx context.Context, file string, only []string, features featurizer) (*preferenceSet, error) {
	var taken []datasets.Preference
	s := &preferenceSet{file: file}
	for p, err := range datasets.Preferences([]string{file}, datasets.Options{}) {
		switch {
		case err != nil:
			return nil, err
		case p.ModelA == p.ModelB:
			s.itself++
		case len(only) == 0 || slices.Contains(only, p.ModelA) && slices.Contains(only, p.ModelB):
			taken = append(taken, p)
		}
	}
	if len(taken) == 0 {
		return nil, fmt.Errorf("%s: no comparison of two models", file)
	}
	for _, p := range taken {
		s.Models = append(s.Models, p.ModelA, p.ModelB)
	}
	slices.Sort(s.Models)
	s.Models = slices.Compact(s.Models)
	rows := map[string]int{} // by what was asked
	for _, p := range taken {
		asked, err := features.key(p.ID, p.Prompt)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Pos, err)
		}
		row, ok := rows[asked]
		if !ok {
			row = len(rows)
			rows[asked] = row
			s.groups = append(s.groups, asked)
			if p.Prompt != "" {
				s.surfaces = append(s.surfaces, scoring.SurfaceOf(p.Prompt))
			}
			if err := features.add(ctx, p.ID, p.Prompt); err != nil {
				return nil, fmt.Errorf("%s: %w", p.Pos, err)
			}
		}
		s.Examples = append(s.Examples, train.Example{Row: row, Comparisons: []train.Comparison{s.comparison(&p)}})
	}
	var err error
	if s.Rows, err = features.rows(ctx); err != nil {
		return nil, err
	}
	s.data = train.Data{Name: filepath.Base(file), Prompts: len(rows)}
	s.data.SHA256, err = digestFile(file)
	return s, err
}

func (s *preferenceSet) comparison(p *datasets.Preference) train.Comparison {
	a, _ := slices.BinarySearch(s.Models, p.ModelA)
	b, _ := slices.BinarySearch(s.Models, p.ModelB)
	c := train.Comparison{Winner: int32(a), Loser: int32(b), Tie: p.Winner == datasets.NoWinner}
	if p.Winner == datasets.WinnerB {
		c.Winner, c.Loser = c.Loser, c.Winner
	}
	return c
}

var errNoText = errors.New("the row has no prompt: give --embeddings a file with a vector for each idx")
