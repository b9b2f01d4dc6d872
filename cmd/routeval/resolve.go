package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"routeval/datasets"
)

// A resolved spec holds every value that counts and says where each is from:
// flag before spec before environment before default.
type resolved struct {
	datasets.Spec
	origins map[string]string // by dotted field: "flag --seed", "spec run.yaml", "environment OLLAMA_HOST", "default"
	notes   []string          // what is set in the environment and does not count
}

// resolve reads the spec file, if one is named, and lays flags over it and the
// environment and the defaults under it. Everything that is wrong with the
// result is reported at once, as an error of usage.
func resolve(w *world, c *cobra.Command, file string) (resolved, error) {
	r := resolved{origins: map[string]string{}}
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return r, usage(err)
		}
		if r.Spec, err = datasets.ParseSpec(file, data); err != nil {
			return r, usage(err)
		}
		noteChanges(r.origins, nil, r.Fields(), "spec "+file)
	}
	flags, err := overlay(c, &r.Spec)
	if err != nil {
		return r, usage(err)
	}
	maps.Copy(r.origins, flags)
	r.fromEnvironment(w)
	before := r.Fields()
	r.defaults(w)
	noteChanges(r.origins, before, r.Fields(), "default")
	return r, nil
}

// fromEnvironment fills in, for each role that leaves them open, what its kind
// of service takes from the environment.
func (r *resolved) fromEnvironment(w *world) {
	r.eachModel(func(role string, m *datasets.Model) {
		for _, v := range endpointVariables[m.Provider] {
			value := w.env(v)
			switch {
			case value == "":
			case m.BaseURL == "":
				m.BaseURL = value
				r.origins[role+".base_url"] = "environment " + v
			case m.BaseURL != value && r.origins[role+".base_url"] != "environment "+v:
				r.notes = append(r.notes, fmt.Sprintf("%s.base_url: %s is set in the environment and does not count here: the %s says %s", role, v, r.origins[role+".base_url"], withoutCredentials(m.BaseURL)))
			}
		}
	})
}

// hidden stands for what is printed nowhere.
const hidden = "***"

// withoutCredentials is a base URL that may be printed. One with credentials is
// refused later, in words that do not repeat it.
func withoutCredentials(url string) string {
	if strings.Contains(url, "@") {
		return hidden
	}
	return url
}

// endpointVariables are the variables that give a kind of service its base URL,
// the first that is set counts.
var endpointVariables = map[string][]string{
	"ollama": {"OLLAMA_HOST"},
	"openai": {"OPENAI_BASE_URL", "OPENAI_API_BASE"},
}

const openAI = "https://api.openai.com/v1"

// defaults fills in the rest.
func (r *resolved) defaults(w *world) {
	if r.Embedding == nil {
		r.Embedding = &datasets.Model{Provider: "builtin", Model: "lexical"}
	}
	r.Router.Kind = cmp.Or(r.Router.Kind, "mf")
	r.Router.Strong, r.Router.Weak = r.Router.Candidates()
	r.Execute = cmp.Or(r.Execute, datasets.Routed)
	r.BadRows = cmp.Or(r.BadRows, datasets.FailBadRows)
	r.Cache = cmp.Or(r.Cache, cacheDir(w))
	r.Grace = cmp.Or(r.Grace, datasets.Duration(30*time.Second))
	r.eachModel(func(role string, m *datasets.Model) {
		fromVariable := strings.HasPrefix(r.origins[role+".base_url"], "environment ")
		if m.Provider != "openai" {
			return
		}
		m.BaseURL = cmp.Or(m.BaseURL, openAI)
		// A key for one host is no key for another: the usual variable is taken
		// for OpenAI itself and for the address that the environment names with it.
		if m.APIKeyEnv == "" && (m.BaseURL == openAI || fromVariable) {
			m.APIKeyEnv = "OPENAI_API_KEY"
		}
	})
}

// eachModel visits the embedding model and every candidate, by role.
func (r *resolved) eachModel(visit func(role string, m *datasets.Model)) {
	if r.Embedding != nil {
		visit("embedding", r.Embedding)
	}
	for name, m := range r.Models {
		visit("models."+name, &m)
		r.Models[name] = m
	}
}
