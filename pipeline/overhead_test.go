//go:build unix

package pipeline

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"routeval/datasets"
	"routeval/providers"
	"routeval/providers/traffic"
)

const instantAnswer = `{"model":"echo","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hello"}}],` +
	`"usage":{"prompt_tokens":3,"completion_tokens":3}}`

// BenchmarkExecutor carries prompts through a run to a server that answers at once, and beside
// it the same calls by a bare net/http client, in turns so that both meet the same
// machine. The server's own work is in both.
func BenchmarkExecutor(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, instantAnswer)
	}))
	defer server.Close()
	for _, slots := range []int{16, 64, 256} {
		b.Run(fmt.Sprint(slots, " slots"), func(b *testing.B) {
			const n = 10_000
			var bare, run time.Duration
			var bareCPU, runCPU time.Duration
			b.ReportAllocs()
			for b.Loop() {
				t, cpu := time.Now(), cpuTime()
				bareLoop(b, server.URL, slots, n)
				bare, bareCPU = bare+time.Since(t), bareCPU+cpuTime()-cpu
				t, cpu = time.Now(), cpuTime()
				carry(b, server.URL, slots, n)
				run, runCPU = run+time.Since(t), runCPU+cpuTime()-cpu
			}
			calls := float64(n) * float64(b.N)
			b.ReportMetric(calls/run.Seconds(), "calls/s")
			b.ReportMetric(100*bare.Seconds()/run.Seconds(), "%ofBare")
			b.ReportMetric(float64((runCPU-bareCPU).Microseconds())/calls, "µsCPU/call+")
		})
	}
}

// carry runs n prompts through a pipeline with a journal on disk.
func carry(tb testing.TB, url string, slots, n int) {
	client, err := providers.New(providers.Config{Role: "models.weak", Kind: "openai", BaseURL: url, Model: "echo", Slots: slots})
	if err != nil {
		tb.Fatal(err)
	}
	defer client.Close()
	c := traffic.NewEndpoint(traffic.EndpointOptions{}).Controller(traffic.Limits{Slots: traffic.Fixed(slots)})
	p := &Pipeline{
		Scorer: numbered{float64(n)}, Threshold: 2, Strong: "strong", Weak: "weak", Execute: datasets.Routed, Window: 4 * slots,
		Candidates: map[string]Candidate{"weak": {Model: "echo", Completer: c.Completer(client, providers.RetryPolicy{}), Traffic: c}},
		BadRow:     func(e *datasets.RowError) error { return e },
	}
	j, err := OpenJournal(filepath.Join(tb.TempDir(), JournalFile), false)
	if err != nil {
		tb.Fatal(err)
	}
	defer j.Close()
	if s, err := p.Run(tb.Context(), prompts(n), j); err != nil || s.Finished != int64(n) || s.Failed > 0 {
		tb.Fatalf("%+v, %v", s, err)
	}
}

// bareLoop makes the same calls with nothing around them.
func bareLoop(tb testing.TB, url string, workers, n int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := next.Add(1)
				if i > int64(n) {
					return
				}
				body := fmt.Appendf(nil, `{"model":"echo","messages":[{"role":"user","content":"%d"}],"max_tokens":1024}`, i)
				resp, err := client.Post(url+"/v1/chat/completions", "application/json", bytes.NewReader(body))
				if err != nil {
					tb.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// 10,000 calls in flight take less than 500 MiB. The server is a process of its own.
func TestTenThousandInFlight(t *testing.T) {
	const n = 10_000
	if url := os.Getenv(inFlightServer); url != "" {
		serveInFlight(t, n)
		return
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur < n+100 {
		t.Skipf("needs %d open files, may have %d", n+100, limit.Cur)
	}
	server := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTenThousandInFlight$")
	server.Env = append(os.Environ(), inFlightServer+"=1")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer server.Wait()
	defer server.Process.Kill()
	var url string
	if _, err := fmt.Fscan(out, &url); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	carry(t, url, n, n) // the server answers when all calls are there
	runtime.ReadMemStats(&after)
	used := (after.Sys - before.Sys) >> 20 // what was ever taken from the system
	t.Logf("%d calls in flight took %d MiB", n, used)
	if used >= 500 && !raceDetector {
		t.Errorf("%d MiB", used)
	}
}

const inFlightServer = "ROUTEVAL_TEST_IN_FLIGHT"

// serveInFlight prints its URL and answers n calls at once, when all have come.
func serveInFlight(t *testing.T, n int64) {
	var inFlight atomic.Int64
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if inFlight.Add(1) == n {
			close(all)
		}
		select {
		case <-all:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, instantAnswer)
	}))
	fmt.Println(server.URL)
	<-t.Context().Done()
}
