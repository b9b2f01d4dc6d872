package main

import (
	"cmp"
	"time"

	"routeval/datasets"
	"routeval/providers"
	"routeval/providers/traffic"
)

// endpoints are those of a run, by URL and key: roles that share one share its
// fortune.
type endpoints map[string]*traffic.Endpoint

// controller makes a role's part of its endpoint.
func (e endpoints) controller(s *datasets.Spec, c providers.Client, m datasets.Model, slots traffic.Slots) *traffic.Controller {
	key := m.APIKeyEnv + " " + m.Provider // a service without a URL
	if at, ok := c.(providers.Located); ok {
		key = m.APIKeyEnv + " " + at.Endpoint()
	}
	if e[key] == nil {
		o := traffic.EndpointOptions{
			WaitForBackend: time.Duration(s.WaitForBackend), MaxRetryAfter: time.Duration(s.MaxRetryAfter), Seed: s.Seed,
		}
		if p, ok := c.(providers.Pinger); ok {
			o.Health = p.Ping
		}
		e[key] = traffic.NewEndpoint(o)
	}
	return e[key].Controller(traffic.Limits{
		Slots: slots, RequestsPerMinute: m.RPM, TokensPerMinute: m.TPM,
		InputTokensPerMinute: m.InputTPM, OutputTokensPerMinute: m.OutputTPM,
		MaxTokens: cmp.Or(m.MaxTokens, providers.DefaultMaxTokens),
	})
}

// embedder is an embedding model that keeps to the limits of its kind of service
// and answers for each text by itself.
func (e endpoints) embedder(s *datasets.Spec, c providers.Client, m datasets.Model) providers.Embedder {
	limits := providers.OpenAILimits()
	if m.Provider == "ollama" {
		limits = providers.OllamaLimits()
	}
	return providers.Batched(e.controller(s, c, m, embedSlots(m)).Embedder(c, retries(s, m)), limits)
}

// slots are those of the spec. Without any they begin at half of what the service is
// known to be good for, and may become four times that.
func slots(m datasets.Model) traffic.Slots {
	if m.Slots != (datasets.Slots{}) {
		return traffic.Slots(m.Slots)
	}
	preset, _ := providers.LookupPreset(m.Provider)
	good := max(1, preset.Slots)
	return traffic.Slots{Min: 1, Start: (good + 1) / 2, Max: 4 * good}
}

// embedSlots are the embedding requests that go out at a time.
func embedSlots(m datasets.Model) traffic.Slots {
	if m.Slots != (datasets.Slots{}) {
		s := traffic.Slots(m.Slots)
		s.Max = max(s.Min, s.Start, s.Max)
		return s
	}
	return traffic.Slots{Min: 1, Start: 4, Max: 4}
}

// retries is how often a role's calls are tried again.
func retries(s *datasets.Spec, m datasets.Model) providers.RetryPolicy {
	return providers.RetryPolicy{Attempts: m.MaxAttempts, MaxRetryAfter: time.Duration(s.MaxRetryAfter), Seed: s.Seed}
}
