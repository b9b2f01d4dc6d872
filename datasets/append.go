package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// AppendResult appends r as one line of a journal, its newline included, and
// returns the extended buffer; on an error dst comes back as it was.
//
// The line never holds a newline but the last byte. Bytes of an answer that are
// not UTF-8 become U+FFFD, and a message of a server that is not JSON becomes a
// JSON string: an answer that was paid for is never lost to its form. Errors
// are NaN and infinite quantities, and an Extra that is not a JSON object.
func AppendResult(dst []byte, r *Result) ([]byte, error) {
	o := object{buf: append(dst, '{')}
	o.int("seq", r.Seq)
	o.string("id", r.PromptID)
	o.floatPointer("win_rate", r.WinRate)
	o.string("route", r.Route)
	if r.Propensity != 0 {
		o.float("propensity", r.Propensity)
	}
	o.outcomes(r.Outcomes, outcomeOfResult)
	o.failure(r.Failure)
	o.text("category", r.Category)
	o.text("reference", r.Reference)
	o.judged(r.Judged)
	o.extra(r.Extra)
	o.buf = append(o.buf, '}', '\n')
	if o.err != nil {
		return dst, fmt.Errorf("result %q: %w", r.PromptID, o.err)
	}
	return o.buf, nil
}

// appendPrompt appends p as one line that reads as p. A prompt that is a single
// plain user turn is written as "prompt", an OpenAI batch row as one, and any
// other as "messages"; the members of Extra follow in their order.
func appendPrompt(dst []byte, p *Prompt) ([]byte, error) {
	extra, err := extraNames(p)
	if err != nil {
		return dst, fmt.Errorf("prompt %q: %w", p.ID, err)
	}
	o := object{buf: append(dst, '{')}
	switch {
	case p.Request != nil && !extra["custom_id"]:
		o.string("custom_id", p.ID)
	default:
		o.string("id", p.ID)
	}
	switch {
	case p.Request != nil:
		o.value("body", p.Request)
	case isPlain(p.Messages) && !extra["prompt"]:
		o.string("prompt", p.Messages[0].Content)
	default:
		o.messages(p.Messages)
	}
	o.text("reference", p.Reference)
	o.text("category", p.Category)
	o.outcomes(p.Recorded, outcomeOfPrompt)
	o.splice(p.Extra)
	o.buf = append(o.buf, '}', '\n')
	if o.err != nil {
		return dst, fmt.Errorf("prompt %q: %w", p.ID, o.err)
	}
	return o.buf, nil
}

// extraNames returns the names in a prompt's Extra, nil if it has none. A name
// that a field of the prompt is written under is an error.
func extraNames(p *Prompt) (map[string]bool, error) {
	if p.Extra == nil {
		return nil, nil
	}
	if !p.Extra.IsValid() || p.Extra.Kind() != '{' {
		return nil, errExtra
	}
	names := map[string]bool{}
	for quoted := range members(p.Extra) {
		name, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return nil, err
		}
		names[string(name)] = true
	}
	fields := []string{"id", "messages", "reference", "category", "outcomes"}
	if p.Request != nil {
		fields = append(fields, "prompt", "body")
	}
	for _, field := range fields {
		if names[field] {
			return nil, fmt.Errorf("extra has a member %q, which is a field of a prompt", field)
		}
	}
	return names, nil
}

var errExtra = errors.New("extra is not a JSON object")

// isPlain reports whether a conversation is a single user turn of text.
func isPlain(m []Message) bool {
	return len(m) == 1 && m[0].Role == "user" && m[0].Raw == nil
}

// An object is a JSON object under construction, in a buffer that ends in it.
// The first error stays.
type object struct {
	buf []byte
	err error
}

func (o *object) fail(name string, err error) {
	if o.err == nil {
		o.err = fmt.Errorf("%s: %w", name, err)
	}
}

// name appends the name of the next member, which needs no escapes.
func (o *object) name(name string) {
	if o.buf[len(o.buf)-1] != '{' {
		o.buf = append(o.buf, ',')
	}
	o.buf = append(o.buf, '"')
	o.buf = append(o.buf, name...)
	o.buf = append(o.buf, '"', ':')
}

func (o *object) int(name string, n int64) {
	o.name(name)
	o.buf = strconv.AppendInt(o.buf, n, 10)
}

func (o *object) intPointer(name string, n *int64) {
	if n != nil {
		o.int(name, *n)
	}
}

func (o *object) count(name string, n int64) {
	if n != 0 {
		o.int(name, n)
	}
}

func (o *object) float(name string, x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		o.fail(name, fmt.Errorf("%v is no number of JSON", x))
	}
	o.name(name)
	o.buf = jsontext.AppendFloat(o.buf, x, 64)
}

func (o *object) floatPointer(name string, x *float64) {
	if x != nil {
		o.float(name, *x)
	}
}

func (o *object) string(name, s string) {
	o.name(name)
	o.buf = appendString(o.buf, s)
}

// text is a string that is left out where it is empty.
func (o *object) text(name, s string) {
	if s != "" {
		o.string(name, s)
	}
}

