// Package scoring holds decisions about prompts and answers: before the call a
// win rate, after it a quality. It reads no file, knows no endpoint and has no
// clock; what it needs is passed in.
package scoring
