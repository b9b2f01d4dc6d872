package reports

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

func TestTicks(t *testing.T) {
	tests := []struct {
		unit   Unit
		lo, hi float64
		want   string
	}{
		{Ratio, 0.44, 0.77, "0.4 0.5 0.6 0.7 0.8"},
		{Ratio, 0.575, 0.7, "0.575 0.600 0.625 0.650 0.675 0.700"},
		{Ratio, -0.1, 0.3, "-0.1 0.0 0.1 0.2 0.3"},
		{Share, 0, 1, "0 % 20 % 40 % 60 % 80 % 100 %"},
		{Share, 0.11, 0.14, "11 % 12 % 13 % 14 %"},
		{USD, 0, 31.06, "$0 $10 $20 $30 $40"},
		{USD, 0, 2.1, "$0.00 $0.50 $1.00 $1.50 $2.00 $2.50"},
		{USD, 0, 0.0042, "$0.000 $0.001 $0.002 $0.003 $0.004 $0.005"},
		{USD, 0, 12_000, "$0 $2,500 $5,000 $7,500 $10,000 $12,500"},
	}
	for _, tt := range tests {
		var labels []string
		for _, tick := range xAxis("", "", tt.unit, tt.lo, tt.hi).Ticks {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != tt.want {
			t.Errorf("%v to %v in %s: %s, want %s", tt.lo, tt.hi, tt.unit, got, tt.want)
		}
	}
}

// Whatever the numbers, an axis holds them all between two of its few ticks, and
// no two ticks are called the same.
func TestAxis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.Float64Range(-1e9, 1e9)).Draw(t, "values")
		scale := math.Pow(10, float64(rapid.IntRange(-9, 0).Draw(t, "scale")))
		for i := range values {
			values[i] *= scale
		}
		a := xAxis("", "", rapid.SampledFrom([]Unit{Ratio, Share, USD}).Draw(t, "unit"), append(values, math.NaN(), math.Inf(1))...)
		if len(a.Ticks) < 2 || len(a.Ticks) > 9 {
			t.Fatalf("%d ticks", len(a.Ticks))
		}
		for _, v := range values {
			if at := a.at(v); at < plotLeft || at > plotRight {
				t.Fatalf("%v is at %v, between %v and %v", v, at, a.Lo, a.Hi)
			}
		}
		named := make(map[string]bool)
		for _, tick := range a.Ticks {
			if named[tick.Label] {
				t.Fatalf("two ticks are called %q", tick.Label)
			}
			named[tick.Label] = true
		}
	})
}

func TestLatencyFigure(t *testing.T) {
	seconds := func(x float64) Value { return known("", Seconds, x, 9) }
	none := missing("", Seconds, Unknown, "no latency is recorded")
	f := latencyFigure([]Candidate{
		{Name: "fast", LatencyP50: seconds(0.02), LatencyP95: seconds(0.05), LatencyP99: seconds(0.1)},
		{Name: "untimed", LatencyP50: none, LatencyP95: none, LatencyP99: none},
		{Name: "slow", LatencyP50: seconds(2), LatencyP95: seconds(5), LatencyP99: seconds(20)},
	})
	var labels []string
	for _, tick := range f.X.Ticks {
		labels = append(labels, tick.Label)
	}
	if got := strings.Join(labels, ", "); got != "100 ms, 1 s, 10 s" {
		t.Errorf("ticks %s", got)
	}
	if len(f.Lines) != 2 {
		t.Errorf("%d candidates have a latency, want 2", len(f.Lines))
	}
	if latencyFigure([]Candidate{{LatencyP50: none}}) != nil {
		t.Error("there is a figure of no latency")
	}
}

