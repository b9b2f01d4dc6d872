package lexical

import (
	_ "embed"
	"encoding/binary"
	"slices"
)

// letterRuns says of every character whether it is a letter, and if so its
// simple lower case, or white space, or neither, as Unicode 15.0 has it. It is
// frozen: the standard library's tables grow with Unicode, and a vector must
// not. The test that compares the two also writes the file.
//
// The file is a sequence of runs from U+0000 up: the number of characters, then
// what they are, both as varints. What they are is 0 for neither, 1 for white
// space, and 2 + z for letters whose lower case lies d characters higher, with z
// the zigzag coding of d (2d if d ≥ 0, else −2d − 1).
//
//go:embed unicode15.bin
var letterRuns []byte

// What fold says of a character that is not a letter.
const (
	other rune = -1
	space rune = -2
)

// letters is the decoded table.
type letters struct {
	plane [1 << 16]rune // fold of the characters up to U+FFFF
	above []run         // the runs after it, ascending
}

// A run is a range of characters, up to and not including end, of one kind.
type run struct {
	end  rune
	kind uint64
}

func newLetters() *letters {
	l := new(letters)
	start := rune(0)
	for rest := letterRuns; len(rest) > 0; {
		var length, kind uint64
		length, rest = uvarint(rest)
		kind, rest = uvarint(rest)
		end := start + rune(length)
		for c := start; c < min(end, 1<<16); c++ {
			l.plane[c] = foldAs(c, kind)
		}
		if end > 1<<16 {
			l.above = append(l.above, run{end, kind})
		}
		start = end
	}
	return l
}

func uvarint(b []byte) (uint64, []byte) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		panic("lexical: table of letters is damaged")
	}
	return v, b[n:]
}

// fold is the lower case of a letter, or else other or space. c must be a
// character, as ranging over a string yields them.
func (l *letters) fold(c rune) rune {
	if uint32(c) < uint32(len(l.plane)) {
		return l.plane[c]
	}
	return l.foldAbove(c)
}

func (l *letters) foldAbove(c rune) rune {
	i, _ := slices.BinarySearchFunc(l.above, c, func(r run, c rune) int {
		if r.end <= c {
			return -1
		}
		return 1
	})
	if i == len(l.above) {
		return other
	}
	return foldAs(c, l.above[i].kind)
}

// foldAs is the fold of a character of a kind.
func foldAs(c rune, kind uint64) rune {
	switch kind {
	case 0:
		return other
	case 1:
		return space
	}
	z := int64(kind - 2)
	return c + rune(z>>1^-(z&1))
}
