package providers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
)

// unreached makes the error of a call that brought no whole answer. If ctx ended it
// is ctx's own error. The end of the call's own deadline is the endpoint's failure, and
// does not look like the end of ctx.
func (e *endpoint) unreached(ctx, deadline context.Context, path string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", e.cfg.Role, e.base.String()+path, ctx.Err())
	}
	if context.Cause(deadline) == errFirstByte {
		return e.fail(path, 0, Transient, "no answer began within "+e.cfg.FirstByteTimeout.String(), "raise first_byte_timeout; a model that loads needs time too")
	}
	if deadline.Err() != nil {
		return e.fail(path, 0, Transient, "no whole answer within "+e.cfg.Timeout.String(), "raise timeout, or lower max_tokens")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // its text is the URL, which the error names already
	}
	class, message, hint := e.diagnose(err)
	failure := e.fail(path, 0, class, message, hint)
	if !errors.Is(err, context.DeadlineExceeded) { // net's timeouts say that they are
		failure.Err = err
	}
	return failure
}

// diagnose says what a network error is about. Names that do not resolve and TLS
// that cannot agree stay so; a server that is down may come up.
func (e *endpoint) diagnose(err error) (class Class, message, hint string) {
	message = err.Error()
	var dns *net.DNSError
	var op *net.OpError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return Transient, message, "this is the proxy of HTTP_PROXY or HTTPS_PROXY; NO_PROXY names the hosts to call without it"
	case errors.As(err, &dns) && dns.IsNotFound:
		return Fatal, "no such host: " + dns.Name, "check the host in base_url"
	case errors.As(err, &dns):
		return Transient, message, ""
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return Transient, message, "nothing answers at " + e.base.Host + ": is it the right host, or is a firewall between?"
	case errors.As(err, &cert):
		return Fatal, message, certificateHint(cert.Err)
	case errors.As(err, &record), strings.Contains(message, "server gave HTTP response to HTTPS client"):
		plain := *e.base
		plain.Scheme = "http"
		return Fatal, "the server does not speak TLS", fmt.Sprintf("set base_url to %s", &plain)
	case errors.As(err, &alert):
		return Fatal, message, "TLS could not be agreed on"
	case strings.Contains(message, `malformed HTTP response "\x15\x03`): // a TLS alert
		return Fatal, "the server does not speak plain HTTP", e.useTLSHint()
	case strings.Contains(message, "response headers exceeded"):
		return Rejected, message, ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return Transient, message, e.startHint()
	}
	return Transient, message, ""
}

func certificateHint(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return "if the server's own authority is to be trusted, name its file in SSL_CERT_FILE"
	case errors.As(err, &host):
		return "the certificate is for another host name: use that one in base_url"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the certificate or this machine's clock is out of date"
	}
	return ""
}

func (e *endpoint) startHint() string {
	if e.isOllama() {
		return "is Ollama running? start it with `ollama serve`"
	}
	return "is the server running at " + e.base.Host + "?"
}
