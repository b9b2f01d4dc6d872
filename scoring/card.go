package scoring

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// The metadata keys of weights that this program writes.
const (
	keyModels      = "routeval.models"                // JSON array of the names of the rows
	keySpaceModel  = "routeval.embedding.model"       // Space.Model
	keyFingerprint = "routeval.embedding.fingerprint" // Space.Fingerprint
)

// A Card says what weights are about. Their rows belong to models; which two
// rows make the scoring pair is a choice apart from the models that are called.
type Card struct {
	// Models names the rows, in order, each once; nil if the file does not
	// know them.
	Models []string
	// Embedding is the space of the vectors that the weights take. Its width
	// follows from the weights, its other fields are empty if not recorded.
	Embedding Space
	// Metadata is everything else that the file says about itself:
	// provenance, recipe, figures.
	Metadata map[string]string
}

// readCard takes the keys that it knows out of the metadata of a file whose
// weights have so many rows and take vectors so wide.
func readCard(metadata map[string]string, rows, width int) (Card, error) {
	c := Card{
		Embedding: Space{Model: metadata[keySpaceModel], Dim: width, Fingerprint: metadata[keyFingerprint]},
		Metadata:  maps.Clone(metadata),
	}
	maps.DeleteFunc(c.Metadata, func(key, _ string) bool {
		return key == keyModels || key == keySpaceModel || key == keyFingerprint
	})
	if names, ok := metadata[keyModels]; ok {
		if err := json.Unmarshal([]byte(names), &c.Models); err != nil {
			return Card{}, fmt.Errorf("metadata %s: %w", keyModels, err)
		}
	}
	return c, c.checkModels(rows)
}

func (c *Card) checkModels(rows int) error {
	if c.Models == nil {
		return nil
	}
	if len(c.Models) != rows {
		return fmt.Errorf("%d names of models for %d rows", len(c.Models), rows)
	}
	seen := make(map[string]bool, rows)
	for i, name := range c.Models {
		if name == "" || seen[name] {
			return fmt.Errorf("row %d: the name %q is empty or given twice", i, name)
		}
		seen[name] = true
	}
	return nil
}

// metadata is the inverse of readCard.
func (c *Card) metadata() (map[string]string, error) {
	m := map[string]string{"format": "pt"} // Some loaders of PyTorch weights insist on it.
	maps.Copy(m, c.Metadata)
	if c.Models != nil {
		names, err := json.Marshal(c.Models)
		if err != nil {
			return nil, fmt.Errorf("names of models: %w", err)
		}
		m[keyModels] = string(names)
	}
	if c.Embedding.Model != "" {
		m[keySpaceModel] = c.Embedding.Model
	}
	if c.Embedding.Fingerprint != "" {
		m[keyFingerprint] = c.Embedding.Fingerprint
	}
	return m, nil
}

// pair finds the rows of the scoring pair among so many.
func (c *Card) pair(strong, weak string, rows int) (s, w int, err error) {
	if s, err = c.row(strong, rows); err != nil {
		return 0, 0, fmt.Errorf("scoring pair, strong: %w", err)
	}
	if w, err = c.row(weak, rows); err != nil {
		return 0, 0, fmt.Errorf("scoring pair, weak: %w", err)
	}
	return s, w, nil
}

// row finds a row by its name or, where no row has that name, by its number
// from 0.
func (c *Card) row(model string, rows int) (int, error) {
	if i := slices.Index(c.Models, model); i >= 0 {
		return i, nil
	}
	if i, err := strconv.Atoi(model); err == nil && 0 <= i && i < rows {
		return i, nil
	}
	if c.Models == nil {
		return 0, fmt.Errorf("unknown model %q: these weights name no models, give a row from 0 to %d", model, rows-1)
	}
	hint := ""
	if near := nearest(model, c.Models); near != "" {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return 0, fmt.Errorf("unknown model %q (%shave %s, or a row from 0 to %d)", model, hint, strings.Join(c.Models, ", "), rows-1)
}

// nearest is the name with the fewest edits to the one asked for, or "" if
// even that is another name altogether. Case and an owner before a slash
// ("mistralai/Mixtral-…") do not count: providers and weights differ in both.
func nearest(asked string, names []string) string {
	plain := func(s string) string { return strings.ToLower(s[strings.LastIndexByte(s, '/')+1:]) }
	asked = plain(asked)
	best, fewest := "", len(asked)/3+1
	for _, name := range names {
		if n := editDistance(asked, plain(name)); n < fewest {
			best, fewest = name, n
		}
	}
	return best
}

// editDistance is Levenshtein's: the number of bytes to insert, remove or
// replace.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1) // row[j]: distance of the prefix of a so far to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
