package scoring

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func newJSONGrader(o GraderOptions) (Grader, error) {
	if o.Schema == nil {
		return rightOrWrong(equalsAsJSON), nil
	}
	schema, err := compileSchema(o.Schema)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return rightOrWrong(func(a Answer) (bool, error) {
		var value any
		if err := json.Unmarshal(unfenced(a.Text), &value); err != nil {
			return false, nil
		}
		return schema.Validate(value) == nil, nil
	}), nil
}

// equalsAsJSON compares in canonical form (RFC 8785): the order of members,
// white space and the way of writing a number or a letter do not count. Numbers
// are equal that are the same float64. A name that comes twice makes an answer
// invalid.
func equalsAsJSON(a Answer) (bool, error) {
	if strings.TrimSpace(a.Reference) == "" {
		return false, ErrNoReference
	}
	want, err := canonical([]byte(a.Reference))
	if err != nil {
		return false, fmt.Errorf("the reference %.40q is not JSON: %w", a.Reference, err)
	}
	got, err := canonical(unfenced(a.Text))
	return err == nil && bytes.Equal(got, want), nil
}

func canonical(text []byte) (jsontext.Value, error) {
	v := jsontext.Value(bytes.Clone(text))
	err := v.Canonicalize()
	return v, err
}

var codeFence = regexp.MustCompile("(?s)^```[a-zA-Z0-9]*[ \t]*\r?\n(.*?)\r?\n?```$")

// unfenced is what stands in the code fence that is the whole of a text, else the
// text itself.
func unfenced(text string) []byte {
	text = strings.TrimSpace(text)
	if m := codeFence.FindStringSubmatch(text); m != nil {
		text = m[1]
	}
	return []byte(text)
}

// schemaURL stands for the schema of a spec; nothing is fetched from there.
const schemaURL = "spec:schema"

// compileSchema reads a JSON schema, of draft 2020-12 if it does not say which.
// It must stand by itself: a reference to another document is an error, and
// neither files nor the network are looked at.
func compileSchema(text []byte) (*jsonschema.Schema, error) {
	var doc any
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	return c.Compile(schemaURL)
}

// noLoader loads nothing.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a schema must not refer to other documents")
}
