package scoring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// MF is a matrix-factorization router as RouteLLM trains it (arXiv 2406.18665,
// section 4.2; its source at 0b64fda): every model m has a row P[m], and for a
// prompt with embedding e
//
//	logit(m)  = c · (p̂ₘ ∘ W e)      p̂ₘ = P[m] / max(‖P[m]‖, 1e-12)
//	win rate  = σ(logit(strong) − logit(weak))
//
// There are no biases. Weights without a projection (use_proj=false) have
// W = 1, so that Dim is the width of an embedding.
type MF struct {
	Card
	Dim        int       // number of factors
	P          []float32 // rows × Dim: a row for every model
	Projection []float32 // W, Dim × Embedding.Dim; nil if there is none
	Classifier []float32 // c, Dim
}

// The names of the tensors: as RouteLLM reads them, and as its training script
// calls them. RouteLLM loads a file of the second kind without a word and then
// answers from random weights; here both mean the same.
const (
	tensorP          = "P.weight"
	tensorProjection = "text_proj.0.weight"
	tensorClassifier = "classifier.0.weight"

	tensorTrainProjection = "text_proj.weight"
	tensorTrainClassifier = "classifier.weight"
	tensorTrainPrompts    = "Q.weight" // embeddings of the training prompts, no part of the model
)

