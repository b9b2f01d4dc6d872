package providers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"
)

// Use is what a role does with its endpoint.
type Use string

const (
	UseChat      Use = "chat"
	UseEmbedding Use = "embedding"
)

// Finding is one step of a probe.
type Finding struct {
	What   string        `json:"what"` // "address", "dns", "connect", "tls", "path", "server", "model", "key", "completion", "embedding" or "clock"
	OK     bool          `json:"ok"`
	Detail string        `json:"detail"`         // what was found
	Mend   string        `json:"mend,omitzero"`  // what to do about it; "" if nothing, or if nobody knows
	Width  int           `json:"width,omitzero"` // of an embedding, for the step of that name
	Took   time.Duration `json:"-"`              // by the call of a completion or an embedding
}

func (c *openAI) Probe(ctx context.Context, use Use) []Finding {
	p, e := newProber(c.endpoint)
	watched := *c
	watched.endpoint = e
	if p.cannot(use) {
		return p.findings
	}
	var names []string
	reached := p.reach(ctx, func(ctx context.Context) (err error) {
		if c.preset.Kind == "azure" { // it lists what could be deployed, not what is
			return p.knock(ctx)
		}
		names, err = watched.models(ctx)
		return err
	})
	if !reached {
		return p.findings
	}
	if !p.unlisted {
		p.listed(names, func(listed string) bool {
			return listed == c.cfg.Model || sameModel(listed, c.cfg.Model) || listed == "models/"+c.cfg.Model
		})
	}
	p.use(ctx, use, &watched)
	return p.findings
}

func (c *anthropic) Probe(ctx context.Context, use Use) []Finding {
	p, e := newProber(c.endpoint)
	watched := *c
	watched.endpoint = e
	if p.cannot(use) || !p.reach(ctx, watched.model) {
		return p.findings
	}
	p.use(ctx, use, &watched)
	return p.findings
}

func (c *ollama) Probe(ctx context.Context, use Use) []Finding {
	p, e := newProber(c.endpoint)
	watched := ollama{endpoint: e, embedHead: c.embedHead, embedTail: c.embedTail}
	var version string
	if !p.reach(ctx, func(ctx context.Context) (err error) {
		version, err = watched.version(ctx)
		return err
	}) {
		return p.findings
	}
	if p.unlisted {
		p.failed("path", p.fail("/api/version", http.StatusNotFound, Fatal, "no Ollama answers there", p.pathHint()))
		return p.findings
	}
	p.ok("server", "Ollama "+version)
	listed, err := watched.list(ctx, "/api/tags")
	if err != nil {
		p.failed("model", err)
		return p.findings
	}
	names := make([]string, len(listed))
	for i, m := range listed {
		names[i] = m.Name
	}
	p.listed(names, func(listed string) bool { return sameModel(listed, c.cfg.Model) })
	if p.missing != nil {
		p.add(*p.missing)
		return p.findings
	}
	if watched.can(ctx, &p, use) {
		p.use(ctx, use, &watched)
	}
	return p.findings
}

// can says whether the model is made for its use. Embeddings can be had of chat
// models too, which is worth a word but no refusal.
func (c *ollama) can(ctx context.Context, p *prober, use Use) bool {
	info, err := c.show(ctx)
	if err != nil {
		p.failed("model", err)
		return false
	}
	detail := fmt.Sprintf("%s, made for %s, context %d", c.cfg.Model, cmp.Or(strings.Join(info.capabilities, ", "), "what the server does not say"), info.context)
	if use == UseChat && info.capabilities != nil && !slices.Contains(info.capabilities, "completion") {
		p.add(Finding{What: "model", Detail: detail, Mend: c.notChatHint()})
		return false
	}
	p.ok("model", detail)
	return true
}

// prober collects findings.
type prober struct {
	*endpoint
	watch    *watch
	findings []Finding
	unlisted bool     // the service does not say what it serves
	missing  *Finding // the model is not among what it says; that it answers would still settle it
}

// newProber makes a prober of an endpoint and the same endpoint under watch.
func newProber(e *endpoint) (prober, *endpoint) {
	watched, watch := watched(e)
	return prober{endpoint: watched, watch: watch}, watched
}

func (p *prober) add(f Finding)          { p.findings = append(p.findings, f) }
func (p *prober) ok(what, detail string) { p.add(Finding{What: what, OK: true, Detail: detail}) }

func (p *prober) failed(what string, err error) {
	f := Finding{What: what, Detail: err.Error()}
	var e *Error
	if errors.As(err, &e) {
		f.Mend = e.Hint
		e := *e
		e.Hint = ""
		f.Detail = e.Error()
	}
	p.add(f)
}

// cannot says that the service is not made for its use, if it is not.
func (p *prober) cannot(use Use) bool {
	if use != UseEmbedding || !p.preset.NoEmbeddings {
		return false
	}
	p.failed("embedding", p.noEmbeddings())
	return true
}

