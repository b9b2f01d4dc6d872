package traffic

import (
	"context"
	"time"

	"routeval/providers"
)

// Completer wraps a client of the controller's endpoint: each attempt waits for its turn, and
// is tried again by the policy within the endpoint's budget of retries.
func (c *Controller) Completer(inner providers.Completer, p providers.RetryPolicy) providers.Completer {
	p.Budget = c.Endpoint
	return providers.Retry(&completer{c, inner}, p)
}

// Embedder does for an embedder what Completer does for a completer. What an embedding
// service bills for is not known; the estimate stands.
func (c *Controller) Embedder(inner providers.Embedder, p providers.RetryPolicy) providers.Embedder {
	p.Budget = c.Endpoint
	return providers.RetryEmbedder(&embedder{c, inner}, p)
}

type completer struct {
	*Controller
	inner providers.Completer
}

func (c *completer) Complete(ctx context.Context, req providers.Request) (providers.Completion, error) {
	a := attempt{input: tokens(size(&req)), output: c.expected()}
	if err := c.begin(ctx, &a); err != nil {
		return providers.Completion{}, err
	}
	answer, err := c.inner.Complete(ctx, req)
	answer.Latency = time.Since(a.started)
	input, output := used(a, answer.Usage, err)
	c.end(a, input, output, effort(answer.Latency-answer.LoadTime, answer.Usage.CompletionTokens), err)
	return answer, err
}

// bytesPerToken is English; other text has fewer. It need not be right, only
// near, for it is corrected.
const bytesPerToken = 4

func tokens(bytes int) float64 { return float64(bytes) / bytesPerToken }

func size(req *providers.Request) int {
	n := len(req.Body)
	if req.Body == nil {
		for _, m := range req.Messages {
			n += max(len(m.Content), len(m.Raw))
		}
	}
	return n
}

// used is what an attempt took: what the service says, else what was estimated; without an
// answer nothing was written.
func used(a attempt, u providers.Usage, err error) (input, output float64) {
	input, output = a.input, a.output
	if u.PromptTokens != nil {
		input = float64(*u.PromptTokens)
	}
	switch {
	case u.CompletionTokens != nil:
		output = float64(*u.CompletionTokens)
	case err != nil:
		output = 0
	}
	return input, output
}

// effort is the latency per token written, so that a long answer does not look like a
// slow server. Reading the prompt and the way there count as a few tokens more.
func effort(latency time.Duration, written *int64) float64 {
	const more = 16
	if written == nil {
		return latency.Seconds()
	}
	return latency.Seconds() / float64(*written+more)
}

type embedder struct {
	*Controller
	inner providers.Embedder
}

func (e *embedder) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	bytes := 0
	for _, t := range texts {
		bytes += len(t)
	}
	a := attempt{input: tokens(bytes)}
	if err := e.begin(ctx, &a); err != nil {
		return nil, err
	}
	vectors, err := e.inner.Embed(ctx, texts)
	e.end(a, a.input, 0, time.Since(a.started).Seconds()/float64(bytes+1), err)
	return vectors, err
}
