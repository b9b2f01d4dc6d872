package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"

	"routeval/datasets"
	"routeval/reports"
)

// chooseFormat is what --format says, else what the suffix of --out means, else
// text, or HTML where a browser is to show it.
func (o *pageOptions) chooseFormat() error {
	byName := reports.FormatOf(o.out)
	if o.open {
		o.format = cmp.Or(o.format, byName, "html")
	} else {
		o.format = cmp.Or(o.format, byName, "text")
	}
	if o.open && o.format != "html" {
		return fmt.Errorf("--open: a browser shows html, not %s", o.format)
	}
	if o.open && o.out == "-" {
		return errors.New("--open: a browser needs a file, not standard output")
	}
	return nil
}

// place is the file that a page is written to; one to open that has no name yet
// gets one among the temporary files, where it stays for the browser to read.
func (o *pageOptions) place() (string, error) {
	if !o.open || o.out != "" {
		return o.out, nil
	}
	f, err := os.CreateTemp("", "routeval-*.html")
	if err != nil {
		return "", err
	}
	return f.Name(), f.Close()
}

// browse shows a file in the user's browser. It does not wait for it: where the
// browser was not running it may become this process's child, and live on.
func browse(path string) error {
	name, args := "xdg-open", []string{path}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", path}
	}
	if err := exec.Command(name, args...).Start(); err != nil {
		return fmt.Errorf("--open: %w; the report is in %s", err, path)
	}
	return nil
}

// provenance is what a report says about where its results come from.
func provenance(dir string, m *datasets.Manifest) *reports.Provenance {
	p := specProvenance(&m.Spec, m.Digests)
	p.Run, p.Program, p.Began, p.Space = dir, m.Program, m.Created, m.Space
	return p
}

// specProvenance is that of results that no run holds.
func specProvenance(spec *datasets.Spec, digests map[string]string) *reports.Provenance {
	return &reports.Provenance{Reporter: "routeval " + version, Spec: specText(spec), Digests: digests}
}

// specText is the spec as one would write it.
func specText(spec *datasets.Spec) string {
	text, err := json.Marshal(spec, json.Deterministic(true))
	if err != nil {
		return ""
	}
	pretty, err := yaml.JSONToYAML(text)
	if err != nil {
		return string(text) // JSON is YAML
	}
	return string(pretty)
}
