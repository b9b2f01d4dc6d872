package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/scoring"
	"routeval/scoring/train"
)

type trainOptions struct {
	out         string
	quiet       bool
	method      string // "" for the one that suits the data
	preferences []string
	models      []string
	leaveOut    string
	embedding   string
	embeddings  string // a file of vectors, in place of an embedding model
	cache       string // of the embedding model's vectors

	lambda float64
	linear bool

	mf mfOptions
}

func trainCommand(w *world) *cobra.Command {
	var o trainOptions
	c := &cobra.Command{
		Use:   "train [SOURCE...] --out WEIGHTS",
		Short: "Train a router on recorded outcomes or on preferences",
		Long: `Train fits a router on the outcomes of files or of finished runs, or on pairwise
preferences, and writes weights that run, sweep and calibrate take with --weights.

Each SOURCE is a file of prompts with recorded outcomes, or a run directory
(run with --execute both, or --both-share, so that models are compared on the same
prompts). The weights carry the names of the models, the fingerprint of the
embedding, the recipe, the digests of the data and figures of the training.

Two methods:
  ridge  the default for outcomes. For every model one vector is fitted to the
         quality of its own answers, in closed form, so that any two of them make
         a router. Several sources are fitted apart and chained on the models that
         they have in common. With --linear the vectors are written as they are,
         for --router linear.
  mf     the default for preferences. A matrix factorization trained by gradient
         steps on who did better, as RouteLLM trains it; outcomes are compared
         model by model. After every epoch a checkpoint is written beside the
         weights: stopped at any point, the same command goes on from there and
         ends with the same file.

Preferences (--preferences) are RouteLLM's list of idx, model_a, model_b and
winner, or Chatbot Arena's columns, as CSV, JSON, JSON Lines or Parquet. Where
they have no text, --embeddings names a file of vectors (.npy, Arrow, Parquet) with
one for each idx. For a SOURCE that file has one for each id.` +
			exits(statusDone, statusStopped, statusUsage, statusSignaled),
		Example: `  routeval train outcomes.jsonl.gz -o router.safetensors
  routeval train runs/both -o router.safetensors --models gpt-4o,llama3.2
  routeval train --preferences pairs.json --embeddings prompts.npy -o router.safetensors
  routeval train --method mf outcomes.jsonl.gz --patience 3 -o router.safetensors`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.settle(c, args); err != nil {
				return usage(err)
			}
			return trainRouter(c.Context(), w, args, &o)
		},
	}
	flags := c.Flags()
	flags.StringVarP(&o.out, "out", "o", "", "the file to write the weights to (required)")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "no progress")
	flags.StringVar(&o.method, "method", "", "how to train: mf or ridge (default ridge for outcomes, mf for preferences)")
	flags.StringArrayVar(&o.preferences, "preferences", nil, "a file of pairwise preferences (again for more)")
	flags.StringSliceVar(&o.models, "models", nil, "the models to take, by name (default all)")
	flags.StringVar(&o.leaveOut, "leave-out", "", "a carried field; rows where it is true are left out")
	flags.StringVar(&o.embedding, "embedding", "builtin/lexical", "the embedding model as PROVIDER/MODEL")
	flags.StringVar(&o.embeddings, "embeddings", "", "a file of the prompts' vectors, in place of an embedding model")
	flags.StringVar(&o.cache, "cache", "", "directory of the embedding cache, or off")
	flags.Float64Var(&o.lambda, "lambda", 0, "ridge: strength of the penalty; 0 chooses it by cross-validation on the first source")
	flags.BoolVar(&o.linear, "linear", false, "ridge: write linear weights, with an intercept, for --router linear")
	o.mf.addTo(c)
	return c
}

// onlyFor are the flags that one method has and the other does not.
var onlyFor = map[string][]string{
	"ridge": {"lambda", "linear"},
	"mf":    mfFlags,
}

// settle checks the options and fills in what depends on the data.
func (o *trainOptions) settle(c *cobra.Command, sources []string) error {
	if o.out == "" {
		return errors.New("--out: missing: name the file for the weights, such as -o router.safetensors")
	}
	if len(sources)+len(o.preferences) == 0 {
		return errors.New("nothing to train on: name a file of outcomes, a run directory, or --preferences")
	}
	if o.method == "" {
		o.method = "ridge"
		if len(o.preferences) > 0 {
			o.method = "mf"
		}
	}
	if _, ok := onlyFor[o.method]; !ok {
		return fmt.Errorf("--method: unknown method %q (have %s)", o.method, known(onlyFor))
	}
	if o.method == "ridge" && len(o.preferences) > 0 {
		return errors.New("--method ridge: fits qualities, and preferences have none: use mf")
	}
	for method, names := range onlyFor {
		given := slices.IndexFunc(names, func(name string) bool { return c.Flags().Changed(name) })
		if method != o.method && given >= 0 {
			return fmt.Errorf("--%s: is for --method %s", names[given], method)
		}
	}
	return o.mf.settle(c, len(sources) == 0, o.embeddings == "" && strings.HasPrefix(o.embedding, "builtin/"))
}

