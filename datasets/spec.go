package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
)

// A Spec says what a run is to do. It is written by people as YAML (JSON is
// YAML) and stands, resolved, in the run's manifest. Keys are never in it: it
// names the environment variables that hold them.
//
// Some fields (slots, window, timeouts; see dials) cannot change a result; a run
// may be resumed with other values of them.
type Spec struct {
	Input     []string         `json:"input,omitzero"`     // files, globs, "-" for standard input
	Models    map[string]Model `json:"models,omitzero"`    // the candidates, by name
	Embedding *Model           `json:"embedding,omitzero"` // what makes vectors of prompts; nil for the one in the binary
	Router    Router           `json:"router,omitzero"`

	Execute   Execute `json:"execute,omitzero"`    // which models answer a prompt
	BothShare float64 `json:"both_share,omitzero"` // share of prompts, in [0,1], on which every candidate is called
	Seed      uint64  `json:"seed,omitzero"`       // of everything random

	// OnFailure names the candidate that answers where the one that a prompt was
	// routed to gave no answer; "" or "none" for none.
	OnFailure string `json:"on_failure,omitzero"`

	Schedule Schedule `json:"schedule,omitzero"` // in which order calls are made
	Chunk    int      `json:"chunk,omitzero"`    // prompts that a grouped schedule executes together

	Grade  *Grade `json:"grade,omitzero"`  // how answers are graded; nil for not at all
	Judge  *Model `json:"judge,omitzero"`  // the language model that grades, for the kinds of grades that ask one
	Prices string `json:"prices,omitzero"` // a file of prices by model name, for models without a price of their own

	BadRows   BadRows  `json:"bad_rows,omitzero"`   // what to do about rows that cannot be read
	MaxLine   int      `json:"max_line,omitzero"`   // bytes; a longer line of a text file is a bad row
	BudgetUSD *float64 `json:"budget_usd,omitzero"` // what calls may cost in all, in US dollars; nil for no bound
	Cache     string   `json:"cache,omitzero"`      // directory of the embedding cache, or "off"
	Window    int      `json:"window,omitzero"`     // prompts between routing and the journal
	Grace     Duration `json:"grace,omitzero"`      // for calls in flight at the first signal

	WaitForBackend Duration `json:"wait_for_backend,omitzero"` // how long calls wait for a server that is down
	MaxRetryAfter  Duration `json:"max_retry_after,omitzero"`  // a service that asks for a longer pause ends the run
}

// A Model is a model behind an endpoint: the embedding model or a candidate.
type Model struct {
	Provider  string         `json:"provider,omitzero"`    // a service by its name; "recorded" for outcomes that come with the prompts
	Model     string         `json:"model,omitzero"`       // its name there
	BaseURL   string         `json:"base_url,omitzero"`    // "" for the provider's default
	APIKeyEnv string         `json:"api_key_env,omitzero"` // the environment variable that holds the key
	MaxTokens int            `json:"max_tokens,omitzero"`  // bound on an answer
	Params    map[string]any `json:"params,omitzero"`      // what else goes into every request: temperature, seed, options, …
	Price     *Price         `json:"price,omitzero"`

	APIVersion     string   `json:"api_version,omitzero"`      // of Azure's API
	AllowPlainHTTP bool     `json:"allow_plain_http,omitzero"` // send the key without TLS to a host that is not this one
	Timeout        Duration `json:"timeout,omitzero"`
	MaxAttempts    int      `json:"max_attempts,omitzero"` // calls for one answer, the first included
	Slots          Slots    `json:"slots,omitzero"`        // calls at a time
	Batch          int      `json:"batch,omitzero"`        // texts in one embedding request

	ConnectTimeout   Duration `json:"connect_timeout,omitzero"`    // of dialling and of TLS
	FirstByteTimeout Duration `json:"first_byte_timeout,omitzero"` // until an answer begins
	LoadGrace        Duration `json:"load_grace,omitzero"`         // added to that for a model that may have to be loaded

	// What the service allows a minute; 0 for no limit.
	RPM       float64 `json:"rpm,omitzero"`        // requests
	TPM       float64 `json:"tpm,omitzero"`        // tokens read and written
	InputTPM  float64 `json:"input_tpm,omitzero"`  // tokens read
	OutputTPM float64 `json:"output_tpm,omitzero"` // tokens written

	MaxResponseBytes int `json:"max_response_bytes,omitzero"` // a longer answer of the service is a failed call
}

