package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/providers"
)

// A resolved spec holds every value that counts and says where each is from:
// flag before spec before environment before default.
type resolved struct {
	datasets.Spec
	origins map[string]string // by dotted field: "flag --seed", "spec run.yaml", "environment OLLAMA_HOST", "default"
	notes   []string          // what is set in the environment and does not count
}

// specFile is the spec that a command line names; "" if it names none.
func specFile(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
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
	r.noteKeys(w)
	return r, nil
}

// fromEnvironment fills in, for each role that leaves them open, what its kind
// of service takes from the environment.
func (r *resolved) fromEnvironment(w *world) {
	r.eachModel(func(role string, m *datasets.Model) {
		preset, _ := providers.LookupPreset(m.Provider)
		for _, v := range preset.URLEnv {
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

// defaults fills in the rest.
func (r *resolved) defaults(w *world) {
	if r.Embedding == nil {
		r.Embedding = &datasets.Model{Provider: "builtin", Model: "lexical"}
	}
	r.Router.Kind = cmp.Or(r.Router.Kind, "mf")
	r.Router.Strong, r.Router.Weak = r.Router.Candidates()
	r.Execute = cmp.Or(r.Execute, datasets.Routed)
	r.Schedule = cmp.Or(r.Schedule, datasets.AutoSchedule)
	r.BadRows = cmp.Or(r.BadRows, datasets.FailBadRows)
	if r.Embedding.Provider != "builtin" {
		r.Cache = cmp.Or(r.Cache, cacheDir(w))
	}
	r.Grace = cmp.Or(r.Grace, datasets.Duration(30*time.Second))
	r.eachModel(func(role string, m *datasets.Model) {
		preset, _ := providers.LookupPreset(m.Provider)
		fromVariable := strings.HasPrefix(r.origins[role+".base_url"], "environment ")
		m.BaseURL = cmp.Or(m.BaseURL, preset.BaseURL)
		// A key for one host is no key for another: the usual variable is taken for
		// the service itself and for the address that the environment names with it.
		if m.APIKeyEnv == "" && (preset.At(m.BaseURL) || fromVariable) {
			m.APIKeyEnv = preset.KeyEnv
		}
	})
}

// noteKeys says which usual key is set but goes nowhere, since the role calls another
// host than the key is for.
func (r *resolved) noteKeys(w *world) {
	r.eachModel(func(role string, m *datasets.Model) {
		preset, _ := providers.LookupPreset(m.Provider)
		if m.APIKeyEnv == "" && preset.KeyEnv != "" && w.env(preset.KeyEnv) != "" {
			r.notes = append(r.notes, fmt.Sprintf("%s.api_key_env: %s is set in the environment and is not sent to %s: a key for one host is no key for another; if it is, set api_key_env: %s",
				role, preset.KeyEnv, m.BaseURL, preset.KeyEnv))
		}
	})
}

// eachModel visits the embedding model, the judge and every candidate, by role.
func (r *resolved) eachModel(visit func(role string, m *datasets.Model)) {
	if r.Embedding != nil {
		visit("embedding", r.Embedding)
	}
	if r.Judge != nil {
		visit("judge", r.Judge)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Models)) {
		m := r.Models[name]
		visit("models."+name, &m)
		r.Models[name] = m
	}
}
