package providers

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// ollamaURL reads an Ollama base URL as people type it, OLLAMA_HOST forms
// included. The native API lives at the root, so a trailing "/v1", which belongs
// to the OpenAI-compatible one, is cut. Addresses that a server listens on but
// that no client can call (0.0.0.0, [::], no host at all) become loopback.
func ollamaURL(typed string) (*url.URL, error) {
	typed = trimTyped(typed)
	if err := refuseTyped(typed); err != nil {
		return nil, err
	}
	u := ollamaHost(typed)
	u.Scheme = strings.ToLower(u.Scheme)
	u.Path = strings.TrimSuffix(cleanPath(u.Path), "/v1")
	u.Host = connectable(u.Host)
	return u, nil
}

// ollamaHost reads a value of OLLAMA_HOST exactly as Ollama does: no scheme means
// http and port 11434, a scheme brings its own default port, and a port that
// is none falls back to the default.
func ollamaHost(typed string) *url.URL {
	scheme, rest, found := strings.Cut(trimTyped(typed), "://")
	port := "11434"
	switch {
	case !found:
		scheme, rest = "http", scheme
		if rest == "ollama.com" {
			scheme, port = "https", "443"
		}
	case scheme == "http":
		port = "80"
	case scheme == "https":
		port = "443"
	}
	hostport, path, _ := strings.Cut(rest, "/")
	host, p, err := net.SplitHostPort(hostport)
	if err != nil {
		host, p = "127.0.0.1", port
		if ip := net.ParseIP(strings.Trim(hostport, "[]")); ip != nil {
			host = ip.String()
		} else if hostport != "" {
			host = hostport
		}
	}
	if n, err := strconv.ParseUint(p, 10, 16); err == nil {
		port = strconv.FormatUint(n, 10)
	}
	u := &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}
	if path != "" {
		u.Path = "/" + path
	}
	return u
}

// openAIURL reads the base URL of an OpenAI-compatible API as people type it. No
// scheme means http. Without a path it is <host>/v1; any other path is kept, since
// services put their API under all sorts of them.
func openAIURL(typed string) (*url.URL, error) {
	u, err := httpURL(typed)
	if err == nil && u.Path == "" {
		u.Path = "/v1"
	}
	return u, err
}

// httpURL reads a base URL as people type it, and refuses what is none.
func httpURL(typed string) (*url.URL, error) {
	typed = trimTyped(typed)
	if err := refuseTyped(typed); err != nil {
		return nil, err
	}
	if !strings.Contains(typed, "://") {
		typed = "http://" + typed
	}
	u, err := url.Parse(typed)
	if err != nil {
		return nil, fmt.Errorf("not a URL: %w", errors.Unwrap(err))
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Hostname() == "" {
		return nil, errors.New("no host: write it as https://host/v1 or localhost:11434")
	}
	if p := u.Port(); p != "" {
		if _, err := strconv.ParseUint(p, 10, 16); err != nil {
			return nil, fmt.Errorf("port %s is above 65535", p)
		}
	}
	u.Host = connectable(u.Host)
	u.Path, u.RawPath = cleanPath(u.Path), ""
	for _, call := range []string{"/chat/completions", "/completions", "/embeddings", "/messages", "/models"} {
		if base, ok := strings.CutSuffix(u.Path, call); ok {
			u.Path = base
			return nil, fmt.Errorf("a call's path, not a base URL: write %s", u)
		}
	}
	return u, nil
}

// anthropicURL reads the base URL of an API that speaks as Anthropic's. Its own SDKs
// leave "/v1" to the call, others write it: here it belongs to the base.
func anthropicURL(typed string) (*url.URL, error) {
	u, err := httpURL(typed)
	if err == nil && !strings.HasSuffix(u.Path, "/v1") {
		u.Path += "/v1"
	}
	return u, err
}

// trimTyped takes off what shells and copying leave around a URL.
func trimTyped(s string) string {
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(s), `"'`))
}

// refuseTyped says what no base URL may hold, and what to write instead. Its
// errors never repeat what might be a password.
func refuseTyped(typed string) error {
	scheme, rest, found := strings.Cut(typed, "://")
	if !found {
		scheme, rest = "http", typed
	}
	authority, _, _ := strings.Cut(rest, "/")
	switch s := strings.ToLower(scheme); {
	case s != "http" && s != "https":
		return fmt.Errorf("scheme %q is not http or https", scheme)
	case strings.Contains(authority, "@"):
		return errors.New("credentials in a URL end up in logs: leave them out and name the key's variable in api_key_env")
	case strings.ContainsAny(rest, "?#"):
		return fmt.Errorf("a base URL has no query and no fragment: write %s", typed[:strings.IndexAny(typed, "?#")])
	case strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("a URL holds no blanks and no control characters")
	}
	return nil
}

// cleanPath removes doubled and trailing slashes: servers answer them with a
// redirect that hides the mistake.
func cleanPath(p string) string {
	if p = path.Clean("/" + p); p == "/" {
		return ""
	}
	return p
}

// connectable turns an address that a server listens on into one that a client
// can call.
func connectable(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.Trim(hostport, "[]"), ""
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	default:
		return hostport
	}
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// isLoopback reports whether a call to host stays on this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