// A Router says which scorer estimates win rates and where they part.
type Router struct {
	Kind    string `json:"kind,omitzero"`    // a name in the table of scorers
	Weights string `json:"weights,omitzero"` // a safetensors file; "" for the weights in the binary

	// Of knn: files of prompts with graded outcomes, or run directories, and how
	// many of the nearest count, and how much the nearer ones more (scoring.KNN).
	Outcomes    []string `json:"outcomes,omitzero"`
	K           int      `json:"k,omitzero"`
	Temperature float64  `json:"temperature,omitzero"`

	// Of sw_ranking: a file of preferences between models.
	Battles string `json:"battles,omitzero"`

	// Of both: vectors of their prompts; "" has the embedder in the binary make
	// them.
	Embeddings string `json:"embeddings,omitzero"`

	// Strong and Weak name the candidates on either side; "strong" and "weak"
	// if empty.
	Strong string `json:"strong,omitzero"`
	Weak   string `json:"weak,omitzero"`

	// ScoringPair names the two models of the weights whose win rate is
	// estimated. It is a setting apart from the models that are called.
	ScoringPair ScoringPair `json:"scoring_pair,omitzero"`

	// Threshold: a prompt whose win rate is at least this goes strong. In [0,1],
	// or the next number above 1, with which none does.
	Threshold *float64 `json:"threshold,omitzero"`

	// Thresholds are those of the categories that have one of their own.
	Thresholds map[string]float64 `json:"thresholds,omitzero"`
}

// ScoringPair names two rows of a router's weights.
type ScoringPair struct {
	Strong string `json:"strong,omitzero"`
	Weak   string `json:"weak,omitzero"`
}

// Grade says how answers are graded.
type Grade struct {
	Kind        string         `json:"kind"`                  // a name in the table of graders
	IgnoreCase  bool           `json:"ignore_case,omitzero"`  // exact, contains, regex: letters compare without case
	IgnoreSpace bool           `json:"ignore_space,omitzero"` // exact, contains: all white space is one blank
	Tolerance   float64        `json:"tolerance,omitzero"`    // number: greatest relative deviation that is still right
	Pattern     string         `json:"pattern,omitzero"`      // regex: what is looked for
	Schema      map[string]any `json:"schema,omitzero"`       // json: the JSON schema that an answer must meet; else it must equal the reference
	Rubric      string         `json:"rubric,omitzero"`       // judge_single, judge_pair: what the judge goes by, in place of the default
	Command     []string       `json:"command,omitzero"`      // command: a program and its arguments
	Timeout     Duration       `json:"timeout,omitzero"`      // command: for one answer
}

// Execute says which models answer a prompt.
type Execute string

const (
	RouteOnly Execute = "route-only" // none: only the route is decided
	Routed    Execute = "routed"     // the one it is routed to
	Both      Execute = "both"       // every candidate
)

// Schedule says in which order calls are made.
type Schedule string

const (
	AutoSchedule Schedule = "auto"        // grouped where two candidates share a local server that may keep one model loaded
	Grouped      Schedule = "grouped"     // a chunk of prompts is routed first and then executed model by model
	Interleaved  Schedule = "interleaved" // as prompts come
)

// BadRows says what to do about rows that cannot be read.
type BadRows string

const (
	FailBadRows BadRows = "fail" // stop the run at the first
	SkipBadRows BadRows = "skip" // write them aside with place and reason, and count them
)

// Duration is a time.Duration that reads and writes as "2m30s".
type Duration time.Duration

// UnmarshalText reads a duration such as "90s" or "1h30m"; it must not be negative.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no duration such as \"90s\" or \"2m\"", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes it as time.Duration prints itself.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d Duration) String() string { return time.Duration(d).String() }

// ParseSpec reads a spec. An unknown key or a value of the wrong type is an
// error with its line and column; name is the file's, for the error.
func ParseSpec(name string, data []byte) (Spec, error) {
	var s Spec
	if err := yaml.UnmarshalWithOptions(data, &s, yaml.Strict()); err != nil {
		return Spec{}, fmt.Errorf("%s: %w", name, positioned(err))
	}
	if _, err := json.Marshal(&s); err != nil { // YAML has infinities, a manifest has not
		return Spec{}, fmt.Errorf("%s: %w", name, ofField(err))
	}
	return s, nil
}

