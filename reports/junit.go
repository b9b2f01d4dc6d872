package reports

import (
	"encoding/xml"
	"io"
	"strings"
)

// The form of JUnit that test reporters of CI systems read: a case for each
// gate, and a failure for each that was missed.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Cases     []junitCase `xml:"testcase"`
		SystemOut string      `xml:"system-out"` // the report's sentence
	}
	junitCase struct {
		ClassName string        `xml:"classname,attr"`
		Name      string        `xml:"name,attr"` // the gate, as it was written
		Failure   *junitFailure `xml:"failure"`
		SystemOut string        `xml:"system-out,omitempty"` // what a gate that was met found
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes the verdicts of the gates. Without gates the suite is empty:
// nothing was demanded, so nothing passed either.
func writeJUnit(w io.Writer, r *Report) error {
	suite := junitSuite{Name: "gates", Tests: len(r.Verdicts), Failures: Missed(r.Verdicts), SystemOut: r.Sentence()}
	for _, v := range r.Verdicts {
		suite.Cases = append(suite.Cases, junitVerdict(v))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	err := e.Encode(junitSuites{Name: "routeval", Tests: suite.Tests, Failures: suite.Failures, Suites: []junitSuite{suite}})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, "\n")
	return err
}

func junitVerdict(v Verdict) junitCase {
	found := v.Value.Name + " is " + v.Value.String()
	if reason := strings.Join(v.Value.Warnings, "; "); reason != "" {
		found += ": " + reason
	}
	c := junitCase{ClassName: "routeval.gates", Name: v.Gate.String()}
	if v.Met {
		c.SystemOut = found
	} else {
		c.Failure = &junitFailure{Message: found, Type: "missed", Text: "missed: " + v.Gate.String() + "\n" + found}
	}
	return c
}
