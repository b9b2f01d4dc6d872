package scoring

import (
	"fmt"
	"math"
	"slices"

	"github.com/go-json-experiment/json"
)

// Seen says what the prompts were like that weights were trained on. It is kept
// in the weights' metadata, so that one can say how far others are from them.
type Seen struct {
	Prompts int `json:"prompts"`

	// Mean and Covariance are those of the logit of each row against the first
	// row over the prompts; Covariance is rows × rows. The logit of any pair is
	// a difference of two, so its mean and variance follow from them.
	Mean       []float32 `json:"mean"`
	Covariance []float32 `json:"covariance"`

	// Low and High bound the middle 99 % of each number of the prompts'
	// surfaces; nil where their texts were not known.
	Low  *Surface `json:"low,omitzero"`
	High *Surface `json:"high,omitzero"`
	// Outside is the share of the prompts, in [0,1], that are beyond one of the
	// bounds all the same.
	Outside float64 `json:"outside,omitzero"`
}

// Surfaces sets the bounds from the surfaces of the prompts trained on.
func (s *Seen) Surfaces(of []Surface) {
	if len(of) == 0 {
		return
	}
	s.Low, s.High = new(Surface), new(Surface)
	column := make([]float64, len(of))
	for k := range surfaces {
		for i := range of {
			column[i] = of[i][k]
		}
		slices.Sort(column)
		s.Low[k], s.High[k] = Quantile(column, 0.005), Quantile(column, 0.995)
	}
	s.Outside = s.outside(of)
}

// outside is the share of surfaces beyond a bound.
func (s *Seen) outside(of []Surface) float64 {
	n := 0
	for i := range of {
		for k, x := range of[i] {
			if x < s.Low[k] || x > s.High[k] {
				n++
				break
			}
		}
	}
	return float64(n) / float64(len(of))
}

// Pair is the mean and the standard deviation of the logit of two rows over the
// prompts.
func (s *Seen) Pair(strong, weak int) (mean, sd float64) {
	at := func(a, b int) float64 { return float64(s.Covariance[a*len(s.Mean)+b]) }
	variance := at(strong, strong) + at(weak, weak) - 2*at(strong, weak)
	return float64(s.Mean[strong]) - float64(s.Mean[weak]), math.Sqrt(max(0, variance))
}

// keySeen is the metadata key of a Seen.
const keySeen = "routeval.seen"

// Attach puts it into the metadata of weights.
func (s *Seen) Attach(c *Card) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("what was trained on: %w", err)
	}
	if c.Metadata == nil {
		c.Metadata = make(map[string]string)
	}
	c.Metadata[keySeen] = string(text)
	return nil
}

// SeenBy reads what Attach wrote; nil if the weights do not say.
func SeenBy(c *Card) (*Seen, error) {
	text, ok := c.Metadata[keySeen]
	if !ok {
		return nil, nil
	}
	s := new(Seen)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("metadata %s: %w", keySeen, err)
	}
	if n := len(s.Mean); n != len(c.Models) || len(s.Covariance) != n*n || (s.Low == nil) != (s.High == nil) {
		return nil, fmt.Errorf("metadata %s: %d means and %d covariances of %d models", keySeen, n, len(s.Covariance), len(c.Models))
	}
	return s, nil
}