// ReadMF reads MF weights from a safetensors file. Every tensor must be known,
// of the right shape and finite, and none may be missing.
func ReadMF(data []byte) (*MF, error) {
	s, err := OpenSafetensors(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	m := &MF{}
	if err := m.readTensors(s); err != nil {
		return nil, err
	}
	width, err := m.width()
	if err != nil {
		return nil, err
	}
	if q, ok := s.Shape(tensorTrainPrompts); ok && (len(q) != 2 || q[1] != width) {
		return nil, fmt.Errorf("tensor %q: shape %v, want [prompts, %d]", tensorTrainPrompts, q, width)
	}
	if m.Card, err = readCard(s.Metadata, m.rows(), width); err != nil {
		return nil, err
	}
	m.recogniseRouteLLM()
	if err := m.check(); err != nil {
		return nil, err
	}
	return m, nil
}

// recogniseRouteLLM takes weights that name no models and have as many rows as
// RouteLLM's for those: the rows are its 64 models, and if the width fits too,
// the space is that of the only embedding model which RouteLLM uses.
func (m *MF) recogniseRouteLLM() {
	names := routeLLMModels()
	if m.Models != nil || m.rows() != len(names) {
		return
	}
	m.Models = names
	if m.Embedding == (Space{Dim: routeLLMWidth}) {
		m.Embedding.Model = routeLLMEmbedding
	}
}

func (m *MF) readTensors(s *Safetensors) error {
	names, err := mfNames(s)
	if err != nil {
		return err
	}
	var p, c Tensor
	if p, err = matrix(s, names.p); err != nil {
		return err
	}
	if c, err = matrix(s, names.classifier); err != nil {
		return err
	}
	m.Dim, m.P, m.Classifier = p.Shape[1], p.Data, c.Data
	if c.Shape[0] != 1 || c.Shape[1] != m.Dim {
		return fmt.Errorf("tensor %q: shape %v, want [1, %d] to go with %s %v", c.Name, c.Shape, m.Dim, p.Name, p.Shape)
	}
	if names.projection == "" {
		return nil
	}
	w, err := matrix(s, names.projection)
	if err == nil && w.Shape[0] != m.Dim {
		err = fmt.Errorf("tensor %q: shape %v, want [%d, embedding width] to go with %s %v", w.Name, w.Shape, m.Dim, p.Name, p.Shape)
	}
	m.Projection = w.Data
	return err
}

// mfTensors are the names that a file uses; no projection is "".
type mfTensors struct{ p, projection, classifier string }

// mfNames sorts out which of the two sets of names a file uses.
func mfNames(s *Safetensors) (mfTensors, error) {
	var t mfTensors
	slots := map[string]*string{
		tensorP:               &t.p,
		tensorProjection:      &t.projection,
		tensorTrainProjection: &t.projection,
		tensorClassifier:      &t.classifier,
		tensorTrainClassifier: &t.classifier,
		tensorTrainPrompts:    new(string),
	}
	for _, name := range s.Names() {
		slot, ok := slots[name]
		switch {
		case !ok:
			return t, fmt.Errorf("unknown tensor %q: MF weights have %s, %s and %s", name, tensorP, tensorProjection, tensorClassifier)
		case *slot != "":
			return t, fmt.Errorf("tensors %q and %q are the same", *slot, name)
		}
		*slot = name
	}
	if t.p == "" || t.classifier == "" {
		return t, fmt.Errorf("tensor missing: MF weights have %s, %s and (unless use_proj=false) %s, this file has %s",
			tensorP, tensorClassifier, tensorProjection, strings.Join(s.Names(), ", "))
	}
	return t, nil
}

// matrix reads a tensor that must have two dimensions, neither of them 0.
func matrix(s *Safetensors, name string) (Tensor, error) {
	shape, ok := s.Shape(name)
	if ok && (len(shape) != 2 || slices.Contains(shape, 0)) {
		return Tensor{}, fmt.Errorf("tensor %q: shape %v, want a matrix", name, shape)
	}
	return s.Tensor(name)
}

func (m *MF) rows() int { return len(m.P) / m.Dim }

// width is the width of an embedding, as it follows from the tensors.
func (m *MF) width() (int, error) {
	switch {
	case m.Dim <= 0:
		return 0, fmt.Errorf("weights have %d factors", m.Dim)
	case m.Projection == nil:
		return m.Dim, nil
	case len(m.Projection) == 0 || len(m.Projection)%m.Dim != 0:
		return 0, fmt.Errorf("the projection has %d numbers, no multiple of %d factors", len(m.Projection), m.Dim)
	}
	return len(m.Projection) / m.Dim, nil
}

// check holds the parts against each other; weights in memory may come from
// anywhere.
func (m *MF) check() error {
	width, err := m.width()
	switch {
	case err != nil:
		return err
	case len(m.P) == 0 || len(m.P)%m.Dim != 0:
		return fmt.Errorf("tensor P has %d numbers, no multiple of %d factors", len(m.P), m.Dim)
	case len(m.Classifier) != m.Dim:
		return fmt.Errorf("the classifier has %d numbers for %d factors", len(m.Classifier), m.Dim)
	case m.Embedding.Dim != width:
		return fmt.Errorf("the embedding is said to be %d wide, the weights take %d", m.Embedding.Dim, width)
	}
	return errors.Join(
		m.checkModels(m.rows()),
		checkFinite(tensorP, m.P),
		checkFinite(tensorProjection, m.Projection),
		checkFinite(tensorClassifier, m.Classifier),
	)
}

func checkFinite(name string, data []float32) error {
	i := slices.IndexFunc(data, func(x float32) bool { return !isFinite(float64(x)) })
	if i < 0 {
		return nil
	}
	return fmt.Errorf("tensor %q: number %d is %v", name, i, data[i])
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// Encode writes the weights as a safetensors file that RouteLLM loads too,
// with the card in its metadata. The bytes depend on nothing but m.
func (m *MF) Encode(w io.Writer) error {
	if err := m.check(); err != nil {
		return err
	}
	metadata, err := m.metadata()
	if err != nil {
		return err
	}
	tensors := []Tensor{
		{tensorP, []int{m.rows(), m.Dim}, m.P},
		{tensorClassifier, []int{1, m.Dim}, m.Classifier},
	}
	if m.Projection != nil {
		tensors = append(tensors, Tensor{tensorProjection, []int{m.Dim, m.Embedding.Dim}, m.Projection})
	}
	return WriteSafetensors(w, metadata, tensors...)
}

// Pair folds the weights for a scoring pair, whose models are named as in
// Models or by their row from 0. With no bias anywhere the difference of the
// two logits is linear in e:
//
//	c · (p̂ₛ ∘ W e) − c · (p̂_w ∘ W e) = u · e,   u = Wᵀ (c ∘ (p̂ₛ − p̂_w))
//
// so that a prompt costs one dot product instead of a product with W.
func (m *MF) Pair(strong, weak string) (*Folded, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	s, w, err := m.pair(strong, weak, m.rows())
	if err != nil {
		return nil, err
	}
	factors := unit(m.P[s*m.Dim:][:m.Dim])
	for k, x := range unit(m.P[w*m.Dim:][:m.Dim]) {
		factors[k] = float64(m.Classifier[k]) * (factors[k] - x)
	}
	return &Folded{space: m.Embedding, u: m.backProject(factors)}, nil
}

// unit is x / max(‖x‖, 1e-12), PyTorch's normalize.
func unit(x []float32) []float64 {
	var square float64
	for _, v := range x {
		square += float64(float64(v) * float64(v))
	}
	norm := max(math.Sqrt(square), 1e-12)
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v) / norm
	}
	return y
}

// backProject is Wᵀ d.
func (m *MF) backProject(d []float64) []float64 {
	if m.Projection == nil {
		return d
	}
	width := m.Embedding.Dim
	u := make([]float64, width)
	for k, x := range d {
		for j, w := range m.Projection[k*width:][:width] {
			u[j] += float64(x * float64(w))
		}
	}
	return u
}
