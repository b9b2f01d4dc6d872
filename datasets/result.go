package datasets

import (
	"errors"
	"fmt"
	"math"

	"github.com/go-json-experiment/json"
)

// decodeResult decodes one line of a journal. Nothing in it may be unknown: a
// journal is ours, and a member we do not know is one that would be lost.
func decodeResult(line []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(line, &r, json.RejectUnknownMembers(true)); err != nil {
		return Result{}, describe(err)
	}
	if err := checkResult(&r); err != nil {
		return Result{}, err
	}
	return r, nil
}

func checkResult(r *Result) error {
	switch {
	case r.PromptID == "":
		return errors.New("id: missing")
	case r.Seq < 0:
		return fmt.Errorf("seq: %d is negative", r.Seq)
	case r.WinRate != nil && !isFraction(*r.WinRate):
		return fmt.Errorf("win_rate: %v is outside [0,1]", *r.WinRate)
	case !isFraction(r.Propensity):
		return fmt.Errorf("propensity: %v is outside [0,1]", r.Propensity)
	}
	for name, o := range r.Outcomes {
		if err := checkOutcome(&o); err != nil {
			return fmt.Errorf("outcomes.%s.%w", name, err)
		}
	}
	if err := checkJudged(r.Judged); err != nil {
		return fmt.Errorf("judged.%w", err)
	}
	switch r.Extra.Kind() {
	case 'n':
		r.Extra = nil
	case '{', 0:
	default:
		return wrongKind("extra", "an object", r.Extra.Kind())
	}
	return nil
}

func checkJudged(j *Judged) error {
	switch {
	case j == nil:
	case j.Calls < 0:
		return fmt.Errorf("calls: %d is negative", j.Calls)
	case j.CostUSD != nil && !(*j.CostUSD >= 0 && !math.IsInf(*j.CostUSD, 1)):
		return fmt.Errorf("cost_usd: %v is no cost", *j.CostUSD)
	case j.PromptTokens != nil && *j.PromptTokens < 0, j.CompletionTokens != nil && *j.CompletionTokens < 0:
		return errors.New("prompt_tokens, completion_tokens: a count is negative")
	}
	return nil
}

func isFraction(x float64) bool { return x >= 0 && x <= 1 }
