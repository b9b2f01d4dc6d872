package datasets

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Manifest is what a run was asked to do and with what: enough to repeat it.
// It is written once, before anything else in the run directory; a re-grading
// replaces what it says of grades, and nothing else.
type Manifest struct {
	Version int               `json:"version"`          // of this layout: ManifestVersion
	Program string            `json:"program"`          // name and version of the program that began the run
	Created time.Time         `json:"created"`          // when the run began
	Graded  time.Time         `json:"graded,omitzero"`  // when its grades were replaced; zero if they are the run's own
	Spec    Spec              `json:"spec"`             // resolved: flags and defaults are in it
	Digests map[string]string `json:"digests,omitzero"` // sha256 of every file that decides results: inputs, weights, prices
	Space   string            `json:"space,omitzero"`   // embedding model and fingerprint
}

// ManifestVersion is the layout that this program writes and reads.
const ManifestVersion = 1

// ReadManifest reads a manifest file.
func ReadManifest(path string) (Manifest, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := json.Unmarshal(b, &m, json.RejectUnknownMembers(true)); err != nil {
		return Manifest{}, fmt.Errorf("%s: %w", path, err)
	}
	if m.Version != ManifestVersion {
		return Manifest{}, fmt.Errorf("%s: layout version %d, this program reads %d", path, m.Version, ManifestVersion)
	}
	return m, nil
}

// Encode gives the manifest as indented JSON.
func (m *Manifest) Encode() ([]byte, error) {
	b, err := json.Marshal(m, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(b, '\n'), err
}

// Differences lists what differs between the run a manifest describes and one
// that is asked for now, so far as it could change a result: fields of the
// spec, and files whose content changed.
func (m *Manifest) Differences(now *Manifest) []string {
	out := m.Spec.Differences(&now.Spec)
	for _, file := range slices.Sorted(maps.Keys(mergedKeys(m.Digests, now.Digests))) {
		was, is := m.Digests[file], now.Digests[file]
		if was != "" && is != "" && was != is {
			out = append(out, fmt.Sprintf("%s: its content changed since the run began (sha256 %.12s → %.12s)", file, was, is))
		}
	}
	if m.Space != "" && now.Space != "" && m.Space != now.Space {
		out = append(out, fmt.Sprintf("embedding: %s → %s", m.Space, now.Space))
	}
	return out
}
