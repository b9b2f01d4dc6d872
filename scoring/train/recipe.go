package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"

	"routeval/scoring"
)

// GenericStrong and GenericWeak are the rows of the default weights for models
// that these do not know: the means of the better and of the worse half of the
// models that they do know.
const (
	GenericStrong = "strong"
	GenericWeak   = "weak"
)

// Default makes weights the way the default ones are made: ridge heads on each
// source apart, since sources differ in what makes a prompt hard; the heads of
// the first joined by those of the others ([Heads.Join]); the two generic rows;
// and as many factors as lose nothing. It depends on nothing but the sources,
// their order and λ, and the sources may differ in their models.
func Default(ctx context.Context, sources []*Outcomes, lambda float64) (*scoring.MF, error) {
	heads, err := chain(ctx, sources, lambda)
	if err != nil {
		return nil, err
	}
	factors := min(len(heads.Models)-1, heads.Width) // means of heads need none of their own
	if heads, err = heads.withGeneric(sources[0].Rows); err != nil {
		return nil, err
	}
	return heads.Factor(factors)
}

// Linear makes linear weights of the same heads as [Default], as they are. Rows
// without a column of ones get an intercept, which linear weights have room for
// as a bias. They are larger than those of [Default] where there are more models
// than a few, and no better; their use is that nothing is cut or normalised.
func Linear(ctx context.Context, sources []*Outcomes, lambda float64) (*scoring.Linear, error) {
	if len(sources) == 0 {
		return nil, errNoOutcomes
	}
	width := sources[0].Rows.Width()
	if constantColumn(sources[0].Rows) < 0 {
		sources = withIntercept(sources)
	}
	heads, err := chain(ctx, sources, lambda)
	if err != nil {
		return nil, err
	}
	if heads, err = heads.withGeneric(sources[0].Rows); err != nil {
		return nil, err
	}
	return heads.linear(width), nil
}

var errNoOutcomes = errors.New("no outcomes to train on")

// chain fits ridge heads on each source apart and joins them in order.
func chain(ctx context.Context, sources []*Outcomes, lambda float64) (*Heads, error) {
	if len(sources) == 0 {
		return nil, errNoOutcomes
	}
	var heads *Heads
	for i, source := range sources {
		fitted, err := Ridge(ctx, source, lambda)
		if err == nil && heads != nil {
			fitted, err = heads.Join(fitted)
		}
		if err != nil {
			return nil, fmt.Errorf("source %d: %w", i, err)
		}
		heads = fitted
	}
	return heads, nil
}

// withGeneric adds the generic rows, models being ordered by what their heads
// estimate on the rows. A model of that name, as candidates of a run may have, stands for
// itself.
func (h *Heads) withGeneric(rows Rows) (*Heads, error) {
	n := len(h.Models)
	if n < 2 {
		return nil, fmt.Errorf("outcomes of %d model: a router needs two", n)
	}
	order := h.byEstimate(rows)
	all := h
	for _, generic := range []struct {
		name   string
		models []string
	}{{GenericStrong, order[:n/2]}, {GenericWeak, order[n-n/2:]}} {
		if slices.Contains(h.Models, generic.name) {
			continue
		}
		var err error
		if all, err = all.WithMean(generic.name, generic.models); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// byEstimate lists the models from the best to the worst by their mean
// estimate on the rows.
func (h *Heads) byEstimate(rows Rows) []string {
	sum := make([]float64, h.Width)
	for i := range rows.Len() {
		rows.Add(sum, 1, i)
	}
	estimates := make(map[string]float64, len(h.Models))
	for m, name := range h.Models {
		estimates[name] = dot(sum, h.Vectors[m])
	}
	return slices.SortedStableFunc(slices.Values(h.Models), func(a, b string) int {
		return cmp.Compare(estimates[b], estimates[a])
	})
}

// A Record says where weights come from.
type Record struct {
	Recipe  string             `json:"recipe"`            // method and options, so that it can be repeated
	Data    []Data             `json:"data"`              // in the order in which they were used
	Metrics map[string]float64 `json:"metrics,omitempty"` // of the training, by name
}

// Data are a file that weights were trained on.
type Data struct {
	Name    string `json:"name"`
	SHA256  string `json:"sha256"` // of the file's bytes, hexadecimal
	Prompts int    `json:"prompts"`
}

// keyRecord is the metadata key of a Record.
const keyRecord = "routeval.training"

// Attach puts the record into the metadata of weights.
func (r *Record) Attach(c *scoring.Card) error {
	text, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("training record: %w", err)
	}
	if c.Metadata == nil {
		c.Metadata = make(map[string]string)
	}
	c.Metadata[keyRecord] = string(text)
	return nil
}

// RecordOf reads what Attach wrote; nil if the weights have no record.
func RecordOf(c *scoring.Card) (*Record, error) {
	text, ok := c.Metadata[keyRecord]
	if !ok {
		return nil, nil
	}
	r := new(Record)
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("metadata %s: %w", keyRecord, err)
	}
	return r, nil
}
