package providers

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// A Pinger asks its server for something cheap that needs no model. An error means that
// the server is not up; one that refuses to answer is.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Ping implements [Pinger].
func (c *ollama) Ping(ctx context.Context) error { return c.ping(ctx, "/api/version") }

// Ping implements [Pinger].
func (c *openAI) Ping(ctx context.Context) error { return c.ping(ctx, c.paths.models) }

// Ping implements [Pinger].
func (c *anthropic) Ping(ctx context.Context) error { return c.ping(ctx, "/models") }

// ping asks once, whatever the answer holds. A service that counts calls counts this one
// too, so that too many are no sign that it is down.
func (e *endpoint) ping(ctx context.Context, path string) error {
	var any jsontext.Value
	err := e.get(ctx, path, &any)
	var failure *Error
	if !errors.As(err, &failure) || failure.Status >= 500 {
		return err
	}
	if failure.Status == 0 || failure.Status == http.StatusRequestTimeout {
		return err
	}
	return nil
}
