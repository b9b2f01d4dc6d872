package providers

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"net/http"
	"strings"
	"unicode/utf8"
)

// BatchLimits bound what goes into one embedding request. Zero is no bound.
type BatchLimits struct {
	Items  int // texts
	Bytes  int // bytes of all texts
	Tokens int // estimated tokens of all texts

	// TextTokens is the estimated length from which on a text travels alone, so
	// that its refusal costs no other text a second request. Whether it is too
	// long is for the service to say.
	TextTokens int

	// Truncate has a text that the service refuses for its length cut until it is
	// taken, and named in [ItemErrors].Cut; otherwise it fails.
	Truncate bool
}

// OpenAILimits are the documented ones of OpenAI's API: 2,048 texts and 300,000
// tokens a request, 8,192 tokens a text.
func OpenAILimits() BatchLimits {
	return BatchLimits{Items: 2048, Tokens: 300_000, TextTokens: 8192}
}

// OllamaLimits go by bytes, for a local model's time follows the amount of text
// and a call must end before its deadline.
func OllamaLimits() BatchLimits {
	return BatchLimits{Items: 512, Bytes: 256 << 10, TextTokens: 2048}
}

// Batched is an embedder that splits the texts of a call into requests within
// limits, one after the other, and answers for each text by itself: a text that
// is empty, that the service refuses (too long, say) or whose vector is unusable
// (zero, not finite, of another width) is an item of [ItemErrors], the others
// have their vectors.
//
// A request that is refused for its size is halved until it passes or is a
// single text. So is one that is refused for another reason, since one bad text
// may be what spoils it; but where refusals come without a success between
// them, more than halving down to one text can bring, the reason lies elsewhere
// and the rest fails with it.
func Batched(e Embedder, limits BatchLimits) Embedder { return &batched{e, limits} }

type batched struct {
	embedder Embedder
	limits   BatchLimits
}

// Embed implements [Embedder].
func (b *batched) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	c := &batchCall{
		batched: b,
		ctx:     ctx,
		texts:   texts,
		vectors: make([][]float32, len(texts)),
		strikes: 2*bits.Len(uint(len(texts))) + 1,
	}
	var request []int
	var room budget
	for i, text := range texts {
		if text == "" {
			c.fail(i, errors.New("the text is empty"))
			continue
		}
		if !room.take(text, b.limits) {
			if err := c.send(request); err != nil {
				return c.vectors, err
			}
			request, room = request[:0], budget{}
			room.take(text, b.limits)
		}
		request = append(request, i)
	}
	if err := c.send(request); err != nil {
		return c.vectors, err
	}
	return c.vectors, c.items.orNil()
}

// budget is what a request holds so far.
type budget struct {
	items, bytes, tokens int
	full                 bool // of one text that travels alone
}

// take adds a text and reports true, or leaves the budget as it is where the
// text belongs into the next request. The first text always fits.
func (u *budget) take(text string, limits BatchLimits) bool {
	next := budget{u.items + 1, u.bytes + len(text), u.tokens + estimateTokens(text), false}
	next.full = limits.TextTokens > 0 && next.tokens-u.tokens > limits.TextTokens
	over := func(n, limit int) bool { return limit > 0 && n > limit }
	if u.items > 0 && (u.full || next.full ||
		over(next.items, limits.Items) || over(next.bytes, limits.Bytes) || over(next.tokens, limits.Tokens)) {
		return false
	}
	*u = next
	return true
}

// bytesPerToken is on the safe side: English has about four bytes a token, code
// and other languages fewer.
const bytesPerToken = 3

func estimateTokens(text string) int { return len(text)/bytesPerToken + 1 }

// batchCall is one Embed call on its way through its requests.
type batchCall struct {
	*batched
	ctx     context.Context
	texts   []string
	vectors [][]float32
	items   ItemErrors
	width   int // of the first vector; 0 before it
	strikes int // refusals for other reasons than size that are still put up with
}

func (c *batchCall) fail(i int, err error) {
	c.items.Failed = append(c.items.Failed, ItemError{i, err})
}

