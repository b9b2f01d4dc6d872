package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/providers"
	"routeval/providers/lexical"
	"routeval/scoring"
	"routeval/scoring/train"
	"routeval/scoring/weights"
)

// recordedProvider is the provider of a candidate that has no endpoint: its
// outcomes come with the prompts.
const recordedProvider = "recorded"

// A built run is a spec whose names have become objects.
type built struct {
	pipeline.Pipeline
	digests map[string]string // sha256 of the files that decide results, inputs left out
	space   string            // the embedding space; "" if the router reads text only
	card    *scoring.Card     // of the router's weights; nil if it has none
	close   func() error      // gives back what was opened or started

	endpoints endpoints
	loaders   []providers.Loader // candidates of servers that load models as they are called
}

func newBuilt() *built {
	return &built{digests: map[string]string{}, close: func() error { return nil }, endpoints: endpoints{}}
}

// build makes a pipeline of a resolved spec. This is the one place where names
// become objects; everything that is wrong is reported at once.
func build(w *world, r *resolved) (*built, error) {
	b := newBuilt()
	strong, weak := r.Router.Candidates()
	b.Pipeline = pipeline.Pipeline{
		Strong: strong, Weak: weak, Execute: r.Execute, BothShare: r.BothShare, Seed: r.Seed,
		BudgetUSD: r.BudgetUSD, Window: r.Window, Grace: time.Duration(r.Grace),
	}
	errs := []error{r.Validate(), b.buildThreshold(r), b.buildRouter(w, r)}
	prices, err := b.readPrices(r)
	errs = append(errs, err, b.buildGrade(w, r, prices))
	b.OnFailure = r.Fallback()
	b.Candidates = make(map[string]pipeline.Candidate, len(r.Models))
	for _, name := range slices.Sorted(maps.Keys(r.Models)) {
		m := r.Models[name]
		c, err := b.buildCandidate(w, r, "models."+name, m)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if price, ok := prices[m.Model]; ok && m.Price == nil {
			c.Price = &price
		}
		b.Candidates[name] = c
		if r.BudgetUSD != nil && c.Completer != nil && r.Execute != datasets.RouteOnly && c.Price == nil {
			errs = append(errs, fmt.Errorf("models.%s.price: missing: a budget cannot hold for a model whose price is unknown", name))
		}
	}
	b.schedule(w, r)
	if err := errors.Join(errs...); err != nil {
		return b, usage(errors.Join(err, b.close()))
	}
	return b, nil
}

func (b *built) buildThreshold(r *resolved) error {
	b.Thresholds = r.Router.Thresholds
	switch t := r.Router.Threshold; {
	case t != nil:
		b.Threshold = *t
	case r.Execute == datasets.Routed:
		return errors.New("router.threshold: missing: win rates of two routers are not comparable, so there is no default; choose one with routeval calibrate")
	default:
		b.Threshold = 0.5
	}
	return nil
}

// scorers is the table of routers.
var scorers = map[string]func(b *built, w *world, r *resolved) error{
	"always-strong": fixed(scoring.AlwaysStrong),
	"always-weak":   fixed(scoring.AlwaysWeak),
	"knn":           (*built).buildKNN,
	"length":        fixed(scoring.Length{}),
	"linear":        (*built).buildLinear,
	"mf":            (*built).buildMF,
	"random":        (*built).buildRandom,
	"sw_ranking":    (*built).buildSWRanking,
}

func (b *built) buildRouter(w *world, r *resolved) error {
	make, ok := scorers[r.Router.Kind]
	if !ok {
		return fmt.Errorf("router.kind: unknown router %q (have %s)", r.Router.Kind, known(scorers))
	}
	return make(b, w, r)
}

// fixed builds a scorer that nothing is set of.
func fixed(s scoring.Scorer) func(*built, *world, *resolved) error {
	return func(b *built, _ *world, _ *resolved) error {
		b.Scorer = s
		return nil
	}
}

func (b *built) buildRandom(_ *world, r *resolved) error {
	b.Scorer = scoring.Random{Seed: r.Seed}
	return nil
}

// defaultWeights is the name of the weights in the binary, where others have a
// path.
const defaultWeights = "default weights"

func (b *built) usesDefaultWeights() bool {
	_, ok := b.digests[defaultWeights]
	return ok
}

