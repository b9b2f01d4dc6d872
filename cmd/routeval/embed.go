package main

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/providers"
	"routeval/providers/lexical"
)

type embedOptions struct {
	out     string
	skipBad bool
}

func embedCommand(w *world) *cobra.Command {
	var o embedOptions
	c := &cobra.Command{
		Use:   "embed [SPEC] --out FILE",
		Short: "Make an embeddings file of prompts",
		Long: `Embed asks the embedding model for a vector of every prompt and writes them to one
file, by its name: Arrow IPC (.arrow), NumPy (.npy) or Parquet (.parquet). Arrow
and Parquet hold the prompts' ids, the name of the model and its fingerprint.
Texts go in batches that keep to the service's limits, and what was embedded once
is taken from the cache: stopped at any point, the same command ends with the
same file and pays for no text twice.` +
			exits(statusDone, statusStopped, statusUsage, statusPartial, statusSignaled),
		Example: `  routeval embed -i prompts.jsonl -o vectors.arrow --embedding ollama/nomic-embed-text
  routeval embed -i prompts.jsonl -o vectors.npy`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := resolve(w, c, specFile(args))
			if err != nil {
				return err
			}
			return embed(c.Context(), w, &r, o)
		},
	}
	c.Flags().StringVarP(&o.out, "out", "o", "", "the file to write (required)")
	c.Flags().BoolVar(&o.skipBad, "skip-bad-rows", false, "leave rows out that cannot be read or embedded, and say which")
	addSpecFlags(c, "input", "embedding", "max-line", "cache")
	return c
}

func embed(ctx context.Context, w *world, r *resolved, o embedOptions) error {
	if o.out == "" {
		return usage(errors.New("--out: missing: name the file for the vectors, such as -o vectors.arrow"))
	}
	if len(r.Input) == 0 {
		return usage(errors.New("input: missing: name the prompts to read (a file, a glob, or - for standard input)"))
	}
	client, err := newClient(w, "embedding", *r.Embedding)
	if err != nil {
		return usage(err)
	}
	meta := datasets.EmbeddingsMeta{Model: r.Embedding.Model, Fingerprint: embeddingFingerprint(client, *r.Embedding)}
	var embedder providers.Embedder = client
	closeCache := func() error { return nil }
	if r.Embedding.Provider == "builtin" {
		space, _ := lexicalSpace()
		meta = datasets.EmbeddingsMeta{Model: lexical.Name, Dim: lexical.Dim, Fingerprint: space.Fingerprint}
	} else if embedder, closeCache, err = cached(endpoints{}.embedder(&r.Spec, client, *r.Embedding), client, *r.Embedding, r.Cache); err != nil {
		return err
	}
	p := pipeline.Pipeline{
		Embedder: embedder, EmbedSlots: embedSlots(*r.Embedding).Max, Batch: pipeline.Batch{Items: r.Embedding.Batch},
	}
	prompts := datasets.Prompts(r.Input, datasets.Options{MaxLine: r.MaxLine, Stdin: w.stdin})
	bad := 0
	first, vectors, stop := peek(sieve(w, o.skipBad, &bad, p.Embeddings(ctx, prompts)))
	defer stop()
	meta.Dim = len(first.Vector)
	n, err := datasets.WriteEmbeddings(o.out, meta, vectors)
	if err := errors.Join(err, closeCache()); err != nil {
		return err
	}
	fmt.Fprintf(w.stderr, "%s: %d embeddings of %s\n", o.out, n, meta.Model)
	if bad > 0 {
		return &statusError{statusPartial, fmt.Errorf("%d bad rows were left out", bad)}
	}
	return nil
}

// peek gives the first value of a sequence, zero if there is none, and the whole
// sequence, which can be ranged over once, until stop.
func peek[T any](seq iter.Seq2[T, error]) (first T, whole iter.Seq2[T, error], stop func()) {
	next, stop := iter.Pull2(seq)
	first, err, ok := next()
	return first, func(yield func(T, error) bool) {
		for v, err, ok := first, err, ok; ok && yield(v, err); {
			v, err, ok = next()
		}
	}, stop
}
