package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/providers"
	"routeval/providers/lexical"
	"routeval/scoring"
	"routeval/scoring/train"
)

// A trainingSet is the outcomes of one source, with their features.
type trainingSet struct {
	train.Outcomes
	surfaces []scoring.Surface // of the prompts
	data     []train.Data      // the files they are from
}

// gatherOutcomes reads a file of prompts with recorded outcomes, or a run
// directory, and makes features of the prompts. Rows whose carried field skip is
// true are left out; only names the models to take, nil for all.
func gatherOutcomes(ctx context.Context, source, skip string, only []string, embed featurizer) (*trainingSet, error) {
	var qualities []map[string]float64
	set := &trainingSet{}
	prompts, files, err := graded(source)
	if err != nil {
		return nil, err
	}
	models := map[string]bool{}
	for p, err := range prompts {
		if err != nil {
			return nil, err
		}
		q := qualitiesOf(&p, only)
		left, group := labels(p.Extra, skip)
		if left || len(q) == 0 {
			continue
		}
		if err := embed.add(ctx, p.ID, p.Query()); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Pos, err)
		}
		set.surfaces = append(set.surfaces, scoring.SurfaceOf(p.Query()))
		for m := range q {
			models[m] = true
		}
		qualities = append(qualities, q)
		if group == "" {
			group = p.Query() // the same question on one side of every split
		}
		set.Groups = append(set.Groups, group)
	}
	if len(qualities) == 0 {
		return nil, fmt.Errorf("%s: no prompt has the quality of an outcome", source)
	}
	set.Rows, err = embed.rows(ctx)
	if err != nil {
		return nil, err
	}
	set.Models = slices.Sorted(maps.Keys(models))
	for _, q := range qualities {
		for _, m := range set.Models {
			v, ok := q[m]
			if !ok {
				v = math.NaN()
			}
			set.Quality = append(set.Quality, v)
		}
	}
	for _, f := range files {
		sum, err := digestFile(f)
		if err != nil {
			return nil, err
		}
		set.data = append(set.data, train.Data{Name: filepath.Base(f), SHA256: sum, Prompts: len(qualities)})
	}
	return set, nil
}

// graded gives prompts with recorded outcomes, and the files they are from: those
// of a file, or those of a run joined with its results.
func graded(source string) (iter.Seq2[datasets.Prompt, error], []string, error) {
	info, err := os.Stat(source)
	if err != nil {
		return nil, nil, usage(err)
	}
	if !info.IsDir() {
		return datasets.Prompts([]string{source}, datasets.Options{}), []string{source}, nil
	}
	m, results, err := pipeline.ReadRun(source)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, usage(fmt.Errorf("%s: no %s: not a run directory", source, pipeline.ManifestFile))
	}
	if err != nil {
		return nil, nil, err
	}
	outcomes := map[string]map[string]datasets.Outcome{}
	for r, err := range results {
		if err != nil {
			return nil, nil, err
		}
		byModel := map[string]datasets.Outcome{}
		for candidate, o := range r.Outcomes {
			byModel[cmp.Or(m.Spec.Models[candidate].Model, candidate)] = o
		}
		outcomes[r.PromptID] = byModel
	}
	return func(yield func(datasets.Prompt, error) bool) {
		for p, err := range datasets.Prompts(m.Spec.Input, datasets.Options{MaxLine: m.Spec.MaxLine}) {
			if row := (*datasets.RowError)(nil); errors.As(err, &row) {
				continue // the run has left it out, or has not come to it
			}
			p.Recorded = outcomes[p.ID]
			if !yield(p, err) {
				return
			}
		}
	}, []string{filepath.Join(source, pipeline.JournalFile)}, nil
}

func qualitiesOf(p *datasets.Prompt, only []string) map[string]float64 {
	q := map[string]float64{}
	for m, o := range p.Recorded {
		if o.OK() && o.Quality != nil && (len(only) == 0 || slices.Contains(only, m)) {
			q[m] = *o.Quality
		}
	}
	return q
}

