package train

import "routeval/scoring"

// Pairs are weights that make a router of any two of their rows.
type Pairs interface {
	Pair(strong, weak string) (*scoring.Folded, error)
}

// seenRows is over how many rows the moments of logits are taken at most, evenly
// chosen: their errors are then below a hundredth of a standard deviation.
const seenRows = 20_000

// Seen is the moments of the logits of weights, whose rows are named, over the
// prompts that they were trained on: rows of several sources.
func Seen(weights Pairs, models []string, sources []Rows) (*scoring.Seen, error) {
	rows := joinRows(sources)
	n := len(models)
	vectors, biases := make([][]float64, n), make([]float64, n)
	for m, name := range models {
		folded, err := weights.Pair(name, models[0])
		if err != nil {
			return nil, err
		}
		vectors[m], biases[m] = folded.Vector(), folded.Bias()
	}
	mean, products, logits := make([]float64, n), make([]float64, n*n), make([]float64, n)
	stride := (rows.Len() + seenRows - 1) / seenRows
	count := 0.0
	for i := 0; i < rows.Len(); i += stride {
		count++
		for m, v := range vectors {
			logits[m] = rows.Dot(i, v) + biases[m]
		}
		for a, x := range logits {
			mean[a] += x
			axpy(products[a*n:][:n], x, logits)
		}
	}
	s := &scoring.Seen{Prompts: rows.Len(), Mean: make([]float32, n), Covariance: make([]float32, n*n)}
	for a := range n {
		mean[a] /= count
		s.Mean[a] = float32(mean[a])
		for b := range a + 1 {
			c := float32(products[a*n+b]/count - float64(mean[a]*mean[b]))
			s.Covariance[a*n+b], s.Covariance[b*n+a] = c, c
		}
	}
	return s, nil
}
