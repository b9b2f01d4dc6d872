package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"routeval/datasets"
	"routeval/providers"
	"routeval/scoring"
)

// A bench is a judge's model: it replies by a function and counts its calls by
// what it was asked.
type bench struct {
	reply func(user string) (string, error)
	mu    sync.Mutex
	calls map[string]int
}

func (b *bench) Complete(ctx context.Context, req providers.Request) (providers.Completion, error) {
	if err := ctx.Err(); err != nil {
		return providers.Completion{}, err
	}
	user := req.Messages[1].Content
	b.mu.Lock()
	if b.calls == nil {
		b.calls = map[string]int{}
	}
	b.calls[user]++
	b.mu.Unlock()
	text, err := b.reply(user)
	tokens := int64(2)
	return providers.Completion{
		Text: text, Model: "judge-1", Attempts: 1,
		Usage: providers.Usage{PromptTokens: &tokens, CompletionTokens: &tokens},
	}, err
}

func (b *bench) total() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.calls {
		n += k
	}
	return n
}

// judge makes a judge of a bench, at two cents a call.
func judge(b *bench, kind string) *Judge {
	free, cent := 0.0, 1e4
	j := &Judge{
		Candidate: Candidate{Model: "judge", Completer: b, Traffic: slots(3), Price: &datasets.Price{InputUSDPerMTok: &free, OutputUSDPerMTok: &cent}},
		Settings:  kind, Kind: kind,
	}
	if kind == "judge_pair" {
		j.Pair = &scoring.PairJudge{}
	} else {
		j.Single = &scoring.SingleJudge{}
	}
	return j
}

func always(reply string) *bench {
	return &bench{reply: func(string) (string, error) { return reply, nil }}
}

// judgedPipeline has both candidates answer; each says its name and the query.
func judgedPipeline(n int, j *Judge) *Pipeline {
	p, _, _ := testPipeline(n)
	p.Execute, p.Judge = datasets.Both, j
	for name, c := range p.Candidates {
		c.Completer = &completer{answer: func(_ context.Context, query string) (providers.Completion, error) {
			return providers.Completion{Text: name + " says " + query}, nil
		}}
		p.Candidates[name] = c
	}
	return p
}

func TestJudgeSingle(t *testing.T) {
	b := &bench{reply: func(user string) (string, error) {
		if strings.Contains(user, "strong says") {
			return "VERDICT: 10", nil
		}
		return "VERDICT: 4", nil
	}}
	got, _, err := run1(t, judgedPipeline(20, judge(b, "judge_single")), prompts(20))
	if err != nil {
		t.Fatal(err)
	}
	for id, r := range got {
		if s, w := r.Outcomes["strong"], r.Outcomes["weak"]; *s.Quality != 1 || *w.Quality != 3.0/9 || s.Grader != "judge_single" {
			t.Fatalf("%s: strong %+v, weak %+v", id, s, w)
		}
		calls, cost := int64(4), 0.04
		want := &datasets.Judged{
			Model: "judge-1", Calls: 2, PromptTokens: &calls, CompletionTokens: &calls, CostUSD: &cost,
			Verdicts: []datasets.Verdict{{Shown: []string{"strong"}, Rating: 10}, {Shown: []string{"weak"}, Rating: 4}},
		}
		if diff := cmp.Diff(want, r.Judged); diff != "" {
			t.Fatal(diff)
		}
	}
}