// labels reads the two carried fields that training knows: the one that leaves a
// row out where it is true, and "group".
func labels(extra jsontext.Value, skip string) (left bool, group string) {
	if extra == nil {
		return false, ""
	}
	var fields map[string]jsontext.Value
	if json.Unmarshal(extra, &fields) != nil {
		return false, ""
	}
	if g, ok := fields["group"]; ok {
		group = string(g)
	}
	return skip != "" && string(fields[skip]) == "true", group
}

// A featurizer turns prompts into the rows that heads are fitted on.
type featurizer interface {
	// key is what tells two prompts apart: the text, or for stored vectors the id.
	key(id, text string) (string, error)
	add(ctx context.Context, id, text string) error
	rows(ctx context.Context) (train.Rows, error) // of what was added since the last call
	space() scoring.Space
}

// newFeaturizer makes features with the embedding model of a spec.
// What a service embeds is taken from the cache in a directory, and kept there.
func newFeaturizer(w *world, m datasets.Model, cache string) (_ featurizer, end func() error, err error) {
	if m.Provider == "builtin" {
		return &sparseFeatures{embedder: lexical.New(), sparse: train.NewSparse(lexical.Dim)}, func() error { return nil }, nil
	}
	client, err := newClient(w, "embedding", m)
	if err != nil {
		return nil, nil, usage(err)
	}
	embedder, end, err := cached(endpoints{}.embedder(&datasets.Spec{}, client, m), client, m, cache)
	if err != nil {
		return nil, nil, err
	}
	return &denseFeatures{embedder: embedder, model: m}, end, nil
}

// sparseFeatures are those of the embedder in the binary.
type sparseFeatures struct {
	embedder *lexical.Embedder
	sparse   *train.Sparse
	index    []int32
	value    []float64
}

func (*sparseFeatures) key(_, text string) (string, error) { return byText(text) }

func byText(text string) (string, error) {
	if text == "" {
		return "", errNoText
	}
	return text, nil
}

func (f *sparseFeatures) add(_ context.Context, _, text string) error {
	f.index, f.value = f.embedder.Sparse(f.index[:0], f.value[:0], text)
	return f.sparse.Append(f.index, f.value)
}

func (f *sparseFeatures) rows(context.Context) (train.Rows, error) {
	rows := f.sparse
	f.sparse = train.NewSparse(lexical.Dim)
	return rows, nil
}

func (f *sparseFeatures) space() scoring.Space {
	space, _ := lexicalSpace()
	return space
}

// denseFeatures are vectors of an embedding model behind an endpoint, asked for
// in batches.
type denseFeatures struct {
	embedder providers.Embedder
	model    datasets.Model
	waiting  []string
	vectors  []float32
	width    int
}

// trainingBatch is how many texts one call of an embedder gets; the embedder
// itself splits them into requests.
const trainingBatch = 256

func (*denseFeatures) key(_, text string) (string, error) { return byText(text) }

func (f *denseFeatures) add(ctx context.Context, _, text string) error {
	if f.waiting = append(f.waiting, text); len(f.waiting) < trainingBatch {
		return nil
	}
	return f.embed(ctx)
}

func (f *denseFeatures) embed(ctx context.Context) error {
	if len(f.waiting) == 0 {
		return nil
	}
	vectors, err := f.embedder.Embed(ctx, f.waiting)
	if err != nil {
		return err
	}
	f.waiting = f.waiting[:0]
	for _, v := range vectors {
		f.width = len(v)
		f.vectors = append(f.vectors, v...)
	}
	return nil
}

func (f *denseFeatures) rows(ctx context.Context) (train.Rows, error) {
	if err := f.embed(ctx); err != nil {
		return nil, err
	}
	vectors := f.vectors
	f.vectors = nil
	return train.NewDense(f.width, vectors)
}

func (f *denseFeatures) space() scoring.Space {
	return scoring.Space{Model: f.model.Provider + "/" + f.model.Model, Dim: f.width}
}
