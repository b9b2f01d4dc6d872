package main

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A reply is what a server answers a path with: a status, a body, and header lines.
type reply struct {
	status int
	body   string
	header []string // names and values
}

// Answers of servers that are in order. The models are "tiny" and "vectors".
var (
	openAIServer = map[string]reply{
		"/v1/models":           {200, `{"data":[{"id":"tiny"},{"id":"vectors"}]}`, nil},
		"/v1/chat/completions": {200, `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`, nil},
		"/v1/embeddings":       {200, `{"data":[{"index":0,"embedding":[3,4]}]}`, nil},
	}
	ollamaServer = map[string]reply{
		"/api/version":         {200, `{"version":"0.11.4"}`, nil},
		"/api/tags":            {200, `{"models":[{"name":"tiny:latest"},{"name":"vectors:latest"}]}`, nil},
		"/api/show":            {200, `{"capabilities":["completion"]}`, nil},
		"/api/chat":            {200, `{"message":{"content":"a"},"done":true,"done_reason":"stop"}`, nil},
		"/v1/models":           {200, `{"data":[{"id":"tiny:latest"}]}`, nil},
		"/v1/chat/completions": {200, `{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}`, nil},
	}
)

// but is a server like another with one path that answers otherwise.
func but(server map[string]reply, path string, r reply) map[string]reply {
	other := map[string]reply{path: r}
	for p, r := range server {
		if _, ok := other[p]; !ok {
			other[p] = r
		}
	}
	return other
}

// refusal is an error in OpenAI's form.
func refusal(status int, code, message string) reply {
	return reply{status, `{"error":{"message":"` + message + `","type":"invalid_request_error","param":null,"code":"` + code + `"}}`, nil}
}

