package providers

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
)

const (
	maxErrorBytes  = 64 << 10 // of a refusal, more is not read
	maxHeaderBytes = 1 << 20
	maxRedirects   = 5
)

// endpoint speaks HTTP for one role: it sends the key, bounds time and bytes, and
// turns whatever goes wrong into an [Error].
type endpoint struct {
	cfg    Config   // filled
	preset Preset   // what is known of the service
	base   *url.URL // without trailing slash
	query  string   // of every call; "" if none
	rules  []rule   // of this kind of service, before those of all
	client *http.Client
	blank  *http.Request // what every call is made from; never changed
	warm   *atomic.Int64 // when a call was last answered, as Unix time in nanoseconds; 0 if none ever was
}

// newEndpoint reads the base URL as its kind does. It refuses to send a key where
// others on the way could read it.
func newEndpoint(cfg Config, read func(typed string) (*url.URL, error)) (*endpoint, error) {
	preset, _ := LookupPreset(cfg.Kind) // New found it
	base, err := read(cmp.Or(cfg.BaseURL, preset.BaseURL))
	if err != nil {
		return nil, cfg.fieldError("base_url", "%w", err)
	}
	if cfg.Key != "" && base.Scheme == "http" && !isLoopback(base.Hostname()) && !cfg.AllowPlainHTTP {
		return nil, cfg.fieldError("base_url", "%s would carry the key of %s in plain text: write https://%s, or set allow_plain_http: true",
			base, keyName(cfg), base.Host+base.Path)
	}
	header := http.Header{
		"Accept":       {"application/json"},
		"Content-Type": {"application/json"},
		"User-Agent":   {cfg.UserAgent},
	}
	if cfg.Key != "" {
		header.Set("Authorization", "Bearer "+string(cfg.Key))
	}
	return &endpoint{
		warm:   new(atomic.Int64),
		cfg:    cfg,
		preset: preset,
		base:   base,
		client: &http.Client{Transport: newTransport(cfg), CheckRedirect: sameHost},
		blank:  &http.Request{Host: base.Host, Header: header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1},
	}, nil
}

// keyIn sends the key in a header of its own.
func (e *endpoint) keyIn(name string) {
	e.blank.Header.Del("Authorization")
	if e.cfg.Key != "" {
		e.blank.Header.Set(name, string(e.cfg.Key))
	}
}

// newTransport keeps as many idle connections as calls may be in flight: with
// net/http's default of two, all others would dial anew. The wait for the first
// byte is bounded by the call itself, which may have to wait for a model to load.
func newTransport(cfg Config) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    cfg.ConnectTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    cfg.Slots, // and there is one host
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

// sameHost follows a redirect only to the same scheme, host and port with the same
// method, so that neither key nor prompt go elsewhere and no POST becomes a GET.
// Any other redirect is the answer.
func sameHost(next *http.Request, via []*http.Request) error {
	first := via[0]
	if next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host ||
		next.Method != first.Method || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

func (e *endpoint) Endpoint() string { return e.base.String() }

func (e *endpoint) String() string { return e.cfg.Role + " " + e.base.String() }

// Format keeps the key, which is in a header, out of whatever is printed.
func (e *endpoint) Format(f fmt.State, _ rune) { io.WriteString(f, e.String()) }

func (e *endpoint) Close() error {
	e.client.CloseIdleConnections()
	return nil
}

// get calls path and decodes the answer into v.
func (e *endpoint) get(ctx context.Context, path string, v any) error {
	return e.call(ctx, request{method: http.MethodGet, path: path}, v)
}

// post sends body to path and decodes the answer into v.
func (e *endpoint) post(ctx context.Context, path string, body []byte, v any) error {
	return e.call(ctx, request{method: http.MethodPost, path: path, body: body}, v)
}

// request is one HTTP call. Own marks one whose settings came with the row, so
// that settings refused by the service are the row's fault and not the spec's.
type request struct {
	method, path string
	body         []byte
	own          bool
}

func (e *endpoint) call(ctx context.Context, r request, v any) error {
	deadline, firstByte, cancel := e.deadline(ctx)
	defer cancel()
	resp, err := e.send(deadline, r)
	firstByte()
	if err != nil {
		return e.unreached(ctx, deadline, r.path, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		// What was read of a refusal says enough, even if it broke off.
		body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes))
		return e.refused(r, resp, body)
	}
	b := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(b) // nothing that decode makes refers to the bytes
	body, err := e.readBody(resp, b)
	switch {
	case errors.Is(err, errTooLong):
		return e.fail(r.path, resp.StatusCode, Rejected, err.Error(), "raise max_response_bytes or lower max_tokens")
	case err != nil:
		return e.unreached(ctx, deadline, r.path, err)
	}
	e.warm.Store(time.Now().UnixNano())
	return e.decode(r, resp, body, v)
}

