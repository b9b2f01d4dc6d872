package reports

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// A Renderer writes a report as one kind of page.
type Renderer func(io.Writer, *Report) error

type namedRenderer struct {
	name   string
	render Renderer
}

// renderers are the pages of a report, sweepRenderers those of its curve, by name.
var (
	renderers = []namedRenderer{
		{"csv", writeCSV},
		{"html", writeHTML},
		{"json", writeJSON},
		{"junit", writeJUnit},
		{"markdown", writeMarkdown},
		{"parquet", writeParquet},
		{"png", writePNG},
		{"svg", writeSVG},
		{"text", writeText},
	}
	sweepRenderers = []namedRenderer{
		{"csv", writeCSV},
		{"html", writeHTML},
		{"json", writeSweepJSON},
		{"junit", writeJUnit},
		{"markdown", writeSweepMarkdown},
		{"parquet", writeParquet},
		{"png", writePNG},
		{"svg", writeSVG},
		{"text", writeSweepText},
	}
)

// Formats are the names of the pages, of a report and of a sweep alike.
func Formats() []string {
	var names []string
	for _, r := range renderers {
		names = append(names, r.name)
	}
	return names
}

// suffixes tell the format by the name of a file.
var suffixes = map[string]string{
	".csv": "csv", ".htm": "html", ".html": "html", ".json": "json", ".markdown": "markdown", ".md": "markdown",
	".parquet": "parquet", ".png": "png", ".svg": "svg", ".txt": "text", ".xml": "junit",
}

// FormatOf is the format that the name of a file asks for, "" if it asks for none.
func FormatOf(path string) string { return suffixes[strings.ToLower(filepath.Ext(path))] }

// RendererFor is the page of a whole report in that format.
func RendererFor(format string) (Renderer, error) { return find(renderers, format) }

// SweepRendererFor is the page of the curve alone in that format: selected
// points where people read it, all of them where programs do.
func SweepRendererFor(format string) (Renderer, error) { return find(sweepRenderers, format) }

func find(table []namedRenderer, format string) (Renderer, error) {
	for _, r := range table {
		if r.name == format {
			return r.render, nil
		}
	}
	return nil, fmt.Errorf("unknown report format %q (have %s)", format, strings.Join(Formats(), ", "))
}

// noCurve is the error of a page that is nothing but the curve.
func noCurve(r *Report) error {
	v, _ := r.Value("apgr")
	if len(v.Warnings) == 0 {
		return errors.New("there is no curve")
	}
	return fmt.Errorf("there is no curve: %s", v.Warnings[0])
}
