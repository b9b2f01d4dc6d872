package providers

import (
	"fmt"
	"unicode"
)

// Servers cut a prompt that is longer than the context and answer as if nothing were
// missing. Two things give it away: the count of tokens read fills the context, or it
// is far below what so long a text needs.

const (
	// Text has about 4 characters a token. Above this many, something is missing.
	mostCharsPerToken = 12
	// In shorter prompts a few long words or rulers ("-----") weigh too much.
	leastCharsJudged = 2048
)

// cutWarning says that the prompt was probably cut, or "". Tokens is what the service
// counted; context is its limit, 0 if unknown.
func cutWarning(prompt []Message, tokens *int64, context int64) string {
	switch {
	case tokens == nil || *tokens <= 0:
		return ""
	case context > 0 && *tokens >= context:
		return fmt.Sprintf("prompt cut in silence: the service read %d tokens, all that its context of %d holds", *tokens, context)
	case textBytes(prompt) <= max(leastCharsJudged, *tokens*mostCharsPerToken):
		return ""
	}
	if n := textChars(prompt); n > max(leastCharsJudged, *tokens*mostCharsPerToken) {
		return fmt.Sprintf("prompt cut in silence: the service read only %d tokens of %d characters", *tokens, n)
	}
	return ""
}

func textBytes(prompt []Message) (n int64) {
	for _, m := range prompt {
		n += int64(len(m.Content))
	}
	return n
}

// textChars counts each run of blanks as one character, as tokenizers do.
func textChars(prompt []Message) (n int64) {
	for _, m := range prompt {
		blank := false
		for _, r := range m.Content {
			space := unicode.IsSpace(r)
			if !space || !blank {
				n++
			}
			blank = space
		}
	}
	return n
}
