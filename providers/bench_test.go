package providers

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-json-experiment/json"
)

const benchSlots = 64

// instant is a server that answers at once.
func instant(b *testing.B, answer string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answer)
	}))
	b.Cleanup(server.Close)
	return server.URL
}

// inParallel makes b.N calls, benchSlots at a time.
func inParallel(b *testing.B, call func() error) {
	b.ReportAllocs()
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range benchSlots {
		group.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkCalls compares the clients with a bare net/http loop that sends the same bytes to
// the same server at the same concurrency and reads the answer without looking at it.
func BenchmarkCalls(b *testing.B) {
	req := Request{Messages: []Message{{Role: "user", Content: strings.Repeat("What is routed where? ", 20)}}}
	for kind, answer := range map[string]string{
		"ollama": `{"model":"m","message":{"role":"assistant","content":"The answer is 42."},"done":true,"done_reason":"stop","load_duration":1,"prompt_eval_count":9,"eval_count":5}`,
		"openai": `{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"The answer is 42."},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":5}}`,
	} {
		url := instant(b, answer)
		client, err := New(Config{Role: "r", Kind: kind, BaseURL: url, Model: "m"})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind, func(b *testing.B) {
			inParallel(b, func() error { _, err := client.Complete(b.Context(), req); return err })
		})
		client.Close()
		body, _ := json.Marshal(req)
		bare := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchSlots}}
		b.Run(kind+"/bare", func(b *testing.B) {
			inParallel(b, func() error {
				resp, err := bare.Post(url, "application/json", bytes.NewReader(body))
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				_, err = io.Copy(io.Discard, resp.Body)
				return err
			})
		})
		bare.CloseIdleConnections()
	}
}

// BenchmarkVectors decodes an answer of 64 embeddings of width 1536 in both forms.
func BenchmarkVectors(b *testing.B) {
	for name, one := range map[string]string{
		"numbers": "[" + strings.Repeat("-0.012345678,", 1535) + "0.5]",
		"base64":  `"` + strings.Repeat("AAAAPwAAAL4A", 512) + `"`,
	} {
		body := []byte(fmt.Sprintf(`[%s%s]`, strings.Repeat(one+",", 63), one))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				var v []vector
				if err := json.Unmarshal(body, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
