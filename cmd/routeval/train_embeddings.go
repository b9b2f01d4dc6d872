package main

import (
	"context"
	"errors"
	"fmt"

	"routeval/datasets"
	"routeval/scoring"
	"routeval/scoring/train"
)

// storedFeatures are vectors of an embeddings file, by id.
type storedFeatures struct {
	file   string
	named  scoring.Space
	all    *train.Dense
	row    map[string]int
	bad    error // the first row without a vector that can be used
	chosen []int
}

// readFeatures reads an embeddings file. A row without a usable vector is an
// error only where it is asked for. model names the embedding model where the
// file does not; the one in the binary is never meant.
func readFeatures(file, model string) (*storedFeatures, error) {
	meta, vectors, err := datasets.Embeddings(file)
	if err != nil {
		return nil, usage(err)
	}
	f := &storedFeatures{file: file, row: map[string]int{}, named: scoring.Space{Model: meta.Model, Dim: meta.Dim, Fingerprint: meta.Fingerprint}}
	if space, _ := lexicalSpace(); f.named.Model == "" && model != "builtin/"+space.Model {
		f.named.Model = model
	}
	var numbers []float32
	for e, err := range vectors {
		if row := (*datasets.RowError)(nil); errors.As(err, &row) {
			if f.bad == nil {
				f.bad = err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if _, twice := f.row[e.ID]; twice {
			return nil, fmt.Errorf("%s: two vectors have the id %q", file, e.ID)
		}
		f.row[e.ID] = len(f.row)
		numbers = append(numbers, e.Vector...)
	}
	if len(f.row) == 0 {
		return nil, errors.Join(fmt.Errorf("%s: no vectors", file), f.bad)
	}
	f.all, err = train.NewDense(meta.Dim, numbers)
	return f, err
}

func (f *storedFeatures) key(id, _ string) (string, error) { return id, nil }

func (f *storedFeatures) add(_ context.Context, id, _ string) error {
	row, ok := f.row[id]
	if !ok {
		return errors.Join(fmt.Errorf("%s has no vector with the id %q", f.file, id), f.bad)
	}
	f.chosen = append(f.chosen, row)
	return nil
}

func (f *storedFeatures) rows(context.Context) (train.Rows, error) {
	rows := train.Select(f.all, f.chosen)
	f.chosen = nil
	return rows, nil
}

func (f *storedFeatures) space() scoring.Space { return f.named }
