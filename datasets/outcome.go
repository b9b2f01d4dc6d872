package datasets

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// recorded takes the recorded outcomes. A row's own "prompt_tokens" counts for
// every outcome that has none, and is carried all the same.
func (d *rowDecoder) recorded(p *Prompt) error {
	v := d.take("outcomes")
	if v == nil {
		return nil
	}
	if k := v.Kind(); k != '{' {
		return wrongKind("outcomes", "an object of outcomes by model", k)
	}
	var rowTokens *int64
	if m := d.find("prompt_tokens"); m != nil && m.value.Kind() != 'n' {
		n, err := count(m.value)
		if err != nil {
			return fmt.Errorf("prompt_tokens: %w", err)
		}
		rowTokens = &n
	}
	for name, value := range members(v) {
		if value.Kind() == 'n' {
			continue
		}
		model := d.text(name)
		o, err := d.outcome(value)
		if err != nil {
			return fmt.Errorf("outcomes.%s%w", model, err)
		}
		if o.PromptTokens == nil && rowTokens != nil {
			o.PromptTokens = new(*rowTokens)
		}
		if p.Recorded == nil {
			p.Recorded = map[string]Outcome{}
		}
		p.Recorded[model] = o
	}
	return nil
}

// outcome decodes one recorded outcome. Its errors go on after the model's name.
func (d *rowDecoder) outcome(v jsontext.Value) (Outcome, error) {
	o := Outcome{Recorded: true}
	if k := v.Kind(); k != '{' {
		return o, wrongKind("", "an object", k)
	}
	var extra jsontext.Value
	var seen outcomeFields
	for name, value := range members(v) {
		field := d.unquote(name)
		set := outcomeField(field)
		if set == nil {
			if extra == nil {
				extra = append(extra, '{')
			}
			extra = appendMember(extra, name, value)
			continue
		}
		if value.Kind() == 'n' {
			continue
		}
		if other := seen.add(field); other != "" {
			return o, fmt.Errorf(": %s and %s say the same: keep one", other, field)
		}
		if err := set(d, &o, value); err != nil {
			return o, fmt.Errorf(".%s: %w", d.text(name), err)
		}
	}
	if extra != nil {
		o.Extra = append(extra, '}')
	}
	if err := checkOutcome(&o); err != nil {
		return o, fmt.Errorf(".%w", err)
	}
	return o, nil
}

// outcomeFields remembers which of the members that have two names were seen.
type outcomeFields struct{ quality, answer, latency string }

// add notes a name and returns the other name that its field was seen under.
func (f *outcomeFields) add(name []byte) (other string) {
	switch string(name) {
	case "quality", "score":
		other, f.quality = f.quality, string(name)
	case "answer", "response":
		other, f.answer = f.answer, string(name)
	case "latency_ns", "latency_s":
		other, f.latency = f.latency, string(name)
	}
	return other
}

// A setter sets a field of an outcome.
type setter func(d *rowDecoder, o *Outcome, v jsontext.Value) error

// outcomeField returns what sets the field of a name, nil if there is none.
func outcomeField(name []byte) setter {
	switch string(name) {
	case "model":
		return func(d *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.Model, d.str, v) }
	case "answer", "response":
		return func(d *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.Answer, d.str, v) }
	case "message":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { o.Message = v.Clone(); return nil }
	case "error":
		return func(d *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.Failure, d.failure, v) }
	case "finish_reason":
		return func(d *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.FinishReason, d.str, v) }
	case "prompt_tokens":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return setPointer(&o.PromptTokens, count, v) }
	case "completion_tokens":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error {
			return setPointer(&o.CompletionTokens, count, v)
		}
	case "cached_tokens":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return setPointer(&o.CachedTokens, count, v) }
	case "reasoning_tokens":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error {
			return setPointer(&o.ReasoningTokens, count, v)
		}
	case "cost_usd":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return setPointer(&o.CostUSD, number, v) }
	case "quality", "score":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return setPointer(&o.Quality, number, v) }
	case "latency_ns":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.LatencyNS, count, v) }
	case "latency_s":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.LatencyNS, nanoseconds, v) }
	case "load_ns":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.LoadNS, count, v) }
	case "attempts":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.Attempts, smallCount, v) }
	case "fallback_for":
		return func(d *rowDecoder, o *Outcome, v jsontext.Value) error { return set(&o.FallbackFor, d.str, v) }
	case "recorded":
		return func(*rowDecoder, *Outcome, jsontext.Value) error { return nil }
	case "warnings":
		return func(_ *rowDecoder, o *Outcome, v jsontext.Value) error { return json.Unmarshal(v, &o.Warnings) }
	}
	return nil
}

