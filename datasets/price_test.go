package datasets

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func amount[T any](v T) *T { return &v }

func TestCostUSD(t *testing.T) {
	perToken := Price{InputUSDPerMTok: amount(2.0), OutputUSDPerMTok: amount(8.0)}
	apart := Price{InputUSDPerMTok: amount(2.0), OutputUSDPerMTok: amount(8.0), CachedInputUSDPerMTok: amount(0.5), ReasoningUSDPerMTok: amount(4.0)}
	half := perToken
	half.Discount = 0.5
	hourly := Price{USDPerHour: amount(3.6)}
	free := Price{InputUSDPerMTok: amount(0.0), OutputUSDPerMTok: amount(0.0)}
	tokens := Outcome{PromptTokens: amount(int64(1e6)), CompletionTokens: amount(int64(2e6)), CachedTokens: amount(int64(4e5)), ReasoningTokens: amount(int64(5e5))}
	for name, c := range map[string]struct {
		price *Price
		o     Outcome
		want  float64 // NaN: unknown
	}{
		"by token":               {&perToken, tokens, 2 + 16},
		"cached and reasoning":   {&apart, tokens, 0.6*2 + 0.4*0.5 + 1.5*8 + 0.5*4},
		"discount":               {&half, tokens, 9},
		"what the outcome says":  {&perToken, Outcome{CostUSD: amount(7.0)}, 7},
		"no price":               {nil, tokens, math.NaN()},
		"no completion tokens":   {&perToken, Outcome{PromptTokens: amount(int64(1))}, math.NaN()},
		"free, tokens not known": {&free, Outcome{}, 0},
		"by the hour":            {&hourly, Outcome{LatencyNS: int64(10 * time.Second)}, 0.01},
		"by the hour, no time":   {&hourly, tokens, math.NaN()},
	} {
		got := math.NaN()
		if v := c.price.CostUSD(&c.o); v != nil {
			got = *v
		}
		if math.Abs(got-c.want) > 1e-12 || math.IsNaN(got) != math.IsNaN(c.want) {
			t.Errorf("%s: $%v, want $%v", name, got, c.want)
		}
	}
}

// No outcome that keeps to its bounds costs more than the worst case.
func TestWorstUSD(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		usd := rapid.Float64Range(0, 100)
		p := Price{InputUSDPerMTok: amount(usd.Draw(t, "in")), OutputUSDPerMTok: amount(usd.Draw(t, "out")), Discount: rapid.Float64Range(0, 1).Draw(t, "discount")}
		if rapid.Bool().Draw(t, "cached apart") {
			p.CachedInputUSDPerMTok = amount(rapid.Float64Range(0, *p.InputUSDPerMTok).Draw(t, "cached"))
		}
		if rapid.Bool().Draw(t, "reasoning apart") {
			p.ReasoningUSDPerMTok = amount(usd.Draw(t, "reasoning"))
		}
		size, most := rapid.IntRange(0, 10000).Draw(t, "bytes"), rapid.IntRange(1, 10000).Draw(t, "max tokens")
		o := Outcome{
			PromptTokens:     amount(rapid.Int64Range(0, int64(size)).Draw(t, "prompt tokens")),
			CompletionTokens: amount(rapid.Int64Range(0, int64(most)).Draw(t, "completion tokens")),
		}
		o.CachedTokens = amount(rapid.Int64Range(0, *o.PromptTokens).Draw(t, "cached tokens"))
		o.ReasoningTokens = amount(rapid.Int64Range(0, *o.CompletionTokens).Draw(t, "reasoning tokens"))
		worst, ok := p.WorstUSD(size, most, time.Minute)
		if cost := p.CostUSD(&o); !ok || *cost > worst*(1+1e-12) {
			t.Fatalf("$%v, worst $%v", *cost, worst)
		}
	})
}

func TestReadPrices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "prices.json")
	write := func(s string) {
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(`{
		"_note": "USD per million tokens",
		"sample_spec": {"input_cost_per_token": "0.0000", "max_tokens": "a number"},
		"ours": {"input": 10, "output": 30, "cached_input": 1, "from": "a list"},
		"litellm": {"input_cost_per_token": 1.5e-7, "output_cost_per_token": 6e-7, "cache_read_input_token_cost": 7.5e-8, "output_cost_per_reasoning_token": 1e-6, "mode": "chat"},
		"no price": {"max_input_tokens": 5},
		"by the second": {"input_cost_per_token": 1e-6, "input_cost_per_second": 0.1}
	}`)
	prices, err := ReadPrices(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(prices) != 2 {
		t.Errorf("prices of %d models, want 2: %v", len(prices), prices)
	}
	if p := prices["ours"]; *p.InputUSDPerMTok != 10 || *p.OutputUSDPerMTok != 30 || *p.CachedInputUSDPerMTok != 1 || p.ReasoningUSDPerMTok != nil {
		t.Errorf("ours: %+v", p)
	}
	if p := prices["litellm"]; math.Abs(*p.InputUSDPerMTok-0.15) > 1e-12 || math.Abs(*p.OutputUSDPerMTok-0.6) > 1e-12 || math.Abs(*p.CachedInputUSDPerMTok-0.075) > 1e-12 || math.Abs(*p.ReasoningUSDPerMTok-1) > 1e-12 {
		t.Errorf("litellm: %+v", p)
	}
	for name, c := range map[string]struct{ text, want string }{
		"half a price":     {`{"m": {"input": 1}}`, "m: needs both"},
		"a negative price": {`{"m": {"input": 1, "output": -1}}`, "m: -1 is no price"},
		"no JSON":          {`prices`, "prices.json: "},
	} {
		write(c.text)
		if _, err := ReadPrices(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
