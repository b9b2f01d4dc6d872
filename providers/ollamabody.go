package providers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ownBody turns a row's own request body, which is in OpenAI's form, into Ollama's.
// The role's Params hold where the row is silent. What Ollama cannot do is refused
// rather than left out; what only accounting needs (user, metadata, …) is left out.
func (c *ollama) ownBody(body jsontext.Value) ([]byte, error) {
	members, err := objectMembers(body)
	if err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	own := ownSettings{top: slices.Clone(c.top), options: slices.Clone(c.options)}
	for _, m := range members {
		if string(m.value) == "null" {
			continue
		}
		if err := own.take(m); err != nil {
			return nil, fmt.Errorf("request body: %s: %w", m.name, err)
		}
	}
	if own.messages == nil {
		return nil, errors.New("request body: no messages")
	}
	b := append([]byte(c.chatHead), own.messages...)
	b = append(b, `],"stream":false`...)
	b = append(b, joinMembers([]member{{"options", object(own.options)}})...)
	b = append(b, joinMembers(own.top)...)
	return append(b, '}'), nil
}

// ownSettings collects what a row asks for.
type ownSettings struct {
	messages     []byte // separated by commas
	top, options []member
}

// take puts one member of OpenAI's form where Ollama has it.
func (o *ownSettings) take(m member) error {
	switch m.name {
	case "model", "user", "metadata", "store", "service_tier", "parallel_tool_calls", "safety_identifier", "prompt_cache_key":
		return nil
	case "messages":
		return o.takeMessages(m.value)
	case "max_tokens", "max_completion_tokens":
		if !isCount(m.value) {
			return fmt.Errorf("%s is not a whole number above 0", m.value)
		}
		o.options = setMember(o.options, "num_predict", m.value)
	case "temperature", "top_p", "top_k", "min_p", "seed", "frequency_penalty", "presence_penalty", "repeat_penalty":
		o.options = setMember(o.options, m.name, m.value)
	case "stop":
		if m.value.Kind() == '"' {
			m.value = slices.Concat(jsontext.Value("["), m.value, jsontext.Value("]"))
		}
		o.options = setMember(o.options, "stop", m.value)
	case "reasoning_effort":
		if string(m.value) == `"none"` {
			m.value = jsontext.Value("false")
		}
		o.top = setMember(o.top, "think", m.value)
	case "tools":
		o.top = setMember(o.top, "tools", m.value)
	case "tool_choice":
		return o.takeToolChoice(m.value)
	case "response_format":
		return o.takeFormat(m.value)
	case "logprobs", "top_logprobs":
		o.top = setMember(o.top, m.name, m.value)
	case "stream":
		return only("false", m.value)
	case "n":
		return only("1", m.value)
	default:
		return errors.New("no setting that Ollama has; use provider openai with its /v1 API")
	}
	return nil
}

// only accepts the one value that changes nothing.
func only(harmless string, got jsontext.Value) error {
	if string(got) != harmless {
		return fmt.Errorf("%s is not possible here, only %s", got, harmless)
	}
	return nil
}

// setMember replaces a member or adds it.
func setMember(members []member, name string, value jsontext.Value) []member {
	if i := slices.IndexFunc(members, func(m member) bool { return m.name == name }); i >= 0 {
		members[i].value = value
		return members
	}
	return append(members, member{name, value})
}

func (o *ownSettings) takeMessages(list jsontext.Value) error {
	var messages []jsontext.Value
	if err := json.Unmarshal(list, &messages); err != nil {
		return errors.New("not a list")
	}
	if len(messages) == 0 {
		return errNoMessages
	}
	names := make(toolNames)
	for i, m := range messages {
		if i > 0 {
			o.messages = append(o.messages, ',')
		}
		var err error
		if o.messages, err = appendNative(o.messages, m, names); err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return nil
}

func (o *ownSettings) takeToolChoice(choice jsontext.Value) error {
	switch string(choice) {
	case `"auto"`:
		return nil
	case `"none"`:
		return errors.New("none is not possible here: leave tools out")
	}
	return fmt.Errorf("%s is not possible here, only auto", choice)
}

// openAIFormat is a response_format.
type openAIFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Schema jsontext.Value `json:"schema"`
	} `json:"json_schema"`
}

