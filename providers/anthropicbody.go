package providers

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// anthropicPrompt is a conversation in Anthropic's form: what the system says stands
// apart from the turns, wherever it was said, and the results of tools are the user's.
type anthropicPrompt struct {
	system []jsontext.Value // blocks
	turns  []anthropicTurn
}

type anthropicTurn struct {
	Role    string         `json:"role"`
	Content jsontext.Value `json:"content"` // a text or a list of blocks

	results []jsontext.Value // the blocks of a turn that is nothing but results of tools
}

// add takes a turn. One that comes as JSON may be in Anthropic's form or in OpenAI's.
func (p *anthropicPrompt) add(m Message) error {
	if m.Raw != nil {
		return p.addRaw(m.Raw)
	}
	content, err := jsontext.AppendQuote(nil, m.Content)
	if err != nil {
		return err
	}
	return p.take(openAIMessage{Role: m.Role, Content: content})
}

func (p *anthropicPrompt) addRaw(raw jsontext.Value) error {
	var m openAIMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return fmt.Errorf("not in OpenAI's form nor in Anthropic's: %w", err)
	}
	return p.take(m)
}

func (p *anthropicPrompt) take(m openAIMessage) error {
	blocks, err := anthropicBlocks(m.Content)
	if err != nil {
		return err
	}
	switch m.Role {
	case "system", "developer":
		p.system = append(p.system, blocks...)
		return nil
	case "tool":
		return p.addResult(m.ToolCallID, blocks)
	case "user", "assistant":
	default:
		return fmt.Errorf("role %q is none that Anthropic knows", m.Role)
	}
	if m.Content.Kind() == '"' && len(m.ToolCalls) == 0 {
		p.turns = append(p.turns, anthropicTurn{Role: m.Role, Content: m.Content})
		return nil
	}
	for _, call := range m.ToolCalls {
		block, err := toolUse(call.ID, call.Function.Name, call.Function.Arguments)
		if err != nil {
			return err
		}
		blocks = append(blocks, block)
	}
	p.turns = append(p.turns, anthropicTurn{Role: m.Role, Content: list(blocks)})
	return nil
}

// addResult adds what a tool gave. All results of one turn's calls must stand in one turn.
func (p *anthropicPrompt) addResult(id string, content []jsontext.Value) error {
	block, err := json.Marshal(struct {
		Type    string           `json:"type"`
		ID      string           `json:"tool_use_id"`
		Content []jsontext.Value `json:"content"`
	}{"tool_result", id, content})
	if err != nil {
		return err
	}
	if n := len(p.turns); n == 0 || p.turns[n-1].results == nil {
		p.turns = append(p.turns, anthropicTurn{Role: "user"})
	}
	last := &p.turns[len(p.turns)-1]
	last.results = append(last.results, block)
	last.Content = list(last.results)
	return nil
}

// toolUse is a call of a tool, whose arguments are a JSON object as text in OpenAI's form.
func toolUse(id, name, arguments string) (jsontext.Value, error) {
	input := jsontext.Value(arguments)
	if input.Kind() != '{' || !input.IsValid() {
		return nil, fmt.Errorf("the arguments of tool call %s are not a JSON object", name)
	}
	return json.Marshal(struct {
		Type  string         `json:"type"`
		ID    string         `json:"id"`
		Name  string         `json:"name"`
		Input jsontext.Value `json:"input"`
	}{"tool_use", id, name, input})
}

// anthropicBlocks is a turn's content as blocks. Those of OpenAI's that Anthropic has in
// another form are turned into it; any other is passed on as it stands.
func anthropicBlocks(content jsontext.Value) (blocks []jsontext.Value, err error) {
	switch content.Kind() {
	case 'n', jsontext.KindInvalid: // the latter is none at all
		return nil, nil
	case '"':
		if string(content) == `""` { // a text block must not be empty
			return nil, nil
		}
		return []jsontext.Value{slices.Concat(jsontext.Value(`{"type":"text","text":`), content, jsontext.Value(`}`))}, nil
	}
	var parts []jsontext.Value
	if err := json.Unmarshal(content, &parts); err != nil {
		return nil, errors.New("content is neither text nor a list")
	}
	for _, part := range parts {
		block, err := anthropicBlock(part)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block)
	}
	return blocks, nil
}

