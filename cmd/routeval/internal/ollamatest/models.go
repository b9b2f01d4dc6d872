package ollamatest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// A Model is what a server makes a model of.
type Model struct {
	GGUF       []byte
	Template   string         // how a conversation becomes a prompt, in Ollama's template language
	Parameters map[string]any // as in a Modelfile, such as "temperature"
}

// contextLength is the longest conversation that scripted models read, in tokens.
const contextLength = 4096

// turns is the template of scripted models: the turns' texts, each ended by a
// newline.
const turns = "{{ range .Messages }}{{ .Content }}\n{{ end }}"

// The first tokens of a Llama vocabulary. Every byte has a token too, so that
// any prompt can be read; a space reads as "▁".
const (
	unknownToken = 0
	beginToken   = 1
	endToken     = 2
)

// The format's kinds of tokens.
const (
	normalToken  int32 = 1
	unknownKind  int32 = 2
	controlToken int32 = 3
	byteToken    int32 = 6
)

// Scripted is a chat model that gives the same answer to every prompt, a word a
// token, and stops.
//
// It is a Llama of one block whose attention and feed-forward weights are zero.
// The block then adds nothing, the hidden state is the last token's embedding,
// and the next token depends on the last one alone. Piece i of the answer (from
// 1) is embedded as the unit vector i, every other token as the unit vector 0;
// the output row of piece i+1 is the unit vector i times the certainty, and so is
// the end's for the last piece. So the newline that ends a prompt brings the
// first piece, each piece the next one, and all other logits are 0.
func Scripted(answer string) Model {
	const certainty = 64 // a logit so far above 0 that no temperature matters
	pieces := split(answer)
	vocabulary := []string{unknownToken: "<unk>", beginToken: "<s>", endToken: "</s>"}
	kinds := []int32{unknownKind, controlToken, controlToken}
	for b := range 256 {
		vocabulary, kinds = append(vocabulary, fmt.Sprintf("<0x%02X>", b)), append(kinds, byteToken)
	}
	vocabulary, kinds = append(vocabulary, "▁"), append(kinds, normalToken)
	first := len(vocabulary)
	for _, piece := range pieces {
		vocabulary, kinds = append(vocabulary, piece), append(kinds, normalToken)
	}

	width := (len(pieces) + 1 + 31) / 32 * 32
	embedding, output := make([]float32, len(vocabulary)*width), make([]float32, len(vocabulary)*width)
	for token := range vocabulary {
		state := max(0, token-first+1)
		embedding[token*width+state] = 1
	}
	for state := range len(pieces) + 1 {
		next := first + state
		if state == len(pieces) {
			next = endToken
		}
		output[next*width+state] = certainty / float32(math.Sqrt(float64(width))) // the norm scales a unit vector by √width
	}

	g := llama(width, vocabulary, kinds)
	g.add("token_embd.weight", len(vocabulary), width, embedding)
	g.add("output.weight", len(vocabulary), width, output)
	return Model{GGUF: g.bytes(), Template: turns}
}

// split cuts an answer before the spaces, which become "▁" as in a Llama
// vocabulary. A vocabulary holds a piece only once: from the first word that
// occurs again, or the first of two spaces, the rest of the answer belongs to
// the piece before it. An answer must not begin with a space: the server cuts it.
func split(answer string) (pieces []string) {
	for rest := strings.ReplaceAll(answer, " ", "▁"); rest != ""; {
		word := rest
		if cut := strings.Index(rest[1:], "▁"); cut >= 0 {
			word = rest[:1+cut]
		}
		if len(pieces) > 0 && (word == "▁" || slices.Contains(pieces, word)) {
			pieces[len(pieces)-1] += rest
			break
		}
		pieces, rest = append(pieces, word), rest[len(word):]
	}
	return pieces
}

// llama is a Llama of one block that adds nothing, without its vocabulary's vectors.
func llama(width int, vocabulary []string, kinds []int32) *gguf {
	const feedForward = 32
	g := new(gguf)
	g.set("general.architecture", "llama")
	g.set("general.name", "scripted")
	g.set("general.file_type", 0) // all float32
	g.set("llama.context_length", contextLength)
	g.set("llama.embedding_length", width)
	g.set("llama.block_count", 1)
	g.set("llama.feed_forward_length", feedForward)
	g.set("llama.attention.head_count", 1)
	g.set("llama.attention.head_count_kv", 1)
	g.set("llama.attention.layer_norm_rms_epsilon", float32(1e-5))
	g.set("llama.rope.dimension_count", width)
	g.set("llama.vocab_size", len(vocabulary))
	g.set("tokenizer.ggml.model", "llama")
	g.set("tokenizer.ggml.pre", "default")
	g.set("tokenizer.ggml.tokens", vocabulary)
	g.set("tokenizer.ggml.scores", make([]float32, len(vocabulary)))
	g.set("tokenizer.ggml.token_type", kinds)
	g.set("tokenizer.ggml.unknown_token_id", unknownToken)
	g.set("tokenizer.ggml.bos_token_id", beginToken)
	g.set("tokenizer.ggml.eos_token_id", endToken)
	for _, name := range []string{"output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"} {
		g.add(name+".weight", 1, width, slices.Repeat([]float32{1}, width))
	}
	for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output"} {
		g.add("blk.0."+name+".weight", width, width, make([]float32, width*width))
	}
	for _, name := range []string{"ffn_gate", "ffn_up"} {
		g.add("blk.0."+name+".weight", feedForward, width, make([]float32, width*feedForward))
	}
	g.add("blk.0.ffn_down.weight", width, feedForward, make([]float32, width*feedForward))
	return g
}

