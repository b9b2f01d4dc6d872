package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"routeval/providers"
)

// burstOf makes n small calls of a role at once and says how many the server took.
func burstOf(ctx context.Context, w *world, role role, n int) providers.Finding {
	cfg, err := config(w, role.name, role.model)
	if err != nil {
		return providers.Finding{What: "burst", Detail: err.Error()}
	}
	cfg.MaxTokens, cfg.Slots = 1, n
	client, err := providers.New(cfg)
	if err != nil {
		return providers.Finding{What: "burst", Detail: err.Error()}
	}
	defer client.Close()
	errs := make([]error, n)
	start := time.Now()
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() { errs[i] = callOnce(ctx, client, role.use, i) })
	}
	calls.Wait()
	return burstFinding(role.name, errs, time.Since(start))
}

// callOnce makes one call; every text is another, so that no cache answers for the model.
func callOnce(ctx context.Context, c providers.Client, use providers.Use, i int) (err error) {
	text := fmt.Sprintf("Hello %d", i)
	if use == providers.UseEmbedding {
		_, err = c.Embed(ctx, []string{text})
	} else {
		_, err = c.Complete(ctx, providers.Request{Messages: []providers.Message{{Role: "user", Content: text}}})
	}
	return err
}

// burstFinding tells calls that were too many apart from those that failed otherwise.
func burstFinding(role string, errs []error, took time.Duration) providers.Finding {
	taken, tooMany := 0, 0
	var other error
	for _, err := range errs {
		var e *providers.Error
		switch {
		case err == nil:
			taken++
		case errors.As(err, &e) && (e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable || e.Status == 529):
			tooMany++
		default:
			other = err
		}
	}
	f := providers.Finding{
		What: "burst", OK: other == nil && taken > 0,
		Detail: fmt.Sprintf("%d of %d calls at once were answered, in %s", taken, len(errs), took.Round(time.Millisecond)),
	}
	if tooMany > 0 {
		f.Detail += fmt.Sprintf("; %d were too many", tooMany)
		f.Mend = fmt.Sprintf("set %s.slots: %d", role, max(1, taken))
	}
	if other != nil {
		f.Detail += "; " + other.Error()
	}
	return f
}
