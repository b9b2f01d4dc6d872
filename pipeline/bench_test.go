package pipeline

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"routeval/datasets"
	"routeval/providers/lexical"
	"routeval/scoring"
)

// BenchmarkRouteOnly carries prompts, in rows of some 260 bytes, from a file of JSON Lines
// to a journal on disk, routed by a linear head on the embedder in the binary
// and, for what that costs, by a hash.
func BenchmarkRouteOnly(b *testing.B) {
	const rows = 50_000
	path := filepath.Join(b.TempDir(), "prompts.jsonl")
	file := generated(rows)
	if err := os.WriteFile(path, file, 0o644); err != nil {
		b.Fatal(err)
	}
	for _, router := range []struct {
		name   string
		scorer scoring.Scorer
	}{{"lexical", lexicalScorer(b)}, {"random", scoring.Random{}}} {
		b.Run(router.name, func(b *testing.B) {
			p := &Pipeline{
				Scorer: router.scorer, Threshold: 0.5, Strong: "strong", Weak: "weak", Execute: datasets.RouteOnly,
				Candidates: map[string]Candidate{"strong": {Model: "big"}, "weak": {Model: "small"}},
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				j, err := OpenJournal(filepath.Join(b.TempDir(), JournalFile), false)
				if err != nil {
					b.Fatal(err)
				}
				s, err := p.Run(b.Context(), datasets.Prompts([]string{path}, datasets.Options{}), j)
				if err != nil || s.Finished != rows {
					b.Fatalf("%+v, %v", s, err)
				}
				j.Close()
				os.Remove(j.f.Name())
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// generated is a file of prompts of seeded words.
func generated(rows int) []byte {
	random := rand.New(rand.NewPCG(1, 1))
	var file bytes.Buffer
	for i := range rows {
		fmt.Fprintf(&file, `{"id":"row-%d","prompt":"`, i)
		for range 10 + random.IntN(41) {
			for range 2 + random.IntN(8) {
				file.WriteByte('a' + byte(random.IntN(26)))
			}
			file.WriteByte(' ')
		}
		fmt.Fprintf(&file, "\",\"category\":\"c%d\",\"source\":\"generated\"}\n", i%10)
	}
	return file.Bytes()
}

// lexicalScorer is a seeded linear head on the embedder in the binary.
func lexicalScorer(b *testing.B) scoring.Scorer {
	random := rand.New(rand.NewPCG(2, 2))
	e := lexical.New()
	space := scoring.Space{Model: lexical.Name, Dim: lexical.Dim, Fingerprint: e.Fingerprint()}
	weights := scoring.MF{
		Card: scoring.Card{Embedding: space}, Dim: lexical.Dim,
		P: make([]float32, 2*lexical.Dim), Classifier: make([]float32, lexical.Dim),
	}
	for i := range weights.P {
		weights.P[i] = float32(random.NormFloat64())
	}
	for i := range weights.Classifier {
		weights.Classifier[i] = 100
	}
	folded, err := weights.Pair("0", "1")
	if err != nil {
		b.Fatal(err)
	}
	scorer, err := folded.OnText(space, e.Dot)
	if err != nil {
		b.Fatal(err)
	}
	return scorer
}