// send embeds the texts of a request, or fails them; an error ends the call.
func (c *batchCall) send(request []int) error {
	if len(request) == 0 {
		return nil
	}
	texts := make([]string, len(request))
	for k, i := range request {
		texts[k] = c.texts[i]
	}
	vectors, err := c.embedder.Embed(c.ctx, texts)
	switch {
	case err == nil && len(vectors) != len(texts):
		return fmt.Errorf("%d embeddings came for %d texts", len(vectors), len(texts))
	case err == nil:
		c.strikes = 2*bits.Len(uint(len(c.texts))) + 1
		for k, i := range request {
			c.keep(i, vectors[k])
		}
		return nil
	case !isRefusal(err) || c.ctx.Err() != nil:
		return err
	}
	if !isTooLarge(err) {
		c.strikes--
	}
	switch {
	case len(request) == 1 && c.limits.Truncate && isTooLarge(err):
		return c.cut(request[0], err)
	case len(request) == 1 || c.strikes < 0:
		for _, i := range request {
			c.fail(i, err)
		}
		return nil
	}
	half := len(request) / 2
	if err := c.send(request[:half]); err != nil {
		return err
	}
	return c.send(request[half:])
}

// keep takes a text's vector if it can be compared with others.
func (c *batchCall) keep(i int, v []float32) {
	if c.width == 0 {
		c.width = len(v)
	}
	if err := usable(v, c.width); err != nil {
		c.fail(i, err)
		return
	}
	c.vectors[i] = v
}

// cut embeds the longest beginning of a refused text that is found by first
// cutting to what should fit and then halving.
func (c *batchCall) cut(i int, refusal error) error {
	text := c.texts[i]
	size := len(text) / 2
	if n := bytesPerToken * c.limits.TextTokens; n > 0 && n < len(text) {
		size = n
	}
	for ; size > 0; size /= 2 {
		beginning := text[:size]
		for beginning != "" && !utf8.RuneStart(text[len(beginning)]) {
			beginning = beginning[:len(beginning)-1]
		}
		if beginning == "" {
			break
		}
		vectors, err := c.embedder.Embed(c.ctx, []string{beginning})
		switch {
		case err == nil && len(vectors) == 1:
			c.keep(i, vectors[0])
			c.items.Cut = append(c.items.Cut, ItemError{i, fmt.Errorf("cut to its first %d of %d bytes: the service refused more", len(beginning), len(text))})
			return nil
		case err == nil:
			return fmt.Errorf("%d embeddings came for one text", len(vectors))
		case !isRefusal(err) || c.ctx.Err() != nil:
			return err
		}
	}
	c.fail(i, refusal)
	return nil
}

// isRefusal reports whether an error concerns the texts that were sent, so that
// others may pass.
func isRefusal(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == Rejected
}

// isTooLarge reports whether a request was refused for its size: too many texts,
// too many tokens, or a text that is too long. Services say so with status 413, or
// with 400 and words.
func isTooLarge(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.Class != Rejected {
		return false
	}
	if e.Status == http.StatusRequestEntityTooLarge {
		return true
	}
	message := strings.ToLower(e.Message)
	for _, words := range []string{"too long", "too large", "too many", "too big", "exceed", "maximum", "max ", "less than", "longer than"} {
		if strings.Contains(message, words) {
			return e.Status == http.StatusBadRequest
		}
	}
	return false
}

// usable reports why a vector cannot be compared with others of its model.
func usable(v []float32, width int) error {
	if len(v) == 0 || len(v) != width {
		return fmt.Errorf("the embedding has width %d, others have %d", len(v), width)
	}
	var squares float64
	for _, f := range v {
		squares += float64(f) * float64(f)
	}
	switch {
	case math.IsNaN(squares) || math.IsInf(squares, 0):
		return errors.New("the embedding holds NaN or infinity")
	case squares == 0:
		return errors.New("the embedding is all zero: the model knows no word of the text")
	}
	return nil
}
