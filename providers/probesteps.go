package providers

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"
)

// stage is the step at which a call failed.
func (e *endpoint) stage(err error) string {
	var failure *Error
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	switch {
	case !errors.As(err, &failure):
		return "connect" // ctx ended
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &cert), failure.Status == 0 && strings.Contains(failure.Message, "TLS"), strings.Contains(failure.Hint, "speaks TLS"):
		return "tls"
	case failure.Status == 0:
		return "connect"
	case failure.Status == http.StatusUnauthorized, failure.Status == http.StatusForbidden:
		return "key"
	case slices.Contains([]string{e.modelHint(), e.deploymentHint(), e.notChatHint(), e.notEmbeddingHint(), e.brokenModelHint(), e.modelNameHint()}, failure.Hint):
		return "model"
	case failure.Hint == e.pathHint(), failure.Status/100 == 3, failure.Status == http.StatusNotFound, failure.Status == http.StatusMethodNotAllowed,
		failure.Status == http.StatusOK && failure.Class == Fatal:
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

// watch notes what the answers say beside their bodies.
type watch struct {
	http.RoundTripper
	mu   sync.Mutex
	skew time.Duration // the service's clock less this machine's, by its last answer
	seen bool
}

// watched is an endpoint like e whose answers are watched.
func watched(e *endpoint) (*endpoint, *watch) {
	w := &watch{RoundTripper: e.client.Transport}
	like, client := *e, *e.client
	client.Transport = w
	like.client = &client
	return &like, w
}

func (w *watch) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.skew, w.seen = time.Until(date), true
	}
	return resp, nil
}

// CloseIdleConnections closes those of what is watched.
func (w *watch) CloseIdleConnections() {
	if c, ok := w.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A date has whole seconds, and its answer took time to come. Certificates and the times
// that services ask to wait until suffer from more.
const harmlessSkew = 5 * time.Second

// clock compares the clocks of service and machine; nothing if the service has none.
func (w *watch) clock() []Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	skew := w.skew.Round(time.Second)
	f := Finding{What: "clock", OK: true, Detail: "agrees with the service's"}
	switch {
	case !w.seen:
		return nil
	case skew > harmlessSkew:
		f.Detail, f.Mend = fmt.Sprintf("%s behind the service's", skew), "set this machine's clock, or the server's"
	case skew < -harmlessSkew:
		f.Detail, f.Mend = fmt.Sprintf("%s ahead of the service's", -skew), "set this machine's clock, or the server's"
	}
	return []Finding{f}
}
