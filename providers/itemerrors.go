package providers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// ItemErrors is how an [Embedder] that treats texts one by one ([Batched],
// [Cached]) says that a call went through but not all of its texts did. The
// vectors come with it: as many as texts, nil where Failed names the index. It is
// never empty. Any other error means that the call broke off; the vectors that
// come with that one are valid, and nil where there is none.
type ItemErrors struct {
	Failed []ItemError // texts that have no vector, by index
	Cut    []ItemError // texts of which only the beginning was embedded, by index
}

// ItemError is what is to be said of one text of a call.
type ItemError struct {
	Index int
	Err   error
}

func (e ItemError) Error() string { return fmt.Sprintf("text %d: %v", e.Index, e.Err) }
func (e ItemError) Unwrap() error { return e.Err }

func (e *ItemErrors) Error() string {
	switch {
	case len(e.Failed) == 0:
		return fmt.Sprintf("%d texts were cut: %v", len(e.Cut), e.Cut[0])
	case len(e.Failed) == 1:
		return e.Failed[0].Error()
	}
	return fmt.Sprintf("%d texts have no embedding: %v", len(e.Failed), e.Failed[0])
}

// Unwrap gives the errors of all texts.
func (e *ItemErrors) Unwrap() []error {
	errs := make([]error, 0, len(e.Failed)+len(e.Cut))
	for _, item := range slices.Concat(e.Failed, e.Cut) {
		errs = append(errs, item)
	}
	return errs
}

// orNil sorts the items and is nil, as an error, where there are none.
func (e *ItemErrors) orNil() error {
	if len(e.Failed)+len(e.Cut) == 0 {
		return nil
	}
	byIndex := func(a, b ItemError) int { return cmp.Compare(a.Index, b.Index) }
	slices.SortFunc(e.Failed, byIndex)
	slices.SortFunc(e.Cut, byIndex)
	return e
}

// itemErrors takes an error of an Embed call apart: what concerns single texts,
// and what broke the call off.
func itemErrors(err error) (items *ItemErrors, broke error) {
	if errors.As(err, &items) {
		return items, nil
	}
	return &ItemErrors{}, err
}
