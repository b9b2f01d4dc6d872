package providers

import (
	"context"
	"errors"
	"slices"
	"testing"

	"routeval/providers/lexical"
)

func TestBuiltinEmbeds(t *testing.T) {
	b, err := New(Config{Role: "embedding", Kind: "builtin", Model: "lexical"})
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"one text", "", "another\xff"}
	got, err := b.Embed(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	model, dim, fingerprint := b.(Spaced).EmbeddingSpace()
	if model != "lexical" || dim != 4113 || fingerprint != lexical.New().Fingerprint() {
		t.Errorf("space %s %d %s", model, dim, fingerprint)
	}
	want := make([]float32, lexical.Dim)
	for i, text := range texts {
		lexical.New().Embed(want, text)
		if !slices.Equal(got[i], want) {
			t.Errorf("the vector of %q is another", text)
		}
	}
	// A caller who grows one vector must not write into the next.
	if _ = append(got[0], 7); got[1][0] == 7 {
		t.Error("vectors share memory")
	}
}

func TestBuiltinStopsWithContext(t *testing.T) {
	b, err := newBuiltin(Config{Role: "embedding"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Embed(ctx, []string{"a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got, err := b.Embed(ctx, nil); len(got) != 0 || err != nil {
		t.Errorf("%d vectors of nothing, %v", len(got), err)
	}
}

func TestBuiltinProbe(t *testing.T) {
	b, err := newBuiltin(Config{Role: "models.weak"})
	if err != nil {
		t.Fatal(err)
	}
	if f := b.Probe(t.Context(), UseChat); len(f) != 1 || f[0].OK || f[0].Mend == "" {
		t.Errorf("for chat: %+v", f)
	}
	if f := b.Probe(t.Context(), UseEmbedding); len(f) != 2 || !f[0].OK || !f[1].OK || f[1].Width != lexical.Dim {
		t.Errorf("for embedding: %+v", f)
	}
}

func TestBuiltinRefuses(t *testing.T) {
	for want, cfg := range map[string]Config{
		`embedding.model: unknown model "lexcal" of the builtin provider (have lexical)`:                              {Role: "embedding", Model: "lexcal"},
		`embedding.base_url: the builtin provider is in this program and has no URL, got "http://localhost"`:          {Role: "embedding", BaseURL: "http://localhost"},
		`models.weak builtin: lexical is an embedding model and does not chat (name another provider for this model)`: {Role: "models.weak"},
	} {
		b, err := newBuiltin(cfg)
		if err == nil {
			_, err = b.Complete(t.Context(), Request{})
			var e *Error
			if !errors.As(err, &e) || e.Class != Fatal {
				t.Errorf("error %v is not fatal", err)
			}
		}
		if err == nil || err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
	}
}

func BenchmarkBuiltinEmbed(b *testing.B) {
	client, err := newBuiltin(Config{})
	if err != nil {
		b.Fatal(err)
	}
	texts := slices.Repeat([]string{"A merchant buys 40 crates of oranges at $12 a crate and sells three quarters of them at $15. What is the profit?"}, 256)
	b.ReportAllocs()
	b.SetBytes(int64(len(texts) * len(texts[0])))
	for b.Loop() {
		if _, err := client.Embed(b.Context(), texts); err != nil {
			b.Fatal(err)
		}
	}
}