func anthropicBlock(part jsontext.Value) (jsontext.Value, error) {
	var p struct {
		Type     string `json:"type"`
		ImageURL struct {
			URL string `json:"url"`
		} `json:"image_url"`
	}
	if err := json.Unmarshal(part, &p); err != nil {
		return nil, fmt.Errorf("content: %w", err)
	}
	switch p.Type {
	case "image_url":
		return imageBlock(p.ImageURL.URL)
	case "input_audio", "file", "refusal":
		return nil, fmt.Errorf("content of type %q is none that Anthropic has", p.Type)
	}
	return part, nil
}

// imageBlock is an image that lies in the body itself as base64, or at a URL that the
// service fetches.
func imageBlock(url string) (jsontext.Value, error) {
	type source struct {
		Type      string `json:"type"`
		MediaType string `json:"media_type,omitzero"`
		Data      string `json:"data,omitzero"`
		URL       string `json:"url,omitzero"`
	}
	from := source{Type: "url", URL: url}
	if rest, ok := strings.CutPrefix(url, "data:"); ok {
		media, data, ok := strings.Cut(rest, ";base64,")
		if !ok {
			return nil, errors.New("an image in a data: URL must be in base64")
		}
		from = source{Type: "base64", MediaType: media, Data: data}
	}
	return json.Marshal(struct {
		Type   string `json:"type"`
		Source source `json:"source"`
	}{"image", from})
}

// ownBody turns a row's own request body, which is in OpenAI's form, into Anthropic's.
// The role's Params hold where the row is silent. What Anthropic cannot do is refused
// rather than left out; what only accounting needs (user, metadata, …) is left out.
// Anthropic's own names are taken as they stand.
func (c *anthropic) ownBody(body jsontext.Value) ([]byte, error) {
	members, err := objectMembers(body)
	if err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	own := anthropicSettings{members: slices.Clone(c.params)}
	for _, m := range members {
		if string(m.value) == "null" {
			continue
		}
		if err := own.take(m); err != nil {
			return nil, fmt.Errorf("request body: %s: %w", m.name, err)
		}
	}
	if own.oneTool && hasMember(own.members, "tools") {
		err = own.nest("tool_choice", `{"type":"auto"}`, member{"disable_parallel_tool_use", jsontext.Value("true")})
	}
	if err != nil {
		return nil, fmt.Errorf("request body: %w", err)
	}
	own.prompt.system = append(own.system, own.prompt.system...)
	return c.body(&own.prompt, own.members)
}

// anthropicSettings collects what a row asks for.
type anthropicSettings struct {
	prompt  anthropicPrompt
	system  []jsontext.Value // blocks that stand apart in the row already
	members []member
	oneTool bool // at a time
}

// take puts one member of OpenAI's form where Anthropic has it.
func (o *anthropicSettings) take(m member) (err error) {
	switch m.name {
	case "model", "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key":
		return nil
	case "messages":
		return o.takeMessages(m.value)
	case "system":
		o.system, err = anthropicBlocks(m.value)
		return err
	case "max_tokens", "max_completion_tokens":
		if !isCount(m.value) {
			return fmt.Errorf("%s is not a whole number above 0", m.value)
		}
		o.set("max_tokens", m.value)
	case "temperature", "top_p", "top_k", "thinking", "stop_sequences", "output_config":
		o.set(m.name, m.value)
	case "stop":
		if m.value.Kind() == '"' {
			m.value = list([]jsontext.Value{m.value})
		}
		o.set("stop_sequences", m.value)
	case "tools":
		return o.takeTools(m.value)
	case "tool_choice":
		return o.takeToolChoice(m.value)
	case "parallel_tool_calls":
		o.oneTool = string(m.value) == "false"
	case "response_format":
		return o.takeFormat(m.value)
	case "stream", "logprobs":
		return only("false", m.value)
	case "n":
		return only("1", m.value)
	case "frequency_penalty", "presence_penalty":
		return only("0", m.value)
	default:
		return errors.New("no setting that Anthropic has")
	}
	return nil
}