// buildMF takes weights of the factorization, those of the binary if none are
// named.
func (b *built) buildMF(w *world, r *resolved) error {
	name, data := defaultWeights, weights.Default()
	if r.Router.Weights != "" {
		var err error
		if name, data, err = readWeights(r); err != nil {
			return err
		}
	}
	mf, err := scoring.ReadMF(data)
	if err != nil {
		return fmt.Errorf("router.weights: %s: %w", name, err)
	}
	return b.buildPair(w, r, name, data, mf, &mf.Card)
}

// buildLinear takes linear weights, of which there are none in the binary.
func (b *built) buildLinear(w *world, r *resolved) error {
	if r.Router.Weights == "" {
		return errors.New("router.weights: missing: linear weights come from routeval train --linear")
	}
	name, data, err := readWeights(r)
	if err != nil {
		return err
	}
	linear, err := scoring.ReadLinear(data)
	if err != nil {
		return fmt.Errorf("router.weights: %s: %w", name, err)
	}
	return b.buildPair(w, r, name, data, linear, &linear.Card)
}

func readWeights(r *resolved) (name string, data []byte, err error) {
	if data, err = os.ReadFile(r.Router.Weights); err != nil {
		return "", nil, fmt.Errorf("router.weights: %w", err)
	}
	return r.Router.Weights, data, nil
}

// buildPair folds the scoring pair of weights that were read.
func (b *built) buildPair(w *world, r *resolved, name string, data []byte, pairs train.Pairs, card *scoring.Card) error {
	b.digests[name] = digest(data)
	b.card = card
	pair := r.scoringPair(card.Models)
	folded, err := pairs.Pair(pair.Strong, pair.Weak)
	if err != nil {
		return fmt.Errorf("router.scoring_pair: %w", err)
	}
	return b.connect(w, r, folded)
}

// scoringPair is the pair of rows whose win rate is estimated: the one that the
// spec names, else the rows of the models that are called, else those of the
// candidates' names, which in the weights of this program's own making stand for
// strong and weak models in general, else RouteLLM's pair.
func (r *resolved) scoringPair(rows []string) datasets.ScoringPair {
	pair := &r.Router.ScoringPair
	if pair.Strong != "" || pair.Weak != "" {
		return *pair
	}
	strong, weak := r.Router.Candidates()
	for _, guess := range []datasets.ScoringPair{
		{Strong: r.Models[strong].Model, Weak: r.Models[weak].Model},
		{Strong: strong, Weak: weak},
		{Strong: train.GenericStrong, Weak: train.GenericWeak},
		{Strong: "gpt-4-1106-preview", Weak: "mixtral-8x7b-instruct-v0.1"},
	} {
		if slices.Contains(rows, guess.Strong) && slices.Contains(rows, guess.Weak) {
			*pair = guess
			r.origins["router.scoring_pair.strong"], r.origins["router.scoring_pair.weak"] = "default", "default"
			break
		}
	}
	return *pair
}

// connect joins a folded scorer to the embedding model of the spec: the one in
// the binary hashes a text straight into the folded vector, any other is asked
// for vectors.
func (b *built) connect(w *world, r *resolved, folded *scoring.Folded) error {
	if r.Embedding.Provider == "builtin" {
		space, dot := lexicalSpace()
		b.space = space.Model + " " + space.Fingerprint
		var err error
		if b.Scorer, err = folded.OnText(space, dot); err != nil {
			return fmt.Errorf("embedding: %w", err)
		}
		return nil
	}
	b.Scorer = folded
	_, err := b.openEmbedder(w, r)
	return err
}

// openEmbedder has the embedding model of the spec make vectors of the prompts,
// and gives their space; its width is 0 where only the endpoint knows it.
func (b *built) openEmbedder(w *world, r *resolved) (scoring.Space, error) {
	if p, _ := providers.LookupPreset(r.Embedding.Provider); p.NoEmbeddings {
		return scoring.Space{}, fmt.Errorf("embedding.provider: %s makes no embeddings: name another one, or leave embedding out for the one in this program", p.Name)
	}
	client, err := newClient(w, "embedding", *r.Embedding)
	if err != nil {
		return scoring.Space{}, err
	}
	b.EmbedSlots = embedSlots(*r.Embedding).Max
	b.Batch.Items = r.Embedding.Batch
	if r.Embedding.Provider == "builtin" {
		space, _ := lexicalSpace()
		b.Embedder, b.space = client, space.Model+" "+space.Fingerprint
		return space, nil
	}
	b.space = r.Embedding.Provider + "/" + r.Embedding.Model
	embedder, end, err := cached(b.endpoints.embedder(&r.Spec, client, *r.Embedding), client, *r.Embedding, r.Cache)
	if err != nil {
		return scoring.Space{}, err
	}
	b.Embedder, b.close = embedder, end
	return scoring.Space{Model: r.Embedding.Model, Fingerprint: embeddingFingerprint(client, *r.Embedding)}, nil
}

