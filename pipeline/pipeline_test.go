package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"routeval/datasets"
	"routeval/providers"
	"routeval/providers/traffic"
	"routeval/scoring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbered scores a prompt by the number that it is.
type numbered struct{ of float64 }

func (numbered) Space() scoring.Space { return scoring.Space{} }
func (n numbered) WinRates(_ context.Context, dst []float64, batch []scoring.Features) error {
	for i, f := range batch {
		x, err := strconv.ParseFloat(f.Query, 64)
		if err != nil {
			return &scoring.ItemError{Index: i, Err: err}
		}
		dst[i] = x / n.of
	}
	return nil
}

// completer answers by a function and counts calls by prompt.
type completer struct {
	answer func(ctx context.Context, query string) (providers.Completion, error)
	mu     sync.Mutex
	calls  map[string]int
	now    atomic.Int64
	most   atomic.Int64
}

func (c *completer) Complete(ctx context.Context, req providers.Request) (providers.Completion, error) {
	query := req.Messages[0].Content
	c.mu.Lock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[query]++
	c.mu.Unlock()
	c.most.Store(max(c.most.Load(), c.now.Add(1)))
	defer c.now.Add(-1)
	if c.answer == nil {
		return providers.Completion{Text: query}, nil
	}
	return c.answer(ctx, query)
}

func (c *completer) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.calls {
		n += k
	}
	return n
}

func prompt(i int) datasets.Prompt {
	text := strconv.Itoa(i)
	return datasets.Prompt{
		ID: "p" + text, Messages: []datasets.Message{{Role: "user", Content: text}},
		Reference: text, Pos: datasets.Pos{File: "test", Row: int64(i + 1)},
	}
}

func prompts(n int) iter.Seq2[datasets.Prompt, error] {
	return func(yield func(datasets.Prompt, error) bool) {
		for i := range n {
			if !yield(prompt(i), nil) {
				return
			}
		}
	}
}

// testPipeline routes the upper part of n numbered prompts to strong.
func testPipeline(n int) (p *Pipeline, strong, weak *completer) {
	strong, weak = &completer{}, &completer{}
	return &Pipeline{
		Scorer: numbered{float64(n)}, Threshold: 0.75, Strong: "strong", Weak: "weak",
		Candidates: map[string]Candidate{
			"strong": {Model: "big", Completer: strong, Traffic: slots(4)},
			"weak":   {Model: "small", Completer: weak, Traffic: slots(4)},
		},
		Execute: datasets.Routed,
		Batch:   Batch{Items: 7},
		BadRow:  func(e *datasets.RowError) error { return e },
	}, strong, weak
}

// slots is traffic that is bounded by nothing but so many slots.
func slots(n int) *traffic.Controller {
	return traffic.NewEndpoint(traffic.EndpointOptions{}).Controller(traffic.Limits{Slots: traffic.Fixed(n)})
}

func openJournal(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

// readJournal gives the journal's results by prompt, after checking that no
// prompt has two.
func readJournal(t *testing.T, path string) map[string]datasets.Result {
	t.Helper()
	all := map[string]datasets.Result{}
	for r, err := range datasets.Results([]string{path}, datasets.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[r.PromptID]; twice {
			t.Fatalf("two lines of %s", r.PromptID)
		}
		all[r.PromptID] = r
	}
	return all
}

func run1(t *testing.T, p *Pipeline, in iter.Seq2[datasets.Prompt, error]) (map[string]datasets.Result, Summary, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), JournalFile)
	s, err := p.Run(t.Context(), in, openJournal(t, path))
	return readJournal(t, path), s, err
}

