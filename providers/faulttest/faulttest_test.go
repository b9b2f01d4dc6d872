package faulttest_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"routeval/providers"
	"routeval/providers/faulttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open starts a server and a client of it that is bounded in all ways.
func open(t *testing.T, o faulttest.Options, timeout time.Duration) (*faulttest.Server, providers.Client) {
	t.Helper()
	s, err := faulttest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	client, err := providers.New(providers.Config{
		Role: "models.weak", Kind: "openai", BaseURL: server.URL, Model: "echo",
		Timeout: timeout, MaxResponseBytes: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.CloseClientConnections()
		server.Close()
	})
	return s, client
}

// short is the time of a call that a fault lets hang.
const short = 200 * time.Millisecond

func call(t *testing.T, c providers.Client, text string) (providers.Completion, error) {
	return c.Complete(t.Context(), providers.Request{Messages: []providers.Message{{Role: "user", Content: text}}})
}

// Every fault is a failure of one class; those of the mix are worth another call, and nothing that
// a hostile server does costs more than the call's time.
func TestEveryFaultIsClassified(t *testing.T) {
	want := map[string]providers.Class{
		"endless": providers.Rejected, "huge header": providers.Rejected, "redirect loop": providers.Rejected,
	}
	for _, name := range faulttest.Names() {
		t.Run(name, func(t *testing.T) {
			timeout := short
			if want[name] != "" {
				timeout = 4 * time.Second // these end by themselves, on a busy machine too
			}
			s, c := open(t, faulttest.Options{Share: 1, Faults: []string{name}}, timeout)
			start := time.Now()
			got, err := call(t, c, "hello")
			if name == "invalid UTF-8" && err == nil {
				return // read as U+FFFD
			}
			var e *providers.Error
			if !errors.As(err, &e) {
				t.Fatalf("answer %q, error %v", got.Text, err)
			}
			class := providers.Transient
			if want[name] != "" {
				class = want[name]
			}
			if e.Class != class || time.Since(start) > 5*time.Second || s.Counts().Faults[name] == 0 {
				t.Errorf("%s after %s: %v", e.Class, time.Since(start), err)
			}
		})
	}
	if _, err := faulttest.New(faulttest.Options{Faults: []string{"flood"}}); err == nil {
		t.Error("an unknown fault is none")
	}
}

// The same seed makes the same faults, at the share asked for.
func TestSeeded(t *testing.T) {
	run := func() string {
		s, c := open(t, faulttest.Options{Seed: 5, Share: 0.3, Faults: []string{"429", "500", "malformed"}}, short)
		text := ""
		for i := range 300 {
			_, err := call(t, c, fmt.Sprint(i))
			var e *providers.Error
			errors.As(err, &e)
			if e != nil {
				text += fmt.Sprint(i, e.Status, " ")
			}
		}
		n := s.Counts()
		if n.Calls != 300 || n.Answered < 180 || n.Answered > 240 || len(s.Answers()) != n.Answered {
			t.Errorf("%+v, want 210 of 300 answered (standard deviation 8)", n)
		}
		return text
	}
	if first, second := run(), run(); first != second {
		t.Errorf("two runs of one seed differ:\n%s\n%s", first, second)
	}
}

func TestRateAndOutage(t *testing.T) {
	s, c := open(t, faulttest.Options{Rate: 10, RefuseAfter: 3 * time.Second}, short)
	refused := 0
	for range 5 {
		_, err := call(t, c, "x")
		var e *providers.Error
		if errors.As(err, &e) && e.Status == 429 && e.RetryAfter == 3*time.Second {
			refused++
		}
	}
	if refused == 0 || s.Counts().Refused != refused {
		t.Errorf("%d of 5 calls refused, the server counts %d", refused, s.Counts().Refused)
	}
	s, c = open(t, faulttest.Options{Outages: []faulttest.Span{{From: 0, To: time.Hour}}}, short)
	if _, err := call(t, c, "x"); err == nil || c.(providers.Pinger).Ping(t.Context()) == nil || s.Counts().Cut < 2 {
		t.Errorf("an outage: %v, %+v", err, s.Counts())
	}
}
