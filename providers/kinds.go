package providers

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Client is one role's endpoint. What only some kinds can do is a small
// interface of its own, such as [Located].
type Client interface {
	Completer
	Embedder
	Prober
	// Close gives idle connections back. Calls in flight go on.
	io.Closer
}

// Located is a client that lives at a URL.
type Located interface {
	// Endpoint is the base URL as it was understood, without credentials,
	// query or trailing slash.
	Endpoint() string
}

// Loader is a client of a server that loads models when they are called, and may drop
// one for another.
type Loader interface {
	// Loaded reports whether the server holds the role's model in memory now.
	Loaded(ctx context.Context) (bool, error)
}

// Prober says whether an endpoint would serve its role.
type Prober interface {
	// Probe looks at the endpoint step by step and stops at the first step
	// that later ones rest on. It makes no chat call.
	Probe(ctx context.Context, use Use) []Finding
}

// kind is one line of the table of kinds.
type kind struct {
	name string
	open func(Config) (Client, error)
}

// kinds holds every kind of service, sorted by name.
var kinds = []kind{
	{"anthropic", newAnthropic},
	{"azure", newAzure},
	{"builtin", newBuiltin},
	{"ollama", newOllama},
	{"openai", newOpenAI},
}

// New returns a client for cfg. It calls nobody: an error is one of cfg's own
// and begins with the field's place in the spec.
func New(cfg Config) (Client, error) {
	preset, ok := LookupPreset(cfg.Kind)
	if !ok {
		return nil, cfg.unknownKind()
	}
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == preset.Kind })
	return kinds[i].open(cfg)
}

func (c *Config) unknownKind() error {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.Name
	}
	have := strings.Join(names, ", ")
	near := slices.MinFunc(names, func(a, b string) int { return edits(c.Kind, a) - edits(c.Kind, b) })
	if edits(c.Kind, near) <= 2 {
		return c.fieldError("provider", "unknown provider %q: did you mean %q? (have %s)", c.Kind, near, have)
	}
	return c.fieldError("provider", "unknown provider %q (have %s)", c.Kind, have)
}

// fieldError is an error about one field of the role's part of the spec.
func (c *Config) fieldError(field, format string, args ...any) error {
	return fmt.Errorf("%s.%s: %w", c.Role, field, fmt.Errorf(format, args...))
}

// edits is the Levenshtein distance of a and b in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
