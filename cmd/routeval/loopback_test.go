package main_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// loopback is an OpenAI-compatible server on this machine. It answers a prompt
// with itself, and does what its knobs say to prompts that hold a word.
type loopback struct {
	*httptest.Server

	mu      sync.Mutex
	key     string         // the only key that is taken; "" for any and none
	delay   time.Duration  // before an answer
	says    string         // every answer; "" for the prompt itself
	width   int            // of embeddings; 0 for no such endpoint
	refuse  map[string]int // status by word
	calls   int            // of /chat/completions
	embeds  int            // of /embeddings
	waiting int            // calls that have not been answered yet
}

// newLoopback starts a server. A knob is "key=K", "delay=50ms", "says=TEXT", "width=8" or
// "WORD=STATUS", the status for prompts that hold the word (0: for none again).
func newLoopback(knobs ...string) (*loopback, error) {
	s := &loopback{refuse: map[string]int{}}
	for _, knob := range knobs {
		if err := s.turn(knob); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, r *http.Request) {
		s.answer(w, r, func(context.Context, []byte) (any, error) {
			return object{"data": []any{object{"id": "echo"}, object{"id": "vectors"}}}, nil
		})
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, s.chat) })
	mux.HandleFunc("POST /v1/embeddings", func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, s.embed) })
	s.Server = httptest.NewServer(mux)
	return s, nil
}

// turn sets a knob.
func (s *loopback) turn(knob string) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, value, _ := strings.Cut(knob, "=")
	switch name {
	case "key":
		s.key = value
	case "delay":
		s.delay, err = time.ParseDuration(value)
	case "says":
		s.says = value
	case "width":
		s.width, err = strconv.Atoi(value)
	default:
		s.refuse[name], err = strconv.Atoi(value)
	}
	return err
}

type object = map[string]any

// refusal is an error with its HTTP status.
type refusal int

func (r refusal) Error() string { return fmt.Sprintf("refused with %d", int(r)) }

// answer holds the key against the knob and sends what handle makes of the body.
func (s *loopback) answer(w http.ResponseWriter, r *http.Request, handle func(ctx context.Context, body []byte) (any, error)) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	wrong := s.key != "" && r.Header.Get("Authorization") != "Bearer "+s.key
	s.mu.Unlock()
	var reply any
	err := error(refusal(http.StatusUnauthorized))
	if !wrong {
		reply, err = handle(r.Context(), body)
	}
	w.Header().Set("Content-Type", "application/json")
	if status, refused := err.(refusal); refused {
		w.WriteHeader(int(status))
		reply = object{"error": object{"message": "the server says no", "type": "loopback"}}
	}
	json.NewEncoder(w).Encode(reply)
}

func (s *loopback) chat(ctx context.Context, body []byte) (any, error) {
	var request struct {
		Model    string
		Messages []struct{ Content string }
	}
	if json.Unmarshal(body, &request) != nil || len(request.Messages) == 0 {
		return nil, refusal(http.StatusBadRequest)
	}
	text := request.Messages[len(request.Messages)-1].Content
	s.mu.Lock()
	s.calls++
	s.waiting++
	delay, status := s.delay, s.statusOf(text)
	text = cmp.Or(s.says, text)
	s.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-ctx.Done(): // nobody waits any more
	}
	s.mu.Lock()
	s.waiting--
	s.mu.Unlock()
	if status != 0 {
		return nil, refusal(status)
	}
	return object{
		"model":   request.Model,
		"choices": []any{object{"index": 0, "finish_reason": "stop", "message": object{"role": "assistant", "content": text}}},
		"usage":   object{"prompt_tokens": 1000, "completion_tokens": 500},
	}, nil
}

func (s *loopback) statusOf(text string) int {
	for word, status := range s.refuse {
		if strings.Contains(text, word) {
			return status
		}
	}
	return 0
}

// embed makes vectors whose first number grows with the length of the text.
func (s *loopback) embed(_ context.Context, body []byte) (any, error) {
	var request struct{ Input []string }
	if json.Unmarshal(body, &request) != nil {
		return nil, refusal(http.StatusBadRequest)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.embeds++
	if s.width == 0 {
		return nil, refusal(http.StatusNotFound)
	}
	var data []any
	for i, text := range request.Input {
		if status := s.statusOf(text); status != 0 {
			return nil, refusal(status)
		}
		vector := make([]float64, s.width)
		vector[0], vector[s.width-1] = float64(len(text)), 1
		data = append(data, object{"index": i, "embedding": vector})
	}
	return object{"data": data}, nil
}

// counts are the chat calls that have begun, and those of them that wait.
func (s *loopback) counts() (calls, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls, s.waiting
}

// embeddings are the embedding calls that have reached the server.
func (s *loopback) embeddings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.embeds
}
