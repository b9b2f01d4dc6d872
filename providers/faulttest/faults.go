package faulttest

import (
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Mix names the faults of rough weather: each is over soon and the call worth another try.
func Mix() []string {
	return []string{
		"429", "429 with Retry-After", "500", "502", "503", "reset", "stall", "truncated", "malformed",
		"wrong content type", "dies in the middle", "wrong length",
	}
}

// Names gives the names of all faults, sorted.
func Names() []string { return slices.Sorted(maps.Keys(faults)) }

// faults is the table of faults.
var faults = map[string]func(*Server, http.ResponseWriter, *http.Request){
	"429":                  status(http.StatusTooManyRequests, `{"error":{"message":"slow down"}}`),
	"429 with Retry-After": status(http.StatusTooManyRequests, `{"error":{"message":"slow down"}}`, "Retry-After-Ms", "1"),
	"500":                  status(http.StatusInternalServerError, `{"error":{"message":"something broke"}}`),
	"502":                  status(http.StatusBadGateway, `<html><head><title>502 Bad Gateway</title></head></html>`, "Content-Type", "text/html"),
	"503":                  status(http.StatusServiceUnavailable, `{"error":{"message":"no server is available"}}`),
	"malformed":            status(http.StatusOK, `{"choices":[{"message":{"content":"x"}`),
	"wrong content type":   status(http.StatusOK, `hello`, "Content-Type", "text/plain"),
	"deep":                 status(http.StatusOK, strings.Repeat(`{"a":[`, 100_000)),
	"invalid UTF-8":        status(http.StatusOK, "{\"choices\":[{\"message\":{\"content\":\"\xff\xfe\"}}]}"),
	"redirect loop":        redirect,
	"reset":                func(_ *Server, w http.ResponseWriter, _ *http.Request) { reset(w) },
	"stall":                stall,
	"truncated":            truncated,
	"dies in the middle":   dies,
	"wrong length":         wrongLength,
	"huge header":          hugeHeader,
	"endless":              endless,
	"slow":                 slow,
}

func status(code int, body string, headers ...string) func(*Server, http.ResponseWriter, *http.Request) {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		reply(w, code, body)
	}
}

func redirect(_ *Server, w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
}

// stall says nothing for a while and then hangs up.
func stall(s *Server, w http.ResponseWriter, r *http.Request) {
	d := s.opts.Stall
	if d == 0 {
		d = forEver
	}
	sleep(r, d)
	hangUp(w)
}

// forEver is longer than any test.
const forEver = 24 * time.Hour

// hangUp ends a connection without an answer.
func hangUp(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// reset ends it so that the caller's system notices.
func reset(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		hangUp(w) // HTTP/2 has no connection of its own to reset
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.Close()
}

// truncated ends a body before the length that it announced.
func truncated(_ *Server, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	reply(w, http.StatusOK, `{"choices":[{"message":{"content":"the beginning`)
	hangUp(w)
}

// dies ends a body of unknown length in its middle.
func dies(_ *Server, w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, `{"choices":[{"message":{"content":"the beginning`)
	http.NewResponseController(w).Flush()
	hangUp(w)
}

// wrongLength announces fewer bytes than the body has, which cuts it.
func wrongLength(_ *Server, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "20")
	reply(w, http.StatusOK, answer("longer than that"))
}

func hugeHeader(_ *Server, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-Huge", strings.Repeat("x", 8<<20))
	reply(w, http.StatusOK, answer("x"))
}

// endless sends blanks until the caller has enough.
func endless(_ *Server, w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, "")
	blanks := strings.Repeat(" ", 64<<10)
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, blanks); err != nil {
			return
		}
	}
}

// slow sends a blank now and then.
func slow(_ *Server, w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, "")
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, " "); err != nil {
			return
		}
		http.NewResponseController(w).Flush()
		sleep(r, 5*time.Millisecond)
	}
}
