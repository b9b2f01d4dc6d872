package datasets

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// priced writes a price as "input/output/cached/reasoning" in US dollars per
// million tokens, rounded to what a float64 of dollars per token holds.
func priced(p Price) string {
	var parts []string
	for _, v := range []*float64{p.InputUSDPerMTok, p.OutputUSDPerMTok, p.CachedInputUSDPerMTok, p.ReasoningUSDPerMTok} {
		text := "-"
		if v != nil {
			text = fmt.Sprint(math.Round(*v*1e9) / 1e9)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "/")
}

// The entries have the shape of those that LiteLLM ships, with numbers of ours.
func TestPriceFiles(t *testing.T) {
	prices, err := ReadPrices(write(t, "prices.json", []byte(`{
  "sample_spec": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0, "max_tokens": "a text where a number is due"},
  "big": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06,
    "cache_creation_input_token_cost": 3e-06, "output_cost_per_reasoning_token": 2e-05, "litellm_provider": "x", "mode": "chat",
    "max_input_tokens": 128000, "supports_vision": true},
  "vendor/small:7b": {"input_cost_per_token": 0, "output_cost_per_token": 0.0, "deprecation_date": "2026-01-01"},
  "embedder": {"input_cost_per_token": 2e-08, "output_cost_per_token": 0.0, "output_vector_size": 1536, "mode": "embedding"},
  "painter": {"input_cost_per_pixel": 1e-08, "output_cost_per_pixel": 0.0, "mode": "image_generation"},
  "listener": {"input_cost_per_second": 0.0001, "output_cost_per_token": 1e-05},
  "ranker": {"input_cost_per_token": 1e-06, "mode": "rerank"},
  "texts": {"input_cost_per_token": "free", "output_cost_per_token": "free"},
  "_note": "USD per million tokens",
  "own": {"input": 10, "output": 30, "cached_input": 5, "reasoning": 40, "from": "a list"},
  "arena": {"input_token_price_per_million": 0.1, "output_token_price_per_million": 0.4}
}`)))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"big": "2.5/10/1.25/20", "vendor/small:7b": "0/0/-/-", "embedder": "0.02/0/-/-",
		"own": "10/30/5/40", "arena": "0.1/0.4/-/-",
	}
	for name, price := range want {
		if got := priced(prices[name]); got != price {
			t.Errorf("%s costs %s, want %s", name, got, price)
		}
	}
	if len(prices) != len(want) {
		t.Errorf("%d prices, want %d: what has no price by the token is unknown", len(prices), len(want))
	}
	for _, bad := range []string{`{"m":{"input":-1,"output":1}}`, `[]`, `{"m":`} {
		if _, err := ReadPrices(write(t, "bad.json", []byte(bad))); err == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestReadSharedPrices(t *testing.T) {
	prices, err := ReadPrices(filepath.Join(shared(t, "data"), "prices.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := priced(prices["gpt-4-1106-preview"]); got != "10/30/-/-" || len(prices) != 7 {
		t.Errorf("gpt-4-1106-preview costs %s, of %d prices", got, len(prices))
	}
}
