package providers

import (
	"bytes"
	"cmp"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// refused makes the error of an answer whose status is not 2xx.
func (e *endpoint) refused(r request, resp *http.Response, body []byte) *Error {
	f := readFault(body)
	if !f.json {
		contentType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if contentType == "text/html" || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
			f.message = pageTitle(body)
		}
	}
	if target, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		f.circle = resp.StatusCode >= http.StatusTemporaryRedirect && target.Scheme == e.base.Scheme && target.Host == e.base.Host
		target.User, target.RawQuery, target.Fragment = nil, "", ""
		f.location = target.String()
	}
	return e.judge(r, resp.StatusCode, resp.Header, f)
}

// judge decides what to do about an answer that is an error: by the first rule that
// fits what the service said, else by the status.
func (e *endpoint) judge(r request, status int, header http.Header, f fault) *Error {
	class, hint := statusClass(status, e.preset.Kind), ""
	said := strings.ToLower(f.code + " " + f.kind + " " + f.message)
	for _, rule := range slices.Concat(e.rules, rules) {
		if !rule.fits(status, f, said) {
			continue
		}
		class = rule.class
		if rule.setting && r.own {
			class = Rejected
		}
		if rule.hint != nil {
			hint = rule.hint(e)
		}
		break
	}
	switch {
	case f.circle: // such redirects are followed, but not for ever
		class, hint = Rejected, "it redirects in a circle, at last to "+e.tidy(f.location)
	case f.location != "":
		hint = "it redirects to " + e.tidy(f.location) + ": set base_url to where the API is"
	}
	// The error names the status already; where the service says nothing else, its name.
	message := strings.TrimPrefix(e.tidy(f.message), strconv.Itoa(status)+" ")
	err := e.fail(r.path, status, class, cmp.Or(message, http.StatusText(status), "unknown status"), hint)
	err.RetryAfter = retryAfter(header)
	err.RequestID = e.tidy(cmp.Or(header.Get("Request-Id"), header.Get("X-Request-Id"), header.Get("Apim-Request-Id")))
	return err
}

// statusClass is the class of a status that no rule knows better.
func statusClass(status int, kind string) Class {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return Transient
	case http.StatusConflict: // OpenAI documents it as a lock that times out, Anthropic as a conflict to retry
		if kind != "ollama" {
			return Transient
		}
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusGone, http.StatusUpgradeRequired,
		http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return Fatal
	}
	switch {
	case status >= 500:
		return Transient
	case status >= 400:
		return Rejected
	case status < 200: // a switch to a protocol that nobody asked for
		return Transient
	}
	return Fatal // a redirect that was not followed, or no HTTP status at all
}

// A rule knows an error better than its status does.
type rule struct {
	statuses []int    // any of them; nil: every one
	says     []string // any of them, in lower case, in code, type or message; nil: whatever it says
	where    func(f fault) bool
	class    Class
	setting  bool // about a setting: the row's fault if the row brought its own
	hint     func(e *endpoint) string
}

func (r *rule) fits(status int, f fault, said string) bool {
	return (r.statuses == nil || slices.Contains(r.statuses, status)) &&
		(r.says == nil || slices.ContainsFunc(r.says, func(s string) bool { return strings.Contains(said, s) })) &&
		(r.where == nil || r.where(f))
}