// RandomBERT is an embedding model: a BERT of one block with seeded random
// weights and vectors of the given width, a multiple of 32. It reads texts
// letter by letter and takes the mean over their tokens; equal texts have equal
// vectors, and what the vectors mean is chance. Texts longer than context tokens
// are cut by the server.
func RandomBERT(width, context int) Model {
	random := rand.New(rand.NewPCG(1, uint64(width)))
	gauss := func(n int, sd float64) []float32 {
		numbers := make([]float32, n)
		for i := range numbers {
			numbers[i] = float32(random.NormFloat64() * sd)
		}
		return numbers
	}
	vocabulary := []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
	kinds := slices.Repeat([]int32{controlToken}, len(vocabulary))
	for c := '!'; c <= '~'; c++ {
		if c < 'A' || c > 'Z' { // the server lowers the case
			vocabulary = append(vocabulary, "▁"+string(c), string(c)) // at a word's start, within one
			kinds = append(kinds, normalToken, normalToken)
		}
	}

	g := bert(width, context, vocabulary, kinds)
	g.add("token_embd.weight", len(vocabulary), width, gauss(len(vocabulary)*width, 1))
	g.add("position_embd.weight", context, width, gauss(context*width, 0.1))
	g.add("token_types.weight", 2, width, make([]float32, 2*width))
	layer := func(name string, rows, columns int) {
		g.add(name+".weight", rows, columns, gauss(rows*columns, 1/math.Sqrt(float64(columns))))
		g.add(name+".bias", 1, rows, make([]float32, rows))
	}
	layer("blk.0.attn_q", width, width)
	layer("blk.0.attn_k", width, width)
	layer("blk.0.attn_v", width, width)
	layer("blk.0.attn_output", width, width)
	layer("blk.0.ffn_up", 2*width, width)
	layer("blk.0.ffn_down", width, 2*width)
	for _, name := range []string{"token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"} {
		g.add(name+".weight", 1, width, slices.Repeat([]float32{1}, width))
		g.add(name+".bias", 1, width, make([]float32, width))
	}
	return Model{GGUF: g.bytes()}
}

// bert is what a one-block BERT says of itself.
func bert(width, context int, vocabulary []string, kinds []int32) *gguf {
	const meanPooling = 1
	g := new(gguf)
	g.set("general.architecture", "bert")
	g.set("general.name", "random-bert")
	g.set("general.file_type", 0) // all float32
	g.set("bert.context_length", context)
	g.set("bert.embedding_length", width)
	g.set("bert.block_count", 1)
	g.set("bert.feed_forward_length", 2*width)
	g.set("bert.attention.head_count", 4)
	g.set("bert.attention.layer_norm_epsilon", float32(1e-12))
	g.set("bert.attention.causal", false)
	g.set("bert.pooling_type", meanPooling)
	g.set("tokenizer.ggml.model", "bert")
	g.set("tokenizer.ggml.pre", "jina-v2-en")
	g.set("tokenizer.ggml.token_type_count", 2)
	g.set("tokenizer.ggml.tokens", vocabulary)
	g.set("tokenizer.ggml.scores", make([]float32, len(vocabulary)))
	g.set("tokenizer.ggml.token_type", kinds)
	g.set("tokenizer.ggml.padding_token_id", 0)
	g.set("tokenizer.ggml.unknown_token_id", 1)
	g.set("tokenizer.ggml.cls_token_id", 2)
	g.set("tokenizer.ggml.bos_token_id", 2)
	g.set("tokenizer.ggml.seperator_token_id", 3) // so spelled in the format
	g.set("tokenizer.ggml.eos_token_id", 3)
	g.set("tokenizer.ggml.mask_token_id", 4)
	return g
}

// Read is the model in a GGUF file. It is given each prompt as it stands, as a
// text to continue.
func Read(t testing.TB, path string) Model {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Model{GGUF: file, Template: "{{ range .Messages }}{{ .Content }}{{ end }}"}
}
