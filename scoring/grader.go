package scoring

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// GraderOptions sets up a grader. An option that its kind does not take is an
// error, so that none is ever without effect.
type GraderOptions struct {
	IgnoreCase  bool    // exact, contains, regex: letters of either case are equal
	IgnoreSpace bool    // exact, contains: every run of white space equals one space
	Pattern     string  // regex: the expression, in Go's syntax
	Tolerance   float64 // number: greatest relative deviation that is still right, such as 0.01
	Schema      []byte  // json: a JSON schema that the answer must meet; nil if it must equal the reference
}

// ErrNoReference says that a grader needs a gold answer and the prompt has none.
var ErrNoReference = errors.New("the prompt has no reference to grade against")

// graders are the kinds of graders.
var graders = []struct {
	kind  string
	takes []string // options
	make  func(GraderOptions) (Grader, error)
}{
	{"choice", nil, newChoiceGrader},
	{"contains", []string{"ignore_case", "ignore_space"}, newContainsGrader},
	{"exact", []string{"ignore_case", "ignore_space"}, newExactGrader},
	{"f1", nil, newF1Grader},
	{"json", []string{"schema"}, newJSONGrader},
	{"number", []string{"tolerance"}, newNumberGrader},
	{"regex", []string{"ignore_case", "pattern"}, newRegexGrader},
	{"rouge_l", nil, newRougeLGrader},
}

// A rightOrWrong grader decides whether an answer is right: quality 1 or 0.
type rightOrWrong func(Answer) (right bool, err error)

// Grade implements [Grader].
func (g rightOrWrong) Grade(_ context.Context, a Answer) (float64, error) {
	right, err := g(a)
	if err != nil || !right {
		return 0, err
	}
	return 1, nil
}

// GraderKinds lists what [NewGrader] knows, sorted.
func GraderKinds() []string {
	kinds := make([]string, len(graders))
	for i, g := range graders {
		kinds[i] = g.kind
	}
	return kinds
}

// NewGrader makes a grader of a kind:
//
//   - choice: the letter A–J that the answer settles on is the reference's
//   - contains: the reference occurs in the answer
//   - exact: the answer is the reference, white space around both aside
//   - f1: how many words answer and reference share, see [TokenF1]
//   - json: the answer is JSON that meets the schema; without a schema, that
//     equals the reference as JSON. One code fence around it is taken off.
//   - number: the number that the answer ends on equals the reference's
//   - regex: the last match's first group that took part is the reference;
//     without a group, the answer has a match
//   - rouge_l: how much of their order the words of answer and reference share,
//     see [RougeL]
//
// All but f1 and rouge_l give quality 1 or 0, and all [ErrNoReference] where they
// need a reference and there is none. A reference that they cannot read is
// another error.
func NewGrader(kind string, opts GraderOptions) (Grader, error) {
	i := slices.Index(GraderKinds(), kind)
	if i < 0 {
		return nil, fmt.Errorf("unknown grader %q (have %s)", kind, strings.Join(GraderKinds(), ", "))
	}
	for _, option := range opts.Given() {
		if !slices.Contains(graders[i].takes, option) {
			return nil, fmt.Errorf("grader %s does not take %s", kind, option)
		}
	}
	g, err := graders[i].make(opts)
	if err != nil {
		return nil, fmt.Errorf("grader %s: %w", kind, err)
	}
	return g, nil
}

// Given names the options that are not at their default.
func (o GraderOptions) Given() (names []string) {
	for _, option := range []struct {
		name string
		set  bool
	}{
		{"ignore_case", o.IgnoreCase},
		{"ignore_space", o.IgnoreSpace},
		{"pattern", o.Pattern != ""},
		{"schema", o.Schema != nil},
		{"tolerance", o.Tolerance != 0},
	} {
		if option.set {
			names = append(names, option.name)
		}
	}
	return names
}

// normal is a text as the options would have it compared.
func (o GraderOptions) normal(text string) string {
	text = strings.TrimSpace(text)
	if o.IgnoreSpace {
		text = strings.Join(strings.Fields(text), " ")
	}
	if o.IgnoreCase {
		text = strings.ToLower(text)
	}
	return text
}

// reference is the normal form of the reference.
func (o GraderOptions) reference(a Answer) (string, error) {
	r := o.normal(a.Reference)
	if r == "" {
		return "", ErrNoReference
	}
	return r, nil
}

func newExactGrader(o GraderOptions) (Grader, error) {
	return rightOrWrong(func(a Answer) (bool, error) {
		r, err := o.reference(a)
		return err == nil && o.normal(a.Text) == r, err
	}), nil
}

func newContainsGrader(o GraderOptions) (Grader, error) {
	return rightOrWrong(func(a Answer) (bool, error) {
		r, err := o.reference(a)
		return err == nil && strings.Contains(o.normal(a.Text), r), err
	}), nil
}

func newRegexGrader(o GraderOptions) (Grader, error) {
	if o.Pattern == "" {
		return nil, errors.New("needs a pattern")
	}
	flags := ""
	if o.IgnoreCase {
		flags = "(?i)"
	}
	re, err := regexp.Compile(flags + o.Pattern)
	switch {
	case err != nil:
		return nil, err
	case re.NumSubexp() == 0:
		return rightOrWrong(func(a Answer) (bool, error) { return re.MatchString(a.Text), nil }), nil
	}
	return rightOrWrong(func(a Answer) (bool, error) {
		r, err := o.reference(a)
		return err == nil && o.normal(lastGroup(re, a.Text)) == r, err
	}), nil
}

// lastGroup is the first group that took part in the last match, or "".
func lastGroup(re *regexp.Regexp, text string) string {
	matches := re.FindAllStringSubmatchIndex(text, -1)
	if len(matches) == 0 {
		return ""
	}
	for group := range slices.Chunk(matches[len(matches)-1][2:], 2) {
		if group[0] >= 0 {
			return text[group[0]:group[1]]
		}
	}
	return ""
}

func newNumberGrader(o GraderOptions) (Grader, error) {
	if !(o.Tolerance >= 0 && o.Tolerance < 1) {
		return nil, fmt.Errorf("tolerance %v: want a share in [0,1)", o.Tolerance)
	}
	return rightOrWrong(func(a Answer) (bool, error) {
		if strings.TrimSpace(a.Reference) == "" {
			return false, ErrNoReference
		}
		want, ok := FinalNumber(a.Reference)
		if !ok {
			return false, fmt.Errorf("the reference %.40q holds no number", a.Reference)
		}
		got, ok := FinalNumber(a.Text)
		return ok && math.Abs(got-want) <= o.Tolerance*math.Abs(want), nil
	}), nil
}

func newChoiceGrader(GraderOptions) (Grader, error) {
	return rightOrWrong(func(a Answer) (bool, error) {
		if strings.TrimSpace(a.Reference) == "" {
			return false, ErrNoReference
		}
		want, ok := FinalChoice(a.Reference)
		if !ok {
			return false, fmt.Errorf("the reference %.40q holds no letter from A to J", a.Reference)
		}
		got, ok := FinalChoice(a.Text)
		return ok && got == want, nil
	}), nil
}
