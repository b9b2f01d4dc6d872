package scoring

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFinalNumber(t *testing.T) {
	for text, want := range map[string]float64{
		"18":                                   18,
		"It is 18.":                            18,
		"3 + 4 = 7":                            7,
		"$1,234,567.50 in all":                 1234567.5,
		"1,2345":                               2345,
		"1,2,3":                                3,
		"12,34":                                34,
		"1234,567":                             567,
		"100,000":                              100000,
		".5":                                   0.5,
		"about 50%":                            50,
		"-5":                                   -5,
		"= -5":                                 -5,
		"(-5)":                                 -5,
		"−5":                                   -5,
		"-$5":                                  -5,
		"$-5":                                  -5,
		"-\\$5":                                -5,
		"-€1,000":                              -1000,
		"10-5":                                 5,
		"10 - 5":                               5,
		"pages 3–5":                            5,
		"GPT-4":                                4,
		"(1)-2":                                2,
		"2e5":                                  2e5,
		"1.5E-3":                               1.5e-3,
		"7e":                                   7,
		"3/4":                                  0.75,
		"-3/4":                                 -0.75,
		"1,000/4":                              250,
		"\\frac{3}{4}":                         0.75,
		"-\\dfrac{3}{4}":                       -0.75,
		"\\frac{x}{4}":                         4,
		"3/0":                                  0,
		"On 10/12/2024":                        2024,
		"5 apples and 1e999 pears":             5,
		"#### 18\n":                            18,
		"2 and #### 18 of 20":                  18,
		"#### 3\n\n#### 1,800 (24 hours)":      1800,
		"24 ####":                              24,
		"\\boxed{42}, which is less than 50":   42,
		"\\boxed{\\$1,050} a year for 3 years": 1050,
		"\\boxed{\\text{8 of } \\frac{1}{2}}2": 0.5,
		"\\boxed{x} and 7":                     7,
		"\\boxed{6":                            6,
		"<<3*6=18>>18":                         18,
	} {
		if got, ok := FinalNumber(text); !ok || got != want {
			t.Errorf("%q: got %v and %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "none", "-", "$.", "####", "\\boxed{}", "1e999", "\\frac{}{}", "٣"} {
		if got, ok := FinalNumber(text); ok {
			t.Errorf("%q: got %v, want no number", text, got)
		}
	}
}

// Whatever number is written at the end, however it is written, is found.
func TestFinalNumberFindsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := math.Round(rapid.Float64Range(-1e9, 1e9).Draw(t, "number")*100) / 100
		digits := strconv.FormatFloat(math.Abs(want), 'f', rapid.IntRange(2, 4).Draw(t, "decimals"), 64)
		if rapid.Bool().Draw(t, "commas") {
			whole, decimals, _ := strings.Cut(digits, ".")
			for i := len(whole) - 3; i > 0; i -= 3 {
				whole = whole[:i] + "," + whole[i:]
			}
			digits = whole + "." + decimals
		}
		text := rapid.SampledFrom([]string{"", "$", "€"}).Draw(t, "currency") + digits
		if want < 0 {
			text = "-" + text
		}
		text = rapid.SampledFrom([]string{"", "12 and ", "is: ", "#### "}).Draw(t, "before") + text + rapid.SampledFrom([]string{"", ".", "%", " km", "."}).Draw(t, "after")
		if got, ok := FinalNumber(text); !ok || got != want {
			t.Fatalf("%q: got %v and %v, want %v", text, got, ok, want)
		}
	})
}

func FuzzFinalNumber(f *testing.F) {
	f.Add("#### 18")
	f.Add("\\boxed{\\frac{1}{2}}")
	f.Add("-$1,234.5e6/7")
	f.Fuzz(func(t *testing.T, text string) {
		if x, ok := FinalNumber(text); !isFinite(x) || !ok && x != 0 {
			t.Errorf("%q: got %v and %v", text, x, ok)
		}
		if x, ok := FinalNumber(text + "\n#### 7"); !ok || x != 7 {
			t.Errorf("%q and #### 7 after it: got %v", text, x)
		}
	})
}

// The judges are OpenAI and RouteLLM, who graded these recorded answers.
// RouteLLM counts $20.00 as wrong where the reference is 20, which makes nearly
// all of the difference.
func TestNumberAgreesWithRecordedGrades(t *testing.T) {
	g, err := NewGrader("number", GraderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for source, floor := range map[string]float64{"openai_gsm8k_gpt3": 0.999, "routellm_gsm8k": 0.975} {
		t.Run(source, func(t *testing.T) {
			same, n := 0, 0
			for _, row := range readOutcomes(t, source) {
				for _, o := range row.Outcomes {
					quality, err := g.Grade(t.Context(), Answer{Text: o.Response, Reference: row.Reference})
					if err != nil {
						t.Fatal(err)
					}
					n++
					if quality == o.Score {
						same++
					}
				}
			}
			t.Logf("%d of %d grades are the same: %.4f", same, n, float64(same)/float64(n))
			if float64(same) < floor*float64(n) {
				t.Errorf("under the floor of %v", floor)
			}
		})
	}
}
