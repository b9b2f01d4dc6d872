package lexical

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// goFold is what the table freezes, by the standard library.
func goFold(c rune) rune {
	switch {
	case unicode.IsLetter(c):
		return unicode.ToLower(c)
	case unicode.IsSpace(c):
		return space
	}
	return other
}

// The judges are the Unicode Character Database, version 15.0, which has 136,104
// characters of category L and 25 of white space, and package unicode at the version that was frozen. A newer one may
// have more letters: then only what was assigned before is compared.
func TestLettersAgreeWithUnicode(t *testing.T) {
	if *update {
		writeLetters(t)
	}
	frozen, l := unicode.Version == "15.0.0", newLetters()
	letters, spaces := 0, 0
	for c := rune(0); c <= unicode.MaxRune; c++ {
		got, want := l.fold(c), goFold(c)
		if got != want && (frozen || got != other) {
			t.Errorf("fold(%U) = %d, package unicode %s says %d", c, got, unicode.Version, want)
		}
		switch {
		case got >= 0:
			letters++
		case got == space:
			spaces++
		}
	}
	if letters != 136104 || spaces != 25 {
		t.Errorf("%d letters, %d white space", letters, spaces)
	}
}

func writeLetters(t *testing.T) {
	var out bytes.Buffer
	kind := func(c rune) uint64 {
		f := goFold(c)
		switch {
		case f == other:
			return 0
		case f == space:
			return 1
		}
		d := int64(f - c)
		return 2 + uint64(d<<1^d>>63)
	}
	start := rune(0)
	for c := rune(1); c <= unicode.MaxRune+1; c++ {
		if c > unicode.MaxRune || kind(c) != kind(start) {
			out.Write(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(c-start)), kind(start)))
			start = c
		}
	}
	if err := os.WriteFile("unicode15.bin", out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	letterRuns = out.Bytes()
}
