package datasets

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// A Price is what a model costs. Nil is unknown, which is not zero: a local
// model that costs nothing says so with zeros.
type Price struct {
	InputUSDPerMTok  *float64 `json:"input_usd_per_mtok,omitzero"`  // US dollars per million prompt tokens
	OutputUSDPerMTok *float64 `json:"output_usd_per_mtok,omitzero"` // US dollars per million completion tokens

	// CachedInputUSDPerMTok and ReasoningUSDPerMTok price those tokens apart;
	// nil for the price of the other prompt or completion tokens.
	CachedInputUSDPerMTok *float64 `json:"cached_input_usd_per_mtok,omitzero"`
	ReasoningUSDPerMTok   *float64 `json:"reasoning_usd_per_mtok,omitzero"`

	// USDPerHour is what a machine of one's own costs; a call costs its share of
	// the time that it took. It stands in place of prices by token.
	USDPerHour *float64 `json:"usd_per_hour,omitzero"`

	// Discount is the share in [0,1] that is taken off, as for a service's batch
	// interface.
	Discount float64 `json:"discount,omitzero"`
}

func (p *Price) validate() error {
	byToken := p.InputUSDPerMTok != nil || p.OutputUSDPerMTok != nil
	switch {
	case p.USDPerHour != nil && byToken:
		return fmt.Errorf("is by the hour or by the token, not both")
	case p.USDPerHour == nil && (p.InputUSDPerMTok == nil || p.OutputUSDPerMTok == nil):
		return fmt.Errorf("needs both input_usd_per_mtok and output_usd_per_mtok (0 for a model that costs nothing), or usd_per_hour")
	case !(p.Discount >= 0 && p.Discount <= 1):
		return fmt.Errorf("discount %v is no share in [0,1]", p.Discount)
	}
	for _, v := range []*float64{p.InputUSDPerMTok, p.OutputUSDPerMTok, p.CachedInputUSDPerMTok, p.ReasoningUSDPerMTok, p.USDPerHour} {
		if v != nil && (!(*v >= 0) || math.IsInf(*v, 1)) {
			return fmt.Errorf("%v is no price", *v)
		}
	}
	return nil
}

// CostUSD is what an outcome cost in US dollars: what the outcome itself says,
// else its tokens, or its time, at this price. It is nil where the price, a count
// of tokens or the time is unknown, unless what is unknown costs nothing.
func (p *Price) CostUSD(o *Outcome) *float64 {
	if o.CostUSD != nil || p == nil {
		return o.CostUSD
	}
	if p.USDPerHour != nil {
		return p.byTime(o.LatencyNS)
	}
	in, ok1 := part(o.PromptTokens, o.CachedTokens, p.InputUSDPerMTok, p.CachedInputUSDPerMTok)
	out, ok2 := part(o.CompletionTokens, o.ReasoningTokens, p.OutputUSDPerMTok, p.ReasoningUSDPerMTok)
	if !ok1 || !ok2 {
		return nil
	}
	cost := (in + out) / 1e6 * (1 - p.Discount)
	return &cost
}

func (p *Price) byTime(latencyNS int64) *float64 {
	if latencyNS == 0 && *p.USDPerHour != 0 {
		return nil
	}
	cost := time.Duration(latencyNS).Hours() * *p.USDPerHour * (1 - p.Discount)
	return &cost
}

// WorstUSD bounds what a call can cost, in US dollars, from the bytes of its
// prompt, the bound on its answer's tokens, and the time it may take; false if the
// price is unknown. A token has at least one byte, so a prompt has no more tokens
// than bytes, but for those that a chat template adds.
func (p *Price) WorstUSD(promptBytes, maxTokens int, timeout time.Duration) (float64, bool) {
	if p == nil {
		return 0, false
	}
	if p.USDPerHour != nil {
		return timeout.Hours() * *p.USDPerHour * (1 - p.Discount), true
	}
	const template = 64
	prompt, completion := int64(promptBytes+template), int64(maxTokens)
	cost := p.CostUSD(&Outcome{PromptTokens: &prompt, CompletionTokens: &completion, ReasoningTokens: &completion})
	if plain := p.CostUSD(&Outcome{PromptTokens: &prompt, CompletionTokens: &completion}); cost == nil || plain != nil && *plain > *cost {
		cost = plain
	}
	if cost == nil {
		return 0, false
	}
	return *cost, true
}

// part prices a count of tokens of which some have a price of their own.
func part(all, some *int64, price, ownPrice *float64) (float64, bool) {
	switch {
	case price == nil:
		return 0, false
	case all == nil:
		return 0, *price == 0 && (ownPrice == nil || *ownPrice == 0)
	case some == nil || ownPrice == nil:
		return float64(*all) * *price, true
	}
	own := min(*some, *all)
	return float64(*all-own)**price + float64(own)**ownPrice, true
}

// ReadPrices reads a file of prices by model name. Three shapes are known, and
// may be mixed: US dollars per million tokens ({"input": 10, "output": 30}, with
// "cached_input" and "reasoning" if they differ), the same as RouterArena names
// it (input_token_price_per_million, output_token_price_per_million), and
// LiteLLM's US dollars per token (input_cost_per_token, output_cost_per_token,
// cache_read_input_token_cost, output_cost_per_reasoning_token). An entry that
// has no price of input and output tokens, such as LiteLLM's sample_spec, its
// models that are paid by the image or the second, or a "_note", is left out;
// what it names stays unknown.
func ReadPrices(path string) (map[string]Price, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries map[string]any
	if err := json.Unmarshal(b, &entries); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	prices := map[string]Price{}
	for name, v := range entries {
		e, ok := v.(map[string]any)
		if !ok || name == "sample_spec" || strings.HasPrefix(name, "_") {
			continue
		}
		p := priceEntry(e)
		_, ours := e["input"]
		if complete := p.InputUSDPerMTok != nil && p.OutputUSDPerMTok != nil; !complete && !ours {
			continue // LiteLLM prices images, seconds and characters too
		}
		if err := p.validate(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
		prices[name] = p
	}
	return prices, nil
}

func priceEntry(e map[string]any) Price {
	usdPerMTok := func(perTok string, perMTok ...string) *float64 {
		for _, name := range perMTok {
			if v, ok := e[name].(float64); ok {
				return &v
			}
		}
		if v, ok := e[perTok].(float64); ok {
			v *= 1e6
			return &v
		}
		return nil
	}
	return Price{
		InputUSDPerMTok:       usdPerMTok("input_cost_per_token", "input", "input_token_price_per_million"),
		OutputUSDPerMTok:      usdPerMTok("output_cost_per_token", "output", "output_token_price_per_million"),
		CachedInputUSDPerMTok: usdPerMTok("cache_read_input_token_cost", "cached_input"),
		ReasoningUSDPerMTok:   usdPerMTok("output_cost_per_reasoning_token", "reasoning"),
	}
}
