// Package providers talks to services that run models: chat and embeddings.
// A kind of service is one file and one line in the table of kinds; what fits
// all of them (retries, pacing, breakers) is a decorator around their
// interfaces.
//
// # Clients
//
// [New] makes a [Client] of a role's [Config] and calls nobody. Base URLs are read
// as people type them; what was understood is the client's [Located] endpoint. Kind
// "ollama" speaks Ollama's native API, kind "openai" that of OpenAI and of the many
// that are compatible with it, Ollama's /v1 among them, kind "azure" the same under
// Azure's paths, and kind "anthropic" the Messages API. A [Preset] is a service of one of
// these kinds with a name, a place and peculiarities of its own.
//
// Every call has a deadline, every answer a bound in bytes and every chat a bound in
// tokens above 0, since some services take 0 or none for endless.
//
// # Errors
//
// A failed call is an [*Error] whose [Class] says what to do: a transient one may
// work later, a rejected one is the row's own and never will, a fatal one would meet
// every row. The class comes from what the service said, where a rule knows it, else
// from its status. Its text begins with role and endpoint and ends with a hint,
// where there is one; it never holds a key. When the caller's context ends, the
// error is the context's own and no *Error.
//
// # A new kind
//
// Write its file, add its line to the tables of kinds and of presets, and a line to the
// wires of contract_test.go: package providertest then holds it to all of the above. A
// service that speaks as another does needs a line in the table of presets and no more.
//
// # Keys
//
// A key goes to the host that it was configured for and to no other: a redirect elsewhere
// is not followed. Without TLS it goes to this machine only, unless the configuration
// allows more. However a [Config] or a [Client] is printed, its key is not shown.
package providers
