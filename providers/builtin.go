package providers

import (
	"cmp"
	"context"
	"fmt"

	"routeval/providers/lexical"
)

// Spaced is a client that knows which embedding space its vectors lie in: the
// name of the model, the width of a vector, and a fingerprint that changes
// whenever a vector would.
type Spaced interface {
	EmbeddingSpace() (model string, dim int, fingerprint string)
}

// builtin is the service inside of this program. Its one model is the embedder
// of package lexical: no network, no key, no limits.
type builtin struct {
	role     string
	embedder *lexical.Embedder
}

func newBuiltin(cfg Config) (Client, error) {
	if m := cmp.Or(cfg.Model, lexical.Name); m != lexical.Name {
		return nil, cfg.fieldError("model", "unknown model %q of the builtin provider (have %s)", m, lexical.Name)
	}
	if cfg.BaseURL != "" {
		return nil, cfg.fieldError("base_url", "the builtin provider is in this program and has no URL, got %q", cfg.BaseURL)
	}
	return &builtin{cfg.Role, lexical.New()}, nil
}

// EmbeddingSpace names the space of [lexical.Embedder].
func (b *builtin) EmbeddingSpace() (model string, dim int, fingerprint string) {
	return lexical.Name, lexical.Dim, b.embedder.Fingerprint()
}

// Embed makes the vectors in one allocation. It fails only with ctx's error.
func (b *builtin) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	all := make([]float32, len(texts)*lexical.Dim)
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		vectors[i], all = all[:lexical.Dim:lexical.Dim], all[lexical.Dim:]
		b.embedder.Embed(vectors[i], text)
	}
	return vectors, nil
}

// What the builtin provider says to whoever wants to chat.
const (
	noBuiltinChat     = lexical.Name + " is an embedding model and does not chat"
	noBuiltinChatHint = "name another provider for this model"
)

// Complete refuses: there is no chat model in this program.
func (b *builtin) Complete(context.Context, Request) (Completion, error) {
	return Completion{}, &Error{Role: b.role, Endpoint: "builtin", Class: Fatal, Message: noBuiltinChat, Hint: noBuiltinChatHint}
}

// Probe finds the embedding model, and no other.
func (b *builtin) Probe(_ context.Context, use Use) []Finding {
	if use != UseEmbedding {
		return []Finding{{What: "model", Detail: noBuiltinChat, Mend: noBuiltinChatHint}}
	}
	return []Finding{
		{What: "model", OK: true, Detail: lexical.Name + ", in this program"},
		{What: "embedding", OK: true, Detail: fmt.Sprintf("width %d", lexical.Dim), Width: lexical.Dim},
	}
}

// Close does nothing: there is no connection.
func (b *builtin) Close() error { return nil }