func TestRunRoutesAndAnswers(t *testing.T) {
	p, strong, weak := testPipeline(100)
	got, s, err := run1(t, p, prompts(100))
	if err != nil {
		t.Fatal(err)
	}
	if s != (Summary{Read: 100, Finished: 100}) {
		t.Errorf("summary %+v", s)
	}
	for i := range 100 {
		want := "weak"
		if i >= 75 {
			want = "strong"
		}
		r := got[fmt.Sprintf("p%d", i)]
		if r.Route != want || r.Seq != int64(i) || *r.WinRate != float64(i)/100 {
			t.Fatalf("prompt %d: %+v", i, r)
		}
		if len(r.Outcomes) != 1 || r.Outcomes[want].Answer != strconv.Itoa(i) || r.Propensity != 0 {
			t.Fatalf("prompt %d: outcomes %+v, propensity %v", i, r.Outcomes, r.Propensity)
		}
	}
	if strong.total() != 25 || weak.total() != 75 {
		t.Errorf("%d strong and %d weak calls", strong.total(), weak.total())
	}
	if m := weak.most.Load(); m > 4 {
		t.Errorf("%d calls at a time in 4 slots", m)
	}
}

func TestExecuteModes(t *testing.T) {
	p, strong, weak := testPipeline(100)
	p.Execute = datasets.RouteOnly
	got, _, err := run1(t, p, prompts(100))
	if err != nil || len(got) != 100 || strong.total()+weak.total() != 0 {
		t.Fatalf("route-only: %d results, %d calls, %v", len(got), strong.total()+weak.total(), err)
	}
	p.Execute = datasets.Both
	got, _, err = run1(t, p, prompts(100))
	if err != nil || strong.total() != 100 || weak.total() != 100 {
		t.Fatalf("both: %d and %d calls, %v", strong.total(), weak.total(), err)
	}
	if r := got["p3"]; len(r.Outcomes) != 2 || r.Propensity != 1 || r.Route != "weak" {
		t.Fatalf("both: %+v", r)
	}
}

// The sample of both_share must depend on nothing but seed and ID, hit its share,
// and record its propensity on every prompt, sampled or not.
func TestBothShareIsASample(t *testing.T) {
	p, _, _ := testPipeline(4000)
	for name, c := range p.Candidates {
		c.Traffic = slots(64)
		p.Candidates[name] = c
	}
	p.BothShare = 0.05
	first, _, err := run1(t, p, prompts(4000))
	if err != nil {
		t.Fatal(err)
	}
	second, _, _ := run1(t, p, prompts(4000))
	both := 0
	for id, r := range first {
		if r.Propensity != 0.05 {
			t.Fatalf("%s: propensity %v", id, r.Propensity)
		}
		if len(r.Outcomes) != len(second[id].Outcomes) {
			t.Fatalf("%s sampled differently the second time", id)
		}
		both += len(r.Outcomes) - 1
	}
	// 200 expected, standard deviation 14.
	if both < 140 || both > 260 {
		t.Errorf("%d of 4000 sampled at 0.05", both)
	}
	p.Seed++
	third, _, _ := run1(t, p, prompts(4000))
	same := 0
	for id, r := range first {
		if len(r.Outcomes) == 2 && len(third[id].Outcomes) == 2 {
			same++
		}
	}
	if same > both/2 {
		t.Errorf("another seed sampled %d of the same %d prompts", same, both)
	}
}

func ptr[T any](v T) *T { return &v }

func TestRecordedOutcomesReplaceCalls(t *testing.T) {
	p, strong, weak := testPipeline(2)
	p.Grader = exactly{}
	price := &datasets.Price{InputUSDPerMTok: ptr(1.0), OutputUSDPerMTok: ptr(2.0)}
	p.Candidates["strong"] = Candidate{Model: "big", Price: price}
	in := prompt(1)
	in.Recorded = map[string]datasets.Outcome{
		"big":   {Answer: "1", PromptTokens: ptr(int64(1e6)), CompletionTokens: ptr(int64(2e6)), Recorded: true},
		"small": {Quality: ptr(0.25), Recorded: true},
		"other": {Quality: ptr(0.5), Recorded: true},
	}
	got, _, err := run1(t, p, func(yield func(datasets.Prompt, error) bool) { yield(in, nil) })
	if err != nil {
		t.Fatal(err)
	}
	r := got["p1"]
	if strong.total()+weak.total() != 0 || r.Propensity != 1 || len(r.Outcomes) != 2 {
		t.Fatalf("%+v after %d calls", r, strong.total()+weak.total())
	}
	if o := r.Outcomes["strong"]; *o.CostUSD != 5 || *o.Quality != 1 {
		t.Errorf("strong: %+v", o)
	}
	if o := r.Outcomes["weak"]; o.CostUSD != nil || *o.Quality != 0.25 {
		t.Errorf("weak: %+v", o)
	}
}

