package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// anthropicVersion is the version of the API whose answers are read here.
const anthropicVersion = "2023-06-01"

// anthropic speaks Anthropic's Messages API, as do Ollama from 0.14 on and gateways.
type anthropic struct {
	*endpoint
	params []member // of every request beside its prompt, max_tokens among them
}

// newAnthropic reads Params as members of every request body, in Anthropic's own form;
// of OpenAI's, those of [openAIParams] are understood too. "max_tokens" among them is the
// bound on answers instead of MaxTokens.
func newAnthropic(cfg Config) (Client, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	e, err := newEndpoint(cfg, anthropicURL)
	if err != nil {
		return nil, err
	}
	e.keyIn("X-Api-Key")
	e.blank.Header.Set("Anthropic-Version", anthropicVersion)
	e.rules = anthropicRules
	c := &anthropic{endpoint: e}
	return c, c.sortParams()
}

// openAIParams are those of OpenAI's that are understood in the spec's Params of any kind.
var openAIParams = []string{"response_format", "stop", "tool_choice", "tools"}

func (c *anthropic) sortParams() error {
	params, err := c.cfg.params()
	if err != nil {
		return err
	}
	var all anthropicSettings
	all.set("max_tokens", strconv.AppendInt(nil, int64(c.cfg.MaxTokens), 10))
	for _, p := range params {
		switch {
		case p.name == "max_tokens" && !isCount(p.value):
			return c.cfg.fieldError("params.max_tokens", "%s is not a whole number above 0", p.value)
		case p.name == "max_completion_tokens":
			return c.cfg.fieldError("params.max_completion_tokens", "Anthropic calls it max_tokens; or set max_tokens of the role")
		case p.name == "system":
			return c.cfg.fieldError("params.system", "belongs to the prompt: a turn of role system")
		case slices.Contains(openAIParams, p.name):
			if err := all.take(p); err != nil {
				return c.cfg.fieldError("params."+p.name, "%w", err)
			}
		default:
			all.set(p.name, p.value)
		}
	}
	c.params = all.members
	return nil
}

func (c *anthropic) Complete(ctx context.Context, req Request) (Completion, error) {
	const path = "/messages"
	body, err := c.chatBody(req)
	if err != nil {
		return Completion{}, c.fail(path, 0, Rejected, err.Error(), "")
	}
	var answer anthropicAnswer
	call := request{method: http.MethodPost, path: path, body: body, own: req.Body != nil}
	if err := c.call(ctx, call, &answer); err != nil {
		return Completion{}, err
	}
	done, err := answer.completion()
	return c.accept(path, req, done, err, "the model refused to answer")
}

// chatBody is the body of one call.
func (c *anthropic) chatBody(req Request) ([]byte, error) {
	if req.Body != nil {
		return c.ownBody(req.Body)
	}
	var prompt anthropicPrompt
	for i, m := range req.Messages {
		if err := prompt.add(m); err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return c.body(&prompt, c.params)
}

// body writes a prompt and its settings.
func (c *anthropic) body(prompt *anthropicPrompt, settings []member) ([]byte, error) {
	if len(prompt.turns) == 0 {
		return nil, errNoMessages
	}
	turns, err := json.Marshal(prompt.turns)
	if err != nil {
		return nil, err
	}
	model, err := jsontext.AppendQuote(nil, c.cfg.Model)
	if err != nil {
		return nil, err
	}
	members := []member{{"model", model}, {"messages", turns}}
	if prompt.system != nil {
		members = append(members, member{"system", list(prompt.system)})
	}
	return object(append(members, settings...)), nil
}

// anthropicRules know what comes with a status that says otherwise.
var anthropicRules = []rule{
	{ // A month's limit comes as a rate limit does, but without a time to come back.
		statuses: []int{429},
		says:     []string{"spend_limit"},
		class:    Fatal, hint: (*endpoint).creditHint,
	},
}

// anthropicAnswer is the part of an answer that is read.
type anthropicAnswer struct {
	Model      string           `json:"model"`
	Content    []jsontext.Value `json:"content"`
	StopReason string           `json:"stop_reason"`
	Usage      struct {
		InputTokens   *int64 `json:"input_tokens"` // those that the cache neither held nor took
		CacheRead     *int64 `json:"cache_read_input_tokens"`
		CacheCreation *int64 `json:"cache_creation_input_tokens"`
		OutputTokens  *int64 `json:"output_tokens"`
	} `json:"usage"`
}

// finishReasons are Anthropic's words for why an answer ended, in those of the others.
var finishReasons = map[string]string{
	"end_turn":                      "stop",
	"stop_sequence":                 "stop",
	"max_tokens":                    "length",
	"model_context_window_exceeded": "length",
	"tool_use":                      "tool_calls",
	"refusal":                       "content_filter",
}

// completion joins the text blocks, which are pieces of one text. The message is kept
// whole where it holds more.
func (a *anthropicAnswer) completion() (Completion, error) {
	if a.Content == nil {
		return Completion{}, errors.New("the answer has no content")
	}
	c := Completion{
		Model:        a.Model,
		FinishReason: a.StopReason,
		Usage:        Usage{CompletionTokens: a.Usage.OutputTokens, CachedTokens: a.Usage.CacheRead},
		Attempts:     1,
	}
	if reason, ok := finishReasons[a.StopReason]; ok {
		c.FinishReason = reason
	}
	if n := a.Usage.InputTokens; n != nil {
		whole := *n + orZero(a.Usage.CacheRead) + orZero(a.Usage.CacheCreation)
		c.Usage.PromptTokens = &whole
	}
	var text strings.Builder
	more := false
	for _, block := range a.Content {
		var b struct {
			Type   string         `json:"type"`
			Text   string         `json:"text"`
			Others jsontext.Value `json:",embed"`
		}
		if err := json.Unmarshal(block, &b); err != nil {
			return Completion{}, fmt.Errorf("the answer's content: %w", err)
		}
		if b.Type == "text" {
			text.WriteString(b.Text)
		}
		more = more || b.Type != "text" || saysMore(b.Others)
	}
	c.Text = text.String()
	if more {
		c.Message = slices.Concat(jsontext.Value(`{"role":"assistant","content":`), list(a.Content), jsontext.Value(`}`))
	}
	c.warnEmpty()
	return c, nil
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// list writes values as a JSON list.
func list(values []jsontext.Value) jsontext.Value {
	b := jsontext.Value("[")
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, v...)
	}
	return append(b, ']')
}

// Embed refuses: the API makes no embeddings.
func (c *anthropic) Embed(context.Context, []string) ([][]float32, error) {
	return nil, c.noEmbeddings()
}

// model asks for what the service says of the model: an error if it has none such.
func (c *anthropic) model(ctx context.Context) error {
	return c.get(ctx, "/models/"+c.cfg.Model, new(jsontext.Value))
}
