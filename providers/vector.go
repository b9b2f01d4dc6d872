package providers

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// vector decodes an embedding in either form that services send: a list of numbers, or
// base64 of little-endian float32. Every value is finite; null, which some servers write
// for NaN, is refused.
type vector []float32

func (v *vector) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case '[':
		return v.numbers(dec)
	case '"':
		return v.base64(dec)
	}
	return errors.New("an embedding is neither a list of numbers nor base64")
}

// numbers takes the list as one value and then looks at the numbers itself: asking
// for a token a number takes longer than reading the numbers.
func (v *vector) numbers(dec *jsontext.Decoder) error {
	list, err := dec.ReadValue()
	if err != nil {
		return err
	}
	*v = make(vector, 0, 1+bytes.Count(list, []byte{','}))
	for element := range bytes.SplitSeq(list[1:len(list)-1], []byte{','}) {
		element = bytes.TrimSpace(element)
		if len(element) == 0 {
			continue // of an empty list: the value is valid JSON
		}
		if jsontext.Value(element).Kind() != '0' {
			return fmt.Errorf("value %d of an embedding is no number", len(*v))
		}
		f, err := strconv.ParseFloat(string(element), 32)
		if err != nil {
			return fmt.Errorf("value %d of an embedding: %w", len(*v), err)
		}
		*v = append(*v, float32(f))
	}
	return nil
}

func (v *vector) base64(dec *jsontext.Decoder) error {
	quoted, err := dec.ReadValue()
	if err != nil {
		return err
	}
	text := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') >= 0 { // "\/" is a slash
		if text, err = jsontext.AppendUnquote(nil, quoted); err != nil {
			return err
		}
	}
	raw, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("an embedding: %w", err)
	}
	if len(raw)%4 != 0 {
		return fmt.Errorf("an embedding of %d bytes is not made of float32", len(raw))
	}
	*v = make(vector, len(raw)/4)
	for i := range *v {
		f := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
			return fmt.Errorf("value %d of an embedding is %v", i, f)
		}
		(*v)[i] = f
	}
	return nil
}

// checkVectors holds what [Embedder] promises of n texts: one vector a text, all of one
// width, none empty. Vectors of zero norm are kept: only the caller knows whether a
// text may have no known word.
func checkVectors(vectors [][]float32, n int) error {
	if len(vectors) != n {
		return fmt.Errorf("%d embeddings came for %d texts", len(vectors), n)
	}
	for i, v := range vectors {
		switch {
		case len(v) == 0:
			return fmt.Errorf("text %d has no embedding", i)
		case len(v) != len(vectors[0]):
			return fmt.Errorf("text %d has an embedding of width %d, text 0 one of width %d", i, len(v), len(vectors[0]))
		}
	}
	return nil
}
