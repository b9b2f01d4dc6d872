package train

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"

	"routeval/scoring"
)

// A Checkpoint is the state of [Fit] between two epochs.
type Checkpoint struct {
	Epochs []Epoch // that are done

	about              about   // the options and the data
	now, first, second weights // the weights and Adam's two moments
	best               weights // those of the epoch with the lowest validation loss; zeros without patience
}

// begin is the state to go on from.
func begin(train, validation *Comparisons, o *Options, from *Checkpoint) (*Checkpoint, error) {
	now, err := firstWeights(train, o)
	if err != nil {
		return nil, err
	}
	about := aboutFit(train, validation, o)
	if from == nil {
		return &Checkpoint{about: about, now: now, first: now.zeros(), second: now.zeros(), best: now.zeros()}, nil
	}
	differences := from.about.differences(about)
	if n := len(from.Epochs); n > o.Epochs {
		differences = append(differences, fmt.Sprintf("epochs: %d are done → %d", n, o.Epochs))
	}
	if len(differences) > 0 {
		return nil, &DiffersError{differences}
	}
	if !from.now.sameShape(now) {
		return nil, errors.New("the checkpoint is damaged: its weights have another shape than its options say")
	}
	return from, nil
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
	keyAbout  = "routeval.checkpoint.about"
	keyEpochs = "routeval.checkpoint.epochs"
)

// Encode writes the state as a safetensors file.
func (s *Checkpoint) Encode(w io.Writer) error {
	epochs, err := json.Marshal(s.Epochs)
	if err != nil {
		return err
	}
	about, err := json.Marshal(s.about, json.Deterministic(true))
	if err != nil {
		return err
	}
	var tensors []scoring.Tensor
	for _, part := range s.parts() {
		for _, t := range part.tensors() {
			tensors = append(tensors, scoring.Tensor{Name: part.name + "." + t.name, Shape: []int{len(*t.data)}, Data: *t.data})
		}
	}
	return scoring.WriteSafetensors(w, map[string]string{keyAbout: string(about), keyEpochs: string(epochs)}, tensors...)
}

// ReadCheckpoint reads what Encode wrote. Whether it goes with the data and
// the options is for [Fit] to say.
func ReadCheckpoint(data []byte) (*Checkpoint, error) {
	file, err := scoring.OpenSafetensors(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	s := &Checkpoint{}
	if err := json.Unmarshal([]byte(file.Metadata[keyAbout]), &s.about); err != nil {
		return nil, fmt.Errorf("checkpoint: options: %w", err)
	}
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
