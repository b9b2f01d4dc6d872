package reports

import (
	"strings"
	"unicode/utf8"
)

// A cell is a text and the marks of its footnotes, which hang to its right so
// that the numbers of a column stay aligned.
type cell struct{ text, marks string }

// A table is a title, heads and rows. The first column is a name and flush
// left, the others are numbers and flush right.
type table struct {
	title string
	head  []string
	rows  [][]cell
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

func plain(text string) cell { return cell{text: printable(text)} }

// text writes the table with two blanks between columns and none at the ends of lines.
func (t *table) text(b *strings.Builder) {
	if t.title != "" {
		b.WriteString(t.title + "\n")
	}
	widths, marks := t.widths()
	line := func(cells []cell) {
		var l strings.Builder
		for i, c := range cells {
			if i > 0 {
				l.WriteString("  ")
			}
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
			if i == 0 {
				l.WriteString(c.text + padding)
			} else {
				l.WriteString(padding + c.text)
			}
			l.WriteString(c.marks + strings.Repeat(" ", marks[i]-utf8.RuneCountInString(c.marks)))
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	line(t.heads())
	for _, row := range t.rows {
		line(row)
	}
}

func (t *table) heads() []cell {
	heads := make([]cell, len(t.head))
	for i, h := range t.head {
		heads[i] = plain(h)
	}
	return heads
}

func (t *table) widths() (text, marks []int) {
	text, marks = make([]int, len(t.head)), make([]int, len(t.head))
	for _, row := range append([][]cell{t.heads()}, t.rows...) {
		for i, c := range row {
			text[i] = max(text[i], utf8.RuneCountInString(c.text))
			marks[i] = max(marks[i], utf8.RuneCountInString(c.marks))
		}
	}
	return text, marks
}

// markdown writes the table as GitHub reads it.
func (t *table) markdown(b *strings.Builder) {
	if t.title != "" {
		b.WriteString("**" + t.title + "**\n\n")
	}
	line := func(cells []cell) {
		for _, c := range cells {
			b.WriteString("| " + escapeMarkdown(c.text) + c.marks + " ")
		}
		b.WriteString("|\n")
	}
	line(t.heads())
	for i := range t.head {
		if i == 0 {
			b.WriteString("|:---")
		} else {
			b.WriteString("|---:")
		}
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		line(row)
	}
}

// escapeMarkdown keeps names that come from a spec or a file plain text.
func escapeMarkdown(s string) string {
	return markdownEscapes.Replace(s)
}

var markdownEscapes = strings.NewReplacer(
	"\\", `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`, "@", "&#64;",
)

// footnotes numbers warnings in the order in which they are first met.
type footnotes struct{ list []string }

// cell writes a value and the marks of its warnings.
func (f *footnotes) cell(v Value) cell { return cell{v.String(), f.marks(v.Warnings)} }

func (f *footnotes) marks(warnings []string) string {
	var marks []string
	for _, w := range warnings {
		marks = append(marks, superscript(f.number(w)))
	}
	if len(marks) == 0 {
		return ""
	}
	return " " + strings.Join(marks, " ")
}

func (f *footnotes) number(warning string) int {
	for i, w := range f.list {
		if w == warning {
			return i + 1
		}
	}
	f.list = append(f.list, warning)
	return len(f.list)
}

func superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	if n < 10 {
		return string(digits[n])
	}
	return superscript(n/10) + string(digits[n%10])
}
