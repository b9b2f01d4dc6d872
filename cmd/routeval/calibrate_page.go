package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"

	"routeval/reports"
)

// print writes the threshold in the format that was asked for.
func (cal *calibrated) print(out io.Writer) error {
	if cal.format == "yaml" {
		return cal.fragment(out)
	}
	_, err := fmt.Fprintln(out, cal.threshold)
	return err
}

// fragment is the piece of a spec.
func (cal *calibrated) fragment(out io.Writer) error {
	type router struct {
		Threshold  float64            `yaml:"threshold"`
		Thresholds map[string]float64 `yaml:"thresholds,omitempty"`
	}
	b, err := yaml.Marshal(struct {
		Router router `yaml:"router"`
	}{router{cal.threshold, cal.thresholds()}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "# chosen for %s on %d prompts\n%s", cal.asked(), len(cal.chosenOn), b)
	return err
}

// asked is the goal in the words of the command line.
func (cal *calibrated) asked() string {
	value := map[string]float64{"strong-share": cal.share, "budget": cal.budget, "pgr": cal.pgr, "quality": cal.quality}[cal.goal.flag]
	s := fmt.Sprintf("--%s %v", cal.goal.flag, value)
	if cal.goal.flag == "budget" {
		s += fmt.Sprintf(" --prompts %d", cal.prompts)
	}
	return s
}

// explain says what the threshold achieves, on the prompts that it was chosen on
// and on those that were held out.
func (cal *calibrated) explain(ctx context.Context, out io.Writer) error {
	strong, ties := 0, 0
	for i := range cal.chosenOn {
		switch rate := cal.chosenOn[i].WinRate; {
		case rate == cal.threshold:
			ties++
			strong++
		case rate > cal.threshold:
			strong++
		}
	}
	n := len(cal.chosenOn)
	fmt.Fprintf(out, "threshold %v sends %d of %d prompts (%.2f %%) to the strong model", cal.threshold, strong, n, 100*float64(strong)/float64(n))
	if ties > 1 {
		fmt.Fprintf(out, "; %d prompts have exactly this win rate and go together", ties)
	}
	fmt.Fprintln(out)

	chosen, err := cal.achieved(ctx, cal.chosenOn, byThreshold(cal.threshold))
	if err != nil {
		return err
	}
	columns := []figures{chosen}
	notes := chosen.notes
	if cal.heldOut != nil {
		held, err := cal.achieved(ctx, cal.heldOut, byThreshold(cal.threshold))
		if err != nil {
			return err
		}
		columns = append(columns, held)
		notes = append(notes, cal.shortfall(held)...)
		notes = append(notes, held.notes...)
	}
	if len(columns) == 1 && shown(chosen.quality)+shown(chosen.cost) == "" {
		fmt.Fprintf(out, "strong share on other prompts like these: %s\n", chosen.strongShare)
	} else {
		fmt.Fprintln(out)
		cal.table(out, columns)
	}
	if cal.categories != nil {
		fmt.Fprintln(out)
		if err := cal.categoryTable(ctx, out); err != nil {
			return err
		}
	}
	if cal.answerTokens > 0 {
		notes = append(notes, fmt.Sprintf("costs take answers that nobody counted to have %d tokens, and such prompts a quarter of their bytes", cal.answerTokens))
	}
	for i, note := range notes {
		if !slices.Contains(notes[:i], note) {
			fmt.Fprintf(out, "note: %s\n", note)
		}
	}
	return nil
}

// shortfall says where the prompts that were held out do not bear the choice out.
func (cal *calibrated) shortfall(held figures) []string {
	less := func(what string, v reports.Value, floor float64) []string {
		if v.OK() && v.Center < floor {
			return []string{fmt.Sprintf("on the prompts held out the %s is %s, less than the %v asked for", what, v, floor)}
		}
		return nil
	}
	switch cal.goal.flag {
	case "pgr":
		return less("PGR", held.pgr, cal.pgr)
	case "quality":
		return less("quality", held.quality, cal.quality)
	}
	return nil
}

// table has a row for each figure that is known.
func (cal *calibrated) table(out io.Writer, columns []figures) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name string, of func(*figures) string) {
		cells := []string{name}
		for i := range columns {
			cells = append(cells, of(&columns[i]))
		}
		if strings.Join(cells[1:], "") != "" {
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
	}
	heads := []string{"chosen on", "held out"}
	row("", func(f *figures) string { h := heads[0]; heads = heads[1:]; return h })
	row("prompts", func(f *figures) string { return fmt.Sprint(f.prompts) })
	row("strong share", func(f *figures) string { return f.strongShare.String() })
	row("quality", func(f *figures) string { return shown(f.quality) })
	row("PGR", func(f *figures) string { return shown(f.pgr) })
	row(fmt.Sprintf("cost of %d prompts", cal.costOf()), func(f *figures) string { return shown(f.cost) })
	t.Flush()
}

// shown is a value, or nothing if there is none.
func shown(v reports.Value) string {
	if v.Unit == "" {
		return ""
	}
	return v.String()
}

// categoryTable has a row for each category, on the prompts held out if there are
// any, and one for all prompts routed by the thresholds of their categories.
func (cal *calibrated) categoryTable(ctx context.Context, out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	on := "chosen on"
	if cal.heldOut != nil {
		on = "held out"
	}
	fmt.Fprintln(t, strings.Join([]string{on, "prompts", "threshold", "strong share", "quality", "PGR"}, "\t"))
	line := func(name, threshold string, rows []calibrationRow, note string) error {
		cells := []string{name, fmt.Sprint(len(rows)), threshold}
		if len(rows) > 0 {
			f, err := cal.achieved(ctx, rows, cal.byThresholds)
			if err != nil {
				return err
			}
			cells = append(cells, f.strongShare.String(), shown(f.quality), shown(f.pgr))
		}
		if note != "" {
			cells = append(cells, note)
		}
		_, err := fmt.Fprintln(t, strings.Join(cells, "\t"))
		return err
	}
	for _, name := range cal.categoryNames() {
		c := cal.categories[name]
		rows, note := c.chosenOn, ""
		if cal.heldOut != nil {
			rows = c.heldOut
		}
		if c.fallback != nil {
			note = "as all: " + c.fallback.Error()
		}
		if err := line(categoryName(name), fmt.Sprint(c.threshold), rows, note); err != nil {
			return err
		}
	}
	all := cal.chosenOn
	if cal.heldOut != nil {
		all = cal.heldOut
	}
	if err := line("all by category", "", all, ""); err != nil {
		return err
	}
	return t.Flush()
}

// categoryName keeps what a file calls a category away from the terminal's
// controls.
func categoryName(name string) string {
	if quoted := strconv.Quote(name); name == "" || len(quoted) != len(name)+2 {
		return quoted
	}
	return name
}
