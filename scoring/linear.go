package scoring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Linear is a router with one weight vector for every model, which small data
// can still fill:
//
//	logit(m)  = h[m] · e + b[m]
//	win rate  = σ(logit(strong) − logit(weak))
//
// It says no less than [MF] with as many factors as the embedding is wide, and
// has the biases that MF lacks.
type Linear struct {
	Card
	Heads []float32 // h, rows × Embedding.Dim: a row for every model
	Bias  []float32 // b, one for every model; nil if all are 0
}

const (
	tensorHeads    = "heads.weight"
	tensorHeadBias = "heads.bias"
)

// ReadLinear reads linear weights from a safetensors file: heads.weight
// [models, width] and, if it has biases, heads.bias [models]. Every tensor must
// be known, of the right shape and finite.
func ReadLinear(data []byte) (*Linear, error) {
	s, err := OpenSafetensors(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	for _, name := range s.Names() {
		if name != tensorHeads && name != tensorHeadBias {
			return nil, fmt.Errorf("unknown tensor %q: linear weights have %s and %s", name, tensorHeads, tensorHeadBias)
		}
	}
	heads, err := matrix(s, tensorHeads)
	if err != nil {
		return nil, err
	}
	l := &Linear{Heads: heads.Data}
	if l.Card, err = readCard(s.Metadata, heads.Shape[0], heads.Shape[1]); err != nil {
		return nil, err
	}
	if _, ok := s.Shape(tensorHeadBias); ok {
		bias, err := s.Tensor(tensorHeadBias)
		if err != nil {
			return nil, err
		}
		if len(bias.Shape) != 1 {
			return nil, fmt.Errorf("tensor %q: shape %v, want [%d]", tensorHeadBias, bias.Shape, heads.Shape[0])
		}
		l.Bias = bias.Data
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Linear) rows() int { return len(l.Heads) / l.Embedding.Dim }

func (l *Linear) check() error {
	switch width := l.Embedding.Dim; {
	case width <= 0 || len(l.Heads) == 0 || len(l.Heads)%width != 0:
		return fmt.Errorf("tensor %q has %d numbers for embeddings of width %d", tensorHeads, len(l.Heads), width)
	case l.Bias != nil && len(l.Bias) != l.rows():
		return fmt.Errorf("tensor %q has %d numbers for %d rows", tensorHeadBias, len(l.Bias), l.rows())
	}
	return errors.Join(
		l.checkModels(l.rows()),
		checkFinite(tensorHeads, l.Heads),
		checkFinite(tensorHeadBias, l.Bias),
	)
}

// Encode writes the weights as a safetensors file, with the card in its
// metadata. The bytes depend on nothing but l.
func (l *Linear) Encode(w io.Writer) error {
	if err := l.check(); err != nil {
		return err
	}
	metadata, err := l.metadata()
	if err != nil {
		return err
	}
	tensors := []Tensor{{tensorHeads, []int{l.rows(), l.Embedding.Dim}, l.Heads}}
	if l.Bias != nil {
		tensors = append(tensors, Tensor{tensorHeadBias, []int{l.rows()}, l.Bias})
	}
	return WriteSafetensors(w, metadata, tensors...)
}

// Pair makes the router of a scoring pair, whose models are named as in Models
// or by their row from 0: u = h[strong] − h[weak], and the same of the biases.
func (l *Linear) Pair(strong, weak string) (*Folded, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	s, w, err := l.pair(strong, weak, l.rows())
	if err != nil {
		return nil, err
	}
	width := l.Embedding.Dim
	f := &Folded{space: l.Embedding, u: make([]float64, width)}
	for j := range f.u {
		f.u[j] = float64(l.Heads[s*width+j]) - float64(l.Heads[w*width+j])
	}
	if l.Bias != nil {
		f.bias = float64(l.Bias[s]) - float64(l.Bias[w])
	}
	return f, nil
}
