package scoring

import "unicode"

// Surface measures the look of a text: what tells short questions from long
// documents, prose from code and one script from another, whatever embedding a
// router reads. Its numbers are those of [SurfaceNames].
type Surface [surfaces]float64

const surfaces = 6

// SurfaceNames names the numbers of a [Surface], in order.
func SurfaceNames() [surfaces]string {
	return [surfaces]string{"characters", "lines", "word length", "share of digits", "share of punctuation", "share outside ASCII"}
}

// SurfaceOf measures a text. Shares are of its characters, in [0,1].
func SurfaceOf(text string) Surface {
	var characters, lines, words, letters, digits, punctuation, foreign float64
	inWord := false
	for _, r := range text {
		characters++
		letter := unicode.IsLetter(r)
		switch {
		case letter:
			letters++
			if !inWord {
				words++
			}
		case r == '\n':
			lines++
		case '0' <= r && r <= '9':
			digits++
		case '!' <= r && r <= '~':
			punctuation++
		}
		inWord = letter
		if r > unicode.MaxASCII {
			foreign++
		}
	}
	all := max(1, characters)
	return Surface{characters, lines + 1, letters / max(1, words), digits / all, punctuation / all, foreign / all}
}
