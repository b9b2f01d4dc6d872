package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// Texts that a page must show as they are.
const (
	hostileID     = `</script><img src=x onerror=alert(2)>`
	hostileAnswer = "<script>alert(1)</script>\n<b>not bold</b> & \"quoted\" `ticks` ${x} \u2028 \u202egnirts"
	hostileName   = `{{.Script}} --> <!-- ]]> 'x'`
)

// fullReport has everything that a page can show, said by hand, and hostile
// texts wherever a file or a spec can say one.
func fullReport(t *testing.T) *Report {
	results := world(400, 0.6)
	for i := range results {
		results[i].Outcomes[hostileName] = results[i].Outcomes["weak"]
	}
	r := build(t, results, Options{Router: hostileName, Threshold: ptr(0.6), Draws: -1})
	r.Verdicts = Check(r, parseGates(t, []string{"apgr >= 0.6", "lower(apgr) >= 0.7", "cost_share <= 0.5"}))
	interval := func(name string, unit Unit, x float64) Value {
		v := known(name, unit, x, 400)
		v.Lo, v.Hi = x-0.02, x+0.02
		return v
	}
	r.Band = nil
	for i := range 101 {
		p := r.Curve.Mix(float64(i) / 100)
		r.Band = append(r.Band, BandPoint{p.StrongShare, p.Quality, p.CostUSD, p.Quality - 0.02, p.Quality + 0.02})
	}
	at, _ := r.Curve.CPT(0.8)
	r.Savings = []Saving{{0.95, at, interval("", Share, 0.4)}, {1, r.Curve.Strong(), missing("", Share, Undefined, "nothing is saved")}}
	r.Singles = []Single{
		{Name: "strong", Role: "strong", Quality: interval("", Ratio, 0.9), CostUSD: known("", USD, r.Curve.Strong().CostUSD, 400)},
		{Name: "weak", Role: "weak", Quality: interval("", Ratio, 0.6), CostUSD: known("", USD, r.Curve.Weak().CostUSD, 400), Frontier: true},
		{Name: hostileName, Quality: interval("", Ratio, 0.8), CostUSD: known("", USD, 1, 400), Frontier: true, Best: true},
		{Name: "unpriced", Quality: interval("", Ratio, 0.8), CostUSD: missing("", USD, Unknown, "no price")},
	}
	none := missing("", Ratio, Undefined, "there is no gap to recover")
	r.SliceBy = "category"
	r.Slices = []Slice{
		{Name: hostileID, Prompts: 300, Pairs: 300, StrongShare: interval("", Share, 0.4), Quality: interval("", Ratio, 0.8), WeakQuality: interval("", Ratio, 0.6),
			StrongQuality: interval("", Ratio, 0.9), PGR: interval("", Ratio, 0.66), APGR: interval("", Ratio, 0.7), CostUSD: known("", USD, 1.2, 300), CostShare: interval("", Share, 0.5)},
		{Prompts: 100, Pairs: 9, Small: true, StrongShare: known("", Share, 0.4, 9), Quality: known("", Ratio, 0.5, 9), WeakQuality: known("", Ratio, 0.5, 9),
			StrongQuality: known("", Ratio, 0.5, 9), PGR: none, APGR: none, CostUSD: none, CostShare: none},
	}
	r.Reliability = &Reliability{Brier: interval("", Ratio, 0.2), ECE: interval("", Ratio, 0.05), AUROC: interval("", Ratio, 0.7)}
	for i := range 10 {
		x := float64(i)/10 + 0.05
		b := interval("", Share, 0.1+0.6*x)
		r.Reliability.Bins = append(r.Reliability.Bins, Bin{x - 0.05, x + 0.05, x, b, 40})
	}
	r.Misroutes = []Misroute{
		{PromptID: hostileID, Category: hostileName, Reference: "42", WinRate: 0.3, Route: "weak", LostQuality: 1,
			Strong: Answered{1, 0.01, hostileAnswer}, Weak: Answered{0, math.NaN(), "a plain answer\nof two lines"}},
		{PromptID: "p2", WinRate: math.NaN(), Route: "strong", WastedUSD: 0.0123, Strong: Answered{1, 0.0133, ""}, Weak: Answered{1, 0.001, "the same"}},
	}
	r.Provenance = &Provenance{Run: "runs/" + hostileID, Program: "routeval v1", Reporter: "routeval v2", Began: time.Unix(1e9, 0),
		Spec: "router:\n  kind: " + hostileName, Space: "lexical", Digests: map[string]string{hostileID: strings.Repeat("ab", 32)}}
	return r
}

