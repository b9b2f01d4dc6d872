package providers

import (
	"context"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// A Completer runs a chat model. Implementations are safe for concurrent use.
// A failure is an *[Error] unless ctx ended first, in which case errors.Is finds
// ctx's own error.
type Completer interface {
	Complete(ctx context.Context, req Request) (Completion, error)
}

// An Embedder makes vectors of texts: one vector a text, in order, all of one
// width. Implementations are safe for concurrent use. A failure is an *[Error]
// or ctx's own error.
type Embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// Message is one turn of a conversation. Raw, where it is not nil, is the whole
// turn as JSON and is sent instead of the two fields.
type Message struct {
	Role    string
	Content string
	Raw     jsontext.Value
}

// Request is one chat call. Settings that hold for every call of a candidate
// (model, limits, sampling) are in its [Config].
type Request struct {
	Messages []Message
	// Body is a whole request body in OpenAI's form, as in a row of an OpenAI
	// batch file; nil if none. It is passed on with only the model replaced, and
	// with a bound on the answer's tokens where it has none; Messages are then not
	// looked at.
	Body jsontext.Value
}

// Completion is a model's answer.
type Completion struct {
	Text         string
	Message      jsontext.Value // the assistant's message where it holds more than text; nil otherwise
	Model        string         // the model that the service says answered
	FinishReason string         // "stop", "length", … as the service gave it
	Usage        Usage
	LoadTime     time.Duration // time the service says it spent on loading the model; 0 if it does not say
	Warnings     []string      // doubts, such as a prompt that the service cut in silence
	Latency      time.Duration // of the attempt that brought it, without any wait before it; 0 if nobody measured
	Attempts     int           // calls made, retries included; ≥ 1
}

// Usage counts tokens as the service billed them. Nil is unknown, not zero.
type Usage struct {
	PromptTokens     *int64 // cached ones included
	CompletionTokens *int64 // reasoning ones included
	CachedTokens     *int64
	ReasoningTokens  *int64
}
