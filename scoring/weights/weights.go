// Package weights holds the router that comes with the program. Its model card
// is README.md beside this file: what it was trained on, where it helps, and
// where it is at chance.
package weights

import _ "embed"

//go:embed default.safetensors
var file []byte

// Default is a safetensors file of MF weights in RouteLLM's form, on the
// embedding "lexical", for the models of its card and for a strong and a weak one
// in general. It must not be changed.
func Default() []byte { return file }
