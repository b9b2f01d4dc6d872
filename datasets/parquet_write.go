package datasets

import (
	"io"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"
)

// A parquetPrompt is the layout of a prompt in Parquet. Tools that know nothing
// of routeval can use every column but three, which JSON is folded into: extra
// (the members of a row that have no column), an outcome's extra, and raw, the
// whole of a message that is more than a role and a text.
//
// The types of this file only declare layouts. The rows are shredded by hand:
// the library's own way from a struct writes an optional JSON column with wrong
// levels or leaves its values out.
type parquetPrompt struct {
	ID        string                    `parquet:"id"`
	Prompt    string                    `parquet:"prompt,optional"`
	Messages  []parquetMessage          `parquet:"messages,optional,list"`
	Body      string                    `parquet:"body,optional,json"`
	Reference string                    `parquet:"reference,optional"`
	Category  string                    `parquet:"category,optional,dict"`
	Outcomes  map[string]parquetOutcome `parquet:"outcomes,optional"`
	Extra     string                    `parquet:"extra,optional,json"`
}

type parquetMessage struct {
	Role    string `parquet:"role,dict"`
	Content string `parquet:"content"`
	Raw     string `parquet:"raw,optional,json"`
}

// A parquetResult is the layout of a result in Parquet: that of its JSON.
type parquetResult struct {
	Seq        int64                     `parquet:"seq"`
	ID         string                    `parquet:"id"`
	WinRate    float64                   `parquet:"win_rate,optional"`
	Route      string                    `parquet:"route,dict"`
	Propensity float64                   `parquet:"propensity,optional"`
	Outcomes   map[string]parquetOutcome `parquet:"outcomes,optional"`
	Error      parquetFailure            `parquet:"error,optional"`
	Category   string                    `parquet:"category,optional,dict"`
	Reference  string                    `parquet:"reference,optional"`
	Extra      string                    `parquet:"extra,optional,json"`
}

// A parquetOutcome is the layout of an outcome: that of its JSON.
type parquetOutcome struct {
	Model            string         `parquet:"model,optional,dict"`
	Answer           string         `parquet:"answer,optional"`
	Message          string         `parquet:"message,optional,json"`
	Error            parquetFailure `parquet:"error,optional"`
	FinishReason     string         `parquet:"finish_reason,optional,dict"`
	PromptTokens     int64          `parquet:"prompt_tokens,optional"`
	CompletionTokens int64          `parquet:"completion_tokens,optional"`
	CachedTokens     int64          `parquet:"cached_tokens,optional"`
	ReasoningTokens  int64          `parquet:"reasoning_tokens,optional"`
	CostUSD          float64        `parquet:"cost_usd,optional"`
	Quality          float64        `parquet:"quality,optional"`
	LatencyNS        int64          `parquet:"latency_ns,optional"`
	LoadNS           int64          `parquet:"load_ns,optional"`
	Attempts         int64          `parquet:"attempts,optional"`
	FallbackFor      string         `parquet:"fallback_for,optional,dict"`
	Recorded         bool           `parquet:"recorded,optional"`
	Warnings         []string       `parquet:"warnings,optional,list"`
	Extra            string         `parquet:"extra,optional,json"`
}

type parquetFailure struct {
	Class   string `parquet:"class,dict"`
	Status  int64  `parquet:"status,optional"`
	Message string `parquet:"message"`
}

// outcomeLeaves is how many leaf columns an outcome has, its name included.
const outcomeLeaves = 21

// rowGroupBytes is about how much JSON a row group holds before it is written.
const rowGroupBytes = 64 << 20

// A parquetWriter writes rows of either kind.
type parquetWriter struct {
	w    *parquet.GenericWriter[any]
	row  shredder
	size int    // bytes of JSON in the row group at hand
	json []byte // the row at hand as JSON, for its size and its errors
	flat parquet.Row
}

func newParquetWriter(w io.Writer, kind kind) rowWriter {
	schema := parquet.SchemaOf(parquetPrompt{})
	if kind == results {
		schema = parquet.SchemaOf(parquetResult{})
	}
	return &parquetWriter{
		row: shredder{columns: make([][]parquet.Value, len(schema.Columns()))},
		w: parquet.NewGenericWriter[any](w, schema,
			parquet.Compression(&parquet.Zstd),
			parquet.KeyValueMetadata(formatKey, string(kind)),
			parquet.CreatedBy("routeval", "1", "")),
	}
}

func (w *parquetWriter) writePrompt(p *Prompt) (err error) {
	// What cannot be written as JSON must not be written here either.
	if w.json, err = appendPrompt(w.json[:0], p); err != nil {
		return err
	}
	extra, _ := extraNames(p)
	w.row.reset()
	w.row.prompt(p, extra["prompt"])
	return w.flush()
}

func (w *parquetWriter) writeResult(r *Result) (err error) {
	if w.json, err = AppendResult(w.json[:0], r); err != nil {
		return err
	}
	w.row.reset()
	w.row.result(r)
	return w.flush()
}

// flush writes the row at hand, and the row group where it has become large.
func (w *parquetWriter) flush() error {
	w.flat = parquet.AppendRow(w.flat[:0], w.row.columns...)
	err := guard(func() error { _, err := w.w.WriteRows([]parquet.Row{w.flat}); return err })
	if err != nil {
		return err
	}
	if w.size += len(w.json); w.size < rowGroupBytes {
		return nil
	}
	w.size = 0
	return guard(w.w.Flush)
}

func (w *parquetWriter) close() error { return guard(w.w.Close) }

