package solver

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Embedding is an embedding model for a server to offer.
type Embedding struct {
	Model string // its name; "" for none
	Dim   int    // width of a vector
	// Embed writes the vector of a text to dst, which has length Dim. It must be
	// safe for concurrent use.
	Embed func(dst []float32, text string)
}

// maxInputs is how many texts an embedding request may have, as at OpenAI.
const maxInputs = 2048

type embeddingsRequest struct {
	Model    string         `json:"model"`
	Input    jsontext.Value `json:"input"` // a text or a list of texts
	Encoding string         `json:"encoding_format"`
}

type embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // numbers, or little-endian float32 in base64
}

func (s server) embeddings(r *http.Request) (any, error) {
	var req embeddingsRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	if s.Embedding.Model == "" || req.Model != s.Embedding.Model {
		return nil, noModel(req.Model)
	}
	texts, err := req.texts()
	if err != nil {
		return nil, err
	}
	data, read := make([]embedding, len(texts)), 0
	for i, text := range texts {
		v := make([]float32, s.Embedding.Dim)
		s.Embedding.Embed(v, text)
		data[i] = embedding{Object: "embedding", Index: i, Embedding: v}
		if req.Encoding == "base64" {
			data[i].Embedding = encode(v)
		}
		read += tokenCount(text)
	}
	return map[string]any{"object": "list", "model": req.Model, "data": data, "usage": usage{PromptTokens: read, TotalTokens: read}}, nil
}

// texts checks the request and returns its texts.
func (r *embeddingsRequest) texts() (texts []string, err error) {
	if r.Encoding != "" && r.Encoding != "float" && r.Encoding != "base64" {
		return nil, badRequest("encoding_format: expected float or base64")
	}
	if r.Input.Kind() == '"' {
		texts = []string{""}
		err = json.Unmarshal(r.Input, &texts[0])
	} else {
		err = json.Unmarshal(r.Input, &texts)
	}
	if err != nil || len(texts) == 0 || len(texts) > maxInputs || slices.Contains(texts, "") {
		return nil, badRequest("input: expected a text, or a list of 1 to %d texts, none of them empty", maxInputs)
	}
	return texts, nil
}

func encode(v []float32) string {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}
