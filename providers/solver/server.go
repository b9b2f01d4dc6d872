package solver

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Options say how a server behaves. The zero value answers at once and has no
// embedding model.
type Options struct {
	Latency   map[string]time.Duration // by solver: what an answer waits, as if a model wrote it
	Embedding Embedding
}

// maxBody is how many bytes a request may have.
const maxBody = 8 << 20

// Handler is a server with OpenAI's interface: /v1/models,
// /v1/chat/completions for the solvers, and /v1/embeddings where there is an
// embedding model. It does not stream. Requests are answered alike every time;
// a token is four bytes.
func Handler(o Options) http.Handler {
	s := server{o}
	mux := http.NewServeMux()
	mux.Handle("/v1/models", only(http.MethodGet, s.models))
	mux.Handle("/v1/models/{model}", only(http.MethodGet, s.model))
	mux.Handle("/v1/chat/completions", only(http.MethodPost, s.chat))
	mux.Handle("/v1/embeddings", only(http.MethodPost, s.embeddings))
	mux.Handle("/", handler(func(r *http.Request) (any, error) {
		return nil, &apiError{status: http.StatusNotFound, Message: fmt.Sprintf("Invalid URL (%s %s)", r.Method, r.URL.Path)}
	}))
	return mux
}

type server struct{ Options }

// apiError is an error in OpenAI's form.
type apiError struct {
	status  int
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (e *apiError) Error() string { return e.Message }

func badRequest(format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

func noModel(name string) error {
	code := "model_not_found"
	return &apiError{status: http.StatusNotFound, Message: fmt.Sprintf("The model `%.100s` does not exist or you do not have access to it.", name), Code: &code}
}

// handler makes a handler of a function whose value or *apiError is the answer.
// Any other error is the end of the request's context: nobody waits for it.
func handler(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		status := http.StatusOK
		answer, err := f(r)
		if err != nil {
			e, ok := err.(*apiError)
			if !ok {
				return
			}
			e.Type, status = "invalid_request_error", e.status
			answer = map[string]any{"error": e}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.MarshalWrite(w, answer, json.Deterministic(true))
	})
}

// only refuses every method but one.
func only(method string, f func(*http.Request) (any, error)) http.Handler {
	return handler(func(r *http.Request) (any, error) {
		if r.Method != method {
			return nil, &apiError{status: http.StatusMethodNotAllowed, Message: fmt.Sprintf("Not allowed to %s on %s. (HINT: Perhaps you meant to use a different HTTP method?)", r.Method, r.URL.Path)}
		}
		return f(r)
	})
}

// readJSON reads a request's body.
func readJSON(r *http.Request, into any) error {
	if err := json.UnmarshalRead(r.Body, into, jsontext.AllowDuplicateNames(true)); err != nil {
		return badRequest("We could not parse the JSON body of your request: %v", err)
	}
	return nil
}

type modelCard struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func (s server) cards() []modelCard {
	var cards []modelCard
	for _, sv := range Solvers() {
		cards = append(cards, modelCard{ID: sv.Name, Object: "model", OwnedBy: "routeval"})
	}
	if s.Embedding.Model != "" {
		cards = append(cards, modelCard{ID: s.Embedding.Model, Object: "model", OwnedBy: "routeval"})
	}
	return cards
}

func (s server) models(*http.Request) (any, error) {
	return map[string]any{"object": "list", "data": s.cards()}, nil
}

func (s server) model(r *http.Request) (any, error) {
	for _, c := range s.cards() {
		if c.ID == r.PathValue("model") {
			return c, nil
		}
	}
	return nil, noModel(r.PathValue("model"))
}
