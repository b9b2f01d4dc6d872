package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"routeval/datasets"
	"routeval/providers/lexical"
	"routeval/scoring"
)

// vectorsOf gives the vectors of what a router compares prompts with, as a table
// of rows, and has the embedding model of the spec make those of the prompts: of
// one space, or it is an error. They are read of router.embeddings, or made here
// by the embedder in the binary; no endpoint is asked.
func (b *built) vectorsOf(w *world, r *resolved, asked []remembered) (scoring.Space, []float32, error) {
	space, err := b.openEmbedder(w, r)
	switch {
	case err != nil:
		return space, nil, err
	case r.Router.Embeddings != "":
		stored, table, err := b.storedVectors(r.Router.Embeddings, asked)
		if err != nil {
			return space, nil, fmt.Errorf("router.embeddings: %w", err)
		}
		if space.Dim == 0 {
			space.Dim = stored.Dim // the endpoint's answers are held to it
		}
		if err := stored.Check(space); err != nil {
			return space, nil, fmt.Errorf("router.embeddings: %s: %w", r.Router.Embeddings, err)
		}
		return stored, table, nil
	case r.Embedding.Provider != "builtin":
		return space, nil, errors.New("router.embeddings: missing: name a file of vectors by the embedding model of this spec; routeval embed makes one")
	}
	e := lexical.New()
	table := make([]float32, len(asked)*lexical.Dim)
	for i, a := range asked {
		e.Embed(table[i*lexical.Dim:][:lexical.Dim], a.text)
	}
	return space, table, nil
}

// storedVectors reads the vector of each text from an embeddings file, by id. A
// file whose ids are but the numbers of its rows may also have them in order.
func (b *built) storedVectors(file string, asked []remembered) (scoring.Space, []float32, error) {
	meta, vectors, err := datasets.Embeddings(file)
	if err != nil {
		return scoring.Space{}, nil, err
	}
	rows := map[string]int{} // by id
	var numbers []float32
	numbered := true
	for e, err := range vectors {
		if err != nil {
			return scoring.Space{}, nil, err
		}
		if _, twice := rows[e.ID]; twice {
			return scoring.Space{}, nil, fmt.Errorf("%s: two vectors have the id %q", file, e.ID)
		}
		numbered = numbered && e.ID == strconv.Itoa(len(rows))
		rows[e.ID] = len(rows)
		numbers = append(numbers, e.Vector...)
	}
	space := scoring.Space{Model: meta.Model, Dim: meta.Dim, Fingerprint: meta.Fingerprint}
	missing := slices.IndexFunc(asked, func(a remembered) bool {
		_, ok := rows[a.id]
		return !ok || numbered && !a.number
	})
	switch {
	case missing < 0:
		table := make([]float32, 0, len(asked)*meta.Dim)
		for _, a := range asked {
			table = append(table, numbers[rows[a.id]*meta.Dim:][:meta.Dim]...)
		}
		numbers = table
	case !numbered:
		return space, nil, fmt.Errorf("%s: no vector with the id %q", file, asked[missing].id)
	case len(rows) != len(asked):
		return space, nil, fmt.Errorf("%s: %d vectors without ids, for %d prompts: want one for each, in order, or a file with ids (.arrow, .parquet)", file, len(rows), len(asked))
	}
	return space, numbers, b.digestFiles([]string{file})
}