type exactly struct{}

func (exactly) Grade(_ context.Context, a scoring.Answer) (float64, error) {
	if a.Reference == "" {
		return 0, errors.New("no reference")
	}
	if a.Text == a.Reference {
		return 1, nil
	}
	return 0, nil
}

func TestOneBadPromptIsOneFailedRow(t *testing.T) {
	p, _, weak := testPipeline(10)
	weak.answer = func(_ context.Context, query string) (providers.Completion, error) {
		if query == "2" {
			return providers.Completion{Attempts: 3}, &providers.Error{Role: "models.weak", Endpoint: "http://x", Status: 400, Class: providers.Rejected, Message: "content filter"}
		}
		return providers.Completion{Text: query}, nil
	}
	in := func(yield func(datasets.Prompt, error) bool) {
		for i := range 5 {
			pr := prompt(i)
			if i == 4 {
				pr.Messages[0].Content = "no number"
			}
			if !yield(pr, nil) {
				return
			}
		}
	}
	got, s, err := run1(t, p, in)
	if err != nil || s.Failed != 2 || s.Finished != 5 {
		t.Fatalf("%+v, %v", s, err)
	}
	if f := got["p2"].Outcomes["weak"]; f.Failure == nil || f.Failure.Class != "rejected" || f.Attempts != 3 || f.Answer != "" {
		t.Errorf("rejected call: %+v", f)
	}
	if r := got["p4"]; r.Failure == nil || !strings.Contains(r.Failure.Message, "router") || r.Route != "" || r.WinRate != nil {
		t.Errorf("prompt that cannot be scored: %+v", r)
	}
}

func TestFatalErrorStopsTheRunAndResumeFinishesIt(t *testing.T) {
	p, _, weak := testPipeline(1000)
	var broken atomic.Bool
	broken.Store(true)
	weak.answer = func(_ context.Context, query string) (providers.Completion, error) {
		if broken.Load() && query == "300" {
			return providers.Completion{}, &providers.Error{Role: "models.weak", Endpoint: "http://x", Status: 401, Class: providers.Fatal, Message: "bad key"}
		}
		return providers.Completion{Text: query}, nil
	}
	path := filepath.Join(t.TempDir(), JournalFile)
	j := openJournal(t, path)
	s, err := p.Run(t.Context(), prompts(1000), j)
	var e *providers.Error
	if !errors.As(err, &e) || e.Status != 401 {
		t.Fatalf("error %v", err)
	}
	if n := len(readJournal(t, path)); int64(n) != s.Finished || n >= 1000 || n < 250 {
		t.Fatalf("%d lines, %+v", n, s)
	}
	j.Close()
	broken.Store(false)
	if _, err := p.Run(t.Context(), prompts(1000), openJournal(t, path)); err != nil {
		t.Fatal(err)
	}
	if n := len(readJournal(t, path)); n != 1000 {
		t.Fatalf("%d lines after resume", n)
	}
	for q, n := range weak.calls {
		if n > 1 && q != "300" {
			t.Errorf("prompt %s paid %d times", q, n)
		}
	}
}

