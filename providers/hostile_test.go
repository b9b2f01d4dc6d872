package providers

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile are servers that mean harm, as what they write once a request has come. Those
// that never end do so when the client hangs up.
var hostile = map[string]func(w io.Writer){
	"nothing":             func(io.Writer) {},
	"no HTTP":             write("\x00\x01\x02\xff not even close\r\n\r\n"),
	"endless status line": func(w io.Writer) { write("HTTP/1.1 200 ")(w); forever(w, "O") },
	"endless header":      func(w io.Writer) { write("HTTP/1.1 200 OK\r\nX: ")(w); forever(w, "x") },
	"endless headers":     func(w io.Writer) { write("HTTP/1.1 200 OK\r\n")(w); forever(w, "X-A: b\r\n") },
	"endless 100s":        func(w io.Writer) { forever(w, "HTTP/1.1 100 Continue\r\nX-A: b\r\n\r\n") },
	"endless body":        func(w io.Writer) { write(okJSON + "\r\n")(w); forever(w, " ") },
	"endless chunks": func(w io.Writer) {
		write(okJSON + "Transfer-Encoding: chunked\r\n\r\n")(w)
		forever(w, "5;ext=1\r\n[[[[[\r\n")
	},
	"endless trailer": func(w io.Writer) {
		write(okJSON + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")(w)
		forever(w, "X-A: b\r\n")
	},
	"endless text in a string": func(w io.Writer) { write(okJSON + "\r\n{\"model\":\"")(w); forever(w, "x") },
	"endless refusal":          func(w io.Writer) { write("HTTP/1.1 500 No\r\n\r\n")(w); forever(w, "no ") },
	"huge length":              write(okJSON + "Content-Length: 9223372036854775807\r\n\r\n{}"),
	"length below zero":        write(okJSON + "Content-Length: -1\r\n\r\n{}"),
	"two lengths":              write(okJSON + "Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}"),
	"length too short":         write(okJSON + "Content-Length: 9\r\n\r\n{\"model\":\"x\"}"),
	"length too long":          write(okJSON + "Content-Length: 99\r\n\r\n{\"model\":\"x\"}"),
	"no UTF-8":                 write(okJSON + "\r\n{\"model\":\"\xff\xfe\"}"),
	"deep lists":               write(okJSON + "\r\n{\"x\":" + strings.Repeat("[", 60_000)),
	"deep objects":             write(okJSON + "\r\n" + strings.Repeat(`{"message":`, 5_000)),
	"deep refusal":             write("HTTP/1.1 400 No\r\n\r\n" + strings.Repeat(`{"error":`, 7_000)),
	"a bomb":                   func(w io.Writer) { write(okJSON + "Content-Encoding: gzip\r\n\r\n")(w); w.Write(bomb()) },
	"no gzip":                  write(okJSON + "Content-Encoding: gzip\r\n\r\nnot zipped"),
	"slow body":                func(w io.Writer) { write(okJSON + "\r\n")(w); slowly(w) },
	"slow header":              slowly,
	"mute":                     func(io.Writer) { time.Sleep(2 * hostileTimeout) },
	"a switch of protocol":     write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\n"),
	"a circle":                 write("HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"),
}

const (
	okJSON         = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
	hostileTimeout = 150 * time.Millisecond
	hostileBytes   = 64 << 10 // MaxResponseBytes
	// A call may take up to a few headers of the longest and bodies of the longest, each
	// copied as it grows.
	hostileMemory = 24 << 20
)

func write(s string) func(io.Writer) { return func(w io.Writer) { io.WriteString(w, s) } }

func forever(w io.Writer, s string) {
	b := bytes.Repeat([]byte(s), 4096/len(s)+1)
	for {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// slowly feeds a byte at a time, so that something always comes.
func slowly(w io.Writer) {
	for {
		if _, err := io.WriteString(w, "H"); err != nil {
			return
		}
		time.Sleep(hostileTimeout / 20)
	}
}

// bomb is a gigabyte of blanks, zipped.
func bomb() []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	blanks := bytes.Repeat([]byte(" "), 1<<20)
	for range 1 << 6 {
		z.Write(blanks)
	}
	z.Close()
	return b.Bytes()
}

// Each costs one failed row: an error that stops no run, within the deadline and little
// memory.
func TestHostileServers(t *testing.T) {
	for name, answer := range hostile {
		url := hostileServer(t, answer)
		for _, kind := range []string{"anthropic", "azure", "ollama", "openai"} {
			c, err := New(Config{Role: "models.weak", Kind: kind, BaseURL: url, Model: "m", Timeout: hostileTimeout, MaxResponseBytes: hostileBytes})
			if err != nil {
				t.Fatal(err)
			}
			before := allocated()
			_, err = c.Complete(t.Context(), Request{Messages: []Message{{Role: "user", Content: "x"}}})
			spent := allocated() - before
			var failure *Error
			if !errors.As(err, &failure) || failure.Class == Fatal {
				t.Errorf("%s, %s: got %v, want one failed row", name, kind, err)
			}
			if len(fmt.Sprint(err)) > 1000 {
				t.Errorf("%s, %s: an error of %d bytes", name, kind, len(fmt.Sprint(err)))
			}
			if spent > hostileMemory {
				t.Errorf("%s, %s: %d bytes were allocated", name, kind, spent)
			}
			c.Close()
		}
	}
}

// allocated counts bytes since the program began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// hostileServer reads each request and then lets answer do its worst.
func hostileServer(t *testing.T, answer func(io.Writer)) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				io.Copy(io.Discard, r.Body)
				answer(conn)
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}