// Validate reports everything that is wrong with a spec at once, each with its
// field. Names of providers, scorers and graders are checked where they become
// objects.
func (s *Spec) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
	}
	if len(s.Input) == 0 {
		bad("input", "missing: name the prompts to read (a file, a glob, or - for standard input)")
	}
	switch s.Execute {
	case "", RouteOnly, Routed, Both:
	default:
		bad("execute", "unknown mode %q (have %s, %s, %s)", s.Execute, Both, RouteOnly, Routed)
	}
	switch s.BadRows {
	case "", FailBadRows, SkipBadRows:
	default:
		bad("bad_rows", "unknown choice %q (have %s, %s)", s.BadRows, FailBadRows, SkipBadRows)
	}
	switch s.Schedule {
	case "", AutoSchedule, Grouped, Interleaved:
	default:
		bad("schedule", "unknown choice %q (have %s, %s, %s)", s.Schedule, AutoSchedule, Grouped, Interleaved)
	}
	if s.Chunk < 0 {
		bad("chunk", "%d is negative", s.Chunk)
	}
	if !(s.BothShare >= 0 && s.BothShare <= 1) {
		bad("both_share", "%v is no share in [0,1]", s.BothShare)
	}
	if b := s.BudgetUSD; b != nil && !(*b >= 0) {
		bad("budget_usd", "%v is no sum of money", *b)
	}
	if s.MaxLine < 0 || s.Window < 0 {
		bad("max_line, window", "must not be negative")
	}
	if _, ok := s.Models[s.Fallback()]; !ok && s.Fallback() != "" {
		bad("on_failure", "no candidate %q under models (have %s, or none)", s.OnFailure, strings.Join(slices.Sorted(maps.Keys(s.Models)), ", "))
	}
	s.Router.validate(bad, s.Models)
	for _, name := range slices.Sorted(maps.Keys(s.Models)) {
		m := s.Models[name]
		m.validate(bad, "models."+name)
	}
	if s.Embedding != nil {
		s.Embedding.validate(bad, "embedding")
	}
	if s.Judge != nil {
		s.Judge.validate(bad, "judge")
	}
	if _, ok := s.Models[Tie]; ok {
		bad("models."+Tie, "no candidate may have this name: judges say it of answers that neither wins")
	}
	return errors.Join(errs...)
}

func (r *Router) validate(bad func(field, format string, args ...any), models map[string]Model) {
	have := strings.Join(slices.Sorted(maps.Keys(models)), ", ")
	strong, weak := r.Candidates()
	for _, side := range []struct{ field, name string }{{"router.strong", strong}, {"router.weak", weak}} {
		if _, ok := models[side.name]; !ok {
			bad(side.field, "no candidate %q under models (have %s)", side.name, cmp.Or(have, "none"))
		}
	}
	if strong == weak {
		bad("router.weak", "is the same candidate as router.strong")
	}
	if t := r.Threshold; t != nil && !isThreshold(*t) {
		bad("router.threshold", "%v is not in [0,1]", *t)
	}
	for _, category := range slices.Sorted(maps.Keys(r.Thresholds)) {
		if t := r.Thresholds[category]; !isThreshold(t) {
			bad("router.thresholds."+category, "%v is not in [0,1]", t)
		}
	}
}

func isThreshold(t float64) bool { return t >= 0 && t <= math.Nextafter(1, 2) }

// Fallback is the name of the candidate for failures, "" if there is none.
func (s *Spec) Fallback() string {
	if s.OnFailure == "none" {
		return ""
	}
	return s.OnFailure
}

// Candidates are the names of the candidates on the strong and the weak side.
func (r *Router) Candidates() (strong, weak string) {
	return cmp.Or(r.Strong, "strong"), cmp.Or(r.Weak, "weak")
}

func (m *Model) validate(bad func(field, format string, args ...any), field string) {
	for _, n := range []struct {
		name  string
		value int
	}{{"max_tokens", m.MaxTokens}, {"max_attempts", m.MaxAttempts}, {"slots", m.Slots.Min}, {"slots", m.Slots.Start}, {"slots", m.Slots.Max}, {"batch", m.Batch}, {"max_response_bytes", m.MaxResponseBytes}} {
		if n.value < 0 {
			bad(field+"."+n.name, "%d is negative", n.value)
		}
	}
	if s := m.Slots; s.Max > 0 && (s.Start > s.Max || s.Min > s.Max) || s.Start > 0 && s.Min > s.Start {
		bad(field+".slots", "want min <= start <= max, have %d, %d and %d", s.Min, s.Start, s.Max)
	}
	for _, n := range []struct {
		name  string
		value float64
	}{{"rpm", m.RPM}, {"tpm", m.TPM}, {"input_tpm", m.InputTPM}, {"output_tpm", m.OutputTPM}} {
		if !(n.value >= 0 && !math.IsInf(n.value, 1)) {
			bad(field+"."+n.name, "%v is no number per minute", n.value)
		}
	}
	if m.Price != nil {
		if err := m.Price.validate(); err != nil {
			bad(field+".price", "%v", err)
		}
	}
}