func htmlPage(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := writeHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A browser judges in the e2e test; here the text must hold no tag that is not
// the page's own, and all that was said must be there.
func TestHTMLKeepsHostileTextsText(t *testing.T) {
	got := htmlPage(t, fullReport(t))
	for tag, want := range map[string]int{"<script": 2, "</script": 2, "<style": 1, "<img": 0, "<b>not": 0, "\u2028": 0, "\u202e": 0, "ZgotmplZ": 0} {
		if n := strings.Count(got, tag); n != want {
			t.Errorf("the page has %q %d times, want %d", tag, n, want)
		}
	}
	text := html.UnescapeString(got)
	for _, want := range []string{hostileID, hostileName, "alert(1)", `<b>not bold</b> & "quoted"`, "runs/" + hostileID, "a plain answer\nof two lines"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestHTMLSaysWhatIsMissing(t *testing.T) {
	want := map[string][]string{
		"paired":     {"APGR", "Turn the threshold", "Quality over cost", "missed"},
		"routed":     {"There is no curve: ", "no prompt has both models", "n/a", "cannot be estimated"},
		"route-only": {"no model was called", "unknown"},
		"flawed":     {"lack a price", "There is no figure over cost", "Quality over strong share"},
		"swapped":    {"strong (0.", "is not better than weak"},
		"sampled":    {"weighted by 1/propensity"},
	}
	for name, r := range situations(t) {
		text := html.UnescapeString(htmlPage(t, r))
		for _, w := range want[name] {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the page does not say %q", name, w)
			}
		}
		if strings.Contains(text, "NaN") || strings.Contains(text, "+Inf") || strings.Contains(text, "%!") {
			t.Errorf("%s: the page shows a NaN, an infinity or a formatting error", name)
		}
	}
}

var (
	styleElement  = regexp.MustCompile(`(?s)<style>(.*?)</style>`)
	scriptElement = regexp.MustCompile(`(?s)<script>(.*?)</script>`)
	dataElement   = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)
)

// The policy must fit the text that the template wrote, byte for byte, or the
// browser refuses the page's own style and script.
func TestHTMLPolicyFits(t *testing.T) {
	got := htmlPage(t, fullReport(t))
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(got)
	if policy == nil || !strings.HasPrefix(policy[1], "default-src 'none'; ") {
		t.Fatalf("policy %q", policy)
	}
	for directive, element := range map[string]*regexp.Regexp{"style-src": styleElement, "script-src": scriptElement} {
		sum := sha256.Sum256([]byte(element.FindStringSubmatch(got)[1]))
		if want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(policy[1], want) {
			t.Errorf("the policy %q lacks %q", policy[1], want)
		}
	}
	if found := regexp.MustCompile(`(?i)(https?:)?//[a-z]|\s(src|style|on[a-z]+)=|@import|url\(`).FindString(strings.ReplaceAll(
		scriptElement.ReplaceAllString(got, ""), html.EscapeString(hostileID), "")); found != "" {
		t.Errorf("the page fetches or embeds something: %q", found)
	}
}

// The largest page: a million distinct win rates, and as much of everything else
// as a file can bring.
func TestHTMLOfAMillionPromptsIsSmall(t *testing.T) {
	r := fullReport(t)
	c, err := Sweep(manyPairs(1_000_000))
	if err != nil {
		t.Fatal(err)
	}
	r.Curve, r.Prompts, r.Pairs = c, c.Pairs, c.Pairs
	long := strings.Repeat(`"<&'>`, 2000)
	for range 1000 {
		r.Candidates, r.Singles = append(r.Candidates, r.Candidates[2]), append(r.Singles, r.Singles[2])
		r.Slices = append(r.Slices, r.Slices[0])
	}
	for range 98 {
		r.Misroutes = append(r.Misroutes, Misroute{PromptID: long, Category: long, Route: long, Reference: long, Strong: Answered{Answer: long}, Weak: Answered{Answer: long}})
	}
	r.Provenance.Spec = strings.Repeat(long, 10)
	got := htmlPage(t, r)
	t.Logf("%d points of %d, %d bytes", strings.Count(dataElement.FindString(got), ","), len(c.Points), len(got))
	if len(got) >= 1_000_000 {
		t.Errorf("the page has %d bytes", len(got))
	}
	for _, want := range []string{"1,000,001 thresholds are on this page", "more candidates are not shown", "smaller slices are not shown", "more are left out to keep this page small"} {
		if !strings.Contains(got, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func manyPairs(n int) []Pair {
	random := rand.New(rand.NewPCG(3, 4))
	pairs := make([]Pair, n)
	for i := range pairs {
		pairs[i] = Pair{WinRate: random.Float64(), StrongCostUSD: random.Float64(), WeakCostUSD: 0.1 * random.Float64()}
		pairs[i].StrongQuality, pairs[i].WeakQuality = float64(random.IntN(2)), float64(random.IntN(10)/6)
	}
	return pairs
}

// What is kept of a curve is its own points, with its ends, its extremes and what
// was asked for.
func TestThin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 400).Draw(t, "pairs")
		distinct := rapid.IntRange(1, 400).Draw(t, "distinct")
		var pairs []Pair
		for range size {
			pairs = append(pairs, Pair{
				WinRate:       float64(rapid.IntRange(0, distinct).Draw(t, "rate")) / float64(distinct),
				StrongQuality: rapid.Float64Range(0, 1).Draw(t, "strong"), WeakQuality: rapid.Float64Range(0, 1).Draw(t, "weak"),
			})
		}
		c, err := Sweep(pairs)
		if err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(11, 120).Draw(t, "n")
		keep := c.Points[rapid.IntRange(0, len(c.Points)-1).Draw(t, "keep")]
		thinned := thin(c.Points, n, keep)

		if len(thinned) > n {
			t.Fatalf("%d points, not %d", len(thinned), n)
		}
		same := func(a, b Point) bool {
			return a.Threshold == b.Threshold && a.StrongShare == b.StrongShare && a.Quality == b.Quality
		}
		if !same(thinned[0], c.Weak()) || !same(thinned[len(thinned)-1], c.Strong()) {
			t.Fatalf("the ends are %v and %v", thinned[0], thinned[len(thinned)-1])
		}
		var lowest, highest, kept bool
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, p := range c.Points {
			lo, hi = min(lo, p.Quality), max(hi, p.Quality)
		}
		at := 0
		for _, p := range thinned {
			for at < len(c.Points) && !same(c.Points[at], p) {
				at++
			}
			lowest, highest, kept = lowest || p.Quality == lo, highest || p.Quality == hi, kept || same(p, keep)
		}
		if at == len(c.Points) || !lowest || !highest || !kept {
			t.Fatalf("in order and of the curve: %v, lowest: %v, highest: %v, asked for: %v", at < len(c.Points), lowest, highest, kept)
		}
	})
}