// A signal stops new calls; calls in flight have the grace and are written if
// they make it.
func TestGraceForCallsInFlight(t *testing.T) {
	for _, c := range []struct {
		name  string
		takes time.Duration
		lines int
	}{{"in time", 20 * time.Second, 4}, {"too late", 40 * time.Second, 0}} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), JournalFile)
			synctest.Test(t, func(t *testing.T) {
				p, _, weak := testPipeline(100)
				p.Grace = 30 * time.Second
				weak.answer = func(ctx context.Context, query string) (providers.Completion, error) {
					select {
					case <-time.After(c.takes):
						return providers.Completion{Text: query}, nil
					case <-ctx.Done():
						return providers.Completion{}, ctx.Err()
					}
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				signal := errors.New("signal")
				time.AfterFunc(time.Second, func() { cancel(signal) })
				j := openJournal(t, path)
				start := time.Now()
				s, err := p.Run(ctx, prompts(50), j)
				if !errors.Is(err, signal) {
					t.Errorf("error %v", err)
				}
				if took, most := time.Since(start), 31*time.Second; took > most {
					t.Errorf("took %v, more than %v", took, most)
				}
				if s.Finished != int64(c.lines) || weak.total() != 4 {
					t.Errorf("%d finished of %d calls, want %d of 4", s.Finished, weak.total(), c.lines)
				}
			})
			if n := len(readJournal(t, path)); n != c.lines {
				t.Errorf("%d lines, want %d", n, c.lines)
			}
		})
	}
}

func TestBadRowsAndTwins(t *testing.T) {
	in := func(yield func(datasets.Prompt, error) bool) {
		_ = yield(prompt(0), nil) &&
			yield(datasets.Prompt{}, &datasets.RowError{Pos: datasets.Pos{File: "f", Row: 2}, Err: errors.New("torn")}) &&
			yield(prompt(0), nil) &&
			yield(prompt(3), nil)
	}
	p, _, _ := testPipeline(10)
	var bad []string
	p.BadRow = func(e *datasets.RowError) error { bad = append(bad, e.Error()); return nil }
	got, s, err := run1(t, p, in)
	if err != nil || len(got) != 2 || s.BadRows != 2 || s.Read != 4 {
		t.Fatalf("%d results, %+v, %v", len(got), s, err)
	}
	if want := []string{"f:2: torn", `test:1: id "p0" was met before: give every prompt an id of its own`}; !slices.Equal(bad, want) {
		t.Errorf("bad rows %q", bad)
	}
	if got["p3"].Seq != 3 {
		t.Errorf("seq %d after bad rows", got["p3"].Seq)
	}
	p.BadRow = func(e *datasets.RowError) error { return e }
	if _, _, err := run1(t, p, in); err == nil || !strings.Contains(err.Error(), "f:2: torn") {
		t.Errorf("error %v", err)
	}
}

// embedder makes one-wide vectors of numbers and rejects what is none.
type embedder struct{ requests atomic.Int64 }

func (e *embedder) Embed(_ context.Context, texts []string) ([][]float32, error) {
	e.requests.Add(1)
	out := make([][]float32, len(texts))
	for i, s := range texts {
		x, err := strconv.Atoi(s)
		if err != nil {
			return nil, &providers.Error{Role: "embedding", Endpoint: "http://x", Status: 400, Class: providers.Rejected, Message: "too long"}
		}
		out[i] = []float32{float32(x)}
	}
	return out, nil
}

type byVector struct{}

func (byVector) Space() scoring.Space { return scoring.Space{Dim: 1} }
func (byVector) WinRates(_ context.Context, dst []float64, batch []scoring.Features) error {
	for i, f := range batch {
		dst[i] = float64(f.Embedding[0]) / 100
	}
	return nil
}

func TestEmbeddingInBatchesAndOneRejectedText(t *testing.T) {
	p, _, _ := testPipeline(100)
	e := &embedder{}
	p.Scorer, p.Embedder, p.EmbedSlots, p.Batch.Items = byVector{}, e, 3, 10
	in := func(yield func(datasets.Prompt, error) bool) {
		for i := range 100 {
			pr := prompt(i)
			if i == 42 {
				pr.Messages[0].Content = "far too long"
			}
			if !yield(pr, nil) {
				return
			}
		}
	}
	got, s, err := run1(t, p, in)
	if err != nil || s.Failed != 1 || s.Finished != 100 {
		t.Fatalf("%+v, %v", s, err)
	}
	if n := e.requests.Load(); n != 10+10 {
		t.Errorf("%d embedding requests, want 10 and 10 for the batch with a bad text", n)
	}
	if r := got["p99"]; *r.WinRate != 0.99 || r.Route != "strong" {
		t.Errorf("%+v", r)
	}
	p.Scorer = wide{}
	if _, _, err := run1(t, p, prompts(3)); err == nil || !strings.Contains(err.Error(), "width 2") {
		t.Errorf("vectors of another width: %v", err)
	}
}

