package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"routeval/datasets"
)

const embeddingServerWidth = 1536

// embeddingServer answers OpenAI's embedding calls at once, with vectors that
// follow from the text, and counts requests and texts.
type embeddingServer struct {
	requests, texts atomic.Int64
	killAt          atomic.Int64 // at this request, counted from 1, kill is called
	kill            atomic.Pointer[func() error]
}

func (s *embeddingServer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var body struct{ Input []string }
	if json.NewDecoder(req.Body).Decode(&body) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	if n := s.requests.Add(1); n == s.killAt.Load() {
		(*s.kill.Load())()
	}
	s.texts.Add(int64(len(body.Input)))
	var out bytes.Buffer
	out.WriteString(`{"object":"list","model":"test","data":[`)
	for i, text := range body.Input {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"object":"embedding","index":%d,"embedding":"%s"}`, i, vectorOf(text))
	}
	out.WriteString(`],"usage":{"prompt_tokens":1,"total_tokens":1}}`)
	w.Header().Set("Content-Type", "application/json")
	w.Write(out.Bytes())
}

// vectors are what the server answers with, made once so that it answers at
// once: little-endian float32 in base64.
var vectors = sync.OnceValue(func() (out [251]string) {
	rng := rand.New(rand.NewPCG(1, 1536))
	for i := range out {
		b := make([]byte, 0, 4*embeddingServerWidth)
		for range embeddingServerWidth {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(rng.Float32()-0.5))
		}
		out[i] = base64.StdEncoding.EncodeToString(b)
	}
	return out
})

// vectorOf is a vector that follows from the text.
func vectorOf(text string) string {
	h := fnv.New32a()
	h.Write([]byte(text))
	table := vectors()
	return table[h.Sum32()%uint32(len(table))]
}

// N short distinct prompts take at most ⌈N/256⌉+1 requests, and none the second
// time; the file is the same both times, with every vector in its place.
func TestEmbedAsksInBatchesAndOnce(t *testing.T) {
	const n = 2000
	server := &embeddingServer{}
	http := httptest.NewServer(server)
	defer http.Close()
	dir := t.TempDir()
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "{\"id\":\"p%d\",\"prompt\":\"short prompt number %d\"}\n", i, i)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())
	embed := func(out string) {
		t.Helper()
		cmd := routeval(t, "embed", "-i", filepath.Join(dir, "prompts.jsonl"), "-o", out, "--embedding", "openai/test",
			"--set", "embedding.base_url="+http.URL, "--cache", filepath.Join(dir, "cache"))
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
	}
	first, second := filepath.Join(dir, "first.arrow"), filepath.Join(dir, "second.arrow")
	embed(first)
	if most := int64((n+255)/256 + 1); server.requests.Load() > most || server.texts.Load() != n {
		t.Errorf("%d requests for %d texts, want at most %d for %d", server.requests.Load(), server.texts.Load(), most, n)
	}
	server.requests.Store(0)
	embed(second)
	if r := server.requests.Load(); r != 0 {
		t.Errorf("%d requests the second time", r)
	}
	a, _ := os.ReadFile(first)
	if b, _ := os.ReadFile(second); len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("the second file differs from the first")
	}
	_, vectors, err := datasets.Embeddings(first)
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for e, err := range vectors {
		if err != nil {
			t.Fatal(err)
		}
		want, _ := base64.StdEncoding.DecodeString(vectorOf(fmt.Sprintf("short prompt number %d", i)))
		if e.ID != fmt.Sprintf("p%d", i) || math.Float32bits(e.Vector[7]) != binary.LittleEndian.Uint32(want[28:]) {
			t.Fatalf("row %d: id %s", i, e.ID)
		}
		i++
	}
	if i != n {
		t.Errorf("%d rows", i)
	}
}

// Killed at any request and run again, embed ends with the file of a run that was
// not killed, and asks again only for what was on its way.
func TestEmbedKilled(t *testing.T) {
	const n, batch, slots = 1000, 50, 2
	server := &embeddingServer{}
	http := httptest.NewServer(server)
	defer http.Close()
	dir := t.TempDir()
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "{\"id\":\"p%d\",\"prompt\":\"short prompt number %d\"}\n", i, i)
	}
	writeFile(t, filepath.Join(dir, "prompts.jsonl"), in.String())
	embed := func(cache, out string) *exec.Cmd {
		return routeval(t, "embed", "-i", filepath.Join(dir, "prompts.jsonl"), "-o", filepath.Join(dir, out), "--embedding", "openai/test",
			"--set", "embedding.base_url="+http.URL, "--set", fmt.Sprint("embedding.batch=", batch), "--set", fmt.Sprint("embedding.slots=", slots),
			"--cache", filepath.Join(dir, cache))
	}
	if out, err := embed("whole-cache", "whole.arrow").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, _ := os.ReadFile(filepath.Join(dir, "whole.arrow"))
	server.texts.Store(0)
	for kill := range 5 {
		cmd := embed("cache", "killed.arrow")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stop := cmd.Process.Kill
		server.kill.Store(&stop)
		server.requests.Store(0)
		server.killAt.Store(int64(2 + kill))
		if err := cmd.Wait(); err == nil {
			t.Fatal("embed ended before it was killed")
		}
		if _, err := os.Stat(filepath.Join(dir, "killed.arrow")); err == nil {
			t.Fatal("a killed embed left a file")
		}
	}
	server.killAt.Store(0)
	if out, err := embed("cache", "killed.arrow").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "killed.arrow")); len(want) == 0 || !bytes.Equal(got, want) {
		t.Error("the file differs from that of an embed that was not killed")
	}
	if again := server.texts.Load() - n; again > 5*(slots+1)*batch {
		t.Errorf("%d texts were asked for again after 5 kills of %d requests of %d texts in flight", again, slots, batch)
	}
}

// BenchmarkEmbed is prompts per second through a loopback server that answers at
// once. RouteLLM, one call a prompt, does some 340 a second on such a server.
func BenchmarkEmbed(b *testing.B) {
	const n = 20_000
	http := httptest.NewServer(&embeddingServer{})
	defer http.Close()
	dir := b.TempDir()
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "{\"id\":\"p%d\",\"prompt\":\"short prompt number %d\"}\n", i, i)
	}
	os.WriteFile(filepath.Join(dir, "prompts.jsonl"), []byte(in.String()), 0o644)
	for b.Loop() {
		cmd := routeval(b, "embed", "-i", filepath.Join(dir, "prompts.jsonl"), "-o", filepath.Join(dir, "v.arrow"), "--embedding", "openai/test",
			"--set", "embedding.base_url="+http.URL, "--cache", "off")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "prompts/s")
}