// appendString appends s in quotes, with U+FFFD for what is not UTF-8.
func appendString(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// value appends JSON as it stands. What cannot stand on one line in valid JSON
// is mended as little as that takes.
func (o *object) value(name string, v jsontext.Value) {
	if v == nil {
		return
	}
	o.name(name)
	o.buf = appendValue(o.buf, v)
}

func appendValue(dst []byte, v jsontext.Value) []byte {
	if !v.IsValid() {
		mended, err := jsontext.AppendFormat(nil, v, jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return appendString(dst, string(v))
		}
		v = mended
	}
	if tooDeep(v) {
		return appendString(dst, string(v))
	}
	return appendOneLine(dst, v)
}

// appendOneLine appends valid JSON without newlines, all other bytes as they
// are: in valid JSON a newline is white space.
func appendOneLine(dst []byte, v jsontext.Value) []byte {
	for len(v) > 0 {
		i := bytes.IndexByte(v, '\n')
		if i < 0 {
			return append(dst, v...)
		}
		dst = append(dst, v[:i]...)
		v = v[i+1:]
	}
	return dst
}

// extra appends the member "extra".
func (o *object) extra(v jsontext.Value) {
	if v == nil {
		return
	}
	if !v.IsValid() || v.Kind() != '{' {
		o.fail("extra", errExtra)
		return
	}
	o.name("extra")
	o.buf = appendOneLine(o.buf, v)
}

// splice appends the members of v, a valid object or nil.
func (o *object) splice(v jsontext.Value) {
	if v == nil {
		return
	}
	for name, value := range members(v) {
		o.buf = appendMember(o.buf, name, value)
	}
}

func (o *object) messages(turns []Message) {
	o.name("messages")
	o.buf = append(o.buf, '[')
	for i, m := range turns {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		if m.Raw != nil {
			o.buf = appendValue(o.buf, m.Raw)
			continue
		}
		o.buf = append(o.buf, '{')
		o.string("role", m.Role)
		o.string("content", m.Content)
		o.buf = append(o.buf, '}')
	}
	o.buf = append(o.buf, ']')
}

// outcomes appends the outcomes in the order of their names.
func (o *object) outcomes(outcomes map[string]Outcome, appendOne func(*object, *Outcome)) {
	if len(outcomes) == 0 {
		return
	}
	var few [8]string
	names := few[:0]
	for name := range outcomes {
		names = append(names, name)
	}
	slices.Sort(names)

	o.name("outcomes")
	o.buf = append(o.buf, '{')
	for i, name := range names {
		if i > 0 {
			o.buf = append(o.buf, ',')
		}
		o.buf = append(appendString(o.buf, name), ':', '{')
		outcome := outcomes[name]
		appendOne(o, &outcome)
		o.buf = append(o.buf, '}')
	}
	o.buf = append(o.buf, '}')
}

// outcomeOfResult appends the members of an outcome.
func outcomeOfResult(o *object, out *Outcome) {
	o.outcome(out, out.Recorded)
	o.extra(out.Extra)
}

// outcomeOfPrompt appends the members of a recorded outcome: that it is one
// goes without saying, and members not known stand among the others.
func outcomeOfPrompt(o *object, out *Outcome) {
	o.outcome(out, false)
	if out.Extra != nil && (!out.Extra.IsValid() || out.Extra.Kind() != '{') {
		o.fail("outcomes", errExtra)
		return
	}
	o.splice(out.Extra)
}

func (o *object) failure(f *Failure) {
	if f == nil {
		return
	}
	o.name("error")
	o.buf = append(o.buf, '{')
	o.string("class", f.Class)
	o.count("status", int64(f.Status))
	o.string("message", f.Message)
	o.buf = append(o.buf, '}')
}

func (o *object) judged(j *Judged) {
	if j == nil {
		return
	}
	b, err := json.Marshal(j, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		o.fail("judged", err)
		return
	}
	o.value("judged", b)
}

func (o *object) outcome(out *Outcome, recorded bool) {
	o.text("model", out.Model)
	o.text("answer", out.Answer)
	o.value("message", out.Message)
	o.failure(out.Failure)
	o.text("finish_reason", out.FinishReason)
	o.intPointer("prompt_tokens", out.PromptTokens)
	o.intPointer("completion_tokens", out.CompletionTokens)
	o.intPointer("cached_tokens", out.CachedTokens)
	o.intPointer("reasoning_tokens", out.ReasoningTokens)
	o.floatPointer("cost_usd", out.CostUSD)
	o.floatPointer("quality", out.Quality)
	o.text("grader", out.Grader)
	o.count("latency_ns", out.LatencyNS)
	o.count("load_ns", out.LoadNS)
	o.count("attempts", int64(out.Attempts))
	o.text("fallback_for", out.FallbackFor)
	if recorded {
		o.name("recorded")
		o.buf = append(o.buf, "true"...)
	}
	if len(out.Warnings) > 0 {
		o.name("warnings")
		o.buf = append(o.buf, '[')
		for i, w := range out.Warnings {
			if i > 0 {
				o.buf = append(o.buf, ',')
			}
			o.buf = appendString(o.buf, w)
		}
		o.buf = append(o.buf, ']')
	}
}