type wide struct{ byVector }

func (wide) Space() scoring.Space { return scoring.Space{Dim: 2} }

// Whatever happens to a run, resuming it ends with one line a prompt: brute
// force over random stops.
func TestManyStopsOneLineEach(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	path := filepath.Join(t.TempDir(), JournalFile)
	p, strong, weak := testPipeline(2000)
	p.Window = 16
	stops := 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		j := openJournal(t, path)
		time.AfterFunc(time.Duration(rng.IntN(4000))*time.Microsecond, cancel)
		_, err := p.Run(ctx, prompts(2000), j)
		cancel()
		j.Close()
		if err == nil {
			break
		}
		stops++
	}
	t.Logf("%d stops", stops)
	if n := len(readJournal(t, path)); n != 2000 || stops < 3 {
		t.Fatalf("%d lines after %d stops", n, stops)
	}
	if calls := strong.total() + weak.total(); calls != 2000 {
		t.Errorf("%d calls for 2000 prompts: a gentle stop pays nothing twice", calls)
	}
}

// Where the chosen candidate fails the other one answers, says for whom, and nobody waits in a
// circle: with one slot each, both kinds of traffic and a sample that takes both slots.
func TestFallback(t *testing.T) {
	p, strong, weak := testPipeline(200)
	for name, c := range p.Candidates {
		c.Traffic = slots(1)
		p.Candidates[name] = c
	}
	p.OnFailure, p.BothShare = "strong", 0.2
	weak.answer = func(_ context.Context, query string) (providers.Completion, error) {
		if strings.HasSuffix(query, "3") {
			return providers.Completion{}, &providers.Error{Role: "models.weak", Endpoint: "http://x", Status: 503, Class: providers.Transient, Message: "busy", Attempts: 5}
		}
		return providers.Completion{Text: query}, nil
	}
	strong.answer = func(_ context.Context, query string) (providers.Completion, error) {
		if query == "13" || query == "193" {
			return providers.Completion{}, &providers.Error{Role: "models.strong", Endpoint: "http://x", Status: 400, Class: providers.Rejected, Message: "no", Attempts: 1}
		}
		return providers.Completion{Text: query}, nil
	}
	path := filepath.Join(t.TempDir(), JournalFile)
	j := openJournal(t, path)
	s, err := p.Run(t.Context(), prompts(200), j)
	if err != nil {
		t.Fatal(err)
	}
	got := readJournal(t, path)
	stoodIn, unanswered := 0, 0
	for i := range 200 {
		r := got[fmt.Sprintf("p%d", i)]
		chosen, other := r.Outcomes[r.Route], r.Outcomes["strong"]
		switch {
		case chosen.OK() || r.Route == "strong": // which has nobody to stand in
			if r.Outcomes["weak"].FallbackFor != "" || other.FallbackFor != "" {
				t.Errorf("prompt %d: %+v", i, r.Outcomes)
			}
		case other.OK() && other.FallbackFor == "weak" && chosen.Attempts == 5:
			stoodIn++
		default:
			unanswered++
		}
	}
	// Of the 15 that weak fails strong fails one; it fails another one of its own.
	if tally := j.Tally(); stoodIn != 14 || unanswered != 1 || tally.StoodIn != 14 || s.Failed != 2 || tally.Failed != 2 {
		t.Errorf("%d stood in, %d unanswered, %+v, %+v", stoodIn, unanswered, tally, s)
	}
	if d, called := new(got["p3"]).Delivered(); !called || !d.OK() || d.Answer != "3" {
		t.Errorf("delivered %+v", d)
	}
}
