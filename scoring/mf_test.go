package scoring

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

// testdata/mf was computed by testdata/mf/small.py: unfolded, in decimal
// arithmetic of 50 digits.
func TestMFAgreesWithDecimals(t *testing.T) {
	data, err := os.ReadFile("testdata/mf/small.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	m, err := ReadMF(data)
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Embeddings [][]float32 `json:"embeddings"`
		Pairs      []struct {
			Strong   string    `json:"strong"`
			Weak     string    `json:"weak"`
			WinRates []float64 `json:"win_rates"`
		} `json:"pairs"`
	}
	readJSON(t, "testdata/mf/small.json", &want)
	for _, pair := range want.Pairs {
		for i, got := range scorePair(t, m, pair.Strong, pair.Weak, want.Embeddings) {
			if math.Abs(got-pair.WinRates[i]) > 1e-15 {
				t.Errorf("%s over %s, prompt %d: got %v, want %v", pair.Strong, pair.Weak, i, got, pair.WinRates[i])
			}
		}
	}
}

// The judge is RouteLLM: its controller's win rates (float32) and the same
// formula in float64, for weights of all dtypes and six pairs by name.
func TestMFAgreesWithRouteLLM(t *testing.T) {
	var want struct {
		Models map[string]int `json:"model_ids"`
		DTypes map[string][]struct {
			Strong   string    `json:"strong"`
			Weak     string    `json:"weak"`
			RouteLLM []float64 `json:"routellm"`
			Exact    []float64 `json:"exact_f64"`
		} `json:"dtypes"`
	}
	readJSON(t, shared(t, "golden", "mf", "winrates.json"), &want)
	embeddings := readNPYMatrix(t, sharedFile(t, "golden", "mf", "embeddings.npy"))
	for name, row := range want.Models {
		if got := routeLLMModels()[row]; got != name {
			t.Errorf("row %d is %q, want %q", row, got, name)
		}
	}
	for dtype, dir := range map[string]string{"F32": "f32", "F16": "f16", "BF16": "bf16"} {
		m, err := ReadMF(sharedFile(t, "golden", "mf", dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		var offRouteLLM, offExact float64
		for _, pair := range want.DTypes[dtype] {
			got := scorePair(t, m, pair.Strong, pair.Weak, embeddings)
			for i, x := range got {
				offRouteLLM = max(offRouteLLM, math.Abs(x-pair.RouteLLM[i]))
				offExact = max(offExact, math.Abs(x-pair.Exact[i]))
			}
		}
		t.Logf("%s, %d pairs: off RouteLLM by at most %.2g, off float64 by at most %.2g", dtype, len(want.DTypes[dtype]), offRouteLLM, offExact)
		if len(want.DTypes[dtype]) != 6 || offRouteLLM > 1e-6 || offExact > 1e-13 {
			t.Errorf("%s: %d pairs, off by %v and %v", dtype, len(want.DTypes[dtype]), offRouteLLM, offExact)
		}
	}
}

// RouteLLM itself reads this file without a word and answers from random
// weights.
func TestMFReadsTheTrainingScriptsNames(t *testing.T) {
	inference, err := ReadMF(sharedFile(t, "golden", "mf", "f32", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	training, err := ReadMF(sharedFile(t, "golden", "mf", "train_names", "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(inference, training); diff != "" {
		t.Error(diff)
	}
	if want := (Space{Model: "text-embedding-3-small", Dim: 1536}); inference.Embedding != want {
		t.Errorf("embedding %+v, want %+v", inference.Embedding, want)
	}
}

func TestMFEncodeRoundTrip(t *testing.T) {
	for _, projection := range []bool{true, false} {
		m := randomMF(rand.New(rand.NewPCG(5, 5)), 3, 4, 6, projection)
		m.Models = []string{"large", "small", "2"}
		m.Embedding.Model, m.Embedding.Fingerprint = "words", "v1"
		m.Metadata = map[string]string{"format": "pt", "recipe": "ridge λ=30"}
		var first, second bytes.Buffer
		if err := m.Encode(&first); err != nil {
			t.Fatal(err)
		}
		got, err := ReadMF(first.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Error(diff)
		}
		if err := got.Encode(&second); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("written again: %v, or other bytes", err)
		}
	}
}

// mfFile writes tensors of zeros, but for the first number.
func mfFile(t *testing.T, first float32, metadata map[string]string, tensors ...Tensor) []byte {
	t.Helper()
	for i := range tensors {
		n := 1
		for _, d := range tensors[i].Shape {
			n *= d
		}
		tensors[i].Data = make([]float32, n)
		if n > 0 {
			tensors[i].Data[0] = first
		}
	}
	var buf bytes.Buffer
	if err := WriteSafetensors(&buf, metadata, tensors...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func tensor(name string, shape ...int) Tensor { return Tensor{Name: name, Shape: shape} }

func TestReadMF(t *testing.T) {
	p, w, c := tensor("P.weight", 2, 3), tensor("text_proj.0.weight", 3, 5), tensor("classifier.0.weight", 1, 3)
	nan := float32(math.NaN())
	for _, test := range []struct {
		name  string
		err   string // "" if it is to be read
		first float32
		meta  map[string]string
		data  []Tensor
	}{
		{"inference names", "", 1, nil, []Tensor{p, w, c}},
		{"training names", "", 1, nil, []Tensor{p, tensor("text_proj.weight", 3, 5), tensor("classifier.weight", 1, 3), tensor("Q.weight", 7, 5)}},
		{"no projection", "", 1, nil, []Tensor{p, c}},
		{"names of models", "", 1, map[string]string{"routeval.models": `["a","b"]`}, []Tensor{p, w, c}},
		{"no P", "tensor missing", 1, nil, []Tensor{w, c}},
		{"no classifier", "tensor missing", 1, nil, []Tensor{p, w}},
		{"unknown tensor", `"extra"`, 1, nil, []Tensor{p, w, c, tensor("extra", 1)}},
		{"both names", "are the same", 1, nil, []Tensor{p, w, c, tensor("text_proj.weight", 3, 5)}},
		{"P is a vector", "want a matrix", 1, nil, []Tensor{tensor("P.weight", 6), w, c}},
		{"no rows", "want a matrix", 1, nil, []Tensor{tensor("P.weight", 0, 3), w, c}},
		{"no factors", "want a matrix", 1, nil, []Tensor{tensor("P.weight", 2, 0), w, c}},
		{"projection transposed", "[3, embedding width]", 1, nil, []Tensor{p, tensor("text_proj.0.weight", 5, 3), c}},
		{"classifier transposed", "want [1, 3]", 1, nil, []Tensor{p, w, tensor("classifier.0.weight", 3, 1)}},
		{"two classes", "want [1, 3]", 1, nil, []Tensor{p, w, tensor("classifier.0.weight", 2, 3)}},
		{"prompts of another width", "want [prompts, 5]", 1, nil, []Tensor{p, w, c, tensor("Q.weight", 7, 4)}},
		{"prompts beside no projection", "want [prompts, 3]", 1, nil, []Tensor{p, c, tensor("Q.weight", 7, 5)}},
		{"NaN", "number 0 is NaN", nan, nil, []Tensor{p, w, c}},
		{"infinite", "number 0 is +Inf", float32(math.Inf(1)), nil, []Tensor{p, w, c}},
		{"names for other rows", "3 names of models for 2 rows", 1, map[string]string{"routeval.models": `["a","b","c"]`}, []Tensor{p, w, c}},
		{"a name twice", "twice", 1, map[string]string{"routeval.models": `["a","a"]`}, []Tensor{p, w, c}},
		{"an empty name", "empty", 1, map[string]string{"routeval.models": `["a",""]`}, []Tensor{p, w, c}},
		{"names that are no list", "routeval.models", 1, map[string]string{"routeval.models": `{"a":1}`}, []Tensor{p, w, c}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadMF(mfFile(t, test.first, test.meta, slices.Clone(test.data)...))
			if test.err == "" && err != nil {
				t.Error(err)
			}
			if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %v, want an error with %q", err, test.err)
			}
		})
	}
}

// Weights in memory come from training, and may be put together wrongly.
func TestMFRefusesPartsThatDoNotFit(t *testing.T) {
	for want, spoil := range map[string]func(*MF){
		"0 factors":                              func(m *MF) { m.Dim = 0 },
		"tensor P has 7 numbers":                 func(m *MF) { m.P = append(m.P, 1) },
		"tensor P has 0 numbers":                 func(m *MF) { m.P = nil },
		"the classifier has 2 numbers":           func(m *MF) { m.Classifier = m.Classifier[:2] },
		"the projection has 16 numbers":          func(m *MF) { m.Projection = append(m.Projection, 1) },
		"said to be 6 wide":                      func(m *MF) { m.Embedding.Dim = 6 },
		"1 names of models for 2 rows":           func(m *MF) { m.Models = []string{"a"} },
		`"classifier.0.weight": number 1 is NaN`: func(m *MF) { m.Classifier[1] = float32(math.NaN()) },
	} {
		m := randomMF(rand.New(rand.NewPCG(9, 9)), 2, 3, 5, true)
		spoil(m)
		if _, err := m.Pair("0", "1"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
		var buf bytes.Buffer
		if err := m.Encode(&buf); err == nil || buf.Len() > 0 {
			t.Errorf("%s: %d bytes are written, error %v", want, buf.Len(), err)
		}
	}
}

func TestPairFindsRows(t *testing.T) {
	numbered := randomMF(rand.New(rand.NewPCG(6, 6)), 3, 2, 2, true)
	routeLLM := randomMF(rand.New(rand.NewPCG(6, 6)), 64, 2, 2, true)
	routeLLM.Models = routeLLMModels()
	for _, test := range []struct {
		m            *MF
		strong, weak string
		err          string // "" if the pair is there
	}{
		{numbered, "2", "0", ""},
		{routeLLM, "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1", ""},
		{routeLLM, "24", "mixtral-8x7b-instruct-v0.1", ""},
		{numbered, "3", "0", `strong: unknown model "3": these weights name no models, give a row from 0 to 2`},
		{numbered, "0", "-1", `weak: unknown model "-1"`},
		{routeLLM, "gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1", `weak: unknown model "mistralai/Mixtral-8x7B-Instruct-v0.1" (did you mean "mixtral-8x7b-instruct-v0.1"? have RWKV-4-Raven-14B, alpaca-13b, `},
		{routeLLM, "gpt4-1106-preview", "0", `did you mean "gpt-4-1106-preview"?`},
		{routeLLM, "o3", "0", `unknown model "o3" (have `},
		{routeLLM, "", "0", `unknown model "" (have `},
	} {
		_, err := test.m.Pair(test.strong, test.weak)
		if test.err == "" && err != nil {
			t.Error(err)
		}
		if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("got %v, want an error with %q", err, test.err)
		}
	}
	byName, _ := routeLLM.Pair("gpt-4-1106-preview", "0")
	byRow, _ := routeLLM.Pair("24", "RWKV-4-Raven-14B")
	if !slices.Equal(byName.Vector(), byRow.Vector()) {
		t.Error("a row by name is not the row by number")
	}
}

// Whatever can be read can be folded, written, and read again unchanged.
func FuzzReadMF(f *testing.F) {
	f.Add(file(`{"P.weight":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]},"classifier.weight":{"dtype":"F16","shape":[1,1],"data_offsets":[4,6]}}`, 1, 2, 3, 4, 5, 6))
	f.Add(file(`{"__metadata__":{"routeval.models":"[\"a\",\"b\"]"},"P.weight":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},"classifier.0.weight":{"dtype":"F16","shape":[1,1],"data_offsets":[4,6]},"text_proj.0.weight":{"dtype":"F16","shape":[1,2],"data_offsets":[6,10]}}`, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadMF(data)
		if err != nil {
			return
		}
		folded, err := m.Pair("0", "0")
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range folded.Vector() {
			if !isFinite(x) {
				t.Fatalf("folded vector %v", folded.Vector())
			}
		}
		var buf bytes.Buffer
		if err := m.Encode(&buf); err != nil {
			t.Fatal(err)
		}
		again, err := ReadMF(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if m.Metadata["format"] == "" {
			delete(again.Metadata, "format")
		}
		if len(m.Metadata) == 0 && len(again.Metadata) == 0 {
			again.Metadata = m.Metadata
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Error(diff)
		}
	})
}

func scorePair(t *testing.T, m *MF, strong, weak string, embeddings [][]float32) []float64 {
	t.Helper()
	f, err := m.Pair(strong, weak)
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]Features, len(embeddings))
	for i, e := range embeddings {
		batch[i].Embedding = e
	}
	dst := make([]float64, len(batch))
	if err := f.WinRates(t.Context(), dst, batch); err != nil {
		t.Fatal(err)
	}
	return dst
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// npy cuts the header off a file of numpy's format 1.0.
func npy(data []byte) (header string, rest []byte) {
	n := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	return string(data[10:n]), data[n:]
}

// readNPYMatrix reads 1536-wide rows of little-endian float32.
func readNPYMatrix(t *testing.T, data []byte) [][]float32 {
	t.Helper()
	header, rest := npy(data)
	if !strings.Contains(header, "'<f4'") || !strings.Contains(header, ", 1536)") {
		t.Fatalf("header %s", header)
	}
	flat := make([]float32, len(rest)/4)
	if _, err := binary.Decode(rest, binary.LittleEndian, flat); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(slices.Chunk(flat, 1536))
}

// readNPYVector reads little-endian float64.
func readNPYVector(t *testing.T, data []byte) []float64 {
	t.Helper()
	header, rest := npy(data)
	if !strings.Contains(header, "'<f8'") {
		t.Fatalf("header %s", header)
	}
	v := make([]float64, len(rest)/8)
	if _, err := binary.Decode(rest, binary.LittleEndian, v); err != nil {
		t.Fatal(err)
	}
	return v
}