// A shredder splits a row into the values of its leaf columns, with the levels
// of Dremel: the repetition level says at which list a value goes on, the
// definition level how many optional and repeated fields around it are there.
type shredder struct {
	columns [][]parquet.Value
	at      int // the leaf column that is written next
	rep     int // repetition level of what is written next
}

func (s *shredder) reset() {
	for i := range s.columns {
		s.columns[i] = s.columns[i][:0]
	}
	s.at, s.rep = 0, 0
}

// prompt shreds p. The column "prompt" is left empty if the row has a member of
// that name already, in Extra.
func (s *shredder) prompt(p *Prompt, taken bool) {
	s.put(text(p.ID), 0)
	switch {
	case p.Request != nil:
		s.null(4, 0)
	case isPlain(p.Messages) && !taken:
		s.put(text(p.Messages[0].Content), 1)
		s.null(3, 0)
	default:
		s.null(1, 0)
		s.messages(p.Messages)
	}
	s.json(p.Request, 0)
	s.text(p.Reference, 0)
	s.text(p.Category, 0)
	s.outcomes(p.Recorded, false)
	s.json(p.Extra, 0)
}

func (s *shredder) result(r *Result) {
	s.put(parquet.Int64Value(r.Seq), 0)
	s.put(text(r.PromptID), 0)
	s.float(r.WinRate, 0)
	s.put(text(r.Route), 0)
	s.float(present(r.Propensity), 0)
	s.outcomes(r.Outcomes, true)
	s.failure(r.Failure, 0)
	s.text(r.Category, 0)
	s.text(r.Reference, 0)
	s.json(r.Extra, 0)
}

func (s *shredder) messages(turns []Message) {
	first := s.at
	for i, m := range turns {
		s.at, s.rep = first, min(i, 1)
		s.put(text(m.Role), 2)
		s.put(text(m.Content), 2)
		s.json(m.Raw, 2)
	}
	s.rep = 0
}

// outcomes shreds outcomes in the order of their names. That an outcome is
// recorded goes without saying in a prompt.
func (s *shredder) outcomes(outcomes map[string]Outcome, ofResult bool) {
	if len(outcomes) == 0 {
		s.null(outcomeLeaves, 0)
		return
	}
	var names []string
	for name := range outcomes {
		names = append(names, name)
	}
	slices.Sort(names)
	first := s.at
	for i, name := range names {
		s.at, s.rep = first, min(i, 1)
		o := outcomes[name]
		s.put(text(name), 2)
		s.outcome(&o, ofResult)
	}
	s.rep = 0
}

func (s *shredder) outcome(o *Outcome, ofResult bool) {
	const there = 2 // the definition level inside the map
	s.text(o.Model, there)
	s.text(o.Answer, there)
	s.json(o.Message, there)
	s.failure(o.Failure, there)
	s.text(o.FinishReason, there)
	s.int(o.PromptTokens, there)
	s.int(o.CompletionTokens, there)
	s.int(o.CachedTokens, there)
	s.int(o.ReasoningTokens, there)
	s.float(o.CostUSD, there)
	s.float(o.Quality, there)
	s.int(present(o.LatencyNS), there)
	s.int(present(o.LoadNS), there)
	s.int(present(int64(o.Attempts)), there)
	s.text(o.FallbackFor, there)
	if o.Recorded && ofResult {
		s.put(parquet.BooleanValue(true), there+1)
	} else {
		s.null(1, there)
	}
	s.warnings(o.Warnings, there)
	s.json(o.Extra, there)
}

func (s *shredder) failure(f *Failure, def int) {
	if f == nil {
		s.null(3, def)
		return
	}
	s.put(text(f.Class), def+1)
	s.int(present(int64(f.Status)), def+1)
	s.put(text(f.Message), def+1)
}

func (s *shredder) warnings(warnings []string, def int) {
	if len(warnings) == 0 {
		s.null(1, def)
		return
	}
	column, rep := s.at, s.rep
	for i, w := range warnings {
		s.at = column
		if i > 0 {
			s.rep = 2
		}
		s.put(text(w), def+2)
	}
	s.rep = rep
}

// put writes a value that is there at a definition level.
func (s *shredder) put(v parquet.Value, def int) {
	s.columns[s.at] = append(s.columns[s.at], v.Level(s.rep, def, s.at))
	s.at++
}

// null writes that the next n leaf columns have no value: of the fields around
// them, def are there.
func (s *shredder) null(n, def int) {
	for range n {
		s.put(parquet.NullValue(), def)
	}
}

// text writes an optional text, null where it is empty.
func (s *shredder) text(x string, def int) {
	if x == "" {
		s.null(1, def)
		return
	}
	s.put(text(x), def+1)
}

// json writes optional JSON, with the bytes that it has as a member of a line.
func (s *shredder) json(v jsontext.Value, def int) {
	if v == nil {
		s.null(1, def)
		return
	}
	s.put(text(string(appendValue(nil, v))), def+1)
}

func (s *shredder) int(x *int64, def int) {
	if x == nil {
		s.null(1, def)
		return
	}
	s.put(parquet.Int64Value(*x), def+1)
}

func (s *shredder) float(x *float64, def int) {
	if x == nil {
		s.null(1, def)
		return
	}
	s.put(parquet.DoubleValue(*x), def+1)
}

// text is a value of text, with U+FFFD for what is not UTF-8.
func text(s string) parquet.Value {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return parquet.ByteArrayValue([]byte(s))
}

// present is nil for a zero value, which is left out.
func present[T comparable](x T) *T {
	var zero T
	if x == zero {
		return nil
	}
	return &x
}