// The data must be what JSON says it is, and route as the curve does.
func TestHTMLData(t *testing.T) {
	r := fullReport(t)
	var data struct {
		Threshold   []*float64 `json:"threshold"`
		StrongShare []float64  `json:"strong_share"`
		Quality     []float64  `json:"quality"`
		CostUSD     []float64  `json:"cost_usd"`
		BandLo      []float64  `json:"band_lo"`
		Start       int        `json:"start"`
		Figures     []struct {
			ID string `json:"id"`
		} `json:"figures"`
	}
	if err := json.Unmarshal([]byte(dataElement.FindStringSubmatch(htmlPage(t, r))[1]), &data); err != nil {
		t.Fatal(err)
	}
	if len(data.Threshold) != len(r.Curve.Points) || len(data.BandLo) != 101 || len(data.Figures) != 4 {
		t.Fatalf("%d thresholds of %d, %d points of the band, %d figures", len(data.Threshold), len(r.Curve.Points), len(data.BandLo), len(data.Figures))
	}
	for i, threshold := range data.Threshold {
		p := r.Curve.At(*threshold)
		if !near(p.StrongShare, data.StrongShare[i]) || math.Abs(p.Quality-data.Quality[i]) > 1e-8 || math.Abs(p.CostUSD-data.CostUSD[i]) > 1e-8*p.CostUSD {
			t.Errorf("point %d: threshold %v routes as %+v", i, *threshold, p)
		}
	}
	if got, want := *data.Threshold[data.Start], r.Curve.At(0.6).Threshold; got != want {
		t.Errorf("it starts at %v, want the run's %v", got, want)
	}
}

func BenchmarkHTML(b *testing.B) {
	c, err := Sweep(manyPairs(1_000_000))
	if err != nil {
		b.Fatal(err)
	}
	r := &Report{Strong: "strong", Weak: "weak", Curve: c, Pairs: c.Pairs, Prompts: c.Pairs}
	b.ReportAllocs()
	for b.Loop() {
		var page bytes.Buffer
		if err := writeHTML(&page, r); err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(page.Len()))
	}
}

func ExampleFormatOf() {
	fmt.Println(FormatOf("runs/first/report.html"), FormatOf("gates.xml"), FormatOf("curve.PARQUET"), FormatOf("-") == "")
	// Output: html junit parquet true
}

// Where nobody gave prices the page still says which threshold keeps the quality: the
// one with the fewest strong calls, not that there is none.
func TestThresholdCardWithoutPrices(t *testing.T) {
	results := world(400, 0.6)
	for i := range results {
		for name, o := range results[i].Outcomes {
			o.CostUSD = nil
			results[i].Outcomes[name] = o
		}
	}
	r := build(t, results, Options{})
	want, ok := r.Curve.Keep(keepShare)
	if !ok {
		t.Fatal("the world has no threshold that keeps the quality")
	}
	c := (&htmlView{r: r}).thresholdCard()
	if c.Missing || !strings.Contains(strings.Join(c.Below, " "), "with the fewest strong calls: "+percent(want.StrongShare)) {
		t.Errorf("the card says %q %q", c.Text, c.Below)
	}
}
