package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/providers"
	"routeval/scoring"
)

// mostBurst bounds what a check asks of a server at a time.
const mostBurst = 64

func checkCommand(w *world) *cobra.Command {
	var asJSON bool
	var burst int
	c := &cobra.Command{
		Use:   "check [SPEC]",
		Short: "Print where every setting comes from, and test every endpoint",
		Long: `Check resolves the spec as run would, prints every value with its origin (flag,
spec, environment or default), loads the router's weights, and asks every
endpoint: whether it can be reached, speaks TLS where it should, has the path,
takes the key, serves the model, says one token, and makes embeddings of the
width that the weights take. What fails is printed with its mend.

With --burst N it also makes N such calls at once, to see how many the server
takes. Each call of a service that asks for money costs a few tokens.` +
			exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval check spec.yaml
  routeval check -i prompts.jsonl --router random \
      --strong openai/gpt-4o --weak ollama/llama3.2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if burst < 0 || burst > mostBurst {
				return usage(fmt.Errorf("--burst: %d is not in [0,%d]", burst, mostBurst))
			}
			r, err := resolve(w, c, specFile(args))
			if err != nil {
				return err
			}
			report := check(c.Context(), w, &r, burst)
			if asJSON {
				err = json.MarshalWrite(w.stdout, report, jsontext.WithIndent("  "))
				fmt.Fprintln(w.stdout)
			} else {
				report.print(w)
			}
			return cmp.Or(err, report.verdict())
		},
	}
	addSpecFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	c.Flags().IntVar(&burst, "burst", 0, fmt.Sprintf("calls to make at once of every endpoint, at most %d", mostBurst))
	return c
}

// A checked spec is what check found.
type checked struct {
	Values     []value       `json:"values"`
	Notes      []string      `json:"notes,omitzero"`       // what is set in the environment and does not count
	SpecErrors []string      `json:"spec_errors,omitzero"` // what is wrong before anybody is asked
	Roles      []checkedRole `json:"roles,omitzero"`
}

// A value of the spec and where it is from.
type value struct {
	Field  string         `json:"field"` // dotted
	Value  jsontext.Value `json:"value"`
	Origin string         `json:"origin"`
}

// A checkedRole is a part of the spec that has an endpoint, and what was found there.
type checkedRole struct {
	Role     string              `json:"role"`
	OK       bool                `json:"ok"`
	Model    string              `json:"model"`            // as PROVIDER/MODEL
	Where    string              `json:"where,omitzero"`   // the URL as it was understood, with its origin
	Key      string              `json:"key,omitzero"`     // the variable of the key, with its origin
	Latency  datasets.Duration   `json:"latency,omitzero"` // of one token or one embedding
	Findings []providers.Finding `json:"findings"`
}

func check(ctx context.Context, w *world, r *resolved, burst int) checked {
	report := checked{Values: values(w, r), Notes: r.notes}
	// What the spec says is wrong with itself is a finding here like any other;
	// only the threshold may still be missing.
	asked := r.Execute
	if r.Router.Threshold == nil && r.Execute == datasets.Routed {
		r.Execute = datasets.Both
	}
	b, err := build(w, r)
	r.Execute = asked
	defer b.close()
	if err != nil {
		report.SpecErrors = strings.Split(err.Error(), "\n")
	}
	var space scoring.Space
	if b != nil && b.Scorer != nil && b.Embedder != nil {
		space = b.Scorer.Space()
	}
	for _, role := range roles(r) {
		report.Roles = append(report.Roles, checkRole(ctx, w, r, role, space, burst))
	}
	return report
}

// values lists every value of the spec, less what might be a secret in the wrong place.
func values(w *world, r *resolved) []value {
	fields := r.Fields()
	r.eachModel(func(role string, m *datasets.Model) {
		if m.APIKeyEnv != "" && !namesVariable(w, m.APIKeyEnv) {
			fields[role+".api_key_env"] = `"` + hidden + `"`
		}
		if m.BaseURL != "" && withoutCredentials(m.BaseURL) == hidden {
			fields[role+".base_url"] = `"` + hidden + `"`
		}
	})
	var all []value
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		all = append(all, value{field, jsontext.Value(fields[field]), r.origins[field]})
	}
	return all
}

