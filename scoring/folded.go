package scoring

import (
	"context"
	"fmt"
	"slices"
)

// Folded is a router for one scoring pair that is linear in the embedding:
//
//	win rate = σ(u·e + b)
//
// It is what [MF] and [Linear] weights come down to. It implements [Scorer].
//
// All of its arithmetic is float64 in a fixed order, and every product is
// rounded before it is added: the Go compiler may otherwise fuse the two on
// arm64, ppc64 and s390x, and a prompt at the threshold would go to the strong
// model on one processor and to the weak one on another.
type Folded struct {
	space Space
	u     []float64 // space.Dim wide, finite
	bias  float64   // b, finite
}

// Space is the embedding space that the weights were trained in.
func (f *Folded) Space() Space { return f.space }

// Vector returns a copy of u.
func (f *Folded) Vector() []float64 { return slices.Clone(f.u) }

// Bias returns b, which is 0 for MF weights.
func (f *Folded) Bias() float64 { return f.bias }

// WinRates implements [Scorer] on the embeddings of the batch. An embedding of
// another width than Space().Dim, or one that holds NaN or an infinity, is an
// [*ItemError]; then dst holds nothing of use.
func (f *Folded) WinRates(ctx context.Context, dst []float64, batch []Features) error {
	return winRates(ctx, dst, batch, f.logit)
}

func (f *Folded) logit(item *Features) (float64, error) {
	e := item.Embedding
	if len(e) != len(f.u) {
		return 0, fmt.Errorf("the embedding has width %d, the router weights take %d", len(e), len(f.u))
	}
	// A finite embedding makes a finite sum: u comes from float32 weights and
	// stays far from the limits of float64. NaN and infinities always show in
	// the sum, so the vector needs no look of its own.
	x := dot(f.u, e) + f.bias
	if !isFinite(x) {
		i := slices.IndexFunc(e, func(v float32) bool { return !isFinite(float64(v)) })
		return 0, fmt.Errorf("the embedding holds %v at %d", e[i], i)
	}
	return x, nil
}

// dot sums in eight lanes, lane i taking every eighth product from the i-th,
// and what is left over at the end in a ninth. The lanes hide the latency of
// the addition; their order is part of the result.
func dot(u []float64, e []float32) float64 {
	var s0, s1, s2, s3, s4, s5, s6, s7, rest float64
	for len(u) >= 8 && len(e) >= 8 {
		a, b := (*[8]float64)(u), (*[8]float32)(e)
		s0 += float64(a[0] * float64(b[0]))
		s1 += float64(a[1] * float64(b[1]))
		s2 += float64(a[2] * float64(b[2]))
		s3 += float64(a[3] * float64(b[3]))
		s4 += float64(a[4] * float64(b[4]))
		s5 += float64(a[5] * float64(b[5]))
		s6 += float64(a[6] * float64(b[6]))
		s7 += float64(a[7] * float64(b[7]))
		u, e = u[8:], e[8:]
	}
	for i, x := range e {
		rest += float64(u[i] * float64(x))
	}
	return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)) + rest
}

// OnText is the same router on the text itself, for an embedder that can
// compute u·e(text) without making the vector e. It fails if space, the
// embedder's, is not the one the weights were trained in. The dot function
// must be safe for concurrent use and must not change u.
//
// The scorer has the zero Space, since it needs no embedding.
func (f *Folded) OnText(space Space, dot func(text string, u []float64) float64) (Scorer, error) {
	if err := f.space.Check(space); err != nil {
		return nil, err
	}
	return &onText{f, dot}, nil
}

type onText struct {
	f   *Folded
	dot func(text string, u []float64) float64
}

func (*onText) Space() Space { return Space{} }

func (o *onText) WinRates(ctx context.Context, dst []float64, batch []Features) error {
	return winRates(ctx, dst, batch, o.logit)
}

func (o *onText) logit(item *Features) (float64, error) {
	x := o.dot(item.Query, o.f.u) + o.f.bias
	if !isFinite(x) {
		return 0, fmt.Errorf("the embedding makes a logit of %v", x)
	}
	return x, nil
}

// winRates is σ of every item's logit.
func winRates(ctx context.Context, dst []float64, batch []Features, logit func(*Features) (float64, error)) error {
	if err := checkBatch(ctx, dst, batch); err != nil {
		return err
	}
	for i := range batch {
		x, err := logit(&batch[i])
		if err != nil {
			return &ItemError{i, err}
		}
		dst[i] = Sigmoid(x)
	}
	return nil
}

// checkBatch is the first line of every WinRates.
func checkBatch(ctx context.Context, dst []float64, batch []Features) error {
	if len(dst) != len(batch) {
		return fmt.Errorf("a batch of %d prompts and room for %d win rates", len(batch), len(dst))
	}
	return ctx.Err()
}
