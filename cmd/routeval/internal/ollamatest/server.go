//go:build unix

// Package ollamatest is test support: it runs a real Ollama server, with a home
// of its own, on models that this package writes. Nothing that ships imports it.
//
// The models are tiny and exact. [Scripted] says one given answer to every
// prompt and stops, so that a test knows what a real server must reply;
// [RandomBERT] embeds texts; [Read] takes any GGUF file.
package ollamatest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// Versions of Ollama that tests are written for; the install script reads them here.
const (
	Version         = "0.11.4" // needs nothing to be built but a C and C++ compiler
	MessagesVersion = "0.24.0" // serves Anthropic's Messages API, too
)

// A Server is a running Ollama.
type Server struct {
	URL string // "http://127.0.0.1:<port>"
	log string // path of what the server prints
}

// Start runs Ollama on a free loopback port until the test ends, with its home
// and its models in a directory of the test. Each of env ("NAME=value") is added
// to the server's environment and wins over the defaults. What the server has
// printed goes into the test's log if the test fails.
func Start(t testing.TB, env ...string) *Server {
	t.Helper()
	path := executable("ROUTEVAL_OLLAMA", Version)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: `make e2e` installs Ollama, ROUTEVAL_OLLAMA names another one", err)
	}
	return start(t, path, env)
}

// StartMessages does what [Start] does with the Ollama that serves Anthropic's Messages
// API, and skips the test where there is none: not every machine can build it.
func StartMessages(t testing.TB, env ...string) *Server {
	t.Helper()
	path := executable("ROUTEVAL_OLLAMA_MESSAGES", MessagesVersion)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%v: `make e2e-anthropic` installs Ollama, ROUTEVAL_OLLAMA_MESSAGES names another one", err)
	}
	return start(t, path, env)
}

func start(t testing.TB, executable string, env []string) *Server {
	t.Helper()
	home := t.TempDir()
	s := &Server{log: filepath.Join(home, "server.log")}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()

	// The shell holds the reading end of a pipe. It closes when the test stops
	// the server, and also when the test's process dies without a chance to;
	// then the whole group goes: the shell, the server, and the runners that
	// the server starts for its models.
	cmd := exec.Command("/bin/sh", "-c", `{ "$0" serve; echo "ollama ended with $?"; } & read -r _; kill -KILL 0`, executable)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + home,
		"TMPDIR=" + home,
		"OLLAMA_HOST=127.0.0.1:0",
		"OLLAMA_MODELS=" + filepath.Join(home, "models"),
		"OLLAMA_CONTEXT_LENGTH=512",
		"OLLAMA_NO_CLOUD=1", // newer versions look up their vendor's host
	}, env...)
	alive, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		alive.Close()
		cmd.Wait() // always "signal: killed"
		if t.Failed() {
			t.Logf("Ollama printed:\n%s", s.printed(t))
		}
	})
	s.URL = "http://" + s.address(t)
	return s
}

// executable is the path of an Ollama: what the variable names, or where the install
// script puts that version.
func executable(variable, version string) string {
	cache := cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(os.Getenv("HOME"), ".cache"))
	installed := filepath.Join(cache, "routeval", "ollama-v"+version, "bin", "ollama")
	return cmp.Or(os.Getenv(variable), installed)
}

// listening is what Ollama prints once it accepts connections. It was started
// on port 0, so the kernel chose the port and no other process can have it.
var listening = regexp.MustCompile(`Listening on (127\.0\.0\.1:\d+)`)

// address waits for the server's address, which it has about a second after its start.
func (s *Server) address(t testing.TB) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		printed := s.printed(t)
		if match := listening.FindSubmatch(printed); match != nil {
			return string(match[1])
		}
		if bytes.Contains(printed, []byte("ollama ended with")) {
			t.Fatal("Ollama ended at its start")
		}
	}
	t.Fatal("Ollama does not listen after a minute")
	return ""
}

func (s *Server) printed(t testing.TB) []byte {
	t.Helper()
	printed, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	return printed
}

// Served counts the requests to a path, such as "/api/chat", that the server
// has finished, by its own log.
func (s *Server) Served(t testing.TB, path string) int {
	t.Helper()
	served := 0
	for line := range strings.Lines(string(s.printed(t))) {
		if strings.HasPrefix(line, "[GIN]") && strings.HasSuffix(line, ` "`+path+"\"\n") {
			served++
		}
	}
	return served
}

// Create adds a model to the server under name. It runs on one thread whatever
// its parameters say: with two on a busy machine, 64 tokens took 44 s instead of
// 0.04 s.
func (s *Server) Create(t testing.TB, name string, model Model) {
	t.Helper()
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(model.GGUF))
	s.post(t, "/api/blobs/"+digest, model.GGUF)

	parameters := map[string]any{}
	maps.Copy(parameters, model.Parameters)
	parameters["num_thread"] = 1
	request, err := json.Marshal(map[string]any{
		"model":      name,
		"files":      map[string]string{name + ".gguf": digest},
		"template":   model.Template,
		"parameters": parameters,
		"stream":     false,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.post(t, "/api/create", request)
}

func (s *Server) post(t testing.TB, path string, body []byte) {
	t.Helper()
	response, err := http.Post(s.URL+path, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("POST %s: %s %s %v", path, response.Status, answer, err)
	}
}
