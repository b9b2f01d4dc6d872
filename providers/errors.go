package providers

import (
	"fmt"
	"strings"
	"time"
)

// Class says what to do about an error.
type Class string

const (
	Transient Class = "transient" // the same call may work later: retry
	Rejected  Class = "rejected"  // this request will never work: record it, go on with the next
	Fatal     Class = "fatal"     // every request would meet it: stop the run
)

// Error is a failed call. Its text begins with the role and the endpoint and
// never holds a key.
type Error struct {
	Role       string        // "embedding", "models.strong", … as in the spec
	Endpoint   string        // the URL that was called, without credentials or query
	Status     int           // HTTP status; 0 if there was no answer
	Class      Class         // what to do about it
	RetryAfter time.Duration // how long the service asked to wait; 0 if it did not say
	Message    string        // what the service or the network said, shortened
	Hint       string        // what to do about it; "" if nobody knows
	RequestID  string        // the service's own name for the call, for its support; "" if it gave none
	Attempts   int           // calls made for it, retries included; ≥ 1
	Err        error         // the cause, if it is an error of this program's side; may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: ", e.Role, e.Endpoint)
	if e.Status != 0 {
		fmt.Fprintf(&b, "%d ", e.Status)
	}
	b.WriteString(e.Message)
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [request %s]", e.RequestID)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }
