package lexical

import (
	"strings"
	"testing"
)

// benchTexts are a typical prompt, a long one and one that is not ASCII.
var benchTexts = map[string]string{
	"prompt":   "A merchant buys 40 crates of oranges at $12 a crate and sells three quarters of them at $15.\nWhat is the profit?\nA. 20\nB. 35\nC. 60\nD. -30\nAnswer:",
	"document": strings.Repeat("When the committee met again in October, nobody could remember why the vote had been postponed; the minutes, which Mr. Abel had lost, would have told them. ", 400),
	"cyrillic": strings.Repeat("Когда комитет собрался снова, никто не мог вспомнить, почему голосование было отложено. ", 40),
}

func benchmark(b *testing.B, f func(text string)) {
	for _, name := range []string{"prompt", "document", "cyrillic"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(benchTexts[name])))
			for b.Loop() {
				f(benchTexts[name])
			}
		})
	}
}

func BenchmarkEmbed(b *testing.B) {
	e, dst := New(), make([]float32, Dim)
	benchmark(b, func(text string) { e.Embed(dst, text) })
}

func BenchmarkDot(b *testing.B) {
	e, u := New(), direction()
	benchmark(b, func(text string) { e.Dot(text, u) })
}

// BenchmarkDotCorpus is the speed over recorded prompts, where they are at hand.
func BenchmarkDotCorpus(b *testing.B) {
	e, u, prompts := New(), direction(), corpus(b, "routellm_mmlu", "mmlu_pro")
	size := 0
	for _, p := range prompts {
		size += len(p)
	}
	b.ReportAllocs()
	b.SetBytes(int64(size))
	for b.Loop() {
		for _, p := range prompts {
			e.Dot(p, u)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New()
	}
}