// Differences lists, sorted, the fields in which two specs differ and which can
// change a result, each as "field: old → new".
func (s *Spec) Differences(other *Spec) []string {
	a, b := s.result(), other.result()
	var out []string
	for _, k := range slices.Sorted(maps.Keys(mergedKeys(a, b))) {
		if a[k] != b[k] {
			out = append(out, fmt.Sprintf("%s: %s → %s", k, cmp.Or(a[k], "(not set)"), cmp.Or(b[k], "(not set)")))
		}
	}
	return out
}

func mergedKeys(a, b map[string]string) map[string]bool {
	keys := map[string]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	return keys
}

// dials are the fields that cannot change a result, by their last name.
var dials = map[string]bool{
	"budget_usd": true, "cache": true, "schedule": true, "chunk": true, "window": true, "grace": true, "timeout": true, "max_attempts": true, "slots": true, "batch": true,
	"wait_for_backend": true, "max_retry_after": true, "connect_timeout": true, "first_byte_timeout": true, "load_grace": true,
	"rpm": true, "tpm": true, "input_tpm": true, "output_tpm": true,
	"slots.min": true, "slots.start": true, "slots.max": true,
	"bad_rows":           true, // what is done about a row that has no result changes none
	"max_response_bytes": true,
}

// Fields gives every field that is set by its dotted path, as JSON.
func (s *Spec) Fields() map[string]string {
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if object, ok := v.(map[string]any); ok {
			for k, v := range object {
				walk(strings.TrimPrefix(path+"."+k, "."), v)
			}
			return
		}
		b, _ := json.Marshal(v, json.Deterministic(true)) // came from JSON
		out[path] = string(b)
	}
	walk("", s.tree())
	return out
}

// tree is the spec as generic JSON values.
func (s *Spec) tree() map[string]any {
	var tree map[string]any
	b, err := json.Marshal(s, json.Deterministic(true))
	if err == nil {
		err = json.Unmarshal(b, &tree, json.WithUnmarshalers(json.UnmarshalFromFunc(wholeNumber)))
	}
	if err != nil {
		panic("datasets: a spec did not survive JSON: " + err.Error())
	}
	return tree
}

// wholeNumber keeps a number of a generic value as it stands: a float64 would
// change a seed above 2⁵³.
func wholeNumber(d *jsontext.Decoder, v *any) error {
	if d.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	number, err := d.ReadValue()
	*v = number.Clone()
	return err
}

// Set sets the field at a dotted path ("models.strong.slots") to a value as YAML
// gives it. An unknown field or a value of the wrong type is an error that names
// the path.
func (s *Spec) Set(path string, value any) error {
	tree := s.tree()
	if tree == nil {
		tree = map[string]any{}
	}
	names := strings.Split(path, ".")
	at := tree
	for _, name := range names[:len(names)-1] {
		next, ok := at[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[name] = next
		}
		at = next
	}
	at[names[len(names)-1]] = value
	b, err := json.Marshal(tree)
	if err != nil {
		return ofField(err)
	}
	var changed Spec
	if err := json.Unmarshal(b, &changed, json.RejectUnknownMembers(true)); err != nil {
		return ofField(err)
	}
	*s = changed
	return nil
}

// result gives the fields that can change a result.
func (s *Spec) result() map[string]string {
	fields := s.Fields()
	maps.DeleteFunc(fields, func(path, _ string) bool {
		names := strings.Split(path, ".")
		last := names[len(names)-1]
		lastTwo := strings.Join(names[max(0, len(names)-2):], ".")
		return (dials[last] || dials[lastTwo] && len(names) > 3) &&
			!strings.Contains(path, ".params.") && !strings.HasPrefix(path, "grade.schema.") && !strings.HasPrefix(path, "router.thresholds.")
	})
	return fields
}
