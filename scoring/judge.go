package scoring

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A Judge is a language model that is asked about answers. It is passed in, since
// this package knows no service. Implementations are safe for concurrent use.
type Judge interface {
	// Ask puts a question and gives the reply as it stands.
	Ask(ctx context.Context, q Question) (reply string, err error)
}

// A Question is what a judge is asked: what it is to do, and the material.
type Question struct{ System, User string }

// A NoVerdictError is a reply of a judge that does not end in a verdict.
type NoVerdictError struct {
	Reply string // its end, at most noVerdictTail bytes
}

func (e *NoVerdictError) Error() string {
	return fmt.Sprintf("the judge's reply ends in no verdict: %q", e.Reply)
}

const noVerdictTail = 100

// A SingleJudge has answers rated one by one.
type SingleJudge struct {
	Rubric string // what the rating goes by, in the user's words; "" for correctness and use
}

// Rate has an answer rated, from 1 to 10, and gives the rating as a quality too:
// (rating − 1) / 9. It is shown the reference where there is one. An error is the
// judge's own or a [*NoVerdictError].
func (s SingleJudge) Rate(ctx context.Context, judge Judge, a Answer) (rating, quality float64, err error) {
	reply, err := judge.Ask(ctx, singleQuestion(s.Rubric, a))
	if err != nil {
		return 0, 0, err
	}
	rating, err = strconv.ParseFloat(verdict(ratingLine, reply), 64)
	if err != nil || !(rating >= 1 && rating <= 10) {
		return 0, 0, noVerdict(reply)
	}
	return rating, (rating - 1) / 9, nil
}

// A PairJudge has two answers to one prompt compared.
type PairJudge struct {
	Rubric string // as of a [SingleJudge]
}

// A Pair is what a [PairJudge] compares.
type Pair struct {
	Query     string // the question
	Reference string // the gold answer; "" if none
	Strong    string // the strong model's answer
	Weak      string // the weak model's
}

// Compare has a pair judged in one order: the strong model's answer is the first
// that the judge sees if strongFirst is set, else the second. Models tell the
// order: ask for both and join them with [Join]. The judge is not told which
// model an answer is of. In the verdict the strong model is A and the weak one B. An
// error is the judge's own or a [*NoVerdictError].
func (p PairJudge) Compare(ctx context.Context, judge Judge, pair Pair, strongFirst bool) (Verdict, error) {
	first, second := pair.Strong, pair.Weak
	verdicts := map[string]Verdict{"1": AWins, "2": BWins, "tie": Tie}
	if !strongFirst {
		first, second = second, first
		verdicts["1"], verdicts["2"] = BWins, AWins
	}
	reply, err := judge.Ask(ctx, pairQuestion(p.Rubric, pair.Query, pair.Reference, first, second))
	if err != nil {
		return Tie, err
	}
	v, ok := verdicts[strings.ToLower(verdict(winnerLine, reply))]
	if !ok {
		return Tie, noVerdict(reply)
	}
	return v, nil
}

// Join makes qualities of the verdicts on a pair in both orders, in which A is the
// same answer: 1 for the answer that wins in both and 0 for the other. Orders that
// disagree are a tie, ½ for each, as in MT-bench (Zheng et al., arXiv 2306.05685,
// §3.4).
func Join(one, other Verdict) (a, b float64) {
	switch {
	case one != other || one == Tie:
		return 0.5, 0.5
	case one == AWins:
		return 1, 0
	}
	return 0, 1
}

// Verdicts stand on a line of their own. Markup around them, and a lone verdict
// without the word, are what models write in spite of being told the form.
const (
	beforeVerdict = "(?i)^[\\s*_#>`]*(?:verdict[\\s*_`]*:[\\s*_`]*)?"
	afterVerdict  = "[\\s*_`.]*$"
)

var (
	ratingLine = regexp.MustCompile(beforeVerdict + `(\d{1,2}(?:\.\d{1,3})?)(?:\s*/\s*10)?` + afterVerdict)
	winnerLine = regexp.MustCompile(beforeVerdict + `(?:answer\s+)?(1|2|tie)` + afterVerdict)
)

// verdict is what the last line of a reply says, "" if it is no verdict. Earlier
// lines do not count: they may quote an answer, which may say anything.
func verdict(form *regexp.Regexp, reply string) string {
	reply = strings.TrimSpace(reply)
	m := form.FindStringSubmatch(reply[strings.LastIndexByte(reply, '\n')+1:])
	if m == nil {
		return ""
	}
	return m[1]
}

func noVerdict(reply string) error {
	reply = strings.TrimSpace(reply)
	return &NoVerdictError{Reply: strings.ToValidUTF8(reply[max(0, len(reply)-noVerdictTail):], "")}
}