// reach makes the first call and tells its steps apart. Not every service that answers
// chats answers this call too: whether the path is right is then left to the next.
func (p *prober) reach(ctx context.Context, call func(context.Context) error) bool {
	p.ok("address", p.Endpoint())
	p.client.CloseIdleConnections() // so that there are steps to see
	var steps steps
	err := call(httptrace.WithClientTrace(ctx, steps.trace()))
	p.findings = append(p.findings, steps.passed()...)
	var e *Error
	switch {
	case err == nil && !p.unlisted:
		p.ok("path", "answers")
		return true
	case err == nil:
		return true
	case errors.As(err, &e) && e.Hint == p.modelHint():
		p.ok("path", "answers")
		p.failed("model", err)
		return false
	case errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed):
		p.unlisted = true
		return true
	}
	p.failed(p.stage(err), err)
	return false
}

// knock asks for nothing but an answer, whatever it says but of the key.
func (p *prober) knock(ctx context.Context) error {
	err := p.get(ctx, "/models", new(any))
	var e *Error
	if err == nil || errors.As(err, &e) && e.Status != 0 && e.Status != http.StatusUnauthorized && e.Status != http.StatusForbidden {
		p.unlisted = true
		return nil
	}
	return err
}

// listed looks for the model among those that the service lists.
func (p *prober) listed(names []string, same func(listed string) bool) {
	if slices.ContainsFunc(names, same) {
		if p.preset.Kind != "ollama" { // which has more to say of it
			p.ok("model", p.cfg.Model)
		}
		return
	}
	some := names[:min(len(names), 8)]
	detail := fmt.Sprintf("%s is not among the %d models served (%s)", p.cfg.Model, len(names), strings.Join(some, ", "))
	if len(some) < len(names) {
		detail = strings.TrimSuffix(detail, ")") + ", …)"
	}
	mend := p.modelHint()
	if near := p.nearest(names); near != "" {
		mend += "; did you mean " + near + "?"
	}
	p.missing = &Finding{What: "model", Detail: p.tidy(detail), Mend: p.tidy(mend)}
}

// nearest is the listed name that the model's was probably meant to be, or "".
func (p *prober) nearest(names []string) string {
	if len(names) == 0 {
		return ""
	}
	distance := func(name string) int {
		if strings.Contains(name, p.cfg.Model) {
			return 1
		}
		return edits(strings.ToLower(p.cfg.Model), strings.ToLower(name))
	}
	near := slices.MinFunc(names, func(a, b string) int { return distance(a) - distance(b) })
	if distance(near) <= 2 {
		return near
	}
	return ""
}

// use does once what the role does, and says what that shows.
func (p *prober) use(ctx context.Context, use Use, e Embedder) {
	var done Finding
	var err error
	if use == UseEmbedding {
		done, err = p.embeds(ctx, e)
	} else {
		done, err = p.completes(ctx)
	}
	switch {
	case err != nil && p.missing != nil:
		p.add(*p.missing)
		return
	case err != nil:
		p.failed(p.stage(err), err)
		return
	case p.missing != nil:
		p.ok("model", p.cfg.Model+" is not listed, but answers")
	}
	if p.unlisted {
		p.ok("path", "answers, and does not list what it serves")
	}
	switch {
	case p.cfg.Key == "" && p.cfg.KeyEnv == "":
		p.ok("key", "none sent, none asked for")
	case p.cfg.Key == "":
		p.ok("key", p.cfg.KeyEnv+" is empty or not set; none was asked for")
	default:
		p.ok("key", "from "+keyName(p.cfg)+", not refused")
	}
	p.add(done)
	p.findings = append(p.findings, p.watch.clock()...)
}

// completes has the model say one token. A model that reasons may need more to say
// anything; that it says so is an answer too.
func (p *prober) completes(ctx context.Context) (Finding, error) {
	cfg := p.cfg
	cfg.MaxTokens = 1
	client, err := New(cfg)
	if err != nil {
		return Finding{}, err
	}
	defer client.Close()
	start := time.Now()
	got, err := client.Complete(ctx, Request{Messages: []Message{{Role: "user", Content: "Hello"}}})
	took := time.Since(start)
	var e *Error
	if errors.As(err, &e) && strings.Contains(e.Message, "output limit was reached") {
		return Finding{What: "completion", OK: true, Detail: "the model thinks longer than one token", Took: took}, nil
	}
	if err != nil {
		return Finding{}, err
	}
	detail := "answered in " + round(took).String()
	if read, written := got.Usage.PromptTokens, got.Usage.CompletionTokens; read != nil && written != nil {
		detail += fmt.Sprintf(", tokens: %d read, %d written", *read, *written)
	}
	if got.LoadTime > time.Millisecond {
		detail += fmt.Sprintf(", %s of it to load the model", round(got.LoadTime))
	}
	return Finding{What: "completion", OK: true, Detail: detail, Took: took}, nil
}

func round(d time.Duration) time.Duration {
	if d < time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// embeds makes one embedding and looks at it.
func (p *prober) embeds(ctx context.Context, e Embedder) (Finding, error) {
	start := time.Now()
	vectors, err := e.Embed(ctx, []string{"routeval"})
	took := time.Since(start)
	if err != nil {
		return Finding{}, err
	}
	var square float64
	for _, x := range vectors[0] {
		square += float64(x) * float64(x)
	}
	f := Finding{
		What: "embedding", OK: true, Width: len(vectors[0]), Took: took,
		Detail: fmt.Sprintf("width %d, norm %.4g, in %s", len(vectors[0]), math.Sqrt(square), round(took)),
	}
	if square == 0 {
		f.OK, f.Mend = false, "a vector without length has no direction: is this an embedding model, and its file whole?"
	}
	return f, nil
}
