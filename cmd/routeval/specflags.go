package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"routeval/datasets"
)

// A specFlag is a flag that overrides a field of the spec.
type specFlag struct {
	name, short string
	field       string // dotted path
	form        string // "list", "model", "text" or "value"
	help        string
}

// specFlags is the table of such flags; any other field has --set.
var specFlags = []specFlag{
	{"input", "i", "input", "list", "prompts to read: a file, a glob, or - (again for more)"},
	{"strong", "", "models.strong", "model", "the strong candidate as PROVIDER/MODEL"},
	{"weak", "", "models.weak", "model", "the weak candidate as PROVIDER/MODEL"},
	{"embedding", "", "embedding", "model", "the embedding model as PROVIDER/MODEL"},
	{"router", "", "router.kind", "text", "the scorer that estimates win rates"},
	{"weights", "", "router.weights", "text", "its weights: a safetensors file"},
	{"threshold", "", "router.threshold", "value", "win rate from which a prompt goes strong, in [0,1]"},
	{"execute", "", "execute", "text", "which models answer: route-only, routed or both"},
	{"both-share", "", "both_share", "value", "share of prompts, in [0,1], that every candidate answers"},
	{"seed", "", "seed", "value", "of everything random"},
	{"grade", "", "grade.kind", "text", "how answers are graded"},
	{"judge", "", "judge", "model", "the language model that grades, as PROVIDER/MODEL"},
	{"prices", "", "prices", "text", "a file of prices by model name"},
	{"schedule", "", "schedule", "text", "order of calls: auto, grouped by model, or interleaved"},
	{"budget", "", "budget_usd", "value", "US dollars that calls may cost in all"},
	{"bad-rows", "", "bad_rows", "text", "rows that cannot be read: fail or skip"},
	{"max-line", "", "max_line", "value", "bytes; a longer line is a bad row"},
	{"window", "", "window", "value", "prompts on their way at a time"},
	{"cache", "", "cache", "text", "directory of the embedding cache, or off"},
	{"on-failure", "", "on_failure", "text", "candidate that answers where the chosen one failed: its name, or none"},
	{"wait-for-backend", "", "wait_for_backend", "text", "time that calls wait for a server that is down, such as 10m"},
	{"max-retry-after", "", "max_retry_after", "text", "a service that asks for a longer pause ends the run, such as 2m"},
	{"grace", "", "grace", "text", "time for calls in flight at the first signal, such as 30s"},
}

// addSpecFlags gives a command the flags named (all if none is) and --set.
func addSpecFlags(c *cobra.Command, names ...string) {
	for _, f := range specFlags {
		switch {
		case len(names) > 0 && !slices.Contains(names, f.name):
		case f.form == "list":
			c.Flags().StringArrayP(f.name, f.short, nil, f.help)
		default:
			c.Flags().StringP(f.name, f.short, "", f.help)
		}
	}
	c.Flags().StringArray("set", nil, "any field of the spec as FIELD=VALUE, such as models.weak.slots=4")
}

// overlay sets the fields whose flags were given, telling set the field and the
// flag of each.
func overlay(c *cobra.Command, spec *datasets.Spec) (origins map[string]string, err error) {
	origins = map[string]string{}
	set := func(flag, field string, value any) error {
		before := spec.Fields()
		if err := spec.Set(field, value); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		noteChanges(origins, before, spec.Fields(), "flag "+flag)
		return nil
	}
	for _, f := range specFlags {
		flag := c.Flags().Lookup(f.name)
		if flag == nil || !flag.Changed {
			continue
		}
		value, err := f.value(c, flag.Value.String())
		if err == nil && f.form == "model" {
			provider, model, _ := strings.Cut(value.(string), "/")
			if err = set("--"+f.name, f.field+".provider", provider); err == nil && model != "" {
				err = set("--"+f.name, f.field+".model", model)
			}
		} else if err == nil {
			err = set("--"+f.name, f.field, value)
		}
		if err != nil {
			return nil, err
		}
	}
	sets, _ := c.Flags().GetStringArray("set")
	for _, s := range sets {
		field, text, ok := strings.Cut(s, "=")
		var value any
		if err := yaml.Unmarshal([]byte(text), &value); err != nil || !ok {
			return nil, fmt.Errorf("--set %s: want FIELD=VALUE, such as models.weak.slots=4", s)
		}
		if err := set("--set", field, value); err != nil {
			return nil, err
		}
	}
	return origins, nil
}

// value is what a flag's text means for its field.
func (f specFlag) value(c *cobra.Command, text string) (any, error) {
	switch f.form {
	case "list":
		return c.Flags().GetStringArray(f.name)
	case "value":
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("--%s: %q is no value", f.name, text)
		}
		return v, nil
	}
	return text, nil
}

// noteChanges records an origin for every field whose value is new.
func noteChanges(origins, before, after map[string]string, origin string) {
	for field, value := range after {
		if before[field] != value {
			origins[field] = origin
		}
	}
}