func (b *built) readPrices(r *resolved) (map[string]datasets.Price, error) {
	if r.Prices == "" {
		return nil, nil
	}
	prices, err := datasets.ReadPrices(r.Prices)
	if err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	data, err := os.ReadFile(r.Prices)
	b.digests[r.Prices] = digest(data)
	return prices, err
}

func (b *built) buildCandidate(w *world, r *resolved, role string, m datasets.Model) (pipeline.Candidate, error) {
	c := pipeline.Candidate{
		Model: m.Model, Price: m.Price,
		MaxTokens: cmp.Or(m.MaxTokens, providers.DefaultMaxTokens), Timeout: cmp.Or(time.Duration(m.Timeout), providers.DefaultTimeout),
	}
	if m.Provider == recordedProvider || m.Provider == "" && r.Execute == datasets.RouteOnly {
		return c, nil
	}
	client, err := newClient(w, role, m)
	if err != nil {
		return c, err
	}
	if l, ok := client.(providers.Loader); ok && role != "judge" {
		b.loaders = append(b.loaders, l)
	}
	c.Traffic = b.endpoints.controller(&r.Spec, client, m, slots(m))
	c.Completer = c.Traffic.Completer(client, retries(&r.Spec, m))
	return c, nil
}

// newClient makes a client of a role's part of the spec. The key is read from
// the environment here and goes nowhere else.
func newClient(w *world, role string, m datasets.Model) (providers.Client, error) {
	cfg, err := config(w, role, m)
	if err != nil {
		return nil, err
	}
	return providers.New(cfg)
}

func config(w *world, role string, m datasets.Model) (providers.Config, error) {
	cfg := providers.Config{
		Role: role, Kind: m.Provider, BaseURL: m.BaseURL, Model: m.Model, KeyEnv: m.APIKeyEnv,
		Timeout: time.Duration(m.Timeout), MaxTokens: m.MaxTokens, Slots: slots(m).Max,
		ConnectTimeout: time.Duration(m.ConnectTimeout), FirstByteTimeout: time.Duration(m.FirstByteTimeout),
		LoadGrace:        time.Duration(m.LoadGrace),
		MaxResponseBytes: int64(m.MaxResponseBytes), APIVersion: m.APIVersion,
		AllowPlainHTTP: m.AllowPlainHTTP, UserAgent: "routeval/" + version,
	}
	if m.APIKeyEnv != "" {
		if !namesVariable(w, m.APIKeyEnv) {
			return cfg, fmt.Errorf("%s.api_key_env: is no name of an environment variable: write the name there, and the key into the variable", role)
		}
		cfg.Key = providers.Secret(w.env(m.APIKeyEnv))
	}
	if m.Params != nil {
		params, err := json.Marshal(m.Params, json.Deterministic(true))
		if err != nil {
			return cfg, fmt.Errorf("%s.params: %w", role, err)
		}
		cfg.Params = params
	}
	return cfg, nil
}

// namesVariable reports whether name is a variable that is set, or looks like one.
// Anything else may be a key that was written in the place of its variable's
// name, and is not repeated anywhere.
func namesVariable(w *world, name string) bool {
	_, set := w.lookupEnv(name)
	return set || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == ""
}

// lexicalSpace is the embedding space of the embedder in the binary, and its way
// of multiplying a text with a vector.
func lexicalSpace() (scoring.Space, func(text string, u []float64) float64) {
	e := lexical.New()
	return scoring.Space{Model: lexical.Name, Dim: lexical.Dim, Fingerprint: e.Fingerprint()}, e.Dot
}

// known lists the names of a table.
func known[V any](table map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(table)), ", ")
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// digestFile is the digest of a file that may be large.
func digestFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
