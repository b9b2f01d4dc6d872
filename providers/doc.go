// Package providers talks to services that run models: chat and embeddings.
// A kind of service is one file and one line in the table of kinds; what fits
// all of them (retries, pacing, breakers) is a decorator around their
// interfaces.
package providers