// A judge that prefers a text wins it in both orders; one that prefers a place ties,
// and the verdicts show it.
func TestJudgePair(t *testing.T) {
	longer := &bench{reply: func(user string) (string, error) {
		if strings.Index(user, "strong says") < strings.Index(user, "weak says") {
			return "VERDICT: 1", nil
		}
		return "VERDICT: 2", nil
	}}
	for _, c := range []struct {
		bench        *bench
		strong, weak float64
		winners      []string
	}{
		{longer, 1, 0, []string{"strong", "strong"}},
		{always("VERDICT: 1"), 0.5, 0.5, []string{"strong", "weak"}},
		{always("VERDICT: tie"), 0.5, 0.5, []string{"tie", "tie"}},
	} {
		got, _, err := run1(t, judgedPipeline(5, judge(c.bench, "judge_pair")), prompts(5))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got {
			var winners []string
			for _, v := range r.Judged.Verdicts {
				winners = append(winners, v.Winner)
			}
			if *r.Outcomes["strong"].Quality != c.strong || *r.Outcomes["weak"].Quality != c.weak || !slices.Equal(winners, c.winners) {
				t.Fatalf("got %+v, %+v", r.Outcomes, winners)
			}
		}
	}
}

// Equal answers tie without a call; a prompt with one answer has nothing to compare.
func TestJudgePairAsksOnlyWhereItMust(t *testing.T) {
	b := always("VERDICT: 1")
	p, _, _ := testPipeline(5)
	p.Execute, p.Judge = datasets.Both, judge(b, "judge_pair")
	got, _, err := run1(t, p, prompts(5))
	if r := got["p1"]; err != nil || b.total() != 0 || *r.Outcomes["weak"].Quality != 0.5 || r.Judged != nil {
		t.Errorf("%d calls, %+v, %v", b.total(), r, err)
	}
	p.Execute = datasets.Routed
	got, _, err = run1(t, p, prompts(5))
	if r := got["p1"]; err != nil || b.total() != 0 || r.Outcomes["weak"].Quality != nil || len(r.Outcomes["weak"].Warnings) > 0 {
		t.Errorf("%d calls, %+v, %v", b.total(), r, err)
	}
}

// What the judge does not say, or does not say so that it can be read, is a
// warning and counted; it is no quality.
func TestJudgeWithoutVerdict(t *testing.T) {
	for _, kind := range []string{"judge_single", "judge_pair"} {
		for _, b := range []*bench{
			always("I cannot decide."),
			{reply: func(string) (string, error) {
				return "", &providers.Error{Role: "judge", Class: providers.Rejected, Message: "too long", Attempts: 3}
			}},
		} {
			got, s, err := run1(t, judgedPipeline(3, judge(b, kind)), prompts(3))
			if err != nil || s.Finished != 3 {
				t.Fatalf("%+v, %v", s, err)
			}
			r := got["p0"]
			for name, o := range r.Outcomes {
				if o.Quality != nil || len(o.Warnings) != 1 || !strings.HasPrefix(o.Warnings[0], notGraded) {
					t.Errorf("%s, %s: %+v", kind, name, o)
				}
			}
			if v := r.Judged.Verdicts[0]; v.Error == "" || v.Winner != "" || v.Rating != 0 {
				t.Errorf("%s: %+v", kind, v)
			}
		}
	}
}

// A judge that every prompt would fail at stops the run; the answers that were
// paid for are kept and can be graded later.
func TestBrokenJudgeStops(t *testing.T) {
	b := &bench{reply: func(string) (string, error) {
		return "", &providers.Error{Role: "judge", Endpoint: "http://judge", Status: 401, Class: providers.Fatal, Message: "wrong key", Attempts: 1}
	}}
	got, s, err := run1(t, judgedPipeline(1000, judge(b, "judge_single")), prompts(1000))
	if err == nil || !strings.Contains(err.Error(), "wrong key") || s.Finished == 0 || s.Finished > 50 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, r := range got {
		if o := r.Outcomes[r.Route]; o.Answer == "" || !strings.HasPrefix(o.Warnings[0], notGraded) {
			t.Errorf("%+v", o)
		}
	}
}