// verdict is the error that a check ends with: nil where all is well.
func (c *checked) verdict() error {
	failed := min(1, len(c.SpecErrors))
	for _, role := range c.Roles {
		if !role.OK {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return &statusError{statusStopped, fmt.Errorf("check: %d of %d parts failed", failed, 1+len(c.Roles))}
}

// print writes one line for every value, and one for every role with its steps below it.
func (c *checked) print(w *world) {
	t := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
	for _, v := range c.Values {
		fmt.Fprintf(t, "%s\t%s\t%s\n", v.Field, v.Value, v.Origin)
	}
	t.Flush()
	for _, note := range c.Notes {
		fmt.Fprintln(w.stdout, "note:", note)
	}
	fmt.Fprintln(w.stdout)
	if c.SpecErrors != nil {
		fmt.Fprintf(w.stdout, "spec: FAILED\n  %s\n", strings.Join(c.SpecErrors, "\n  "))
	} else {
		fmt.Fprintln(w.stdout, "spec: ok")
	}
	for _, role := range c.Roles {
		role.print(w)
	}
}

func (c *checkedRole) print(w *world) {
	word := map[bool]string{true: "ok", false: "FAILED"}
	fmt.Fprintf(w.stdout, "%s: %s  %s", c.Role, word[c.OK], c.Model)
	if c.Where != "" {
		fmt.Fprint(w.stdout, " at ", c.Where)
	}
	if c.Key != "" {
		fmt.Fprint(w.stdout, ", key from ", c.Key)
	}
	if c.Latency > 0 {
		fmt.Fprint(w.stdout, ", answers in ", c.Latency)
	}
	fmt.Fprintln(w.stdout)
	for _, f := range c.Findings {
		fmt.Fprintf(w.stdout, "  %-6s  %-10s  %s\n", word[f.OK], f.What, f.Detail)
		if f.Mend != "" {
			fmt.Fprintf(w.stdout, "          mend: %s\n", f.Mend)
		}
	}
}

// role is a part of the spec that has an endpoint.
type role struct {
	name  string
	model datasets.Model
	use   providers.Use
}

func roles(r *resolved) []role {
	var out []role
	if r.Embedding.Provider != "builtin" {
		out = append(out, role{"embedding", *r.Embedding, providers.UseEmbedding})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Models)) {
		if m := r.Models[name]; m.Provider != recordedProvider && m.Provider != "" {
			out = append(out, role{"models." + name, m, providers.UseChat})
		}
	}
	if r.Judge != nil {
		out = append(out, role{"judge", *r.Judge, providers.UseChat})
	}
	return out
}

// probeTimeout bounds the probe of one endpoint.
const probeTimeout = time.Minute

// checkRole probes an endpoint and, if it is asked to, has it answer many calls at once.
func checkRole(ctx context.Context, w *world, r *resolved, role role, space scoring.Space, burst int) checkedRole {
	report := checkedRole{Role: role.name, Model: role.model.Provider + "/" + role.model.Model}
	client, err := newClient(w, role.name, role.model)
	if err != nil {
		report.Findings = []providers.Finding{{What: "spec", Detail: err.Error()}}
		return report
	}
	defer client.Close()
	if at, ok := client.(providers.Located); ok {
		report.Where = at.Endpoint() + " (" + cmp.Or(r.origins[role.name+".base_url"], "default") + ")"
	}
	if key := role.model.APIKeyEnv; key != "" {
		report.Key = key + " (" + r.origins[role.name+".api_key_env"] + ")"
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	report.Findings = client.Probe(ctx, role.use)
	report.OK = true
	for i := range report.Findings {
		f := &report.Findings[i]
		if f.OK && f.What == "embedding" && space.Dim != 0 {
			if err := space.Check(scoring.Space{Model: role.model.Model, Dim: f.Width}); err != nil {
				f.OK, f.Detail, f.Mend = false, err.Error(), ""
			}
		}
		report.OK = report.OK && f.OK
		report.Latency = max(report.Latency, datasets.Duration(f.Took.Round(time.Millisecond/10)))
	}
	if report.OK && burst > 0 {
		f := burstOf(ctx, w, role, burst)
		report.Findings, report.OK = append(report.Findings, f), f.OK
	}
	return report
}
