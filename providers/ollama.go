package providers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ollama speaks Ollama's native API, which says what its OpenAI-compatible one leaves
// out: the context can be set, load times and silent cuts can be seen.
type ollama struct {
	*endpoint
	top     []member // Params that stand beside the model
	options []member // Params that stand under "options", num_predict among them
	numCtx  int64    // the context asked for; 0 if the server chooses

	// A request body is head, what varies, tail.
	chatHead, chatTail   string
	embedHead, embedTail string

	context atomic.Int64 // of the loaded model in tokens; 0 not asked yet, <0 unknown
}

// topLevel are the Params of Ollama that do not belong under "options".
var topLevel = []string{"dimensions", "format", "keep_alive", "logprobs", "shift", "think", "tools", "top_logprobs", "truncate"}

// newOllama reads Params as Ollama's own: "options" and those beside it go where the
// API has them, any other (temperature, top_p, seed, num_ctx, stop, …) goes under
// options. num_predict there is the bound on answers instead of MaxTokens.
func newOllama(cfg Config) (Client, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	e, err := newEndpoint(cfg, ollamaURL)
	if err != nil {
		return nil, err
	}
	c := &ollama{endpoint: e}
	return c, c.prepare()
}

// prepare sorts Params and writes once what every request body holds.
func (c *ollama) prepare() error {
	model, err := jsontext.AppendQuote(nil, c.cfg.Model)
	if err != nil {
		return c.cfg.fieldError("model", "%w", err)
	}
	if err := c.sortParams(); err != nil {
		return err
	}
	options := member{"options", object(c.options)}
	c.chatHead = `{"model":` + string(model) + `,"messages":[`
	c.chatTail = `],"stream":false` + joinMembers(append([]member{options}, c.top...)) + `}`

	// A text that is too long is the row's error, unless the spec says to cut it.
	top := c.top
	if !hasMember(top, "truncate") {
		top = append(slices.Clip(top), member{"truncate", jsontext.Value("false")})
	}
	c.embedHead = `{"model":` + string(model) + `,"input":[`
	c.embedTail = `]` + joinMembers(append([]member{options}, top...)) + `}`
	return nil
}

func (c *ollama) sortParams() error {
	params, err := c.cfg.params()
	if err != nil {
		return err
	}
	for _, p := range params {
		switch {
		case p.name == "max_tokens" || p.name == "max_completion_tokens":
			return c.cfg.fieldError("params."+p.name, "Ollama calls it num_predict; or set max_tokens of the role")
		case p.name == "options":
			inner, err := objectMembers(p.value)
			if err != nil {
				return c.cfg.fieldError("params.options", "%w", err)
			}
			c.options = append(c.options, inner...)
		case p.name == "tool_choice", p.name == "response_format", p.name == "stop":
			own := ownSettings{top: c.top, options: c.options}
			if err := own.take(p); err != nil {
				return c.cfg.fieldError("params."+p.name, "%w", err)
			}
			c.top, c.options = own.top, own.options
		case slices.Contains(topLevel, p.name):
			c.top = append(c.top, p)
		default:
			c.options = append(c.options, p)
		}
	}
	for i, o := range c.options {
		switch {
		case hasMember(c.options[:i], o.name):
			return c.cfg.fieldError("params", "%s is given twice", o.name)
		case o.name == "num_predict" && !isCount(o.value):
			return c.cfg.fieldError("params.num_predict", "%s is not a whole number above 0: Ollama takes 0 for no limit", o.value)
		case o.name == "num_ctx":
			c.numCtx, _ = strconv.ParseInt(string(o.value), 10, 64)
		}
	}
	if !hasMember(c.options, "num_predict") {
		c.options = append(c.options, member{"num_predict", strconv.AppendInt(nil, int64(c.cfg.MaxTokens), 10)})
	}
	return nil
}

func hasMember(members []member, name string) bool {
	return slices.ContainsFunc(members, func(m member) bool { return m.name == name })
}

// object writes members as a JSON object.
func object(members []member) jsontext.Value {
	return jsontext.Value("{" + strings.TrimPrefix(joinMembers(members), ",") + "}")
}