func (o *ownSettings) takeFormat(format jsontext.Value) error {
	var f openAIFormat
	if err := json.Unmarshal(format, &f); err != nil {
		return errors.New("not an object with a type")
	}
	switch {
	case f.Type == "text":
		return nil
	case f.Type == "json_object":
		o.top = setMember(o.top, "format", jsontext.Value(`"json"`))
		return nil
	case f.Type == "json_schema" && f.JSONSchema.Schema.Kind() == '{':
		o.top = setMember(o.top, "format", f.JSONSchema.Schema)
		return nil
	}
	return fmt.Errorf("type %q is not possible here, only text, json_object and json_schema", f.Type)
}

// toolNames are the names of tools by the id of their call: a tool's result names the call
// in OpenAI's form, the tool in Ollama's.
type toolNames map[string]string

// openAIMessage is a turn in OpenAI's form.
type openAIMessage struct {
	Role       string         `json:"role"`
	Content    jsontext.Value `json:"content"`
	ToolCallID string         `json:"tool_call_id"`
	ToolCalls  []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// nativeMessage is a turn in Ollama's form.
type nativeMessage struct {
	Role      string       `json:"role"`
	Content   string       `json:"content"`
	Images    []string     `json:"images,omitempty"` // base64
	ToolCalls []nativeCall `json:"tool_calls,omitempty"`
	ToolName  string       `json:"tool_name,omitempty"`
}

type nativeCall struct {
	Function struct {
		Name      string         `json:"name"`
		Arguments jsontext.Value `json:"arguments"`
	} `json:"function"`
}

// appendNative writes a turn in OpenAI's form as one in Ollama's.
func appendNative(b []byte, raw jsontext.Value, names toolNames) ([]byte, error) {
	var m openAIMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("not in OpenAI's form: %w", err)
	}
	native := nativeMessage{Role: m.Role, ToolName: names[m.ToolCallID]}
	if m.Role == "developer" {
		native.Role = "system"
	}
	var err error
	if native.Content, native.Images, err = nativeContent(m.Content); err != nil {
		return nil, err
	}
	for _, call := range m.ToolCalls {
		names[call.ID] = call.Function.Name
		var n nativeCall
		n.Function.Name = call.Function.Name
		n.Function.Arguments = jsontext.Value(call.Function.Arguments)
		if n.Function.Arguments.Kind() != '{' || !n.Function.Arguments.IsValid() {
			return nil, fmt.Errorf("the arguments of tool call %s are not a JSON object", call.Function.Name)
		}
		native.ToolCalls = append(native.ToolCalls, n)
	}
	out, err := json.Marshal(native)
	return append(b, out...), err
}

// nativeContent takes a content apart: text parts joined by newlines, and images, which
// must be in the body itself: Ollama fetches none.
func nativeContent(content jsontext.Value) (text string, images []string, err error) {
	if content.Kind() != '[' {
		text, err = contentText(content)
		return text, nil, err
	}
	var parts []struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		ImageURL struct {
			URL string `json:"url"`
		} `json:"image_url"`
	}
	if err := json.Unmarshal(content, &parts); err != nil {
		return "", nil, fmt.Errorf("content: %w", err)
	}
	var texts []string
	for _, p := range parts {
		switch p.Type {
		case "text":
			texts = append(texts, p.Text)
		case "image_url":
			_, data, ok := strings.Cut(p.ImageURL.URL, ";base64,")
			if !ok || !strings.HasPrefix(p.ImageURL.URL, "data:") {
				return "", nil, errors.New("an image must be a data: URL in base64, Ollama fetches none")
			}
			images = append(images, data)
		default:
			return "", nil, fmt.Errorf("content of type %q is none that Ollama reads", p.Type)
		}
	}
	return strings.Join(texts, "\n"), images, nil
}
