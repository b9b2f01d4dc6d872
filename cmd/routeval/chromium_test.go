//go:build e2e && unix

package main_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A chromium is a headless browser with one page, driven over its DevTools
// protocol: messages of JSON on two pipes, each ended by a zero byte. The
// protocol needs no library, and a pipe no port.
type chromium struct {
	t        *testing.T
	commands *os.File
	messages *bufio.Reader
	session  string
	last     int
	events   []devEvent // in their order, those that no call has waited for
}

type devEvent struct {
	Method string         `json:"method"`
	Params jsontext.Value `json:"params"`
}

// startChromium starts a browser that ends with the test, or skips the test
// where there is none.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	path := findChromium()
	if path == "" {
		t.Skip("no chromium, chromium-browser or google-chrome in PATH: the page is not looked at")
	}
	commandsIn, commands := pipe(t)
	messages, messagesOut := pipe(t)
	cmd := exec.CommandContext(t.Context(), path,
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	cmd.ExtraFiles = []*os.File{commandsIn, messagesOut} // descriptors 3 and 4
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	commandsIn.Close()
	messagesOut.Close()
	if err := messages.SetReadDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	c := &chromium{t: t, commands: commands, messages: bufio.NewReader(messages)}
	t.Cleanup(func() {
		c.session = ""
		c.send("Browser.close", nil)
		cmd.Wait() //nolint:errcheck // it may have been killed with the test's context
	})
	c.attach()
	return c
}

func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// attach opens the page and lets it tell all that it does.
func (c *chromium) attach() {
	var target struct {
		ID string `json:"targetId"`
	}
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct {
		Session string `json:"sessionId"`
	}
	c.call("Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached)
	c.session = attached.Session
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		c.call(domain+".enable", nil, nil)
	}
}

func (c *chromium) send(method string, params any) int {
	c.t.Helper()
	c.last++
	message := map[string]any{"id": c.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if c.session != "" {
		message["sessionId"] = c.session
	}
	text, err := json.Marshal(message)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.commands.Write(append(text, 0)); err != nil {
		c.t.Errorf("%s: %v", method, err)
	}
	return c.last
}

// call sends a command and waits for its answer. What happens meanwhile is kept.
func (c *chromium) call(method string, params, result any) {
	c.t.Helper()
	id := c.send(method, params)
	for {
		var m struct {
			ID     int            `json:"id"`
			Result jsontext.Value `json:"result"`
			Error  *struct {
				Message string `json:"message"`
			} `json:"error"`
			devEvent
		}
		c.read(&m)
		switch {
		case m.ID == 0:
			c.events = append(c.events, m.devEvent)
		case m.ID == id && m.Error != nil:
			c.t.Fatalf("%s: %s", method, m.Error.Message)
		case m.ID == id && result == nil:
			return
		case m.ID == id:
			if err := json.Unmarshal(m.Result, result); err != nil {
				c.t.Fatalf("%s: %v in %s", method, err, m.Result)
			}
			return
		}
	}
}

func (c *chromium) read(message any) {
	c.t.Helper()
	text, err := c.messages.ReadBytes(0)
	if err != nil {
		c.t.Fatalf("the browser says no more: %v", err)
	}
	if err := json.Unmarshal(bytes.TrimSuffix(text, []byte{0}), message); err != nil {
		c.t.Fatal(err)
	}
}

// open loads a file and waits until it is all there.
func (c *chromium) open(path string) {
	c.t.Helper()
	c.call("Page.navigate", map[string]any{"url": "file://" + path}, nil)
	for eval[string](c, "location.protocol + document.readyState") != "file:complete" {
		time.Sleep(10 * time.Millisecond)
	}
}

// size sets the width and height of the window and what the reader prefers.
func (c *chromium) size(width, height int, scheme string) {
	c.t.Helper()
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	c.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// press presses and releases a key that has no character.
func (c *chromium) press(key string) {
	c.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}
	text := map[string]string{"Enter": "\r", " ": " "}[key]
	for _, kind := range []string{"keyDown", "keyUp"} {
		event := map[string]any{"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
		if text != "" && kind == "keyDown" {
			event["text"] = text
		}
		c.call("Input.dispatchKeyEvent", event, nil)
	}
}

// screenshot writes the whole page as a picture among the test's artifacts.
func (c *chromium) screenshot(name string) {
	c.t.Helper()
	var shot struct {
		Data string `json:"data"`
	}
	c.call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &shot)
	picture, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(c.t.ArtifactDir(), name+".png")
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.t.Log(path)
}

// eval is the value of an expression in the page.
func eval[T any](c *chromium, expression string) T {
	c.t.Helper()
	var got struct {
		Result struct {
			Value T `json:"value"`
		} `json:"result"`
		Exception *jsontext.Value `json:"exceptionDetails"`
	}
	c.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true, "userGesture": true}, &got)
	if got.Exception != nil {
		c.t.Fatalf("%s: %s", expression, *got.Exception)
	}
	return got.Result.Value
}

// complaints are all that a page must not do: errors and messages on its
// console, dialogs, and requests for anything but itself.
func (c *chromium) complaints(path string) []string {
	var list []string
	for _, e := range c.events {
		switch e.Method {
		case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening":
			list = append(list, fmt.Sprintf("%s: %s", e.Method, e.Params))
		case "Network.requestWillBeSent":
			var sent struct {
				Request struct {
					URL string `json:"url"`
				} `json:"request"`
			}
			if err := json.Unmarshal(e.Params, &sent); err != nil {
				c.t.Fatal(err)
			}
			if url := sent.Request.URL; url != "file://"+path && url != "about:blank" {
				list = append(list, "request for "+url)
			}
		}
	}
	return list
}
