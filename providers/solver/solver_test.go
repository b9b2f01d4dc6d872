package solver

import (
	"math"
	"regexp"
	"strings"
	"testing"
)

var last = regexp.MustCompile(`(-?[0-9.]+)\.$`)

// The right answers were worked out by hand. Each of the others is what the
// limits of a solver lead to, and says which.
func TestAnswers(t *testing.T) {
	const same = "right"
	for _, c := range []struct{ question, right, small, large string }{
		// one step: both
		{"What is 17 plus 25?", "42", same, same},
		{"What do you get when 6 and 70 make a pair? Add 6 to 70.", "76", same, same},
		{"Subtract 9 from 31.", "22", same, same},
		{"What is 144 divided by 12?", "12", same, same},
		{"What is 20 percent of 150?", "30", same, same},
		{"7 × 8 = ?", "56", same, same},
		{"How many minutes are there in 3 hours?", "180", same, same},
		{"Convert 5,000 grams to kilograms.", "5", same, same},
		{"Lena has a dozen eggs and finds 7 more. How many eggs does she have?", "19", same, same},
		{"How many days are there between 3 March 2024 and March 20, 2024?", "17", same, same},
		{"How many years passed between 1912 and 1987?", "75", same, same},
		{"How many times does the letter r occur in the word strawberry?", "3", same, same},
		{"How many of these numbers are even: 3, 8, 12, 5?", "2", same, same},
		{"How many words are in this list: tea, milk, bread?", "3", same, same},

		// several steps: the small one stops after the first, or never saw the second
		{"What is 2 + 3 * 4?", "14", "5", same},
		{"(2 + 3) * (4 + 6) = ?", "50", "5", same},
		{"Add 4 and 6, then multiply the result by 7. What do you get?", "70", "10", same},
		{"How many seconds are in 2 hours?", "7200", "120", same},
		{"How many minutes are 2 hours and 15 minutes?", "135", "120", same},
		{"Lena has 10 pears. She buys 3 bags with 4 pears in each. Then she gives 5 to Paul. How many pears are left?", "17", "30", same},
		{"Kites cost 8 dollars each. Lena takes 3 of them and pays with 50 dollars. How many dollars does she get back?", "26", "24", same},
		{"How many days is it from 28 February 2024 to 2 March 2024?", "3", "-26", same},
		{"It is 20 January 2023. Which day of the month will it be in 2 weeks?", "3", "22", same},
		{"How many of these numbers are odd and greater than 10: 3, 13, 15, 16?", "2", "3", same},
		{"A school was founded in 1900, closed 30 years later, and opened again 12 years after that. In what year did it open again?", "1942", "1930", same},

		// a number that does not matter: only the careful one asks what it is about
		{"Lena has 10 pears. Paul has 6 shoes. Lena buys 4 more. How many pears does she have?", "14", "16", same},
		// what is asked comes before what is told
		{"Lena gave 3 pears to Paul and has 9 left. How many pears did she have at first?", "12", "-6", same},

		// too much for the large one as well
		{"1 + 2 + 3 + 4 + 5 + 6 + 7 = ?", "28", "3", "21"},
		{"How many of these numbers are even: 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2?", "17", "9", "15"},
		{"How many days are a fortnight?", "14", "0", "0"},
		// and too careful: roses are flowers
		{"Lena picks 12 roses, and then 7 more. How many flowers is that?", "19", same, "7"},
	} {
		for i, want := range []string{c.small, c.large} {
			if want == same {
				want = c.right
			}
			s := Solvers()[i]
			answer := s.Answer(c.question)
			if m := last.FindStringSubmatch(answer); m == nil || m[1] != want {
				t.Errorf("%s answers %q with %q, want %s", s.Name, c.question, answer, want)
			}
		}
	}
}

func TestCarefulSolverShowsItsWork(t *testing.T) {
	got := Solvers()[1].Answer("What is 2 + 3 * 4?")
	if want := "3 * 4 = 12, then 2 + 12 = 14. The answer is 14."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, q := range []string{
		"", "(((", "1/0", "-", "%", "each each 5 bags with", "How many", "letter", "May 5, May", "5 May 5", "1,000,0 . 3.", "9999999999999999999999 * 9999999999999999999",
		"How many days from 1 January 1 to 31 December 9999?", "a, b, c words \xff", "Convert 1 week to", "2 litres per", "numbers 1, 2 greater", "born in 1900",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, question string) {
		for _, s := range Solvers() {
			answer := s.Answer(question)
			if !last.MatchString(answer) {
				t.Errorf("%s answers %q with %q", s.Name, question, answer)
			}
			if answer != s.Answer(question) {
				t.Errorf("%s answers %q in two ways", s.Name, question)
			}
			if len(answer) > 1000 {
				t.Errorf("%s answers %q with %d bytes", s.Name, question, len(answer))
			}
		}
	})
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		42: "42", -3: "-3", 0.5: "0.5", 1. / 3: "0.3333", -1e-9: "0", 2e15: "1000000000000000", math.Inf(-1): "1000000000000000", math.NaN(): "1000000000000000",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	question := "Lena has 10 pears. She buys 3 bags with 4 pears in each. The bus takes 12 minutes. Then she gives 5 to Paul. How many pears are left?"
	for _, s := range Solvers() {
		b.Run(strings.TrimPrefix(s.Name, "solver-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Answer(question)
			}
		})
	}
}