// Prompts whose answers are recorded are judged side by side, and are not finished
// where the judge is stopped: the next session asks again.
func TestRecordedAnswersAreJudgedOrUnfinished(t *testing.T) {
	const n = 200
	in := func(yield func(datasets.Prompt, error) bool) {
		for i := range n {
			pr := prompt(i)
			pr.Recorded = map[string]datasets.Outcome{"strong": {Answer: "a", Recorded: true}, "weak": {Answer: "b", Recorded: true}}
			if !yield(pr, nil) {
				return
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var b *bench
	b = &bench{reply: func(string) (string, error) {
		if b.total() == 40 {
			cancel()
		}
		return "VERDICT: 6", nil
	}}
	p, _, _ := testPipeline(n)
	p.Judge = judge(b, "judge_single")
	path := filepath.Join(t.TempDir(), JournalFile)
	if _, err := p.Run(ctx, in, openJournal(t, path)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	first := readJournal(t, path)
	if len(first) == 0 || len(first) > 40 {
		t.Fatalf("%d prompts are finished", len(first))
	}
	if _, err := p.Run(t.Context(), in, openJournal(t, path)); err != nil {
		t.Fatal(err)
	}
	all := readJournal(t, path)
	for id, r := range all {
		if q := r.Outcomes["weak"].Quality; q == nil || len(r.Outcomes["weak"].Warnings) > 0 {
			t.Errorf("%s is finished without a grade: %+v", id, r)
		}
	}
	if len(all) != n {
		t.Errorf("%d prompts", len(all))
	}
}

// gradeRun makes a run of n prompts, graded "exact" and both answered, in dir.
func gradeRun(t *testing.T, dir string, n int) datasets.Manifest {
	t.Helper()
	m := datasets.Manifest{Version: datasets.ManifestVersion, Spec: datasets.Spec{Grade: &datasets.Grade{Kind: "exact"}}}
	d, err := Open(dir, m, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p := judgedPipeline(n, nil)
	p.Grader, _ = scoring.NewGrader("exact", scoring.GraderOptions{})
	p.GradeKind = "exact"
	if _, err := p.Run(t.Context(), prompts(n), d.Journal); err != nil {
		t.Fatal(err)
	}
	return m
}

// regrade grades the run in dir with j and gives the results in their order.
func regrade(ctx context.Context, t *testing.T, dir string, p *Pipeline, in iter.Seq2[datasets.Prompt, error], m datasets.Manifest) (Grading, error) {
	t.Helper()
	d, err := OpenToGrade(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if p.Judge != nil {
		if p.Judge.Verdicts, err = d.OpenVerdicts(); err != nil {
			t.Fatal(err)
		}
		defer p.Judge.Verdicts.Close()
	}
	return d.Regrade(ctx, p, in, m, nil)
}

func TestRegrade(t *testing.T) {
	dir := t.TempDir()
	m := gradeRun(t, dir, 30)
	before := readJournal(t, filepath.Join(dir, JournalFile))
	if q := before["p1"].Outcomes["weak"]; *q.Quality != 0 || q.Grader != "exact" {
		t.Fatalf("%+v", q)
	}
	m.Spec.Grade = &datasets.Grade{Kind: "contains"}
	p := &Pipeline{Strong: "strong", Weak: "weak", GradeKind: "contains"}
	p.Grader, _ = scoring.NewGrader("contains", scoring.GraderOptions{})
	sum, err := regrade(t.Context(), t, dir, p, nil, m)
	if want := (Grading{Prompts: 30, Graded: 60}); err != nil || sum != want {
		t.Fatalf("%+v, %v", sum, err)
	}
	after := readJournal(t, filepath.Join(dir, JournalFile))
	for id, was := range before {
		for name, o := range was.Outcomes {
			o.Quality, o.Grader = new(1.0), "contains"
			was.Outcomes[name] = o
		}
		if diff := cmp.Diff(was, after[id]); diff != "" {
			t.Errorf("more than the grade changed: %s", diff)
		}
	}
	got, _, err := ReadRun(dir)
	if err != nil || got.Spec.Grade.Kind != "contains" {
		t.Errorf("the manifest says %+v, %v", got.Spec.Grade, err)
	}
	// The run it now is can be resumed, the run it was cannot.
	if d, err := Open(dir, m, false); err != nil {
		t.Error(err)
	} else {
		d.Close()
	}
	m.Spec.Grade = &datasets.Grade{Kind: "exact"}
	var differs *DiffersError
	if _, err := Open(dir, m, false); !errors.As(err, &differs) {
		t.Errorf("got %v", err)
	}
}

// A quality that came with its prompt is nobody's to replace.
func TestRegradeKeepsWhatCame(t *testing.T) {
	came := datasets.Outcome{Answer: "x", Quality: new(0.3), Recorded: true}
	bare := datasets.Outcome{Quality: new(0.7), Recorded: true}
	ours := datasets.Outcome{Answer: "x", Quality: new(0.5), Grader: "exact", Warnings: []string{"slow", notGraded + "once"}}
	r := &datasets.Result{Outcomes: map[string]datasets.Outcome{"came": came, "bare": bare, "ours": ours}, Judged: &datasets.Judged{}}
	ungrade(r)
	want := &datasets.Result{Outcomes: map[string]datasets.Outcome{"came": came, "bare": bare, "ours": {Answer: "x", Warnings: []string{"slow"}}}}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if got := ungraded(r); !slices.Equal(got, []string{"ours"}) {
		t.Errorf("got %v", got)
	}
}

// Whatever stops a grading, the run is as it was, and the judge is not paid twice
// for what it has said; in the end the run is the same as without the stops.
func TestRegradeStopped(t *testing.T) {
	const n = 40
	reference, dir := t.TempDir(), t.TempDir()
	m := gradeRun(t, reference, n)
	if err := os.CopyFS(dir, os.DirFS(reference)); err != nil {
		t.Fatal(err)
	}
	m.Spec.Grade = &datasets.Grade{Kind: "judge_pair"}
	reply := func(user string) (string, error) { return fmt.Sprintf("VERDICT: %d", 1+len(user)%2), nil }
	graded := &Pipeline{Strong: "strong", Weak: "weak"}

	graded.Judge = judge(&bench{reply: reply}, "judge_pair")
	if _, err := regrade(t.Context(), t, reference, graded, prompts(n), m); err != nil {
		t.Fatal(err)
	}
	want, _ := os.ReadFile(filepath.Join(reference, JournalFile))

	before, _ := os.ReadFile(filepath.Join(dir, JournalFile))
	b := &bench{}
	stops := 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		asked := 0
		var mu sync.Mutex
		b.reply = func(user string) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			if asked++; asked == 15 {
				cancel()
			}
			return reply(user)
		}
		graded.Judge = judge(b, "judge_pair")
		_, err := regrade(ctx, t, dir, graded, prompts(n), m)
		cancel()
		if err == nil {
			break
		}
		stops++
		if now, _ := os.ReadFile(filepath.Join(dir, JournalFile)); !slices.Equal(now, before) {
			t.Fatal("a grading that was stopped changed the journal")
		}
	}
	if stops < 3 {
		t.Errorf("stopped %d times only", stops)
	}
	for user, calls := range b.calls {
		if calls != 1 {
			t.Errorf("paid %d times for %q", calls, user)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(dir, JournalFile)); !slices.Equal(got, want) {
		t.Error("the run is not the same as without stops")
	}
}

func TestRegradeNeedsThePrompts(t *testing.T) {
	dir := t.TempDir()
	m := gradeRun(t, dir, 10)
	p := &Pipeline{Strong: "strong", Weak: "weak", Judge: judge(always("VERDICT: 5"), "judge_single")}
	if _, err := regrade(t.Context(), t, dir, p, prompts(7), m); err == nil || !strings.Contains(err.Error(), "3 finished prompts") {
		t.Errorf("got %v", err)
	}
}

// A crash between the files of a change: at each point the run is wholly the old
// one or wholly the new one, for a reader without the lock too, and the next who
// opens it tidies up.
func TestChangeOfFilesIsWhole(t *testing.T) {
	for _, c := range []struct {
		name  string
		crash func(dir string)
		new   bool
	}{
		{"preparing", func(dir string) {}, false},
		{"at the moment", func(dir string) {
			os.Rename(filepath.Join(dir, preparingDir), filepath.Join(dir, nextDir))
		}, true},
		{"one file is in its place", func(dir string) {
			os.Rename(filepath.Join(dir, preparingDir), filepath.Join(dir, nextDir))
			os.Rename(filepath.Join(dir, nextDir, JournalFile), filepath.Join(dir, JournalFile))
		}, true},
		{"both are", func(dir string) {
			os.Rename(filepath.Join(dir, preparingDir), filepath.Join(dir, nextDir))
			for _, name := range []string{JournalFile, ManifestFile} {
				os.Rename(filepath.Join(dir, nextDir, name), filepath.Join(dir, name))
			}
		}, true},
	} {
		dir := t.TempDir()
		m := gradeRun(t, dir, 3)
		m.Spec.Grade = &datasets.Grade{Kind: "number"}
		text, _ := m.Encode()
		os.Mkdir(filepath.Join(dir, preparingDir), 0o755)
		os.WriteFile(filepath.Join(dir, preparingDir, ManifestFile), text, 0o644)
		os.WriteFile(filepath.Join(dir, preparingDir, JournalFile), []byte(`{"seq":0,"id":"new","route":"weak"}`+"\n"), 0o644)
		c.crash(dir)
		check := func(when string) {
			m, results, err := ReadRun(dir)
			if err != nil {
				t.Fatal(err)
			}
			for r, err := range results {
				if err != nil || (r.PromptID == "new") != c.new || (m.Spec.Grade.Kind == "number") != c.new {
					t.Errorf("%s, %s: prompt %q, graded by %s, %v", c.name, when, r.PromptID, m.Spec.Grade.Kind, err)
				}
			}
		}
		check("before")
		d, err := OpenToGrade(dir)
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
		check("after")
		if exists(filepath.Join(dir, nextDir)) {
			t.Errorf("%s: it is not tidy", c.name)
		}
	}
}

func TestVerdictsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), VerdictsFile)
	open := func() *Verdicts {
		v, err := OpenVerdicts(path)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := open()
	cost := 0.25
	for i := range 5 {
		if err := v.add(reply{Key: keyOf("s", scoring.Question{User: fmt.Sprint(i)}), Text: fmt.Sprintf("reply %d\n", i), Calls: 1, CostUSD: &cost}); err != nil {
			t.Fatal(err)
		}
	}
	v.Close()
	whole, _ := os.ReadFile(path)
	// Cut at every byte: whole lines are found again, and what is added then is too.
	for cut := range len(whole) + 1 {
		os.WriteFile(path, whole[:cut], 0o644)
		v := open()
		lines := strings.Count(string(whole[:cut]), "\n")
		if err := v.add(reply{Key: "more", Text: "more"}); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			r, ok, err := v.find(keyOf("s", scoring.Question{User: fmt.Sprint(i)}))
			if ok != (i < lines) || err != nil || ok && (r.Text != fmt.Sprintf("reply %d\n", i) || *r.CostUSD != cost) {
				t.Fatalf("cut at %d, reply %d: %+v, %t, %v", cut, i, r, ok, err)
			}
		}
		if r, ok, err := v.find("more"); !ok || r.Text != "more" || err != nil {
			t.Fatalf("cut at %d: %+v, %v", cut, r, err)
		}
		v.f.Close()
	}
	os.WriteFile(path, []byte("torn{}\n"), 0o644)
	if _, err := OpenVerdicts(path); err == nil || !strings.Contains(err.Error(), VerdictsFile+":1: corrupt") {
		t.Errorf("got %v", err)
	}
	if keyOf("s", scoring.Question{System: "a", User: "b"}) == keyOf("s", scoring.Question{System: "a\n1\nb"}) {
		t.Error("two questions have one key")
	}
}
