package providers

import (
	"net/url"
	"slices"
	"strings"
)

// Preset is a service by the name that a spec gives as its provider: the kind that it
// is of, and what is known of it. A base URL of the spec's own overrides where it is;
// what is peculiar to the service is then expected no more.
type Preset struct {
	Name    string
	Kind    string   // a name in the table of kinds
	BaseURL string   // where it is; "" if only its user knows
	URLEnv  []string // variables that may say where it is; the first that is set counts
	KeyEnv  string   // the variable that usually holds its key; "" if it asks for none
	Slots   int      // calls at a time that it is good for

	Bound        string // what chats call the bound on an answer's tokens; "" for max_tokens
	NoEmbeddings bool   // it makes none
}

// presets holds every service that has a name, sorted by it. A local server is good for
// few calls at a time, one that batches them for more.
var presets = []Preset{
	// https://docs.claude.com/en/api/overview; the variables are those of Anthropic's SDKs.
	{Name: "anthropic", Kind: "anthropic", BaseURL: "https://api.anthropic.com/v1", URLEnv: []string{"ANTHROPIC_BASE_URL"},
		KeyEnv: "ANTHROPIC_API_KEY", Slots: 16, NoEmbeddings: true},
	// Every resource has a host of its own. The variables are those of OpenAI's SDKs.
	{Name: "azure", Kind: "azure", URLEnv: []string{"AZURE_OPENAI_ENDPOINT"}, KeyEnv: "AZURE_OPENAI_API_KEY", Slots: 16},
	{Name: "builtin", Kind: "builtin", Slots: 1},
	// https://api-docs.deepseek.com: the version in the path is OpenAI's, not the model's. It lists no embeddings.
	{Name: "deepseek", Kind: "openai", BaseURL: "https://api.deepseek.com/v1", KeyEnv: "DEEPSEEK_API_KEY", Slots: 16, NoEmbeddings: true},
	// https://ai.google.dev/gemini-api/docs/openai
	{Name: "gemini", Kind: "openai", BaseURL: "https://generativelanguage.googleapis.com/v1beta/openai", KeyEnv: "GEMINI_API_KEY", Slots: 16},
	// https://console.groq.com/docs/openai; its reference has max_tokens as deprecated and no embeddings.
	{Name: "groq", Kind: "openai", BaseURL: "https://api.groq.com/openai/v1", KeyEnv: "GROQ_API_KEY", Slots: 16,
		Bound: "max_completion_tokens", NoEmbeddings: true},
	// https://github.com/ggml-org/llama.cpp/tree/master/tools/server: --port is 8080.
	{Name: "llama.cpp", Kind: "openai", BaseURL: "http://127.0.0.1:8080/v1", Slots: 4},
	// https://lmstudio.ai/docs/developer/openai-compat
	{Name: "lmstudio", Kind: "openai", BaseURL: "http://127.0.0.1:1234/v1", Slots: 4},
	// https://docs.mistral.ai/api
	{Name: "mistral", Kind: "openai", BaseURL: "https://api.mistral.ai/v1", KeyEnv: "MISTRAL_API_KEY", Slots: 16},
	// https://docs.ollama.com/api
	{Name: "ollama", Kind: "ollama", BaseURL: "http://127.0.0.1:11434", URLEnv: []string{"OLLAMA_HOST"}, Slots: 4},
	// https://platform.openai.com/docs/api-reference/chat/create: max_tokens is deprecated,
	// and models that reason refuse it. OPENAI_API_BASE is the variable of older SDKs.
	{Name: "openai", Kind: "openai", BaseURL: "https://api.openai.com/v1", URLEnv: []string{"OPENAI_BASE_URL", "OPENAI_API_BASE"},
		KeyEnv: "OPENAI_API_KEY", Slots: 16, Bound: "max_completion_tokens"},
	// https://openrouter.ai/docs/api-reference/overview
	{Name: "openrouter", Kind: "openai", BaseURL: "https://openrouter.ai/api/v1", KeyEnv: "OPENROUTER_API_KEY", Slots: 16},
	// https://docs.sglang.ai/basic_usage/openai_api_completions.html: --port is 30000.
	{Name: "sglang", Kind: "openai", BaseURL: "http://127.0.0.1:30000/v1", Slots: 32},
	// https://docs.together.ai/docs/openai-api-compatibility
	{Name: "together", Kind: "openai", BaseURL: "https://api.together.xyz/v1", KeyEnv: "TOGETHER_API_KEY", Slots: 16},
	// https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html: --port is 8000.
	{Name: "vllm", Kind: "openai", BaseURL: "http://127.0.0.1:8000/v1", Slots: 32},
}

// Presets returns every service that has a name, sorted by it.
func Presets() []Preset { return slices.Clone(presets) }

// LookupPreset finds a service by its name.
func LookupPreset(name string) (Preset, bool) {
	i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return presets[i], true
}

// At reports whether a base URL leads to the host that the service is at by default, with
// the same scheme. A key for that host is no key for another.
func (p Preset) At(baseURL string) bool {
	own, err := url.Parse(p.BaseURL)
	if err != nil || p.BaseURL == "" {
		return false
	}
	typed, err := url.Parse(trimTyped(baseURL))
	return err == nil && typed.User == nil && strings.EqualFold(typed.Scheme, own.Scheme) && strings.EqualFold(typed.Host, own.Host)
}
