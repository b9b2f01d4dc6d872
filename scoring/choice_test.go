package scoring

import (
	"strings"
	"testing"
)

// The judge is a reader: what would a person say the text settles on?
func TestFinalChoice(t *testing.T) {
	for text, want := range map[string]string{
		// Stated.
		"The answer is (B).":                              "B",
		"The answer is B":                                 "B",
		"the correct answer is: **D. Jealousy**":          "D",
		"Answer: D":                                       "D",
		"**Answer:** C":                                   "C",
		"**Final Answer**: (J)":                           "J",
		"Answer:\n\nE\n\nThe others are wrong.":           "E",
		"So we get \\boxed{E}.":                           "E",
		"$\\boxed{\\text{F}}$":                            "F",
		"\\boxed{\\textbf{(G) } 12}":                      "G",
		"\\boxed{c}":                                      "C",
		"The answer is $\\boxed{H}$":                      "H",
		"The correct option is B because A is too small.": "B",
		"The answer is option (I).":                       "I",
		"The answer is A because B is not.":               "A",
		"ANSWER: A":                                       "A",
		"answer = B":                                      "B",
		"Answer - A":                                      "A",
		"The answer is _A_":                               "A",
		"I first thought the answer is C. No: the answer is D": "D",
		"The answer is B. Option A is wrong, and so is (C).":   "B",
		"Answer: A\nA dog barks.":                              "A",
		// Marked.
		"**C**":                            "C",
		"**B) Paris**":                     "B",
		"B. Paris":                         "B",
		"B) Paris":                         "B",
		"(C) is right":                     "C",
		"I would go with option G here.":   "G",
		"(A) no\n(B) no\n(C) yes: (C)":     "C",
		"I think that (B) fits best":       "B",
		"b":                                "B",
		" D \n":                            "D",
		"- **A. yes**":                     "A",
		"It is clear. \nC. is what I take": "C",
		// Alone.
		"It must be D":               "D",
		"C":                          "C",
		"A":                          "A",
		"I":                          "I",
		"A is right":                 "A",
		"So A.":                      "A",
		"Not A, B":                   "B",
		"A B C D":                    "D",
		"I would say B":              "B",
		"A dog, so F!":               "F",
		"(b)":                        "B",
		"J's is E":                   "E",
		"Answer: I think it is G":    "G",
		"The best choice I see is H": "H",
		// None.
		"":                         "",
		"A dog barks.":             "",
		"I do not know.":           "",
		"I'm not sure":             "",
		"I’m not sure":             "",
		"Answer: A good question.": "",
		"The answer is a secret":   "",
		"the answer is K":          "",
		"DNA":                      "",
		"Générale":                 "",
		"ÀB, Bé":                   "",
		"B2 and 2C":                "",
		"**E.g.** this":            "",
		"the choice I made":        "",
		"42":                       "",
	} {
		got := ""
		if letter, ok := FinalChoice(text); ok {
			got = string(letter)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A letter in capitals that is stated last is always the one, whatever came
// before it.
func FuzzFinalChoice(f *testing.F) {
	f.Add("The answer is (B).")
	f.Add("\\boxed{\\text{c}} A’é **B**")
	f.Add("\xffA\xff (\xff")
	f.Fuzz(func(t *testing.T, text string) {
		letter, ok := FinalChoice(text)
		if ok && (letter < 'A' || letter > 'J' || !strings.ContainsAny(text, string(letter)+string(letter|0x20))) {
			t.Errorf("%q: letter %q", text, letter)
		}
		if got, ok := FinalChoice(text + "\nThe answer is (D)"); !ok || got != 'D' {
			t.Errorf("%q and D stated after it: %q", text, got)
		}
	})
}