func (c *ollama) Complete(ctx context.Context, req Request) (Completion, error) {
	const path = "/api/chat"
	body, err := c.chatBody(req)
	if err != nil {
		return Completion{}, c.fail(path, 0, Rejected, err.Error(), "")
	}
	var answer ollamaAnswer
	call := request{method: http.MethodPost, path: path, body: body, own: req.Body != nil}
	if err := c.call(ctx, call, &answer); err != nil {
		return Completion{}, err
	}
	switch {
	case !answer.Done:
		return Completion{}, c.fail(path, http.StatusOK, Transient, "the answer ended before it was done", "")
	case answer.DoneReason == "load" || answer.DoneReason == "unload":
		return Completion{}, c.fail(path, http.StatusOK, Rejected, "the model was "+answer.DoneReason+"ed but not asked: the prompt has no messages", "")
	}
	done, err := answer.completion()
	if err != nil {
		return Completion{}, c.fail(path, http.StatusOK, Transient, err.Error(), "")
	}
	if answer.Logprobs == nil && bytes.Contains(body, []byte(`"logprobs":true`)) {
		done.warn("logprobs were asked for, but the server gave none: older ones do not know them")
	}
	if req.Body != nil {
		req.Messages = nil
	}
	done.warn(cutWarning(req.Messages, done.Usage.PromptTokens, c.contextLength(ctx, done.Usage.PromptTokens)))
	return done, nil
}

// chatBody is the body of one call.
func (c *ollama) chatBody(req Request) ([]byte, error) {
	if req.Body != nil {
		return c.ownBody(req.Body)
	}
	if len(req.Messages) == 0 {
		return nil, errNoMessages
	}
	b := make([]byte, 0, len(c.chatHead)+messagesSize(req.Messages)+len(c.chatTail))
	b = append(b, c.chatHead...)
	names := make(toolNames)
	for i, m := range req.Messages {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if m.Raw != nil {
			b, err = appendNative(b, m.Raw, names)
		} else {
			b, err = appendMessage(b, m)
		}
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return append(b, c.chatTail...), nil
}

// ollamaAnswer is the part of a chat answer that is read. Durations are nanoseconds.
type ollamaAnswer struct {
	Model           string         `json:"model"`
	Message         *message       `json:"message"`
	Done            bool           `json:"done"`
	DoneReason      string         `json:"done_reason"`
	LoadDuration    int64          `json:"load_duration"`
	PromptEvalCount *int64         `json:"prompt_eval_count"`
	EvalCount       *int64         `json:"eval_count"`
	Logprobs        jsontext.Value `json:"logprobs"` // of newer servers
}

func (a *ollamaAnswer) completion() (Completion, error) {
	text, message, err := a.Message.split(a.Logprobs)
	if err != nil {
		return Completion{}, err
	}
	c := Completion{
		Text:         text,
		Message:      message,
		Model:        a.Model,
		FinishReason: a.DoneReason,
		Usage:        Usage{PromptTokens: a.PromptEvalCount, CompletionTokens: a.EvalCount},
		LoadTime:     time.Duration(max(0, a.LoadDuration)),
		Attempts:     1,
	}
	c.warnEmpty()
	return c, nil
}

// leastContext is the smallest context that a model is served with; a prompt of fewer
// tokens cannot have been cut.
const leastContext = 256

// contextLength is the context that the prompt was cut to if it was cut: the one asked
// for, but never more than the loaded model has. The server is asked once, and only
// when a prompt is long enough for the question. 0 is unknown.
func (c *ollama) contextLength(ctx context.Context, tokens *int64) int64 {
	if tokens == nil || *tokens < leastContext {
		return 0
	}
	if c.context.Load() == 0 {
		n, err := c.askContext(ctx)
		if err != nil && ctx.Err() != nil {
			return c.numCtx
		}
		c.context.Store(n)
	}
	switch n := c.context.Load(); {
	case n <= 0:
		return c.numCtx
	case c.numCtx > 0:
		return min(n, c.numCtx)
	default:
		return n
	}
}

// askContext asks for the context of the model as it is loaded and, of servers that do
// not say, for the most that the model can have. -1 is unknown.
func (c *ollama) askContext(ctx context.Context) (int64, error) {
	loaded, err := c.list(ctx, "/api/ps")
	if err != nil {
		return -1, err
	}
	for _, m := range loaded {
		if sameModel(m.Name, c.cfg.Model) && m.ContextLength > 0 {
			return m.ContextLength, nil
		}
	}
	info, err := c.show(ctx)
	if err != nil || info.context == 0 {
		return -1, err
	}
	return info.context, nil
}

// Loaded implements [Loader].
func (c *ollama) Loaded(ctx context.Context) (bool, error) {
	loaded, err := c.list(ctx, "/api/ps")
	return slices.ContainsFunc(loaded, func(m ollamaModel) bool { return sameModel(m.Name, c.cfg.Model) }), err
}

func (c *ollama) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	const path = "/api/embed"
	if len(texts) == 0 {
		return nil, nil
	}
	body, err := textsBody(c.embedHead, texts, c.embedTail)
	if err != nil {
		return nil, c.fail(path, 0, Rejected, err.Error(), "")
	}
	var answer struct {
		Embeddings []vector `json:"embeddings"`
	}
	if err := c.post(ctx, path, body, &answer); err != nil {
		return nil, err
	}
	if len(answer.Embeddings) == 0 && len(texts) == 1 && texts[0] == "" {
		return nil, c.fail(path, http.StatusOK, Rejected, "an empty text has no embedding", "")
	}
	vectors := make([][]float32, len(answer.Embeddings))
	for i, v := range answer.Embeddings {
		vectors[i] = v
	}
	if err := checkVectors(vectors, len(texts)); err != nil {
		return nil, c.fail(path, http.StatusOK, Rejected, err.Error(), "")
	}
	return vectors, nil
}

