package providers

import (
	"log/slog"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Secret is an API key. However it is printed or encoded it shows as "***", or
// as "" where it is empty.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString keeps the key out of %#v.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText keeps the key out of JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps the key out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Config is one role's endpoint: which service, where, which model, and what
// every call of it carries. Roles never share one by accident: the embedding
// model and each candidate have their own.
type Config struct {
	Role    string // "embedding", "models.strong", …: begins every error
	Kind    string // a name in the table of kinds
	BaseURL string // as people type it; "" for the kind's default
	Model   string // as the service knows it

	Key    Secret // "" if none
	KeyEnv string // the environment variable that Key was read from; "" if none

	Timeout          time.Duration // of one call, from dialling to the last byte; 0 for DefaultTimeout
	MaxTokens        int           // upper bound on an answer's tokens; 0 for DefaultMaxTokens
	MaxResponseBytes int64         // a longer answer is an error; 0 for DefaultMaxResponseBytes

	// Params is a JSON object of what else goes into each request body as it
	// stands (temperature, top_p, seed, …; for Ollama also options, keep_alive,
	// think, format). nil if none.
	Params jsontext.Value
}

const (
	DefaultTimeout          = 5 * time.Minute
	DefaultMaxTokens        = 1024
	DefaultMaxResponseBytes = 64 << 20
)
