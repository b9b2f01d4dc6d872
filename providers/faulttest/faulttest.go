// Package faulttest is a server that fails as services do, for tests: an OpenAI-compatible one
// that answers each prompt with itself, but for the faults it is told to mix in.
package faulttest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// Options say how the server fails. The zero value never does.
type Options struct {
	Seed    uint64
	Latency time.Duration // of an answer

	Share  float64  // of calls that meet a fault, in [0,1]
	Faults []string // names of the faults in the mix, all alike often; nil for Mix

	// Rate is how many calls a second are admitted, with a tenth of a second's worth in reserve;
	// others are refused with 429. 0 admits all. RefuseAfter is the Retry-After
	// of a refusal; 0 for none.
	Rate        float64
	RefuseAfter time.Duration

	// Outages are spans of time since the first call in which every connection is cut.
	Outages []Span
	// Stall is how long a fault that stalls does so; 0 for until the caller gives up.
	Stall time.Duration
}

// Span is a time from one moment to another.
type Span struct{ From, To time.Duration }

// A Server is an http.Handler.
type Server struct {
	opts Options

	mu     sync.Mutex
	random *rand.Rand
	start  time.Time // of the first call
	level  float64   // of calls that may be admitted
	at     time.Time
	counts Counts
	prompt map[string]int
}

// Counts are what a server has seen.
type Counts struct {
	Calls    int // for an answer
	Answered int
	Refused  int            // above the rate
	Cut      int            // in an outage
	Faults   map[string]int // by name
	Pings    int            // for anything else
}

// New makes a server. An unknown fault is an error.
func New(o Options) (*Server, error) {
	if o.Faults == nil {
		o.Faults = Mix()
	}
	for _, name := range o.Faults {
		if faults[name] == nil {
			return nil, fmt.Errorf("unknown fault %q (have %s)", name, strings.Join(Names(), ", "))
		}
	}
	return &Server{
		opts: o, random: rand.New(rand.NewPCG(o.Seed, 2)),
		counts: Counts{Faults: map[string]int{}}, prompt: map[string]int{},
	}, nil
}

// Counts gives what the server has seen so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Faults = map[string]int{}
	for name, n := range s.counts.Faults {
		c.Faults[name] = n
	}
	return c
}

// Answers is how often each prompt was answered.
func (s *Server) Answers() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]int, len(s.prompt))
	for p, n := range s.prompt {
		all[p] = n
	}
	return all
}

// ServeHTTP answers POSTs as a chat, anything else as a list of no models.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	prompt, err := readPrompt(r)
	if err != nil {
		reply(w, http.StatusBadRequest, `{"error":{"message":"not a chat request"}}`)
		return
	}
	switch now := s.decide(r.Method == http.MethodPost); {
	case now.cut:
		hangUp(w)
	case now.refused:
		if s.opts.RefuseAfter > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(s.opts.RefuseAfter.Seconds()))
		}
		reply(w, http.StatusTooManyRequests, `{"error":{"message":"above the rate","type":"requests"}}`)
	case r.Method != http.MethodPost:
		reply(w, http.StatusOK, `{"object":"list","data":[]}`)
	case now.fault != "":
		faults[now.fault](s, w, r)
	default:
		sleep(r, s.opts.Latency)
		s.answered(prompt)
		reply(w, http.StatusOK, answer(prompt))
	}
}

// decision is what happens to a call.
type decision struct {
	cut, refused bool
	fault        string
}

func (s *Server) decide(chat bool) (d decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.start.IsZero() {
		s.start, s.at, s.level = now, now, s.opts.Rate/10
	}
	if chat {
		s.counts.Calls++
	} else {
		s.counts.Pings++
	}
	for _, o := range s.opts.Outages {
		if since := now.Sub(s.start); since >= o.From && since < o.To {
			s.counts.Cut++
			return decision{cut: true}
		}
	}
	if !chat {
		return d
	}
	if s.opts.Rate > 0 {
		s.level = min(max(1, s.opts.Rate/10), s.level+s.opts.Rate*now.Sub(s.at).Seconds())
		s.at = now
		if s.level < 1 {
			s.counts.Refused++
			return decision{refused: true}
		}
		s.level--
	}
	if s.random.Float64() < s.opts.Share {
		d.fault = s.opts.Faults[s.random.IntN(len(s.opts.Faults))]
		s.counts.Faults[d.fault]++
	}
	return d
}

func (s *Server) answered(prompt string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Answered++
	s.prompt[prompt]++
}

// readPrompt is the last turn of a chat request; "" for a request of another kind.
func readPrompt(r *http.Request) (string, error) {
	if r.Method != http.MethodPost {
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return "", err
	}
	var body struct {
		Messages []struct {
			Content string `json:"content"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(b, &body); err != nil || len(body.Messages) == 0 {
		return "", fmt.Errorf("no messages: %w", err)
	}
	return body.Messages[len(body.Messages)-1].Content, nil
}

func answer(text string) string {
	quoted, _ := json.Marshal(text) // came out of JSON
	return `{"object":"chat.completion","model":"echo","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":` +
		string(quoted) + `}}],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}`
}

func reply(w http.ResponseWriter, status int, body string) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// sleep waits for d, or until the caller gives up.
func sleep(r *http.Request, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}