// What people get wrong, by what they report to projects of this kind, and the sentence
// that tells them. {S} is the server's URL, {H} its host and port. The weak candidate is
// recorded and has no endpoint.
var wrongConfigurations = []struct {
	name   string
	server map[string]reply // nil for one that answers nothing but 404
	tls    bool             // the server speaks TLS
	env    []string         // NAME=value
	strong string           // PROVIDER/MODEL
	set    []string         // FIELD=VALUE below models.strong
	args   []string
	want   string
	fine   bool // it is worth a note and no failure
}{
	// Keys.
	{name: "no key", server: but(openAIServer, "/v1/models", refusal(401, "", "You didn't provide an API key")), strong: "openai/tiny", set: []string{"base_url={S}"},
		want: "mend: models.strong: no key: set api_key_env\n"},
	{name: "a variable that is not set", server: but(openAIServer, "/v1/models", refusal(401, "", "no key")), strong: "openai/tiny", set: []string{"base_url={S}", "api_key_env=MY_KEY"},
		want: "mend: models.strong: no key: MY_KEY is empty or not set\n"},
	{name: "a wrong key", server: but(openAIServer, "/v1/models", refusal(401, "invalid_api_key", "Incorrect API key provided: {K}")), env: []string{"MY_KEY=sk-1234567"}, strong: "openai/tiny",
		set: []string{"base_url={S}", "api_key_env=MY_KEY"}, want: "mend: models.strong: the key from MY_KEY was refused\n"},
	{name: "a wrong key that only the chat notices", server: but(openAIServer, "/v1/chat/completions", refusal(401, "invalid_api_key", "bad")), env: []string{"MY_KEY=sk-1234567"}, strong: "openai/tiny",
		set: []string{"base_url={S}", "api_key_env=MY_KEY"}, want: "mend: models.strong: the key from MY_KEY was refused\n"},
	{name: "a key with a line break", strong: "openai/tiny", env: []string{"MY_KEY=sk-\n1234567"}, set: []string{"base_url={S}", "api_key_env=MY_KEY"},
		want: "models.strong.api_key_env: the key in MY_KEY holds a line break or another control character\n"},
	{name: "the key of the embedding, not of the model", server: but(openAIServer, "/v1/embeddings", refusal(401, "", "bad key")), env: []string{"E_KEY=sk-1234567"}, strong: "openai/tiny", set: []string{"base_url={S}"},
		args: []string{"--embedding", "openai/vectors", "--set", "embedding.base_url={S}", "--set", "embedding.api_key_env=E_KEY"}, want: "mend: embedding: the key from E_KEY was refused\n"},
	{name: "a key in plain text to elsewhere", env: []string{"MY_KEY=sk-1234567"}, strong: "openai/tiny", set: []string{"base_url=http://models.example:8000", "api_key_env=MY_KEY"},
		want: "models.strong.base_url: http://models.example:8000/v1 would carry the key of MY_KEY in plain text: write https://models.example:8000/v1, or set allow_plain_http: true\n"},
	{name: "a key where its variable's name belongs", strong: "openai/tiny", set: []string{"base_url={S}", "api_key_env=sk-1234567"},
		want: "models.strong.api_key_env: is no name of an environment variable: write the name there, and the key into the variable\n"},
	{name: "a key for another host", server: openAIServer, env: []string{"OPENAI_API_KEY=sk-1234567"}, strong: "openai/tiny", set: []string{"base_url={S}"}, fine: true,
		want: "note: models.strong.api_key_env: OPENAI_API_KEY is set in the environment and is not sent to {S}: a key for one host is no key for another; if it is, set api_key_env: OPENAI_API_KEY\n"},
	{name: "an account without money", server: but(openAIServer, "/v1/chat/completions", refusal(429, "insufficient_quota", "You exceeded your current quota")), env: []string{"MY_KEY=sk-1234567"}, strong: "openai/tiny",
		set: []string{"base_url={S}", "api_key_env=MY_KEY"}, want: "mend: the account of MY_KEY is out of credit or quota: a retry would not help\n"},
	{name: "a key that may not", server: but(openAIServer, "/v1/chat/completions", refusal(403, "", "denied")), env: []string{"MY_KEY=sk-1234567"}, strong: "openai/tiny",
		set: []string{"base_url={S}", "api_key_env=MY_KEY"}, want: "mend: MY_KEY may not use model tiny here\n"},
	{name: "Anthropic's key", server: map[string]reply{"/v1/models/tiny": {401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, nil}}, env: []string{"MY_KEY=sk-1234567"},
		strong: "anthropic/tiny", set: []string{"base_url={S}", "api_key_env=MY_KEY"}, want: "mend: models.strong: the key from MY_KEY was refused\n"},

	// Where it is.
	{name: "no /v1", server: openAIServer, strong: "openai/tiny", set: []string{"base_url={S}/api"}, want: "mend: the path is wrong: try base_url {S}/v1\n"},
	{name: "no /v1 behind a prefix", strong: "openai/tiny", set: []string{"base_url={S}/openai"}, want: "mend: the path is wrong: try base_url {S}/openai/v1\n"},
	{name: "/v1, but nothing there", strong: "openai/tiny", set: []string{"base_url={S}/v1"}, want: "mend: the path is wrong: no OpenAI-compatible API answers there\n"},
	{name: "a call's whole URL", server: openAIServer, strong: "openai/tiny", set: []string{"base_url={S}/v1/chat/completions"}, want: "models.strong.base_url: a call's path, not a base URL: write {S}/v1\n"},
	{name: "a query", strong: "openai/tiny", set: []string{"base_url={S}/v1?x=1"}, want: "models.strong.base_url: a base URL has no query and no fragment: write {S}/v1\n"},
	{name: "another scheme", strong: "openai/tiny", set: []string{"base_url=ws://{H}/v1"}, want: `models.strong.base_url: scheme "ws" is not http or https` + "\n"},
	{name: "credentials", strong: "openai/tiny", set: []string{"base_url=http://me:secret@{H}/v1"}, want: "models.strong.base_url: credentials in a URL end up in logs: leave them out and name the key's variable in api_key_env\n"},
	{name: "no host", strong: "openai/tiny", set: []string{"base_url=http:///v1"}, want: "models.strong.base_url: no host: write it as https://host/v1 or localhost:11434\n"},
	{name: "a port that is none", strong: "openai/tiny", set: []string{"base_url=http://localhost:99999"}, want: "models.strong.base_url: port 99999 is above 65535\n"},
	{name: "no such host", strong: "openai/tiny", set: []string{"base_url=http://no-such-host.invalid/v1"}, want: "mend: check the host in base_url\n"},
	{name: "nothing listens", strong: "openai/tiny", set: []string{"base_url=http://127.0.0.1:1"}, want: "mend: is the server running at 127.0.0.1:1?\n"},
	{name: "Ollama is not running", strong: "ollama/tiny", set: []string{"base_url=http://127.0.0.1:1"}, want: "mend: is Ollama running? start it with `ollama serve`\n"},
	{name: "https to plain HTTP", server: openAIServer, strong: "openai/tiny", set: []string{"base_url=https://{H}/v1"}, want: "mend: set base_url to http://{H}/v1\n"},
	{name: "http to TLS", server: openAIServer, tls: true, strong: "openai/tiny", set: []string{"base_url=http://{H}/v1"}, want: "mend: the server speaks TLS: set base_url to https://{H}/v1\n"},
	{name: "an authority that nobody knows", server: openAIServer, tls: true, strong: "openai/tiny", set: []string{"base_url={S}"}, want: "mend: if the server's own authority is to be trusted, name its file in SSL_CERT_FILE\n"},
	{name: "a page to sign in", server: map[string]reply{"/v1/models": {200, "<html><title>Sign in</title></html>", []string{"Content-Type", "text/html"}}}, strong: "openai/tiny", set: []string{"base_url={S}"},
		want: "FAILED  path        models.strong {S}/v1/models: 200 the answer is a web page, not JSON: Sign in\n"},
	{name: "moved to another host", server: map[string]reply{"/v1/models": {307, "", []string{"Location", "https://models.example/v1/models"}}}, strong: "openai/tiny", set: []string{"base_url={S}"},
		want: "mend: it redirects to https://models.example/v1/models: set base_url to where the API is\n"},
	{name: "the environment says otherwise", server: openAIServer, env: []string{"OPENAI_BASE_URL=http://models.example/v1"}, strong: "openai/tiny", set: []string{"base_url={S}"}, fine: true,
		want: "note: models.strong.base_url: OPENAI_BASE_URL is set in the environment and does not count here: the flag --set says {S}\n"},
	{name: "the environment counts where nothing is written", env: []string{"OPENAI_API_BASE={S}/api"}, strong: "openai/tiny", want: `models.strong.base_url  "{S}/api"  environment OPENAI_API_BASE` + "\n"},
	{name: "Ollama is no OpenAI-compatible server", server: openAIServer, strong: "ollama/tiny", set: []string{"base_url={S}"}, want: "mend: no Ollama API answers there; for an OpenAI-compatible server use provider openai\n"},
	{name: "Ollama's API under a path", server: ollamaServer, strong: "ollama/tiny", set: []string{"base_url={S}/api"}, want: "mend: the path is wrong: try base_url {S}\n"},
	{name: "Ollama called by another name", server: map[string]reply{"/api/version": {403, "", nil}}, strong: "ollama/tiny", set: []string{"base_url={S}"},
		want: "mend: Ollama refuses the host name 127.0.0.1: call it as 127.0.0.1 or localhost, or set OLLAMA_HOST=0.0.0.0 on the server\n"},
	{name: "no Messages API", server: openAIServer, strong: "anthropic/tiny", set: []string{"base_url={S}"}, want: "mend: the path is wrong: no Messages API of Anthropic's answers there\n"},
	{name: "Azure's resource is not named", strong: "azure/tiny", want: "models.strong.base_url: missing: every resource has a host of its own, such as https://NAME.openai.azure.com\n"},
	{name: "Azure's URL of a call", strong: "azure/tiny", set: []string{"base_url={S}/openai/deployments/tiny/chat/completions?api-version=2024-06-01"},
		want: "models.strong.base_url: a base URL has no query: write base_url: {S}/openai and api_version: 2024-06-01\n"},

	// Which model.
	{name: "a provider that is none", strong: "olama/tiny", want: `models.strong.provider: unknown provider "olama": did you mean "ollama"? (have anthropic, azure, `},
	{name: "no model", strong: "openai", set: []string{"base_url={S}"}, want: "models.strong.model: no model\n"},
	{name: "a model that is not pulled", server: ollamaServer, strong: "ollama/phi4", set: []string{"base_url={S}"}, want: "mend: run `ollama pull phi4`\n"},
	{name: "a model with a typing error", server: but(openAIServer, "/v1/chat/completions", refusal(404, "model_not_found", "The model does not exist")), strong: "openai/tinny", set: []string{"base_url={S}"},
		want: `mend: models.strong.model: the service has no "tinny"; for Ollama: ` + "`ollama pull tinny`; did you mean tiny?\n"},
	{name: "an embedding model that is to chat", server: but(ollamaServer, "/api/show", reply{200, `{"capabilities":["embedding"]}`, nil}), strong: "ollama/vectors", set: []string{"base_url={S}"},
		want: "mend: models.strong.model: vectors is no chat model\n"},
	{name: "a service without embeddings", server: openAIServer, strong: "openai/tiny", set: []string{"base_url={S}"}, args: []string{"--embedding", "groq/x"},
		want: "embedding.provider: groq makes no embeddings: name another one, or leave embedding out for the one in this program\n"},
	{name: "an embedding of another width than the weights", server: openAIServer, strong: "openai/tiny", set: []string{"base_url={S}"}, args: []string{"--embedding", "openai/vectors", "--set", "embedding.base_url={S}"},
		want: "the embedding has width 2 (vectors): use the embedding model of the weights, or train on this one\n"},
	{name: "a damaged model", server: but(ollamaServer, "/api/chat", reply{500, `{"error":"unable to load model: /root/.ollama/x"}`, nil}), strong: "ollama/tiny", set: []string{"base_url={S}"},
		want: "mend: the model's file is damaged: `ollama rm tiny`, then pull it again\n"},
	{name: "a model too large", server: but(ollamaServer, "/api/chat", reply{500, `{"error":"model requires more system memory (9 GiB) than is available"}`, nil}), strong: "ollama/tiny", set: []string{"base_url={S}"},
		want: "mend: a smaller model, a smaller num_ctx, or fewer models loaded at once\n"},
	{name: "a deployment that Azure has not", server: map[string]reply{"/openai/deployments/tiny/chat/completions": refusal(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")}, strong: "azure/tiny", set: []string{"base_url={S}"},
		want: `mend: models.strong.model: the resource has no deployment "tiny": Azure calls a model by its deployment's name, and a new one takes minutes to appear` + "\n"},

	// Settings.
	{name: "a model that reasons", server: but(openAIServer, "/v1/chat/completions", refusal(400, "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")),
		strong: "openai/tiny", set: []string{"base_url={S}"}, want: "mend: set params: {max_completion_tokens: N} for this role\n"},
	{name: "an endless answer", strong: "ollama/tiny", set: []string{"base_url={S}", "params.num_predict=0"}, want: "models.strong.params.num_predict: 0 is not a whole number above 0: Ollama takes 0 for no limit\n"},
	{name: "OpenAI's word for Ollama", strong: "ollama/tiny", set: []string{"base_url={S}", "params.max_tokens=5"}, want: "models.strong.params.max_tokens: Ollama calls it num_predict; or set max_tokens of the role\n"},
	{name: "a stream", strong: "openai/tiny", set: []string{"base_url={S}", "params.stream=true"}, want: "models.strong.params.stream: is set by routeval itself\n"},
	{name: "tools for a model without", server: but(ollamaServer, "/api/chat", reply{400, `{"error":"\"tiny\" does not support tools"}`, nil}), strong: "ollama/tiny", set: []string{"base_url={S}", "params.tools=[{}]"},
		want: "mend: leave that out of params, or choose a model that can\n"},
	{name: "a threshold in percent", server: openAIServer, strong: "openai/tiny", set: []string{"base_url={S}"}, args: []string{"--threshold", "50"}, want: "router.threshold: 50 is not in [0,1]\n"},
	{name: "a candidate that is none", server: openAIServer, strong: "openai/tiny", set: []string{"base_url={S}"}, args: []string{"--set", "router.weak=week"}, want: `router.weak: no candidate "week" under models (have strong, weak)` + "\n"},
}

// Each wrong configuration is told by its sentence, whole, with exit status 1, and without
// any key.
func TestWrongConfigurations(t *testing.T) {
	for _, c := range wrongConfigurations {
		t.Run(c.name, func(t *testing.T) {
			server := serveReplies(c.server, c.tls)
			defer server.Close()
			url := server.URL
			fill := strings.NewReplacer("{S}", url, "{H}", url[strings.Index(url, "//")+2:]).Replace
			env := map[string]string{"XDG_CACHE_HOME": t.TempDir()}
			for _, e := range c.env {
				name, value, _ := strings.Cut(e, "=")
				env[name] = fill(value)
			}
			args := []string{"check", "-i", "prompts.jsonl", "--strong", c.strong, "--weak", "recorded"}
			for _, s := range c.set {
				args = append(args, "--set", "models.strong."+fill(s))
			}
			for _, a := range c.args {
				args = append(args, fill(a))
			}
			var out, words bytes.Buffer
			w := &world{
				args: args, stdin: &out, stdout: &out, stderr: &words,
				lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
			}
			status, want := execute(t.Context(), w), statusStopped
			if c.fine {
				want = statusDone
			}
			if status != want || !strings.Contains(squeeze(out.String()), squeeze(fill(c.want))) {
				t.Errorf("status %d, want %d and %q in\n%s%s", status, want, fill(c.want), &out, &words)
			}
			for _, secret := range []string{"1234567", "me:secret"} {
				if strings.Contains(out.String()+words.String(), secret) {
					t.Errorf("a key is shown in\n%s%s", &out, &words)
				}
			}
		})
	}
	if n := len(wrongConfigurations); n < 25 {
		t.Errorf("only %d cases", n)
	}
}

// squeeze makes runs of blanks one: columns are as wide as what stands in them.
func squeeze(s string) string {
	for strings.Contains(s, "  ") {
		s = strings.ReplaceAll(s, "  ", " ")
	}
	return s
}

func serveReplies(replies map[string]reply, secure bool) *httptest.Server {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := replies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(answer.header); i += 2 {
			w.Header().Set(answer.header[i], answer.header[i+1])
		}
		w.WriteHeader(answer.status)
		_, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		io.WriteString(w, strings.ReplaceAll(answer.body, "{K}", key))
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of handshakes that fail
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	return server
}