// The SVG is held by a golden file, and is well-formed XML; the PNG is a picture
// of the same proportions that is not of one colour.
func TestStaticFigures(t *testing.T) {
	r := fullReport(t)
	r.Router = "mf"
	var svg bytes.Buffer
	if err := writeSVG(&svg, r); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "pages", "full.svg")
	if *update {
		if err := os.WriteFile(path, svg.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantText, wantNumbers := apart(string(want))
	gotText, gotNumbers := apart(svg.String())
	if diff := cmp.Diff(wantText, gotText); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update if it should:\n%.2000s", path, diff)
	} else if diff := cmp.Diff(wantNumbers, gotNumbers, cmpopts.EquateApprox(1e-4, 0.01)); diff != "" {
		t.Errorf("numbers of %s differ (-want +got), run with -update if they should:\n%.2000s", path, diff)
	}

	var picture bytes.Buffer
	if err := writePNG(&picture, r); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&picture)
	if err != nil {
		t.Fatal(err)
	}
	colours := make(map[string]bool)
	for x := range img.Bounds().Dx() {
		for y := range img.Bounds().Dy() {
			colours[fmt.Sprint(img.At(x, y))] = true
		}
	}
	if got := img.Bounds().Size(); got.X != 1920 || got.Y != 672 || len(colours) < 50 {
		t.Errorf("the picture is %v with %d colours", got, len(colours))
	}
}

// apart takes a text and its numbers apart: processors that fuse multiplications
// and additions may write the last digit of a coordinate differently.
func apart(svg string) (text string, numbers []float64) {
	text = regexp.MustCompile(`-?[0-9]*\.?[0-9]+(e-[0-9]+)?`).ReplaceAllStringFunc(svg, func(s string) string {
		x, _ := strconv.ParseFloat(s, 64)
		numbers = append(numbers, x)
		return "#"
	})
	return text, numbers
}

func TestStaticFiguresHoldHostileNames(t *testing.T) {
	var b bytes.Buffer
	if err := writeSVG(&b, fullReport(t)); err != nil {
		t.Fatal(err)
	}
	text, d := "", xml.NewDecoder(&b)
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if data, ok := token.(xml.CharData); ok {
			text += string(data)
		}
	}
	if !strings.Contains(text, hostileName) {
		t.Error("the figure does not say the router's name")
	}
}

// Judge: another reader of the schema, encoding/xml, and the gates themselves.
func TestJUnit(t *testing.T) {
	r := fullReport(t)
	r.Verdicts = Check(r, parseGates(t, []string{"cost_share <= 0.5", "lower(apgr) >= 0.7", "pgr < 5"}))
	var b bytes.Buffer
	if err := writeJUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	type failure struct {
		Message string `xml:"message,attr"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Cases    []struct {
			Name     string    `xml:"name,attr"`
			Failures []failure `xml:"failure"`
		} `xml:"testsuite>testcase"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Tests != 3 || got.Failures != Missed(r.Verdicts) || len(got.Cases) != 3 {
		t.Fatalf("%+v", got)
	}
	for i, v := range r.Verdicts {
		if c := got.Cases[i]; c.Name != v.Gate.String() || (len(c.Failures) == 0) != v.Met {
			t.Errorf("%s met: %v is the case %+v", v.Gate, v.Met, c)
		}
	}
	if message := got.Cases[1].Failures[0].Message; message != "apgr is n/a: apgr has no interval" {
		t.Errorf("message %q", message)
	}
}

// The Parquet form says what the CSV form does, point by point.
func TestParquet(t *testing.T) {
	for _, name := range []string{"paired", "flawed"} {
		r := situations(t)[name]
		var b bytes.Buffer
		if err := writeParquet(&b, r); err != nil {
			t.Fatal(err)
		}
		got := parquetText(t, b.Bytes())
		var want bytes.Buffer
		if err := writeCSV(&want, r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.String(), got); diff != "" {
			t.Errorf("%s: (-csv +parquet):\n%s", name, diff)
		}
	}
	if err := writeParquet(io.Discard, situations(t)["route-only"]); err == nil || !strings.Contains(err.Error(), "there is no curve: ") {
		t.Errorf("no curve: %v", err)
	}
}

// parquetText reads a file by its own schema, as another program would.
func parquetText(t *testing.T, file []byte) string {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	var head []string
	for _, column := range f.Schema().Columns() {
		head = append(head, strings.Join(column, "."))
	}
	lines = append(lines, strings.Join(head, ","))
	for _, group := range f.RowGroups() {
		rows := group.Rows()
		defer rows.Close()
		buffer := make([]parquet.Row, 64)
		for {
			n, err := rows.ReadRows(buffer)
			for _, row := range buffer[:n] {
				var cells []string
				for _, v := range row {
					text := ""
					if !v.IsNull() {
						text = strings.Replace(strconv.FormatFloat(v.Double(), 'g', -1, 64), "+Inf", "inf", 1)
					}
					cells = append(cells, text)
				}
				lines = append(lines, strings.Join(cells, ","))
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