func (o *anthropicSettings) set(name string, value jsontext.Value) {
	o.members = setMember(o.members, name, value)
}

// nest sets a member of a member that is an object, and is like the given one if it is
// not there.
func (o *anthropicSettings) nest(name, otherwise string, m member) error {
	inner := jsontext.Value(otherwise)
	if i := slices.IndexFunc(o.members, func(m member) bool { return m.name == name }); i >= 0 {
		inner = o.members[i].value
	}
	members, err := objectMembers(inner)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	o.set(name, object(setMember(members, m.name, m.value)))
	return nil
}

func (o *anthropicSettings) takeMessages(turns jsontext.Value) error {
	var messages []jsontext.Value
	if err := json.Unmarshal(turns, &messages); err != nil {
		return errors.New("not a list")
	}
	for i, m := range messages {
		if err := o.prompt.addRaw(m); err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return nil
}

// takeTools turns functions into Anthropic's tools; what is no function is passed on.
func (o *anthropicSettings) takeTools(tools jsontext.Value) error {
	var all []jsontext.Value
	if err := json.Unmarshal(tools, &all); err != nil {
		return errors.New("not a list")
	}
	for i, raw := range all {
		var tool struct {
			Type     string `json:"type"`
			Function struct {
				Name        string         `json:"name"`
				Description string         `json:"description"`
				Parameters  jsontext.Value `json:"parameters"`
			} `json:"function"`
		}
		if err := json.Unmarshal(raw, &tool); err != nil {
			return fmt.Errorf("tool %d: %w", i+1, err)
		}
		if tool.Type != "function" {
			continue
		}
		schema := tool.Function.Parameters
		if schema.Kind() != '{' { // one without parameters
			schema = jsontext.Value(`{"type":"object"}`)
		}
		var err error
		if all[i], err = json.Marshal(struct {
			Name        string         `json:"name"`
			Description string         `json:"description,omitzero"`
			InputSchema jsontext.Value `json:"input_schema"`
		}{tool.Function.Name, tool.Function.Description, schema}); err != nil {
			return fmt.Errorf("tool %d: %w", i+1, err)
		}
	}
	o.set("tools", list(all))
	return nil
}

func (o *anthropicSettings) takeToolChoice(choice jsontext.Value) error {
	var asked struct {
		Type     string `json:"type"`
		Function struct {
			Name jsontext.Value `json:"name"`
		} `json:"function"`
	}
	switch string(choice) {
	case `"auto"`, `"none"`:
		choice = slices.Concat(jsontext.Value(`{"type":`), choice, jsontext.Value(`}`))
	case `"required"`:
		choice = jsontext.Value(`{"type":"any"}`)
	default:
		if err := json.Unmarshal(choice, &asked); err != nil {
			return fmt.Errorf("%s is not possible here", choice)
		}
	}
	if asked.Type == "function" {
		if asked.Function.Name.Kind() != '"' {
			return errors.New("a function without a name")
		}
		choice = object([]member{{"type", jsontext.Value(`"tool"`)}, {"name", asked.Function.Name}})
	}
	o.set("tool_choice", choice)
	return nil
}

func (o *anthropicSettings) takeFormat(format jsontext.Value) error {
	var f openAIFormat
	if err := json.Unmarshal(format, &f); err != nil {
		return errors.New("not an object with a type")
	}
	switch {
	case f.Type == "text":
		return nil
	case f.Type == "json_schema" && f.JSONSchema.Schema.Kind() == '{':
		return o.nest("output_config", `{}`, member{"format", object([]member{
			{"type", jsontext.Value(`"json_schema"`)}, {"schema", f.JSONSchema.Schema},
		})})
	}
	return fmt.Errorf("type %q is not possible here, only text and json_schema", f.Type)
}
