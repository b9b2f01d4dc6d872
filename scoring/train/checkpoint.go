package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/go-json-experiment/json"

	"routeval/scoring"
)

// A Checkpoint is the state of [Fit] between two epochs.
type Checkpoint struct {
	Epochs []Epoch // that are done

	digest             string  // of the options and the data
	now, first, second weights // the weights and Adam's two moments
	best               weights // those of the epoch with the lowest validation loss; zeros without patience
}

// begin is the state to go on from.
func begin(train, validation *Comparisons, o *Options, from *Checkpoint) (*Checkpoint, error) {
	now, err := firstWeights(train, o)
	if err != nil {
		return nil, err
	}
	digest := fitDigest(train, validation, o)
	if from != nil {
		if from.digest != digest || !from.now.sameShape(now) {
			return nil, errors.New("the checkpoint is of other data or other options")
		}
		return from, nil
	}
	return &Checkpoint{digest: digest, now: now, first: now.zeros(), second: now.zeros(), best: now.zeros()}, nil
}

// bestEpoch is the first with the lowest validation loss, from 0; −1 if none is done.
func (s *Checkpoint) bestEpoch() int {
	best := -1
	for i, e := range s.Epochs {
		if best < 0 || e.ValidationLoss < s.Epochs[best].ValidationLoss {
			best = i
		}
	}
	return best
}

func (s *Checkpoint) done(o *Options) bool {
	n := len(s.Epochs)
	return n >= o.Epochs || o.Patience > 0 && n-1-s.bestEpoch() >= o.Patience && n > 0
}

func (s *Checkpoint) result(o *Options) weights {
	if o.Patience > 0 {
		return s.best
	}
	return s.now
}

// The metadata keys of a checkpoint.
const (
	keyDigest = "routeval.checkpoint.digest"
	keyEpochs = "routeval.checkpoint.epochs"
)

// Encode writes the state as a safetensors file.
func (s *Checkpoint) Encode(w io.Writer) error {
	epochs, err := json.Marshal(s.Epochs)
	if err != nil {
		return err
	}
	var tensors []scoring.Tensor
	for _, part := range s.parts() {
		for _, t := range part.tensors() {
			tensors = append(tensors, scoring.Tensor{Name: part.name + "." + t.name, Shape: []int{len(*t.data)}, Data: *t.data})
		}
	}
	return scoring.WriteSafetensors(w, map[string]string{keyDigest: s.digest, keyEpochs: string(epochs)}, tensors...)
}

// ReadCheckpoint reads what Encode wrote. Whether it goes with the data and
// the options is for [Fit] to say.
func ReadCheckpoint(data []byte) (*Checkpoint, error) {
	file, err := scoring.OpenSafetensors(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	s := &Checkpoint{digest: file.Metadata[keyDigest]}
	if err := json.Unmarshal([]byte(file.Metadata[keyEpochs]), &s.Epochs); err != nil {
		return nil, fmt.Errorf("checkpoint: epochs: %w", err)
	}
	for _, part := range s.parts() {
		for _, t := range part.tensors() {
			read, err := file.Tensor(part.name + "." + t.name)
			if err != nil {
				return nil, fmt.Errorf("checkpoint: %w", err)
			}
			*t.data = read.Data
		}
	}
	return s, s.check()
}

// check refuses parts of different shapes.
func (s *Checkpoint) check() error {
	for _, part := range s.parts() {
		if !part.sameShape(s.now) {
			return fmt.Errorf("checkpoint: the tensors of %s have other sizes than those of %s", part.name, s.parts()[0].name)
		}
	}
	return nil
}

type namedWeights struct {
	name string
	*weights
}

type namedData struct {
	name string
	data *[]float32
}

func (s *Checkpoint) parts() []namedWeights {
	return []namedWeights{{"weights", &s.now}, {"first_moment", &s.first}, {"second_moment", &s.second}, {"best", &s.best}}
}

func (n namedWeights) tensors() []namedData {
	return []namedData{{"P", &n.p}, {"projection", &n.w}, {"classifier", &n.c}}
}

// fitDigest is SHA-256 over everything that the weights depend on, but not the
// number of epochs: a training may be told to go on.
func fitDigest(train, validation *Comparisons, o *Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %t %d %x %x %x %t %d %d\n", o.Factors, o.NoProjection, o.Batch,
		o.LearningRate, o.L2, o.Noise, o.KeepOrder, o.Patience, o.Seed)
	if o.Init != nil {
		writeFloats(h, o.Init.P)
		writeFloats(h, o.Init.Projection)
		writeFloats(h, o.Init.Classifier)
	}
	train.writeTo(h)
	if validation != nil {
		validation.writeTo(h)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeTo hashes the models, and every example with its embedding.
func (c *Comparisons) writeTo(h hash.Hash) {
	fmt.Fprintf(h, "%q %d %d\n", c.Models, c.Rows.Width(), len(c.Examples))
	row := make([]float32, c.Rows.Width())
	for _, e := range c.Examples {
		c.Rows.Fill(row, e.Row)
		writeFloats(h, row)
		var pairs []byte
		for _, p := range e.Comparisons {
			pairs = binary.LittleEndian.AppendUint32(pairs, uint32(p.Winner))
			pairs = binary.LittleEndian.AppendUint32(pairs, uint32(p.Loser))
			tie := byte(0)
			if p.Tie {
				tie = 1
			}
			pairs = append(pairs, tie)
		}
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(pairs))))
		h.Write(pairs)
	}
}

func writeFloats(h hash.Hash, x []float32) {
	buf := make([]byte, 0, 4*len(x)+8)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(x)))
	for _, v := range x {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
	}
	h.Write(buf)
}
