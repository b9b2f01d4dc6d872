package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"
)

// inWorld runs a command line with an environment and returns what it printed.
func inWorld(t *testing.T, env map[string]string, args ...string) (status int, out, words string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = execute(t.Context(), &world{
		args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	return status, stdout.String(), stderr.String()
}

func TestCheckJSON(t *testing.T) {
	server := serveReplies(openAIServer, false)
	defer server.Close()
	env := map[string]string{"OPENAI_BASE_URL": server.URL, "OPENAI_API_KEY": "sk-1234567", "XDG_CACHE_HOME": t.TempDir()}
	status, out, words := inWorld(t, env, "check", "--json", "-i", "prompts.jsonl", "--strong", "openai/tiny", "--weak", "vllm/none", "--set", "models.weak.base_url=http://127.0.0.1:1")
	var got checked
	if err := json.Unmarshal([]byte(out), &got, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%v in %s%s", err, out, words)
	}
	if status != statusStopped || words != "routeval: check: 1 of 3 parts failed\n" || strings.Contains(out, "1234567") {
		t.Errorf("status %d, %s%s", status, words, out)
	}
	if len(got.Roles) != 2 || !got.Roles[0].OK || got.Roles[1].OK || got.SpecErrors != nil {
		t.Fatalf("%+v", got)
	}
	strong, weak := got.Roles[0], got.Roles[1]
	if strong.Role != "models.strong" || strong.Model != "openai/tiny" || strong.Where != server.URL+"/v1 (environment OPENAI_BASE_URL)" ||
		strong.Key != "OPENAI_API_KEY (default)" || strong.Latency <= 0 {
		t.Errorf("%+v", strong)
	}
	if last := weak.Findings[len(weak.Findings)-1]; weak.Key != "" || last.What != "connect" || last.OK || last.Mend != "is the server running at 127.0.0.1:1?" {
		t.Errorf("%+v", weak)
	}
	values := map[string]value{}
	for _, v := range got.Values {
		values[v.Field] = v
	}
	if v := values["models.weak.base_url"]; string(v.Value) != `"http://127.0.0.1:1"` || v.Origin != "flag --set" {
		t.Errorf("%+v", v)
	}

	status, out, words = inWorld(t, env, "check", "-i", "prompts.jsonl", "--strong", "openai/tiny", "--weak", "recorded")
	if want := "\nmodels.strong: ok  openai/tiny at " + server.URL + "/v1 (environment OPENAI_BASE_URL), key from OPENAI_API_KEY (default), answers in "; status != statusDone || !strings.Contains(out, want) {
		t.Errorf("status %d, no %q in %s%s", status, want, out, words)
	}
}

// The server takes three calls at a time and refuses the others, once all have come.
func TestCheckBurst(t *testing.T) {
	const calls, taken = 8, 3
	for _, refusal := range []int{429, 503, 529, 400} {
		var mu sync.Mutex
		come, all := 0, make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if strings.Contains(string(body), `"Hello `) { // of the burst
				mu.Lock()
				come++
				turn := come
				if come == calls {
					close(all)
				}
				mu.Unlock()
				<-all
				if turn > taken {
					w.WriteHeader(refusal)
					io.WriteString(w, `{"error":{"message":"too many"}}`)
					return
				}
			}
			io.WriteString(w, openAIServer[r.URL.Path].body)
		}))
		status, out, _ := inWorld(t, map[string]string{"XDG_CACHE_HOME": t.TempDir()}, "check", "--burst", "8", "-i", "prompts.jsonl", "--strong", "openai/tiny", "--weak", "recorded", "--set", "models.strong.base_url="+server.URL)
		server.Close()
		want, wantStatus := "; 5 were too many\n          mend: set models.strong.slots: 3\n", statusDone
		if refusal == 400 {
			want, wantStatus = "; models.strong "+server.URL+"/v1/chat/completions: 400 too many\n", statusStopped
		}
		if refusal != 400 && !strings.Contains(out, "burst       3 of 8 calls at once were answered, in ") || !strings.Contains(out, want) || status != wantStatus {
			t.Errorf("%d: status %d, want %d and %q in\n%s", refusal, status, wantStatus, want, out)
		}
	}
	for _, n := range []string{"-1", "65"} {
		if status, _, words := inWorld(t, nil, "check", "--burst", n, "-i", "prompts.jsonl"); status != statusUsage || !strings.Contains(words, "--burst: "+n+" is not in [0,64]") {
			t.Errorf("--burst %s: status %d, %s", n, status, words)
		}
	}
}
