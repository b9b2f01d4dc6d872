package providers

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// DefaultAzureAPIVersion is the newest dated version of Azure's API that is not a preview.
const DefaultAzureAPIVersion = "2024-10-21"

// newAzure makes a client of Azure OpenAI, which speaks OpenAI's API under paths of its
// own. Model is the name of a deployment. A base URL that ends in /v1 leads to the newer
// API, which has OpenAI's own paths and needs no version; any other is that of the
// resource, with or without /openai or the deployment's path behind it.
func newAzure(cfg Config) (Client, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(cfg.Model, "/?#%") {
		return nil, cfg.fieldError("model", "%q is no name of a deployment", cfg.Model)
	}
	e, err := newEndpoint(cfg, func(typed string) (*url.URL, error) { return azureURL(typed, cfg.Model) })
	if err != nil {
		return nil, err
	}
	e.keyIn("Api-Key")
	e.rules = azureRules
	c := &openAI{endpoint: e, paths: openAIPaths}
	version := cfg.APIVersion
	if !e.azureV1() {
		c.paths.chat = "/deployments/" + cfg.Model + c.paths.chat
		c.paths.embed = "/deployments/" + cfg.Model + c.paths.embed
		if version == "" {
			version = DefaultAzureAPIVersion
		}
	}
	if version != "" {
		e.query = "api-version=" + url.QueryEscape(version)
	}
	return c, c.prepare()
}

// azureV1 reports whether the base URL leads to the API that has no dated versions.
func (e *endpoint) azureV1() bool { return strings.HasSuffix(e.base.Path, "/v1") }

// azureURL reads a base URL of Azure OpenAI as people type it or copy it from its portal,
// which gives a call's whole URL. What it names beside the resource must agree with the
// spec.
func azureURL(typed, deployment string) (*url.URL, error) {
	if strings.TrimSpace(typed) == "" {
		return nil, errors.New("missing: every resource has a host of its own, such as https://NAME.openai.azure.com")
	}
	typed, query, _ := strings.Cut(typed, "?")
	typed, rest, found := strings.Cut(typed, "/deployments/")
	if version, ok := strings.CutPrefix(query, "api-version="); ok {
		return nil, fmt.Errorf("a base URL has no query: write base_url: %s and api_version: %s", typed, version)
	}
	u, err := httpURL(typed)
	if err != nil {
		return nil, err
	}
	if name, _, _ := strings.Cut(rest, "/"); found && name != deployment {
		return nil, fmt.Errorf("leads to the deployment %q, but the model is %q: they are the same in Azure", name, deployment)
	}
	resource, v1 := strings.CutSuffix(u.Path, "/v1")
	u.Path = strings.TrimSuffix(resource, "/openai") + "/openai"
	if v1 {
		u.Path += "/v1"
	}
	return u, nil
}

// azureRules know what Azure says in words of its own.
var azureRules = []rule{
	{
		statuses: []int{404},
		says:     []string{"deploymentnotfound", "deployment for this resource does not exist"},
		class:    Fatal, hint: (*endpoint).deploymentHint,
	},
	{
		statuses: []int{400, 404},
		says:     []string{"unsupportedapiversion", "api version not supported", "api-version query parameter", "invalid api version"},
		class:    Fatal, hint: (*endpoint).azureVersionHint,
	},
	{
		statuses: []int{400},
		says:     []string{"chatcompletion operation does not work with"},
		class:    Fatal, hint: (*endpoint).notChatHint,
	},
	{
		statuses: []int{400},
		says:     []string{"embeddings operation does not work with"},
		class:    Fatal, hint: (*endpoint).notEmbeddingHint,
	},
	{
		statuses: []int{401},
		says:     []string{"wrong api endpoint", "invalid subscription key"},
		class:    Fatal, hint: (*endpoint).azureKeyHint,
	},
}

func (e *endpoint) deploymentHint() string {
	return fmt.Sprintf("%s.model: the resource has no deployment %q: Azure calls a model by its deployment's name, and a new one takes minutes to appear",
		e.cfg.Role, e.cfg.Model)
}

func (e *endpoint) azureVersionHint() string {
	return fmt.Sprintf("%s.api_version: Azure does not know %q; %s works, and a base_url that ends in /openai/v1 needs none",
		e.cfg.Role, e.cfg.APIVersion, DefaultAzureAPIVersion)
}

// azureKeyHint is about a refusal that Azure gives for both.
func (e *endpoint) azureKeyHint() string {
	return e.keyHint() + "; keys of Azure belong to one resource: is it " + e.base.Host + "?"
}

func (e *endpoint) azurePathHint() string {
	if e.azureV1() {
		return "the path is wrong: is " + e.base.Host + " a resource of Azure OpenAI?"
	}
	return fmt.Sprintf("is %s a resource of Azure OpenAI, and api_version one that it knows?", e.base.Host)
}
