//go:build e2e && unix

package main_test

import (
	"encoding/csv"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
)

const (
	hostileID     = `</script><img src=x onerror=alert(2)>`
	hostileAnswer = "<script>alert(1)</script>\n<b>not bold</b> & \"quoted\""
)

// newPage runs 200 prompts with recorded outcomes, every tenth of them hostile, and
// returns the HTML report of the run and the rows of its CSV form.
func newPage(t *testing.T) (path string, curve [][]string) {
	t.Helper()
	dir := t.TempDir()
	var lines strings.Builder
	for i := range 200 {
		id, answer := fmt.Sprint("p", i), fmt.Sprint("answer ", i)
		if i%10 == 0 {
			id, answer = hostileID+id, hostileAnswer
		}
		line, err := json.Marshal(map[string]any{
			"id": id, "prompt": fmt.Sprint("question ", i), "category": fmt.Sprintf("<i>slice</i> %d", i%4), "reference": "r",
			"outcomes": map[string]any{
				"large": map[string]any{"score": float64((i + 1) % 7 % 2), "answer": answer, "cost_usd": 0.01 + float64(i%5)/1000, "latency_ns": 1e9 + float64(i)*1e7},
				"small": map[string]any{"score": float64(i % 9 / 8), "answer": "small " + answer, "cost_usd": 0.001, "latency_ns": 1e8 + float64(i)*1e6},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		lines.Write(append(line, '\n'))
	}
	input, run, page := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "run"), filepath.Join(dir, "report.html")
	writeFile(t, input, lines.String())
	command := func(args ...string) string {
		t.Helper()
		cmd := routeval(t, args...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return string(out)
	}
	command("run", "-q", "-i", input, "-o", run, "--router", "random", "--strong", "recorded/large", "--weak", "recorded/small", "--threshold", "0.4")
	command("report", run, "-o", page)
	rows, err := csv.NewReader(strings.NewReader(command("report", run, "-f", "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return page, rows[1:]
}

// readings are what stands below the slider.
type readings struct {
	Threshold, StrongShare, Quality, CostUSD, Kept, Saved, Paste string
}

const readReadings = `(() => {
  const text = (id) => document.getElementById(id).textContent;
  return {Threshold: text("reading-threshold"), StrongShare: text("reading-strong_share"), Quality: text("reading-quality"),
    CostUSD: text("reading-cost_usd"), Kept: text("reading-kept"), Saved: text("reading-saved"), Paste: text("paste")};
})()`

// TestE2EPage looks at the page of a run in a real browser.
func TestE2EPage(t *testing.T) {
	path, curve := newPage(t)
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := startChromium(t)
	c.size(1400, 1000, "light")
	c.open(path)

	t.Run("the script reads what the page says without it", func(t *testing.T) {
		before := func(id string) string {
			return html.UnescapeString(regexp.MustCompile(` id="` + id + `">([^<]*)<`).FindStringSubmatch(string(source))[1])
		}
		want := readings{
			before("reading-threshold"), before("reading-strong_share"), before("reading-quality"),
			before("reading-cost_usd"), before("reading-kept"), before("reading-saved"), before("paste"),
		}
		if diff := cmp.Diff(want, eval[readings](c, readReadings)); diff != "" {
			t.Errorf("(-page +script):\n%s", diff)
		}
	})
	t.Run("the slider moves the numbers and the markers", func(t *testing.T) { slide(t, c, curve) })
	t.Run("hostile texts stay text", func(t *testing.T) { stayText(t, c) })
	t.Run("keyboard", func(t *testing.T) { keyboard(t, c) })
	t.Run("misroutes are filtered", func(t *testing.T) {
		search := func(words, kind string) string {
			return eval[string](c, fmt.Sprintf(`document.getElementById("search").value = %q; document.getElementById("kind").value = %q;
				document.getElementById("filter").dispatchEvent(new Event("input")); document.getElementById("found").textContent`, words, kind))
		}
		all, hostile, none := search("", ""), search("ONERROR alert(2)", ""), search("no such text", "money")
		if !regexp.MustCompile(`^(\d+) of (\d+) shown$`).MatchString(all) || strings.HasPrefix(hostile, "0 ") || hostile == all || !strings.HasPrefix(none, "0 of ") {
			t.Errorf("all: %s, hostile: %s, none: %s", all, hostile, none)
		}
		search("", "")
	})
	t.Run("theme and copy", func(t *testing.T) {
		background := `getComputedStyle(document.body).backgroundColor`
		light := eval[string](c, background)
		dark := eval[string](c, `document.getElementById("theme").click(), `+background)
		if light == dark || eval[string](c, `document.getElementById("theme").click(), `+background) != light {
			t.Errorf("light is %s, dark %s", light, dark)
		}
		if said := eval[string](c, `(async () => { const b = document.querySelector(".dial .copy"); b.click();
			while (b.textContent === "Copy") await new Promise((r) => setTimeout(r, 10)); return b.textContent; })()`); said != "Copied" {
			t.Errorf("the button says %q", said)
		}
	})
	t.Run("every width, light and dark", func(t *testing.T) {
		eval[bool](c, `delete document.documentElement.dataset.theme, document.activeElement.blur(), window.scrollTo(0, 0), true`)
		for _, width := range []int{400, 900, 1400} {
			for _, scheme := range []string{"light", "dark"} {
				c.size(width, 1000, scheme)
				if wide := eval[int](c, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("at %d the page is %d wide", width, wide)
				}
				c.screenshot(fmt.Sprintf("%d-%s", width, scheme))
			}
		}
	})
	if list := c.complaints(path); len(list) > 0 {
		t.Errorf("the page did what it must not:\n%s", strings.Join(list, "\n"))
	}
}

// slide goes through every point of the slider. Judge: the CSV form.
func slide(t *testing.T, c *chromium, curve [][]string) {
	number := func(s string) float64 {
		if s == "inf" {
			return 1 // no win rate is
		}
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	strong := curve[len(curve)-1]
	markers := make(map[string]bool)
	for i, row := range curve {
		got := eval[readings](c, fmt.Sprintf(`slider.value = %d; slider.dispatchEvent(new Event("input")); %s`, i, readReadings))
		threshold, share, quality, cost := number(row[0]), number(row[1]), number(row[2]), number(row[3])
		digits := 2
		if cost < 0.995 {
			digits = 2 - int(math.Floor(math.Log10(cost)))
		}
		want := readings{
			fmt.Sprintf("%.4f", threshold), fmt.Sprintf("%.1f %%", 100*share), fmt.Sprintf("%.3f", quality), fmt.Sprintf("$%.*f", digits, cost),
			fmt.Sprintf("%.1f %%", 100*quality/number(strong[2])), fmt.Sprintf("%.1f %%", 100*(1-cost/number(strong[3]))),
			"router: {threshold: " + strconv.FormatFloat(threshold, 'g', -1, 64) + "}",
		}
		if diff := cmp.Diff(want, got); diff != "" && !nearlySame(want, got) {
			t.Errorf("point %d (-csv +page):\n%s", i, diff)
		}
		markers[eval[string](c, `[...document.querySelectorAll(".moving path, .ring")].map((m) => m.getAttribute("transform")).join()`)] = true
	}
	if len(markers) < len(curve)*9/10 {
		t.Errorf("the markers have %d places for %d points", len(markers), len(curve))
	}
}

// nearlySame allows for a last digit that rounds the other way: the page holds
// nine digits of a number, and a browser rounds ties otherwise.
func nearlySame(a, b readings) bool {
	x, y := regexp.MustCompile(`[0-9.]+`).FindAllString(fmt.Sprint(a), -1), regexp.MustCompile(`[0-9.]+`).FindAllString(fmt.Sprint(b), -1)
	return a.Paste == b.Paste && slices.EqualFunc(x, y, func(p, q string) bool {
		u, _ := strconv.ParseFloat(p, 64)
		v, _ := strconv.ParseFloat(q, 64)
		return len(p) == len(q) && math.Abs(u-v) <= 1.01*math.Pow(10, -float64(len(p)-strings.IndexByte(p, '.')-1))
	})
}

func stayText(t *testing.T, c *chromium) {
	for expression, want := range map[string]int{
		`document.scripts.length`:                                         2, // the data and the page's own
		`document.images.length`:                                          0,
		`document.querySelectorAll("pre *, summary b, i").length`:         0,
		`document.querySelectorAll("iframe, object, embed, link").length`: 0,
	} {
		if got := eval[int](c, expression); got != want {
			t.Errorf("%s is %d, want %d", expression, got, want)
		}
	}
	texts := eval[[]string](c, `[...document.querySelectorAll(".miss .id, .miss pre, #slices tbody th")].map((e) => e.textContent)`)
	if !slices.ContainsFunc(texts, func(s string) bool { return strings.HasPrefix(s, hostileID+"p") }) {
		t.Errorf("no element has a text that begins with %q", hostileID)
	}
	for _, want := range []string{hostileAnswer, "small " + hostileAnswer, "<i>slice</i> 0"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no element has the text %q", want)
		}
	}
}

// keyboard goes through the page without a pointer.
func keyboard(t *testing.T, c *chromium) {
	focused := func() string {
		return eval[string](c, `(() => { const e = document.activeElement; return e.id || e.className || e.tagName + " " + e.textContent.slice(0, 20); })()`)
	}
	eval[bool](c, `document.activeElement.blur(); window.scrollTo(0, 0); true`)
	var stops []string
	for range 60 {
		c.press("Tab")
		stops = append(stops, focused())
	}
	for _, want := range []string{"skip", "theme", "slider", "copy", "scroll", "search", "kind"} {
		if !slices.Contains(stops, want) {
			t.Errorf("the Tab key does not reach %q, only %q", want, stops)
		}
	}
	eval[bool](c, `slider.focus(); true`)
	c.press("Home")
	first := eval[readings](c, readReadings)
	c.press("ArrowRight")
	second := eval[readings](c, readReadings)
	c.press("End")
	last := eval[readings](c, readReadings)
	if first.StrongShare != "0.0 %" || second.StrongShare == first.StrongShare || last.StrongShare != "100.0 %" {
		t.Errorf("Home, ArrowRight and End bring %s, %s and %s", first.StrongShare, second.StrongShare, last.StrongShare)
	}
	if said := eval[string](c, `slider.getAttribute("aria-valuetext")`); !strings.Contains(said, "100.0 % strong") {
		t.Errorf("the slider says %q", said)
	}
	eval[bool](c, `document.querySelector("#presets button:nth-of-type(2)").focus(); true`)
	c.press(" ")
	if share := eval[readings](c, readReadings).StrongShare; share == last.StrongShare {
		t.Error("the space key does not press a preset")
	}
	eval[bool](c, `document.querySelector(".miss summary").focus(); true`)
	c.press("Enter")
	if !eval[bool](c, `document.querySelector(".miss").open`) {
		t.Error("the Enter key does not open a misroute")
	}
}
