package datasets

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// A Message is one turn of a conversation.
type Message struct {
	Role    string // "system", "user", "assistant" or "tool"
	Content string // the text; of a content list, its text parts joined by newlines

	// Raw is the whole message as it stood in the row where it holds more than
	// a role and a text (images, tool calls, a name); nil otherwise. It is what
	// is sent to a model.
	Raw jsontext.Value
}

// A Prompt is one row of the input.
type Prompt struct {
	ID        string             // "<file>:<row>" if the row has none
	Messages  []Message          // never empty
	Reference string             // gold answer; "" if none
	Category  string             // slice key for reports; "" if none
	Recorded  map[string]Outcome // recorded outcomes by model or candidate name
	Request   jsontext.Value     // the body of an OpenAI batch row, passed through; nil if none
	Extra     jsontext.Value     // a JSON object of every field not known, byte for byte; nil if none
	Pos       Pos                // for messages; never stored
}

// Query is the text that is embedded and scored: the last user turn, or the
// last turn where no turn is a user's. RouteLLM's routers are trained on user
// turns and its controller takes the last message.
func (p *Prompt) Query() string {
	for i := len(p.Messages) - 1; i >= 0; i-- {
		if p.Messages[i].Role == "user" {
			return p.Messages[i].Content
		}
	}
	if n := len(p.Messages); n > 0 {
		return p.Messages[n-1].Content
	}
	return ""
}

// An Outcome is what one model did with one prompt. A nil quantity is unknown,
// which is not zero: a price that is missing never makes an answer free.
type Outcome struct {
	Model        string         `json:"model,omitzero"`         // name of the model as its endpoint knows it
	Answer       string         `json:"answer,omitzero"`        // text of the answer
	Message      jsontext.Value `json:"message,omitzero"`       // the assistant's message where it holds more than text (tool calls, log probabilities)
	Failure      *Failure       `json:"error,omitzero"`         // why there is no answer; nil if there is one
	FinishReason string         `json:"finish_reason,omitzero"` // "stop", "length", … as the endpoint gave it

	PromptTokens     *int64 `json:"prompt_tokens,omitzero"`     // tokens read, cached ones included
	CompletionTokens *int64 `json:"completion_tokens,omitzero"` // tokens written, reasoning ones included
	CachedTokens     *int64 `json:"cached_tokens,omitzero"`     // of PromptTokens, those read from the endpoint's cache
	ReasoningTokens  *int64 `json:"reasoning_tokens,omitzero"`  // of CompletionTokens, those not shown

	CostUSD   *float64 `json:"cost_usd,omitzero"`   // price of the call in US dollars
	Quality   *float64 `json:"quality,omitzero"`    // grade in [0,1]
	Grader    string   `json:"grader,omitzero"`     // the kind of grader that gave Quality; "" if it came with the prompt
	LatencyNS int64    `json:"latency_ns,omitzero"` // from sending the call to the whole answer, in nanoseconds; 0 if unknown
	LoadNS    int64    `json:"load_ns,omitzero"`    // of LatencyNS, time the endpoint says it spent loading the model

	Attempts    int      `json:"attempts,omitzero"`     // calls made for it, retries included; 0 if recorded
	FallbackFor string   `json:"fallback_for,omitzero"` // the candidate that failed and that this one stood in for; "" if none
	Recorded    bool     `json:"recorded,omitzero"`     // came with the prompt, no call was made
	Warnings    []string `json:"warnings,omitzero"`     // doubts about the answer, such as a prompt cut by the server

	// Extra is a JSON object of every member of a recorded outcome that is
	// not known, byte for byte; nil if none.
	Extra jsontext.Value `json:"extra,omitzero"`
}

// OK reports whether the outcome holds an answer or a quality rather than a failure.
func (o *Outcome) OK() bool { return o.Failure == nil }

// A Failure says why a model gave no answer.
type Failure struct {
	Class   string `json:"class"`           // "transient", "rejected" or "fatal"
	Status  int    `json:"status,omitzero"` // HTTP status; 0 if there was none
	Message string `json:"message"`         // what happened, with role and endpoint, never with a key
}

// A Result is one finished prompt: one line of the journal.
type Result struct {
	Seq        int64              `json:"seq"`                 // 0-based row of the prompt in the whole input
	PromptID   string             `json:"id"`                  // the prompt's ID
	WinRate    *float64           `json:"win_rate,omitzero"`   // estimated P(strong's answer beats weak's); nil where the router makes none
	Route      string             `json:"route"`               // the chosen candidate
	Propensity float64            `json:"propensity,omitzero"` // probability, in (0,1], that this prompt has an outcome of every candidate; 0 if only the route is called
	Outcomes   map[string]Outcome `json:"outcomes,omitzero"`   // by candidate: the chosen one, and others if called or recorded
	Failure    *Failure           `json:"error,omitzero"`      // why the prompt could not be routed at all; nil if it was
	Category   string             `json:"category,omitzero"`
	Reference  string             `json:"reference,omitzero"`
	Judged     *Judged            `json:"judged,omitzero"` // what a judge said of the answers; nil if none was asked
	Extra      jsontext.Value     `json:"extra,omitzero"`  // the prompt's Extra, byte for byte
}

// Delivered is the outcome that the prompt ended with: that of the candidate it was
// routed to or, if that one failed, of the one that stood in for it. Called is
// false if the candidate was not called and has no recorded outcome.
func (r *Result) Delivered() (o Outcome, called bool) {
	o, called = r.Outcomes[r.Route]
	if called && !o.OK() {
		for _, other := range r.Outcomes {
			if other.FallbackFor == r.Route && other.OK() {
				return other, true
			}
		}
	}
	return o, called
}

// Judged is what a language model that graded the answers to a prompt said, and
// what that cost, whenever it was paid. It is no part of the outcomes' cost.
type Judged struct {
	Model            string    `json:"model,omitzero"`             // the judge, as its endpoint knows it
	Calls            int       `json:"calls,omitzero"`             // calls made for the verdicts, retries included
	PromptTokens     *int64    `json:"prompt_tokens,omitzero"`     // of all verdicts; nil if one is unknown
	CompletionTokens *int64    `json:"completion_tokens,omitzero"` // of all verdicts; nil if one is unknown
	CostUSD          *float64  `json:"cost_usd,omitzero"`          // of all verdicts in US dollars; nil if one is unknown
	Verdicts         []Verdict `json:"verdicts,omitzero"`
}

// A Verdict is one reply of a judge.
type Verdict struct {
	Shown  []string `json:"shown,omitzero"`  // the candidates whose answers the judge saw, in that order: one or two
	Rating float64  `json:"rating,omitzero"` // of one answer, from 1 to 10
	Winner string   `json:"winner,omitzero"` // of two: a candidate, or Tie
	Error  string   `json:"error,omitzero"`  // why there is no verdict: a call that failed, or a reply that holds none
}

// Tie is the winner of a pair of which neither answer is better. No candidate is
// called so.
const Tie = "tie"

// Pos is a place in an input: a file and a row.
type Pos struct {
	File string // as the user named it; "-" for standard input
	Row  int64  // from 1: the line of a text file, the row of a table
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d", p.File, p.Row) }

// A RowError is one bad row. The stream that yields it goes on.
type RowError struct {
	Pos Pos
	Err error
	Raw []byte // the beginning of the row as it stood, at most 4 KiB; nil if it could not be had
}

func (e *RowError) Error() string { return e.Pos.String() + ": " + e.Err.Error() }
func (e *RowError) Unwrap() error { return e.Err }