func trainRouter(ctx context.Context, w *world, sources []string, o *trainOptions) (err error) {
	if o.quiet {
		quiet := *w
		quiet.stderr = io.Discard
		w = &quiet
	}
	features, end, err := o.features(w)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	var sets []*trainingSet
	for _, source := range sources {
		set, err := gatherOutcomes(ctx, source, o.leaveOut, o.models, features)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.stderr, "%s: %d prompts, models %s\n", source, set.Rows.Len(), strings.Join(set.Models, ", "))
		sets = append(sets, set)
	}
	if o.method == "ridge" {
		return trainRidge(ctx, w, sets, features.space(), o)
	}
	var battles []*preferenceSet
	for _, file := range o.preferences {
		set, err := gatherPreferences(ctx, file, o.models, features)
		if err != nil {
			return err
		}
		fmt.Fprintln(w.stderr, set)
		battles = append(battles, set)
	}
	return trainMF(ctx, w, sets, battles, features.space(), o)
}

// features opens what makes vectors of prompts, and gives what closes it.
func (o *trainOptions) features(w *world) (featurizer, func() error, error) {
	if o.embeddings != "" {
		stored, err := readFeatures(o.embeddings, o.embedding)
		return stored, func() error { return nil }, err
	}
	provider, model, _ := strings.Cut(o.embedding, "/")
	return newFeaturizer(w, datasets.Model{Provider: provider, Model: cmp.Or(model, "lexical")}, cmp.Or(o.cache, cacheDir(w)))
}

// trainRidge fits heads in closed form. It takes seconds and needs no checkpoint.
func trainRidge(ctx context.Context, w *world, sets []*trainingSet, space scoring.Space, o *trainOptions) error {
	var record train.Record
	var seen seenPrompts
	var outcomes []*train.Outcomes
	for _, set := range sets {
		outcomes = append(outcomes, &set.Outcomes)
		seen.add(set.Rows, set.surfaces)
		record.Data = append(record.Data, set.data...)
	}
	lambda := o.lambda
	if lambda == 0 {
		var err error
		if lambda, err = train.ChooseLambda(ctx, outcomes[0], 0); err != nil {
			return err
		}
		fmt.Fprintf(w.stderr, "lambda %v has the lowest error in five folds\n", lambda)
	}
	record.Recipe = o.recipe("--lambda", fmt.Sprint(lambda))
	if o.linear {
		linear, err := train.Linear(ctx, outcomes, lambda)
		if err != nil {
			return err
		}
		return writeWeights(w, o.out, linear, &linear.Card, space, &record, seen)
	}
	mf, err := train.Default(ctx, outcomes, lambda)
	if err != nil {
		return err
	}
	return writeWeights(w, o.out, mf, &mf.Card, space, &record, seen)
}

// recipe is how the weights were made, in the words of the command line: the
// method's own options, and those that any method has.
func (o *trainOptions) recipe(own ...string) string {
	words := append([]string{"train"}, own...)
	if o.linear {
		words = append(words, "--linear")
	}
	if o.embeddings == "" {
		words = append(words, "--embedding", o.embedding)
	}
	if len(o.models) > 0 {
		words = append(words, "--models", strings.Join(o.models, ","))
	}
	if o.leaveOut != "" {
		words = append(words, "--leave-out", o.leaveOut)
	}
	return strings.Join(words, " ")
}

// seenPrompts are what a router was trained on.
type seenPrompts struct {
	rows     []train.Rows
	surfaces []scoring.Surface // of the texts; none where they are not known
}

func (s *seenPrompts) add(rows train.Rows, surfaces []scoring.Surface) {
	s.rows, s.surfaces = append(s.rows, rows), append(s.surfaces, surfaces...)
}

// routerWeights are weights that can be written and scored with.
type routerWeights interface {
	train.Pairs
	Encode(w io.Writer) error
}

// writeWeights writes weights with their record and with what they have seen,
// whole or not at all.
func writeWeights(w *world, path string, weights routerWeights, card *scoring.Card, space scoring.Space, record *train.Record, prompts seenPrompts) error {
	card.Embedding = space
	if err := record.Attach(card); err != nil {
		return err
	}
	seen, err := train.Seen(weights, card.Models, prompts.rows)
	if err != nil {
		return err
	}
	seen.Surfaces(prompts.surfaces)
	if err := seen.Attach(card); err != nil {
		return err
	}
	if err := writePage(w, path, weights.Encode); err != nil {
		return err
	}
	fmt.Fprintf(w.stderr, "%s: weights of %d models, embedding width %d\n", path, len(card.Models), space.Dim)
	return nil
}
