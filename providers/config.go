package providers

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"

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

// Format keeps the key out of whatever is printed, with verbs too that know no text: there
// fmt would look at the bytes.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || f.Flag('#') {
		text = strconv.Quote(text)
	}
	io.WriteString(f, text)
}

// MarshalText keeps the key out of JSON, YAML and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue keeps the key out of structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Config is one role's endpoint: which service, where, which model, and what
// every call of it carries. Roles never share one by accident: the embedding
// model and each candidate have their own.
type Config struct {
	Role    string // "embedding", "models.strong", …: begins every error
	Kind    string // a name in the table of presets
	BaseURL string // as people type it; "" for the preset's
	Model   string // as the service knows it

	Key    Secret // "" if none
	KeyEnv string // the environment variable that Key was read from; "" if none

	Timeout          time.Duration // of one call, from dialling to the last byte; 0 for DefaultTimeout
	ConnectTimeout   time.Duration // of dialling, and of agreeing on TLS; 0 for DefaultConnectTimeout
	FirstByteTimeout time.Duration // from sending a call to the beginning of its answer; 0 for no other bound than Timeout
	LoadGrace        time.Duration // added to FirstByteTimeout for a call that may have to load its model; 0 for none, or Ollama's own bound
	MaxTokens        int           // upper bound on an answer's tokens; 0 for DefaultMaxTokens
	MaxResponseBytes int64         // a longer answer is an error; 0 for DefaultMaxResponseBytes
	Slots            int           // calls in flight that connections are kept for; 0 for DefaultSlots

	APIVersion     string // of Azure's API; "" for DefaultAzureAPIVersion
	AllowPlainHTTP bool   // send the key without TLS to a host that is not this machine
	UserAgent      string // "" for "routeval"

	// Params is a JSON object of what else goes into each request body as it
	// stands (temperature, top_p, seed, …; for Ollama also options, keep_alive,
	// think, format). nil if none.
	Params jsontext.Value
}

const (
	DefaultTimeout          = 5 * time.Minute
	DefaultConnectTimeout   = 10 * time.Second
	DefaultMaxTokens        = 1024
	DefaultMaxResponseBytes = 64 << 20
	DefaultSlots            = 64
)

// filled returns c with its defaults in place, or says which field is wrong.
func (c Config) filled() (Config, error) {
	c.Key = Secret(strings.TrimSpace(string(c.Key)))
	switch {
	case strings.TrimSpace(c.Model) == "":
		return c, c.fieldError("model", "no model")
	case c.Timeout < 0:
		return c, c.fieldError("timeout", "%s is below 0", c.Timeout)
	case c.ConnectTimeout < 0:
		return c, c.fieldError("connect_timeout", "%s is below 0", c.ConnectTimeout)
	case c.FirstByteTimeout < 0:
		return c, c.fieldError("first_byte_timeout", "%s is below 0", c.FirstByteTimeout)
	case c.LoadGrace < 0:
		return c, c.fieldError("load_grace", "%s is below 0", c.LoadGrace)
	case c.MaxTokens < 0:
		return c, c.fieldError("max_tokens", "%d is below 1: services take that for no limit", c.MaxTokens)
	case c.MaxResponseBytes < 0:
		return c, c.fieldError("max_response_bytes", "%d is below 1", c.MaxResponseBytes)
	case c.Slots < 0:
		return c, c.fieldError("slots", "%d is below 1", c.Slots)
	case strings.ContainsFunc(string(c.Key), unicode.IsControl):
		return c, c.fieldError("api_key_env", "the key in %s holds a line break or another control character", c.KeyEnv)
	}
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, DefaultConnectTimeout)
	if c.Kind == "ollama" {
		c.LoadGrace = cmp.Or(c.LoadGrace, ollamaLoadTimeout)
	}
	c.MaxTokens = cmp.Or(c.MaxTokens, DefaultMaxTokens)
	c.MaxResponseBytes = cmp.Or(c.MaxResponseBytes, DefaultMaxResponseBytes)
	c.Slots = cmp.Or(c.Slots, DefaultSlots)
	c.UserAgent = cmp.Or(c.UserAgent, "routeval")
	return c, nil
}

// member is one name and value of a JSON object.
type member struct {
	name  string
	value jsontext.Value
}

// params returns the members of Params in their order, less those that the client
// sets itself, which are errors.
func (c *Config) params() ([]member, error) {
	if c.Params == nil {
		return nil, nil
	}
	members, err := objectMembers(c.Params)
	if err != nil {
		return nil, c.fieldError("params", "%w", err)
	}
	for _, m := range members {
		switch m.name {
		case "model", "messages", "input", "prompt", "stream":
			return nil, c.fieldError("params."+m.name, "is set by routeval itself")
		}
	}
	return members, nil
}

// objectMembers splits a JSON object.
func objectMembers(object jsontext.Value) ([]member, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(object))
	if dec.PeekKind() != '{' {
		return nil, errors.New("not a JSON object")
	}
	var members []member
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		m := member{name: name.String()}
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		m.value = value.Clone()
		members = append(members, m)
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return members, nil
}

// isCount reports whether v is a whole number above 0.
func isCount(v jsontext.Value) bool {
	n, err := strconv.ParseInt(string(v), 10, 64)
	return err == nil && n > 0
}
