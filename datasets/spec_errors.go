package datasets

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// positioned turns an error of the YAML library into "line:column: reason", in
// the words of people who write specs: no Go types.
func positioned(err error) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return err
	}
	reason := e.GetMessage()
	var mismatch *yaml.TypeError
	var overflow *yaml.OverflowError
	switch {
	case errors.As(err, &mismatch):
		reason = fmt.Sprintf("want %s, have %s", wantedFor(mismatch.DstType), wantedFor(mismatch.SrcType))
	case errors.As(err, &overflow):
		reason = fmt.Sprintf("want %s, have %s", wantedFor(overflow.DstType), overflow.SrcNum)
	}
	p := e.GetToken().Position
	return fmt.Errorf("%d:%d: %s", p.Line, p.Column, reason)
}

// UnmarshalYAML is UnmarshalText with the place of the value in its error.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	token := node.GetToken()
	if err := d.UnmarshalText([]byte(token.Value)); err != nil {
		return &yaml.SyntaxError{Message: err.Error(), Token: token}
	}
	return nil
}

// ofField turns an error of the JSON library into "field: reason", the field by
// its dotted path.
func ofField(err error) error {
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return err
	}
	field := strings.ReplaceAll(strings.TrimPrefix(string(e.JSONPointer), "/"), "/", ".")
	switch {
	case errors.Is(e.Err, json.ErrUnknownName):
		return fmt.Errorf("%s: unknown field", field)
	case e.Err != nil:
		return fmt.Errorf("%s: %w", field, e.Err)
	}
	return fmt.Errorf("%s: want %s, have %s", field, wantedFor(e.GoType), kindName(e.JSONKind))
}

// wantedFor is what people call the values of a Go type.
func wantedFor(t reflect.Type) string {
	if t == nil {
		return "another value"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return wantedFor(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number from 0"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	}
	return "a string"
}
