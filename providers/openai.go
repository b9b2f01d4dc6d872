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

// openAI speaks the API of OpenAI, as do vLLM, llama.cpp, LM Studio, Ollama's /v1 and
// most services.
type openAI struct {
	*endpoint
	paths paths
	bound member // on an answer's tokens: max_tokens, or the name that the service or Params has for it

	// A request body is head, what varies, tail.
	chatHead, chatTail   string
	embedHead, embedTail string
}

// paths are those of calls, behind the base URL.
type paths struct{ chat, embed, models string }

var openAIPaths = paths{chat: "/chat/completions", embed: "/embeddings", models: "/models"}

// newOpenAI reads Params as members of every request body. "max_tokens" or
// "max_completion_tokens" among them is the bound on answers instead of MaxTokens.
func newOpenAI(cfg Config) (Client, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	e, err := newEndpoint(cfg, openAIURL)
	if err != nil {
		return nil, err
	}
	c := &openAI{endpoint: e, paths: openAIPaths}
	return c, c.prepare()
}

// prepare writes once what every request body holds.
func (c *openAI) prepare() error {
	model, err := jsontext.AppendQuote(nil, c.cfg.Model)
	if err != nil {
		return c.cfg.fieldError("model", "%w", err)
	}
	params, err := c.cfg.params()
	if err != nil {
		return err
	}
	c.bound = member{c.boundName(), strconv.AppendInt(nil, int64(c.cfg.MaxTokens), 10)}
	for _, p := range params {
		if p.name != "max_tokens" && p.name != "max_completion_tokens" {
			continue
		}
		if !isCount(p.value) {
			return c.cfg.fieldError("params."+p.name, "%s is not a whole number above 0", p.value)
		}
		c.bound = p
	}
	extra := slices.DeleteFunc(params, func(m member) bool { return m.name == c.bound.name })
	c.chatHead = `{"model":` + string(model) + `,"messages":[`
	c.chatTail = `]` + joinMembers(append([]member{c.bound}, extra...)) + `}`
	if !slices.ContainsFunc(extra, func(m member) bool { return m.name == "encoding_format" }) {
		// A fifth of the bytes of decimal numbers, and exact. Services that do not
		// know it send numbers, which is fine too.
		extra = append(extra, member{"encoding_format", jsontext.Value(`"base64"`)})
	}
	c.embedHead = `{"model":` + string(model) + `,"input":[`
	c.embedTail = `]` + joinMembers(extra) + `}`
	return nil
}

// boundName is what the service calls the bound on an answer's tokens. The one name is
// deprecated by some and refused by some of their models; the other is unknown to others,
// which then answer without end. So a service is called by what it documents, and only at
// its own host.
func (c *openAI) boundName() string {
	if c.preset.Bound != "" && c.preset.At(c.base.String()) {
		return c.preset.Bound
	}
	return "max_tokens"
}

// joinMembers writes members as the rest of an object that has some already.
func joinMembers(members []member) string {
	var b []byte
	for _, m := range members {
		b = append(b, ',')
		b, _ = jsontext.AppendQuote(b, m.name) // came out of valid JSON
		b = append(b, ':')
		b = append(b, m.value...)
	}
	return string(b)
}

func (c *openAI) Complete(ctx context.Context, req Request) (Completion, error) {
	path := c.paths.chat
	body, err := c.chatBody(req)
	if err != nil {
		return Completion{}, c.fail(path, 0, Rejected, err.Error(), "")
	}
	var answer chatAnswer
	call := request{method: http.MethodPost, path: path, body: body, own: req.Body != nil}
	if err := c.call(ctx, call, &answer); err != nil {
		return Completion{}, err
	}
	if len(answer.Choices) == 0 {
		return Completion{}, c.fail(path, http.StatusOK, Transient, "the answer has no choices", "")
	}
	done, err := answer.completion()
	return c.accept(path, req, done, err, "the content filter removed the whole answer")
}

