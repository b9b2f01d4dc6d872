// Package traffic keeps what a run sends to an endpoint within what the endpoint
// bears, whatever kind of service lives there.
//
// An [Endpoint] is one URL and key: it is up or down for everybody who calls it.
// It holds the circuit breaker, the cool-down that a refusal imposes on all calls,
// and the budget of retries. A [Controller] is one role's part of it (a candidate, the
// embedding model) with slots and a pace of its own, so that a slow model
// starves no fast one beside it.
//
// # What a call passes
//
// [Controller.Completer] and [Controller.Embedder] wrap a client. Each attempt waits, first come first
// served, until
//
//   - the breaker is closed. It opens after failures in a row that only a sick
//     server makes: no answer, a broken one, 5xx. Then one of the callers that wait
//     asks the health check until that answers, and a few calls go out on trial.
//     Nothing fails meanwhile; after WaitForBackend everything does.
//   - the cool-down is over. A service that says when to come back is
//     not called before, by nobody. One that refuses again and again without saying
//     is given pauses that double.
//   - fewer attempts are in flight than there are slots. Slots grow while all are in
//     use and answers come, and shrink when the service refuses or answers far more slowly.
//   - requests and tokens per minute allow it. What an answer will take is estimated and
//     corrected when it is there. A service that refuses calls (429) without a
//     documented rate has its rate learned.
//
// A retry also takes from the budget: retries that fail again are at most a tenth
// of all calls.
//
// Nothing here starts a goroutine: whoever waits does the work.
package traffic