// rules are looked through in order; the first that fits decides. Texts are those of
// OpenAI, Ollama, vLLM, llama.cpp, Azure, OpenRouter, DeepSeek and Gemini.
var rules = []rule{
	{ // A TLS server that was spoken to in plain text: Go's, nginx's, Apache's words.
		statuses: []int{400},
		says:     []string{"http request to an https server", "plain http request was sent to https", "speaking plain http to an ssl"},
		class:    Fatal, hint: (*endpoint).useTLSHint,
	},
	{ // An account without money stays so: not a rate limit, though it comes as 429.
		statuses: []int{400, 402, 403, 429},
		says:     []string{"insufficient_quota", "billing_hard_limit", "billing_not_active", "insufficient balance", "insufficient credits", "credit balance is too low"},
		class:    Fatal, hint: (*endpoint).creditHint,
	},
	{
		statuses: []int{400, 403},
		says:     []string{"invalid_api_key", "api key not valid", "api_key_invalid", "incorrect api key", "invalid api key", "authentication_error"},
		class:    Fatal, hint: (*endpoint).keyHint,
	},
	{
		statuses: []int{400, 403, 422, 451},
		says:     []string{"content_filter", "content_policy", "content management policy", "responsibleai", "moderation", "flagged"},
		class:    Rejected, hint: text("the service's content filter refused this prompt"),
	},
	{
		statuses: []int{400, 413, 422, 500},
		says: []string{"context_length_exceeded", "context length", "context window", "context size", "prompt is too long",
			"input length exceeds", "input is too long", "reduce the length", "maximum input length", "too many tokens"},
		class: Rejected, hint: text("the text is longer than the model's context"),
	},
	{
		statuses: []int{400},
		says:     []string{"use 'max_completion_tokens' instead"},
		class:    Fatal, setting: true, hint: text("set params: {max_completion_tokens: N} for this role"),
	},
	{
		statuses: []int{400, 422},
		says:     []string{"encoding_format"},
		class:    Fatal, setting: true, hint: text(`set params: {encoding_format: "float"} for this role`),
	},
	{ // What Ollama says of a name that is no name.
		statuses: []int{400},
		says:     []string{"model is required", "invalid model name"},
		class:    Fatal, hint: (*endpoint).modelNameHint,
	},
	{
		statuses: []int{400, 500, 501},
		says:     []string{"does not support chat", "does not support generate"},
		class:    Fatal, hint: (*endpoint).notChatHint,
	},
	{
		statuses: []int{400, 500, 501},
		says:     []string{"does not support embedding"},
		class:    Fatal, hint: (*endpoint).notEmbeddingHint,
	},
	{
		statuses: []int{400},
		says:     []string{"does not support tools", "does not support thinking"},
		class:    Fatal, setting: true, hint: text("leave that out of params, or choose a model that can"),
	},
	{ // Ollama answers a bad option with 500: a caller's mistake, never to be retried.
		statuses: []int{500},
		says:     []string{"must be of type"},
		class:    Rejected, hint: text("an option has the wrong type"),
	},
	{
		statuses: []int{500},
		says:     []string{"unable to load model", "error loading model", "invalid file magic", "exceeds file size"},
		class:    Fatal, hint: (*endpoint).brokenModelHint,
	},
	{
		statuses: []int{500},
		says:     []string{"requires more system memory"},
		class:    Fatal, hint: text("a smaller model, a smaller num_ctx, or fewer models loaded at once"),
	},
	{
		statuses: []int{400, 403},
		says:     []string{"model_not_found"},
		class:    Fatal, hint: (*endpoint).modelHint,
	},
	{ // An unknown model is JSON that names one; an unknown path is the web server's own page.
		statuses: []int{404},
		says:     []string{"model"},
		where:    func(f fault) bool { return f.json },
		class:    Fatal, hint: (*endpoint).modelHint,
	},
	{statuses: []int{404, 405}, class: Fatal, hint: (*endpoint).pathHint},
	{statuses: []int{401}, class: Fatal, hint: (*endpoint).keyHint},
	{statuses: []int{402}, class: Fatal, hint: (*endpoint).creditHint},
	{
		statuses: []int{403},
		where:    func(f fault) bool { return !f.json && f.message == "" },
		class:    Fatal, hint: (*endpoint).hostHint,
	},
	{statuses: []int{403}, class: Fatal, hint: (*endpoint).permissionHint},
	{statuses: []int{407}, class: Fatal, hint: text("the proxy of HTTP_PROXY or HTTPS_PROXY wants a login")},
	{
		statuses: []int{503},
		says:     []string{"maximum pending requests exceeded"},
		class:    Transient, hint: text("fewer slots, or a larger OLLAMA_MAX_QUEUE on the server"),
	},
}

// fault is what an error's body says.
type fault struct {
	message  string
	code     string // "insufficient_quota", …
	kind     string // "invalid_request_error", …
	status   int    // HTTP status that the body names; 0 if none
	json     bool   // the body is JSON
	member   bool   // the body is an object with an "error" that is not null
	location string // where a redirect leads, without query
	circle   bool   // it is one of many, all of which could be followed
}

// readFault reads the forms of error bodies in use: {"error": "text"} (Ollama),
// {"error": {"message", "type", "code"}} (OpenAI and nearly all others), the same in a list
// (Gemini), {"message", "code"} (Mistral), {"detail": …} (FastAPI). Anything else is
// taken as text. Nothing in it is an error: the text of an error may be broken.
func readFault(body []byte) fault {
	lenient := json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	body = bytes.TrimSpace(body)
	var list []jsontext.Value
	if json.Unmarshal(body, &list, lenient) == nil && len(list) > 0 {
		body = list[0]
	}
	var b struct {
		Error   jsontext.Value `json:"error"`
		Message jsontext.Value `json:"message"`
		Detail  jsontext.Value `json:"detail"`
		Code    jsontext.Value `json:"code"`
		Type    jsontext.Value `json:"type"`
		Details jsontext.Value `json:"details"` // an object of Anthropic's, a list of Gemini's
	}
	if json.Unmarshal(body, &b, lenient) != nil {
		return fault{message: string(body)}
	}
	f := fault{json: true, member: b.Error != nil && b.Error.Kind() != 'n'}
	if b.Error.Kind() == '{' && json.Unmarshal(b.Error, &b, lenient) != nil {
		return fault{message: string(body)}
	}
	for _, v := range []jsontext.Value{b.Message, b.Error, b.Detail} {
		if f.message = plain(v); f.message != "" {
			break
		}
	}
	var details struct {
		Code jsontext.Value `json:"error_code"`
	}
	if b.Details.Kind() == '{' {
		_ = json.Unmarshal(b.Details, &details, lenient) // nothing in it is an error
	}
	f.code, f.kind = cmp.Or(plain(b.Code), plain(details.Code)), plain(b.Type)
	if n, err := strconv.Atoi(f.code); err == nil && n >= 400 && n < 600 {
		f.status = n
	}
	return f
}

// plain is a JSON value as text: strings without their quotes, null as nothing.
func plain(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		s, _ := jsontext.AppendUnquote(nil, v)
		return string(s)
	case 'n', jsontext.KindInvalid:
		return ""
	}
	return string(v)
}

// pageTitle is the title of a web page, which is all that an error needs of one.
func pageTitle(page []byte) string {
	lower := bytes.ToLower(page)
	start := bytes.Index(lower, []byte("<title>"))
	if start < 0 {
		return ""
	}
	start += len("<title>")
	n := bytes.Index(lower[start:], []byte("</title>"))
	if n < 0 || start+n > len(page) {
		return ""
	}
	return string(page[start : start+n])
}

// text is a hint that says the same for every endpoint.
func text(s string) func(*endpoint) string { return func(*endpoint) string { return s } }

// isOllama guesses that an Ollama server answers, whichever of its APIs is called.
func (e *endpoint) isOllama() bool {
	return e.preset.Kind == "ollama" || e.base.Port() == "11434"
}

func (e *endpoint) useTLSHint() string {
	u := *e.base
	u.Scheme = "https"
	return fmt.Sprintf("the server speaks TLS: set base_url to %s", &u)
}

// pathHint gives the URL that was probably meant.
func (e *endpoint) pathHint() string {
	u := *e.base
	switch e.preset.Kind {
	case "anthropic":
		return "the path is wrong: no Messages API of Anthropic's answers there"
	case "azure":
		return e.azurePathHint()
	case "ollama":
		if u.Path == "" {
			return "no Ollama API answers there; for an OpenAI-compatible server use provider openai"
		}
		u.Path = ""
		return fmt.Sprintf("the path is wrong: try base_url %s", &u)
	}
	if i := strings.Index(u.Path+"/", "/v1/"); i >= 0 {
		return "the path is wrong: no OpenAI-compatible API answers there"
	}
	u.Path = strings.TrimSuffix(u.Path, "/api") + "/v1"
	return fmt.Sprintf("the path is wrong: try base_url %s", &u)
}

// keyName says which key is meant: its variable, never the key.
func keyName(c Config) string {
	return cmp.Or(c.KeyEnv, c.Role)
}

// keyHint says which role's key was refused and where it came from.
func (e *endpoint) keyHint() string {
	switch {
	case e.cfg.Key == "" && e.cfg.KeyEnv == "":
		return e.cfg.Role + ": no key: set api_key_env"
	case e.cfg.Key == "":
		return fmt.Sprintf("%s: no key: %s is empty or not set", e.cfg.Role, e.cfg.KeyEnv)
	case e.cfg.KeyEnv == "":
		return e.cfg.Role + ": the key was refused"
	}
	return fmt.Sprintf("%s: the key from %s was refused", e.cfg.Role, e.cfg.KeyEnv)
}

func (e *endpoint) creditHint() string {
	return fmt.Sprintf("the account of %s is out of credit or quota: a retry would not help", keyName(e.cfg))
}

func (e *endpoint) permissionHint() string {
	return fmt.Sprintf("%s may not use model %s here", keyName(e.cfg), e.cfg.Model)
}

// hostHint is about a 403 without a word, which is how Ollama refuses the name that
// it was called by.
func (e *endpoint) hostHint() string {
	if !e.isOllama() {
		return e.permissionHint()
	}
	return fmt.Sprintf("Ollama refuses the host name %s: call it as 127.0.0.1 or localhost, or set OLLAMA_HOST=0.0.0.0 on the server", e.base.Hostname())
}

func (e *endpoint) modelHint() string {
	if e.isOllama() {
		return "run `ollama pull " + e.cfg.Model + "`"
	}
	hint := fmt.Sprintf("%s.model: the service has no %q", e.cfg.Role, e.cfg.Model)
	if isLoopback(e.base.Hostname()) {
		hint += "; for Ollama: `ollama pull " + e.cfg.Model + "`"
	}
	return hint
}

func (e *endpoint) modelNameHint() string {
	return fmt.Sprintf("%s.model: %q is no model name", e.cfg.Role, e.cfg.Model)
}

func (e *endpoint) notChatHint() string {
	return fmt.Sprintf("%s.model: %s is no chat model", e.cfg.Role, e.cfg.Model)
}

func (e *endpoint) notEmbeddingHint() string {
	return fmt.Sprintf("%s.model: %s makes no embeddings", e.cfg.Role, e.cfg.Model)
}

func (e *endpoint) brokenModelHint() string {
	return "the model's file is damaged: `ollama rm " + e.cfg.Model + "`, then pull it again"
}