// accept looks at an answer that was read: err says why it is none, and refused what
// to say of one that a content filter left empty.
func (e *endpoint) accept(path string, req Request, done Completion, err error, refused string) (Completion, error) {
	switch {
	case err != nil:
		return Completion{}, e.fail(path, http.StatusOK, Transient, err.Error(), "")
	case done.FinishReason == "content_filter" && done.Text == "":
		return Completion{}, e.fail(path, http.StatusOK, Rejected, refused, "")
	}
	if req.Body == nil {
		done.warn(cutWarning(req.Messages, done.Usage.PromptTokens, 0))
	}
	return done, nil
}

// chatBody is the body of one call.
func (c *openAI) chatBody(req Request) ([]byte, error) {
	if req.Body != nil {
		return ownBody(req.Body, c.cfg.Model, c.bound)
	}
	if len(req.Messages) == 0 {
		return nil, errNoMessages
	}
	b := make([]byte, 0, len(c.chatHead)+messagesSize(req.Messages)+len(c.chatTail))
	b = append(b, c.chatHead...)
	for i, m := range req.Messages {
		if i > 0 {
			b = append(b, ',')
		}
		if m.Raw != nil {
			b = append(b, m.Raw...)
			continue
		}
		var err error
		if b, err = appendMessage(b, m); err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return append(b, c.chatTail...), nil
}

var errNoMessages = errors.New("the prompt has no messages")

// messagesSize is about what the messages take in a body.
func messagesSize(messages []Message) int {
	n := 0
	for _, m := range messages {
		n += len(m.Content) + len(m.Content)/16 + len(m.Raw) + 40
	}
	return n
}

func appendMessage(b []byte, m Message) ([]byte, error) {
	b = append(b, `{"role":`...)
	b, err := jsontext.AppendQuote(b, m.Role)
	if err != nil {
		return nil, err
	}
	b = append(b, `,"content":`...)
	if b, err = jsontext.AppendQuote(b, m.Content); err != nil {
		return nil, err
	}
	return append(b, '}'), nil
}

// chatAnswer is the part of a chat answer that is read.
type chatAnswer struct {
	Model   string `json:"model"`
	Choices []struct {
		Message      *message       `json:"message"`
		FinishReason string         `json:"finish_reason"`
		Logprobs     jsontext.Value `json:"logprobs"`
	} `json:"choices"`
	Usage struct {
		PromptTokens        *int64 `json:"prompt_tokens"`
		CompletionTokens    *int64 `json:"completion_tokens"`
		PromptTokensDetails struct {
			CachedTokens *int64 `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
		CompletionTokensDetails struct {
			ReasoningTokens *int64 `json:"reasoning_tokens"`
		} `json:"completion_tokens_details"`
	} `json:"usage"`
}

func (a *chatAnswer) completion() (Completion, error) {
	choice := a.Choices[0]
	text, message, err := choice.Message.split(choice.Logprobs)
	if err != nil {
		return Completion{}, err
	}
	c := Completion{
		Text:         text,
		Message:      message,
		Model:        a.Model,
		FinishReason: choice.FinishReason,
		Usage: Usage{
			PromptTokens:     a.Usage.PromptTokens,
			CompletionTokens: a.Usage.CompletionTokens,
			CachedTokens:     a.Usage.PromptTokensDetails.CachedTokens,
			ReasoningTokens:  a.Usage.CompletionTokensDetails.ReasoningTokens,
		},
		Attempts: 1,
	}
	c.warnEmpty()
	return c, nil
}

// warn adds a doubt, if there is one.
func (c *Completion) warn(doubt string) {
	if doubt != "" {
		c.Warnings = append(c.Warnings, doubt)
	}
}

// warnEmpty says that a model spent all its tokens before it said anything.
func (c *Completion) warnEmpty() {
	if c.Text == "" && c.FinishReason == "length" {
		c.warn("no text: the model used up max_tokens before its answer began")
	}
}

// message is an assistant's message as it came.
type message struct {
	Role    jsontext.Value `json:"role"`
	Content jsontext.Value `json:"content"`
	Others  jsontext.Value `json:",embed"`
}

// split gives the text of a message, and the message itself where it says more, tool
// calls, a refusal, reasoning, or where logprobs came beside it, which join it.
func (m *message) split(logprobs jsontext.Value) (text string, more jsontext.Value, err error) {
	if m == nil {
		return "", nil, errors.New("the answer has no message")
	}
	if text, err = contentText(m.Content); err != nil {
		return "", nil, err
	}
	k := logprobs.Kind()
	asked := k == '{' || k == '['
	if !asked && !saysMore(m.Others) {
		return text, nil, nil
	}
	var members []member
	for _, known := range []member{{"role", m.Role}, {"content", m.Content}} {
		if known.value != nil {
			members = append(members, known)
		}
	}
	if m.Others != nil {
		others, _ := objectMembers(m.Others) // came out of valid JSON
		members = append(members, others...)
	}
	if asked {
		members = setMember(members, "logprobs", logprobs)
	}
	return text, object(members), nil
}

// saysMore reports whether any member of an object, which may be nil, says something:
// not null, "", [] or {}.
func saysMore(others jsontext.Value) bool {
	if others == nil {
		return false
	}
	members, _ := objectMembers(others) // came out of valid JSON
	return slices.ContainsFunc(members, func(m member) bool {
		return !slices.Contains([]string{`null`, `""`, `[]`, `{}`}, string(m.value))
	})
}

// contentText is the text of a message's content: a string, or a list of parts, of which
// the text ones are joined by newlines.
func contentText(content jsontext.Value) (string, error) {
	switch content.Kind() {
	case '"', 'n', jsontext.KindInvalid: // the last is none at all
		return plain(content), nil
	case '[':
		var parts []struct {
			Type string `json:"type"`
			Text string `json:"text"`
		}
		if err := json.Unmarshal(content, &parts); err != nil {
			return "", fmt.Errorf("the answer's content: %w", err)
		}
		var texts []string
		for _, p := range parts {
			if p.Type == "text" {
				texts = append(texts, p.Text)
			}
		}
		return strings.Join(texts, "\n"), nil
	}
	return "", errors.New("the answer's content is neither text nor a list of parts")
}

func (c *openAI) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	path := c.paths.embed
	switch {
	case c.preset.NoEmbeddings:
		return nil, c.noEmbeddings()
	case len(texts) == 0:
		return nil, nil
	}
	body, err := textsBody(c.embedHead, texts, c.embedTail)
	if err != nil {
		return nil, c.fail(path, 0, Rejected, err.Error(), "")
	}
	var answer struct {
		Data []indexed `json:"data"`
	}
	if err := c.post(ctx, path, body, &answer); err != nil {
		return nil, err
	}
	if answer.Data == nil { // Ollama's own API answers so under /api/embeddings
		return nil, c.fail(path, http.StatusOK, Transient, "the answer has no data", c.pathHint())
	}
	vectors, err := inOrder(answer.Data)
	if err == nil {
		err = checkVectors(vectors, len(texts))
	}
	if err != nil {
		return nil, c.fail(path, http.StatusOK, Rejected, err.Error(), "")
	}
	return vectors, nil
}

// textsBody writes texts as a list between head and tail.
func textsBody(head string, texts []string, tail string) ([]byte, error) {
	size := len(head) + len(tail)
	for _, t := range texts {
		size += len(t) + len(t)/16 + 3
	}
	b := append(make([]byte, 0, size), head...)
	for i, t := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = jsontext.AppendQuote(b, t); err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
	}
	return append(b, tail...), nil
}

// indexed is one embedding of an answer and the text that it is of.
type indexed struct {
	Index     *int   `json:"index"`
	Embedding vector `json:"embedding"`
}

// inOrder puts embeddings in the order of their texts: by index, or as they came where
// the service gives none.
func inOrder(data []indexed) ([][]float32, error) {
	vectors := make([][]float32, len(data))
	for at, d := range data {
		i := at
		if d.Index != nil {
			i = *d.Index
		}
		if i < 0 || i >= len(data) {
			return nil, fmt.Errorf("an embedding has index %d of %d", i, len(data))
		}
		if vectors[i] != nil {
			return nil, fmt.Errorf("two embeddings have index %d", i)
		}
		vectors[i] = d.Embedding
	}
	return vectors, nil
}

// models lists what the service serves.
func (c *openAI) models(ctx context.Context) ([]string, error) {
	var answer struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := c.get(ctx, c.paths.models, &answer); err != nil {
		return nil, err
	}
	names := make([]string, len(answer.Data))
	for i, m := range answer.Data {
		names[i] = m.ID
	}
	return names, nil
}
