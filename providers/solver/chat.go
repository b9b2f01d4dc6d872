package solver

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type chatRequest struct {
	Model               string    `json:"model"`
	Messages            []message `json:"messages"`
	MaxTokens           *int64    `json:"max_tokens"`
	MaxCompletionTokens *int64    `json:"max_completion_tokens"`
	Stream              bool      `json:"stream"`
}

type message struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
}

// content is the text of a message. It may be written as a list of parts, of
// which the texts count.
type content string

func (c *content) UnmarshalJSON(b []byte) error {
	if jsontext.Value(b).Kind() != '[' {
		var text *string
		err := json.Unmarshal(b, &text)
		if text != nil {
			*c = content(*text)
		}
		return err
	}
	var parts []struct {
		Text string `json:"text"`
	}
	err := json.Unmarshal(b, &parts)
	var texts []string
	for _, p := range parts {
		texts = append(texts, p.Text)
	}
	*c = content(strings.Join(texts, "\n"))
	return err
}

type chatResponse struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   usage    `json:"usage"`
}

type choice struct {
	Index        int     `json:"index"`
	Message      message `json:"message"`
	FinishReason string  `json:"finish_reason"`
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens,omitzero"`
	TotalTokens      int `json:"total_tokens"`
}

// chat answers the last turn of the user.
func (s server) chat(r *http.Request) (any, error) {
	var req chatRequest
	if err := readJSON(r, &req); err != nil {
		return nil, err
	}
	limit, err := req.limit()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(Solvers(), func(s Solver) bool { return s.Name == req.Model })
	if i < 0 {
		return nil, noModel(req.Model)
	}
	if err := wait(r.Context(), s.Latency[req.Model]); err != nil {
		return nil, err
	}
	answer, reason := Solvers()[i].Answer(req.question()), "stop"
	if limit >= 0 && int64(tokenCount(answer)) > limit {
		answer, reason = answer[:4*limit], "length"
	}
	read, written := 0, tokenCount(answer)
	for _, m := range req.Messages {
		read += tokenCount(string(m.Content))
	}
	return chatResponse{
		ID: req.id(), Object: "chat.completion", Model: req.Model,
		Choices: []choice{{Message: message{"assistant", content(answer)}, FinishReason: reason}},
		Usage:   usage{read, written, read + written},
	}, nil
}

// limit checks the request and returns how many tokens the answer may have; -1
// if any number.
func (r *chatRequest) limit() (int64, error) {
	limit := int64(-1)
	for _, n := range []*int64{r.MaxTokens, r.MaxCompletionTokens} {
		if n != nil && *n < 1 {
			return 0, badRequest("max_tokens must be at least 1, got %d", *n)
		}
		if n != nil {
			limit = *n
		}
	}
	switch {
	case len(r.Messages) == 0:
		return 0, badRequest("messages: expected at least one message")
	case r.Stream:
		return 0, badRequest("stream: this server does not stream")
	}
	return limit, nil
}

// question is the last turn of the user, or the last turn if none is the user's.
func (r *chatRequest) question() string {
	for _, m := range slices.Backward(r.Messages) {
		if m.Role == "user" {
			return string(m.Content)
		}
	}
	return string(r.Messages[len(r.Messages)-1].Content)
}

// id is the same for the same request.
func (r *chatRequest) id() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q", r.Model, r.Messages)
	return fmt.Sprintf("chatcmpl-%016x", h.Sum64())
}

// tokenCount is a quarter of the bytes, rounded up.
func tokenCount(text string) int { return (len(text) + 3) / 4 }

// wait waits, or returns the error of a context that ends before.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
