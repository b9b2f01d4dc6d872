package scoring

import (
	"context"
	"fmt"
)

// Space names an embedding space. Vectors of two spaces must never be compared,
// however well their widths agree. The zero Space means "reads text only".
type Space struct {
	Model       string // name of the embedding model; "" if not recorded
	Dim         int    // width of a vector
	Fingerprint string // changes whenever a vector of the model would change; "" if not known
}

// Check reports why vectors of space got cannot be scored by a scorer of space
// s, or nil. A name or a fingerprint that either side does not know is not
// compared; the width always is.
func (s Space) Check(got Space) error {
	switch {
	case s.Dim != got.Dim:
		return fmt.Errorf("router weights were trained on embeddings of width %d (%s), the embedding has width %d (%s): use the embedding model of the weights, or train on this one", s.Dim, s.name(), got.Dim, got.name())
	case s.Fingerprint != "" && got.Fingerprint != "" && s.Fingerprint != got.Fingerprint:
		return fmt.Errorf("router weights were trained on embeddings of %s (fingerprint %s), the embedding is %s (fingerprint %s): win rates would be noise", s.name(), s.Fingerprint, got.name(), got.Fingerprint)
	}
	return nil
}

func (s Space) name() string {
	if s.Model == "" {
		return "model not recorded"
	}
	return s.Model
}

// Features is what a router sees of one prompt.
type Features struct {
	Query     string    // the text that is routed on
	Embedding []float32 // its vector; nil for scorers that read text only
}

// A Scorer estimates win rates. Implementations are safe for concurrent use.
type Scorer interface {
	// Space is the embedding space the scorer was trained in; zero if it
	// reads text only.
	Space() Space
	// WinRates writes the estimated probability, in [0,1], that the strong
	// model's answer beats the weak one's, dst[i] for batch[i]; the lengths
	// must be equal. It never writes NaN: a vector that makes one (NaN,
	// infinite) is an error that names its index by an *[ItemError].
	WinRates(ctx context.Context, dst []float64, batch []Features) error
}

// ItemError is an error of one item of a batch.
type ItemError struct {
	Index int
	Err   error
}

func (e *ItemError) Error() string { return fmt.Sprintf("item %d: %v", e.Index, e.Err) }
func (e *ItemError) Unwrap() error { return e.Err }

// Answer is what a grader sees.
type Answer struct {
	Query     string // the routed text
	Text      string // the model's answer
	Reference string // the gold answer; "" if none
}

// A Grader says how good an answer is, in [0,1]. Implementations are safe for
// concurrent use.
type Grader interface {
	Grade(ctx context.Context, a Answer) (quality float64, err error)
}

// A BrokenError is an error of a grader that every answer would meet: a wrong
// key of a judge, a program that does not start.
type BrokenError struct{ Err error }

func (e *BrokenError) Error() string { return e.Err.Error() }
func (e *BrokenError) Unwrap() error { return e.Err }