// send makes the exchange. An http.Client follows redirects; where there is none, as
// nearly always, all it does is to copy headers, which takes a fifteenth of the call.
func (e *endpoint) send(ctx context.Context, r request) (*http.Response, error) {
	resp, err := e.client.Transport.RoundTrip(e.httpRequest(ctx, r))
	if err != nil || resp.StatusCode/100 != 3 {
		return resp, err
	}
	resp.Body.Close()
	return e.client.Do(e.httpRequest(ctx, r))
}

// httpRequest shares the blank's header among all calls: net/http copies it before it
// adds anything.
func (e *endpoint) httpRequest(ctx context.Context, r request) *http.Request {
	u := *e.base
	u.Path += r.path
	u.RawQuery = e.query
	req := e.blank.WithContext(ctx)
	req.Method, req.URL = r.method, &u
	if r.body != nil {
		req.ContentLength = int64(len(r.body))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.body)), nil }
		req.Body, _ = req.GetBody()
	}
	return req
}

var errTooLong = errors.New("the answer is longer than max_response_bytes")

// bodies are buffers for answers: those of embedding calls have megabytes.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readBody reads the answer into b, up to the bound. Memory grows with the bytes that came,
// never with the length that the server announced.
func (e *endpoint) readBody(resp *http.Response, b *bytes.Buffer) ([]byte, error) {
	limit := e.cfg.MaxResponseBytes
	if resp.ContentLength > limit {
		return nil, errTooLong
	}
	b.Reset()
	b.Grow(int(min(max(resp.ContentLength, 0), 64<<10)) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(resp.Body, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, errTooLong
	}
	return b.Bytes(), nil
}

// decode reads a 2xx answer. It may still hold an error: some services notice too
// late for a status. An answer that is no JSON may be a body cut short on
// its way and is worth another call; a web page is not: something else lives at
// the URL.
func (e *endpoint) decode(r request, resp *http.Response, body []byte, v any) error {
	contentType := resp.Header.Get("Content-Type")
	if contentType != "application/json" {
		contentType, _, _ = mime.ParseMediaType(contentType)
	}
	switch contentType {
	case "text/html":
		return e.fail(r.path, resp.StatusCode, Fatal, "the answer is a web page, not JSON: "+pageTitle(body), e.pathHint())
	case "text/event-stream", "application/x-ndjson":
		return e.fail(r.path, resp.StatusCode, Transient, "the answer is a stream ("+contentType+"), though none was asked for", "")
	}
	if bytes.Contains(body[:min(len(body), 4096)], []byte(`"error"`)) {
		if f := readFault(body); f.member {
			return e.judge(r, cmp.Or(f.status, http.StatusInternalServerError), resp.Header, f)
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		message := "the answer cannot be read: " + err.Error()
		if !strings.HasSuffix(contentType, "json") {
			message = "the answer is " + contentType + ", not JSON: " + string(body[:min(len(body), 200)])
		}
		return e.fail(r.path, resp.StatusCode, Transient, message, "")
	}
	return nil
}

// noEmbeddings is the error of a service that makes none.
func (e *endpoint) noEmbeddings() *Error {
	return e.fail("", 0, Fatal, e.preset.Name+" makes no embeddings", e.cfg.Role+".provider: name another one")
}

// fail makes an error of this role and endpoint.
func (e *endpoint) fail(path string, status int, class Class, message, hint string) *Error {
	return &Error{
		Role: e.cfg.Role, Endpoint: e.base.String() + path, Status: status, Class: class,
		Message: e.tidy(message), Hint: hint, Attempts: 1,
	}
}

// tidy makes foreign text fit for a line of a log: without the key, should the
// service have repeated it, in valid UTF-8, on one line, and short.
func (e *endpoint) tidy(s string) string {
	if e.cfg.Key != "" {
		s = strings.ReplaceAll(s, string(e.cfg.Key), "***")
	}
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), notPrinted), " ")
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func notPrinted(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) && r != '\uFFFD' }