func set[T any](field *T, parse func(jsontext.Value) (T, error), v jsontext.Value) (err error) {
	*field, err = parse(v)
	return err
}

func setPointer[T any](field **T, parse func(jsontext.Value) (T, error), v jsontext.Value) error {
	*field = new(T)
	return set(*field, parse, v)
}

func (d *rowDecoder) str(v jsontext.Value) (string, error) {
	if k := v.Kind(); k != '"' {
		return "", fmt.Errorf("want a string, have %s", kindName(k))
	}
	return d.text(v), nil
}

// failure decodes why there is no answer: our own object, or a text.
func (d *rowDecoder) failure(v jsontext.Value) (*Failure, error) {
	switch k := v.Kind(); k {
	case '"':
		if text := d.text(v); text != "" {
			return &Failure{Class: "rejected", Message: text}, nil
		}
		return nil, nil
	case '{':
		f := new(Failure)
		if err := json.Unmarshal(v, f, json.RejectUnknownMembers(true)); err != nil {
			return nil, err
		}
		return f, nil
	default:
		return nil, fmt.Errorf("want a text or an object, have %s", kindName(k))
	}
}

// number parses a JSON number.
func number(v jsontext.Value) (float64, error) {
	if k := v.Kind(); k != '0' {
		return 0, fmt.Errorf("want a number, have %s", kindName(k))
	}
	x, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return 0, fmt.Errorf("%s is too large", v)
	}
	return x, nil
}

// count parses a whole number from 0. A fraction of zero (12.0, as some tables
// write counts) is none.
func count(v jsontext.Value) (int64, error) {
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	x, err := number(v)
	switch {
	case err != nil:
		return 0, err
	case x < 0:
		return 0, fmt.Errorf("%s is negative", v)
	case x != math.Trunc(x) || x >= 1<<53:
		return 0, fmt.Errorf("%s is not a count", v)
	}
	return int64(x), nil
}

// smallCount parses a count that fits an int.
func smallCount(v jsontext.Value) (int, error) {
	n, err := count(v)
	if err == nil && n > math.MaxInt32 {
		err = fmt.Errorf("%s is too large", v)
	}
	return int(n), err
}

// nanoseconds parses a number of seconds.
func nanoseconds(v jsontext.Value) (int64, error) {
	x, err := number(v)
	if err != nil {
		return 0, err
	}
	ns := math.Round(x * float64(time.Second))
	if ns < 0 || ns >= 1<<63 {
		return 0, fmt.Errorf("%s is no time that a call takes", v)
	}
	return int64(ns), nil
}

// checkOutcome reports a quantity outside its range, after its name.
func checkOutcome(o *Outcome) error {
	if q := o.Quality; q != nil && !(*q >= 0 && *q <= 1) {
		return fmt.Errorf("quality: %v is outside [0,1]", *q)
	}
	if c := o.CostUSD; c != nil && !(*c >= 0 && !math.IsInf(*c, 1)) {
		return fmt.Errorf("cost_usd: %v is no cost", *c)
	}
	for _, n := range [...]struct {
		name  string
		value *int64
	}{
		{"prompt_tokens", o.PromptTokens},
		{"completion_tokens", o.CompletionTokens},
		{"cached_tokens", o.CachedTokens},
		{"reasoning_tokens", o.ReasoningTokens},
		{"latency_ns", &o.LatencyNS},
		{"load_ns", &o.LoadNS},
	} {
		if n.value != nil && *n.value < 0 {
			return fmt.Errorf("%s: %d is negative", n.name, *n.value)
		}
	}
	return nil
}
