package providers

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
)

// Use is what a role does with its endpoint.
type Use string

const (
	UseChat      Use = "chat"
	UseEmbedding Use = "embedding"
)

// Finding is one step of a probe.
type Finding struct {
	What   string // "address", "dns", "connect", "tls", "path", "key", "server", "model" or "embedding"
	OK     bool
	Detail string // what was found
	Mend   string // what to do about it; "" if nothing, or if nobody knows
	Width  int    // of an embedding, for the step of that name
}

func (c *openAI) Probe(ctx context.Context, use Use) []Finding {
	p := prober{endpoint: c.endpoint}
	if p.cannot(use) {
		return p.findings
	}
	var names []string
	if !p.reach(ctx, func(ctx context.Context) (err error) {
		names, err = c.models(ctx)
		return err
	}) {
		return p.findings
	}
	same := func(listed string) bool {
		return listed == c.cfg.Model || sameModel(listed, c.cfg.Model) || listed == "models/"+c.cfg.Model
	}
	if p.served(names, same) && use == UseEmbedding {
		p.embeds(ctx, c)
	}
	return p.findings
}

func (c *anthropic) Probe(ctx context.Context, use Use) []Finding {
	p := prober{endpoint: c.endpoint}
	if p.cannot(use) {
		return p.findings
	}
	if p.reach(ctx, c.model) {
		p.ok("model", c.cfg.Model)
	}
	return p.findings
}

func (c *ollama) Probe(ctx context.Context, use Use) []Finding {
	p := prober{endpoint: c.endpoint}
	var version string
	if !p.reach(ctx, func(ctx context.Context) (err error) {
		version, err = c.version(ctx)
		return err
	}) {
		return p.findings
	}
	p.ok("server", "Ollama "+version)
	listed, err := c.list(ctx, "/api/tags")
	if err != nil {
		p.failed("model", err)
		return p.findings
	}
	names := make([]string, len(listed))
	for i, m := range listed {
		names[i] = m.Name
	}
	if p.served(names, func(listed string) bool { return sameModel(listed, c.cfg.Model) }) && c.can(ctx, &p, use) && use == UseEmbedding {
		p.embeds(ctx, c)
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
	detail := fmt.Sprintf("made for %s, context %d", cmp.Or(strings.Join(info.capabilities, ", "), "what the server does not say"), info.context)
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
	findings []Finding
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

// reach makes the first call and tells its steps apart.
func (p *prober) reach(ctx context.Context, call func(context.Context) error) bool {
	p.ok("address", p.Endpoint())
	p.client.CloseIdleConnections() // so that there are steps to see
	var steps steps
	err := call(httptrace.WithClientTrace(ctx, steps.trace()))
	p.findings = append(p.findings, steps.passed()...)
	if err != nil {
		p.failed(stage(err), err)
		return false
	}
	p.ok("path", "answers")
	switch {
	case p.cfg.Key == "" && p.cfg.KeyEnv == "":
		p.ok("key", "none sent, none asked for")
	case p.cfg.Key == "":
		p.ok("key", p.cfg.KeyEnv+" is empty or not set; none was asked for")
	default:
		p.ok("key", "from "+keyName(p.cfg)+", not refused")
	}
	return true
}

// stage is the step at which a call failed.
func stage(err error) string {
	var e *Error
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case !errors.As(err, &e):
		return "connect" // ctx ended
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &cert), e.Status == 0 && strings.Contains(e.Message, "TLS"), strings.Contains(e.Hint, "speaks TLS"):
		return "tls"
	case e.Status == 0:
		return "connect"
	case e.Status == 401, e.Status == 403:
		return "key"
	case e.Class == Fatal:
		return "path"
	}
	return "server"
}

// steps are those of a connection that went well. The transport may call back after
// the call has returned.
type steps struct {
	mu    sync.Mutex
	found []Finding
}

func (s *steps) add(what, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found = append(s.found, Finding{What: what, OK: true, Detail: detail})
}

func (s *steps) passed() []Finding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.found)
}

func (s *steps) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSDone: func(info httptrace.DNSDoneInfo) {
			if info.Err == nil {
				s.add("dns", fmt.Sprint(info.Addrs))
			}
		},
		ConnectDone: func(_, addr string, err error) {
			if err == nil {
				s.add("connect", addr)
			}
		},
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				s.add("tls", tls.VersionName(state.Version))
			}
		},
	}
}

// served says whether the model is among those that the service lists.
func (p *prober) served(names []string, same func(listed string) bool) bool {
	if slices.ContainsFunc(names, same) {
		p.ok("model", p.cfg.Model)
		return true
	}
	some := names[:min(len(names), 8)]
	detail := fmt.Sprintf("%s is not among the %d models served (%s)", p.cfg.Model, len(names), strings.Join(some, ", "))
	if len(some) < len(names) {
		detail = strings.TrimSuffix(detail, ")") + ", …)"
	}
	p.add(Finding{What: "model", Detail: p.tidy(detail), Mend: p.modelHint()})
	return false
}

// embeds makes one embedding and looks at it.
func (p *prober) embeds(ctx context.Context, e Embedder) {
	vectors, err := e.Embed(ctx, []string{"routeval"})
	if err != nil {
		p.failed("embedding", err)
		return
	}
	var square float64
	for _, x := range vectors[0] {
		square += float64(x) * float64(x)
	}
	width := len(vectors[0])
	p.add(Finding{What: "embedding", OK: true, Width: width, Detail: fmt.Sprintf("width %d, norm %.4g", width, math.Sqrt(square))})
}
