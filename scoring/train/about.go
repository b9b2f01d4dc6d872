package train

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A DiffersError says that a checkpoint is of another training.
type DiffersError struct {
	Differences []string // "option: of the checkpoint → asked for"
}

func (e *DiffersError) Error() string {
	return "the checkpoint is of another training:\n  " + strings.Join(e.Differences, "\n  ")
}

// about is everything that the weights depend on, by name, but not the number of
// epochs: a training may be told to go on.
type about map[string]string

func aboutFit(train, validation *Comparisons, o *Options) about {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	a := about{
		"factors":       strconv.Itoa(o.Factors),
		"projection":    strconv.FormatBool(!o.NoProjection),
		"batch":         strconv.Itoa(o.Batch),
		"learning rate": number(o.LearningRate),
		"L2":            number(o.L2),
		"noise":         number(o.Noise),
		"keep order":    strconv.FormatBool(o.KeepOrder),
		"patience":      strconv.Itoa(o.Patience),
		"seed":          strconv.FormatUint(o.Seed, 10),
		"first weights": "random",
		"training data": train.digest(),
		"held back":     "nothing",
	}
	if o.Init != nil {
		h := sha256.New()
		writeFloats(h, o.Init.P)
		writeFloats(h, o.Init.Projection)
		writeFloats(h, o.Init.Classifier)
		a["first weights"] = short(h)
	}
	if validation != nil {
		a["held back"] = validation.digest()
	}
	return a
}

// differences lists what asked has otherwise, sorted by name.
func (a about) differences(asked about) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		if was := a[name]; was != asked[name] {
			list = append(list, fmt.Sprintf("%s: %s → %s", name, was, asked[name]))
		}
	}
	return list
}

// digest names comparisons by how many there are and by a digest of the models
// and of every example with its embedding.
func (c *Comparisons) digest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %d %d\n", c.Models, c.Rows.Width(), len(c.Examples))
	row := make([]float32, c.Rows.Width())
	n := 0
	for _, e := range c.Examples {
		c.Rows.Fill(row, e.Row)
		writeFloats(h, row)
		var pairs []byte
		for _, p := range e.Comparisons {
			pairs = binary.LittleEndian.AppendUint32(pairs, uint32(p.Winner))
			pairs = binary.LittleEndian.AppendUint32(pairs, uint32(p.Loser))
			tie := byte(0)
			if p.Tie {
				tie = 1
			}
			pairs = append(pairs, tie)
		}
		n += len(e.Comparisons)
		h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(pairs))))
		h.Write(pairs)
	}
	return fmt.Sprintf("%d comparisons on %d examples of width %d, digest %s", n, len(c.Examples), c.Rows.Width(), short(h))
}

// short is the first 64 bits of a digest, enough to tell files apart.
func short(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:8]) }

func writeFloats(h hash.Hash, x []float32) {
	buf := make([]byte, 0, 4*len(x)+8)
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(x)))
	for _, v := range x {
		buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
	}
	h.Write(buf)
}
