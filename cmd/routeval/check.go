package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/providers"
	"routeval/scoring"
)

func checkCommand(w *world) *cobra.Command {
	c := &cobra.Command{
		Use:   "check [SPEC]",
		Short: "Print where every setting comes from, and test every endpoint",
		Long: `Check resolves the spec as run would, prints every value with its origin (flag,
spec, environment or default), loads the router's weights, and asks every
endpoint: whether it can be reached, speaks TLS where it should, has the path,
takes the key, serves the model, and makes embeddings of the width that the
weights take. What fails is printed with its mend. No chat call is made.` +
			exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval check spec.yaml
  routeval check -i prompts.jsonl --router random \
      --strong openai/gpt-4o --weak ollama/llama3.2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			file := ""
			if len(args) > 0 {
				file = args[0]
			}
			r, err := resolve(w, c, file)
			if err != nil {
				return err
			}
			return check(c.Context(), w, &r)
		},
	}
	addSpecFlags(c)
	return c
}

func check(ctx context.Context, w *world, r *resolved) error {
	printOrigins(w, r)
	failures := 0
	// What the spec says is wrong with itself is a finding here like any other;
	// only the threshold may still be missing.
	asked := r.Execute
	if r.Router.Threshold == nil && r.Execute == datasets.Routed {
		r.Execute = datasets.Both
	}
	b, err := build(w, r)
	r.Execute = asked
	defer b.close()
	fmt.Fprintln(w.stdout)
	if err != nil {
		failures++
		fmt.Fprintf(w.stdout, "spec: FAILED\n  %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
	} else {
		fmt.Fprintln(w.stdout, "spec: ok")
	}
	var space scoring.Space
	if b != nil && b.Scorer != nil && b.Embedder != nil {
		space = b.Scorer.Space()
	}
	for _, role := range roles(r) {
		failures += checkRole(ctx, w, role, space)
	}
	if failures > 0 {
		return &statusError{statusStopped, fmt.Errorf("check: %d of %d parts failed", failures, 1+len(roles(r)))}
	}
	return nil
}

// printOrigins prints every value of the spec with where it is from.
func printOrigins(w *world, r *resolved) {
	fields := r.Fields()
	r.eachModel(func(role string, m *datasets.Model) {
		if m.APIKeyEnv != "" && !namesVariable(w, m.APIKeyEnv) {
			fields[role+".api_key_env"] = hidden
		}
		if m.BaseURL != "" && withoutCredentials(m.BaseURL) == hidden {
			fields[role+".base_url"] = hidden
		}
	})
	t := tabwriter.NewWriter(w.stdout, 0, 0, 2, ' ', 0)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(t, "%s\t%s\t%s\n", field, fields[field], r.origins[field])
	}
	t.Flush()
	for _, note := range r.notes {
		fmt.Fprintln(w.stdout, "note:", note)
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
	return out
}

// probeTimeout bounds the probe of one endpoint.
const probeTimeout = time.Minute

// checkRole probes an endpoint, prints what it found, and returns 1 if something
// failed.
func checkRole(ctx context.Context, w *world, role role, space scoring.Space) (failed int) {
	fmt.Fprintf(w.stdout, "%s: %s/%s\n", role.name, role.model.Provider, role.model.Model)
	client, err := newClient(w, role.name, role.model)
	if err != nil {
		fmt.Fprintf(w.stdout, "  FAILED  %v\n", err)
		return 1
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	for _, f := range client.Probe(ctx, role.use) {
		if f.OK && f.What == "embedding" && space.Dim != 0 {
			if err := space.Check(scoring.Space{Model: role.model.Model, Dim: f.Width}); err != nil {
				f.OK, f.Detail, f.Mend = false, err.Error(), ""
			}
		}
		word := "ok    "
		if !f.OK {
			word, failed = "FAILED", 1
		}
		fmt.Fprintf(w.stdout, "  %s  %-9s %s\n", word, f.What, f.Detail)
		if f.Mend != "" {
			fmt.Fprintf(w.stdout, "          mend: %s\n", f.Mend)
		}
	}
	return failed
}
