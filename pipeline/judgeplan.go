package pipeline

import (
	"context"
	"maps"
	"slices"

	"routeval/datasets"
	"routeval/providers"
)

// asks holds the hearing of a prompt whose calls have yet to be made before a model that
// only listens.
func (j *Judge) asks(ctx context.Context, strong, weak, query string, result *datasets.Result, calls []string) ([]Ask, error) {
	supposed := *result
	supposed.Outcomes = maps.Clone(result.Outcomes)
	for _, name := range calls {
		supposed.Outcomes[name] = datasets.Outcome{Answer: name} // equal ones are not compared
	}
	var heard listener
	rehearsal := *j
	rehearsal.Completer, rehearsal.Verdicts = &heard, nil
	if err := rehearsal.grade(ctx, nil, strong, weak, query, &supposed); err != nil || supposed.Judged == nil {
		return nil, err
	}
	asks := make([]Ask, len(heard))
	for i, v := range supposed.Judged.Verdicts {
		asks[i] = Ask{Bytes: heard[i]}
		for _, name := range v.Shown {
			if slices.Contains(calls, name) {
				asks[i].Bytes -= len(name)
				asks[i].Shown = append(asks[i].Shown, name)
			}
		}
	}
	return asks, nil
}

// A listener is a model that notes how long questions are.
type listener []int

func (l *listener) Complete(_ context.Context, req providers.Request) (providers.Completion, error) {
	n := 0
	for _, m := range req.Messages {
		n += len(m.Content)
	}
	*l = append(*l, n)
	return providers.Completion{Text: "VERDICT: 1"}, nil // one of either kind
}
