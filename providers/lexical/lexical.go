// Package lexical is an embedder that needs no model: it counts words and
// pairs of words and measures the look of a text.
//
// # The vector
//
// A vector has [Dim] coordinates. The first 4096 are buckets: every token and
// every pair of neighbouring tokens is hashed to one of them and to a sign. A
// token is a maximal run of letters in lower case, or any other single
// character that is not white space. A bucket whose signed count is c holds
// sign(c)·(1 + ln|c|), and the buckets together have Euclidean length 1 (0 if
// they are empty). Then come 16 surface features (length, share of digits, code
// markers and so on; see surface.go), standardised, clipped to ±3 and divided by
// 10. The last coordinate is 1.
//
// # One definition for every machine
//
// A vector is the same to the last bit on every platform and with every
// compiler: which characters are letters is frozen here and not asked of the
// standard library, whose tables move with Unicode; the logarithm is our own;
// products are rounded before they are added, so that no processor fuses them.
// [Embedder.Fingerprint] says which definition made a vector.
package lexical

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
)

const (
	// Name is the embedder's name.
	Name = "lexical"
	// Dim is the width of a vector: buckets, surface features and the constant 1.
	Dim = buckets + surfaces + 1

	buckets   = 4096
	surfaces  = 16
	tabulated = 100

	// version goes up when the definition changes on purpose.
	version = 1
)

// An Embedder makes vectors. It keeps nothing between texts and is safe for
// concurrent use; its methods do not allocate.
type Embedder struct {
	letters *letters
	weights [2*tabulated + 1]float64 // of the counts from -tabulated to tabulated
}

// New returns an Embedder. It takes a fraction of a millisecond and 256 kB, so
// one is enough for a program.
func New() *Embedder {
	e := &Embedder{letters: newLetters()}
	for i := range e.weights {
		e.weights[i] = weight(int64(i - tabulated))
	}
	return e
}

// Embed writes the vector of text to dst, whose length must be [Dim]. Any text
// has one: a byte that is not UTF-8 counts as the character U+FFFD.
func (e *Embedder) Embed(dst []float32, text string) {
	checkDim(len(dst))
	clear(dst)
	var r reading
	e.read(&r, text)
	for i, v := range e.vector(&r) {
		dst[i] = v
	}
}

// Dot is the inner product of text's vector with u, whose length must be [Dim].
// It equals the sum over the coordinates of Embed's vector, in order and in
// float64, without that vector being made.
func (e *Embedder) Dot(text string, u []float64) float64 {
	checkDim(len(u))
	var r reading
	e.read(&r, text)
	sum := 0.0
	for i, v := range e.vector(&r) {
		sum += float64(float64(v) * u[i])
	}
	return sum
}

// Sparse appends the coordinates of text's vector that are not zero to index,
// ascending, and their values to value, and returns both. A value is the
// float32 that Embed writes.
func (e *Embedder) Sparse(index []int32, value []float64, text string) ([]int32, []float64) {
	var r reading
	e.read(&r, text)
	for i, v := range e.vector(&r) {
		if v != 0 {
			index, value = append(index, int32(i)), append(value, float64(v))
		}
	}
	return index, value
}

func checkDim(n int) {
	if n != Dim {
		panic(fmt.Sprintf("lexical: vector of length %d, want %d", n, Dim))
	}
}

// Fingerprint is 32 hexadecimal digits that change when any vector would
// change: the digest of the definition's constants, of the table of letters,
// and of the vectors of a few texts that use every part of the program.
func (e *Embedder) Fingerprint() string {
	h := sha256.New()
	fmt.Fprintln(h, Name, version, buckets, seed, multiplier, clip, scale, means, deviations)
	h.Write(letterRuns)
	var index []int32
	var value []float64
	for _, text := range probes {
		index, value = e.Sparse(index[:0], value[:0], text)
		for k, i := range index {
			var b [12]byte
			binary.LittleEndian.PutUint32(b[:4], uint32(i))
			binary.LittleEndian.PutUint64(b[4:], math.Float64bits(value[k]))
			h.Write(b[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// probes are the texts whose vectors are part of the fingerprint.
var probes = [...]string{
	"",
	" \t\r\n\u00a0\u2003\u3000",
	"The quick brown fox jumps over the lazy dog; the dog does not mind the fox.",
	"Is 3.14 × 2 = 6.28? If $x^2 + y^2 < 10_000$ and \\alpha > 1/2, is x * y = 7?",
	"Which one?\nA. 12\nB) 13\n  C. 14\nK. 15\n",
	"```\n#include <a.h>\ndef f(x):\n\tassert x;\n\treturn x\nimport y\n```",
	"ÅNGSTRÖM Straße ДОМ Ελλάδα ǅ İstanbul 東京 العربية हिन्दी 𝔘nicode 👩‍🚀 e\u0301",
	"a\xffb\xc3\x28\xed\xa0\x80\xf4\x90\x80\x80\x00",
	"aaaa a a a a a a a a a a a a a a a a 1111 !!!! ---- ____ ....",
}
