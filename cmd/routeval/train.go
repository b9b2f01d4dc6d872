package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/scoring"
	"routeval/scoring/train"
)

type trainOptions struct {
	out       string
	lambda    float64
	models    []string
	leaveOut  string
	embedding string
}

func trainCommand(w *world) *cobra.Command {
	var o trainOptions
	c := &cobra.Command{
		Use:   "train SOURCE... --out WEIGHTS",
		Short: "Train a router on recorded outcomes",
		Long: `Train fits a router on the outcomes of files or of finished runs, and writes
weights that run, sweep and calibrate take with --weights.

Each SOURCE is a file of prompts with recorded outcomes, or a run directory
(run with --execute both, or --both-share, so that models are compared on the same
prompts). For every model one vector is fitted to the quality of its own answers,
in closed form, so that any two of them make a router. Several sources are
fitted apart and chained on the models that they have in common. The weights
carry the names of the models, the fingerprint of the embedding, the recipe and
the digests of the data.` +
			exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval train outcomes.jsonl.gz -o router.safetensors
  routeval train runs/both -o router.safetensors --models gpt-4o,llama3.2`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return trainRouter(c.Context(), w, args, o)
		},
	}
	c.Flags().StringVarP(&o.out, "out", "o", "", "the file to write the weights to (required)")
	c.Flags().Float64Var(&o.lambda, "lambda", 0, "strength of the ridge penalty; 0 chooses it by cross-validation on the first source")
	c.Flags().StringSliceVar(&o.models, "models", nil, "the models to take, by name (default all)")
	c.Flags().StringVar(&o.leaveOut, "leave-out", "", "a carried field; rows where it is true are left out")
	c.Flags().StringVar(&o.embedding, "embedding", "builtin/lexical", "the embedding model as PROVIDER/MODEL")
	return c
}

func trainRouter(ctx context.Context, w *world, sources []string, o trainOptions) error {
	if o.out == "" {
		return usage(errors.New("--out: missing: name the file for the weights, such as -o router.safetensors"))
	}
	provider, model, _ := strings.Cut(o.embedding, "/")
	features, err := newFeaturizer(w, datasets.Model{Provider: provider, Model: cmp.Or(model, "lexical")})
	if err != nil {
		return err
	}
	var sets []*train.Outcomes
	var data []train.Data
	for _, source := range sources {
		set, err := gatherOutcomes(ctx, source, o.leaveOut, o.models, features)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.stderr, "%s: %d prompts, models %s\n", source, set.Rows.Len(), strings.Join(set.Models, ", "))
		sets = append(sets, &set.Outcomes)
		data = append(data, set.data...)
	}
	lambda := o.lambda
	if lambda == 0 {
		if lambda, err = train.ChooseLambda(ctx, sets[0], 0); err != nil {
			return err
		}
		fmt.Fprintf(w.stderr, "lambda %v has the lowest error in five folds\n", lambda)
	}
	mf, err := train.Default(ctx, sets, lambda)
	if err != nil {
		return err
	}
	record := train.Record{Recipe: o.recipe(lambda), Data: data}
	return writeWeights(w, o.out, mf, features.space(), &record)
}

// recipe is how the weights were made, in the words of the command line.
func (o *trainOptions) recipe(lambda float64) string {
	s := fmt.Sprintf("train --lambda %v --embedding %s", lambda, o.embedding)
	if len(o.models) > 0 {
		s += " --models " + strings.Join(o.models, ",")
	}
	if o.leaveOut != "" {
		s += " --leave-out " + o.leaveOut
	}
	return s
}

// writeWeights writes weights with their record, whole or not at all.
func writeWeights(w *world, path string, mf *scoring.MF, space scoring.Space, record *train.Record) error {
	mf.Embedding = space
	if err := record.Attach(mf); err != nil {
		return err
	}
	if err := writePage(w, path, func(out io.Writer) error { return mf.Encode(out) }); err != nil {
		return err
	}
	fmt.Fprintf(w.stderr, "%s: weights of %d models, %d factors, embedding width %d\n", path, len(mf.Models), mf.Dim, space.Dim)
	return nil
}