// ollamaModel is a line of /api/tags or /api/ps.
type ollamaModel struct {
	Name          string `json:"name"`
	ContextLength int64  `json:"context_length"` // /api/ps of newer servers
}

func (c *ollama) list(ctx context.Context, path string) ([]ollamaModel, error) {
	var answer struct {
		Models []ollamaModel `json:"models"`
	}
	err := c.get(ctx, path, &answer)
	return answer.Models, err
}

// sameModel compares names as Ollama does: no tag means "latest".
func sameModel(listed, asked string) bool {
	if !strings.Contains(asked[strings.LastIndex(asked, "/")+1:], ":") {
		asked += ":latest"
	}
	return strings.EqualFold(listed, asked)
}

// version is the server's version.
func (c *ollama) version(ctx context.Context) (string, error) {
	var answer struct {
		Version string `json:"version"`
	}
	if err := c.get(ctx, "/api/version", &answer); err != nil {
		return "", err
	}
	if answer.Version == "" {
		return "", c.fail("/api/version", http.StatusOK, Fatal, "the answer has no version", c.pathHint())
	}
	return answer.Version, nil
}

// modelInfo is what /api/show says that matters here.
type modelInfo struct {
	capabilities []string // "completion", "embedding", "tools", …; nil if the server is too old to say
	context      int64    // the most tokens that the model was made for; 0 if not said
}

func (c *ollama) show(ctx context.Context) (modelInfo, error) {
	name, err := jsontext.AppendQuote([]byte(`{"model":`), c.cfg.Model)
	if err != nil {
		return modelInfo{}, err
	}
	var answer struct {
		Capabilities []string                  `json:"capabilities"`
		ModelInfo    map[string]jsontext.Value `json:"model_info"`
	}
	if err := c.post(ctx, "/api/show", append(name, '}'), &answer); err != nil {
		return modelInfo{}, err
	}
	info := modelInfo{capabilities: answer.Capabilities}
	arch := plain(answer.ModelInfo["general.architecture"])
	if n, err := readCount(answer.ModelInfo[arch+".context_length"]); err == nil {
		info.context = n
	}
	return info, nil
}

// readCount reads a whole number that may be written with a point.
func readCount(v jsontext.Value) (int64, error) {
	if v.Kind() != '0' {
		return 0, errors.New("not a number")
	}
	var f float64
	if err := json.Unmarshal(v, &f); err != nil || f < 0 || f > math.MaxInt32 {
		return 0, errors.New("not a count")
	}
	return int64(f), nil
}
