package datasets_test

import (
	"fmt"
	"strings"

	"routeval/datasets"
)

// A bad row does not end the stream; whether it ends the loop is the loop's
// choice.
func ExamplePrompts() {
	in := strings.NewReader(`{"id": 1, "prompt": "What is 6 x 7?", "reference": 42, "topic": "sums"}
{"id": 2, "prompt": "Torn
{"id": 3, "messages": [{"role": "user", "content": "And 7 x 8?"}]}
`)
	for p, err := range datasets.Prompts([]string{"-"}, datasets.Options{Stdin: in}) {
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(p.ID, p.Query(), p.Reference, string(p.Extra))
	}
	// Output:
	// 1 What is 6 x 7? 42 {"topic":"sums"}
	// -:2: torn row: it ends in the middle of a value, after 25 bytes
	// 3 And 7 x 8?
}
