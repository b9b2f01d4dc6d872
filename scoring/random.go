package scoring

import "context"

// Random is the router that knows nothing: the win rate of a prompt is a hash
// of its text, uniform in [0, 1) over texts. Unlike a generator of random
// numbers it gives a prompt the same win rate in every run, batch and order,
// and equal prompts equal ones, so that its runs can be resumed and repeated.
// Other seeds give win rates that have nothing to do with each other.
//
// With seed 0 it is the first 53 bits of FNV-1a (64 bits) of the text's bytes,
// put through the finalizer of SplitMix64.
type Random struct {
	Seed uint64
}

// Space implements [Scorer]: the zero Space, for it reads text only.
func (Random) Space() Space { return Space{} }

// WinRates implements [Scorer].
func (r Random) WinRates(ctx context.Context, dst []float64, batch []Features) error {
	if err := checkBatch(ctx, dst, batch); err != nil {
		return err
	}
	for i := range batch {
		dst[i] = float64(r.hash(batch[i].Query)>>11) / (1 << 53)
	}
	return nil
}

// hash starts FNV-1a from its offset basis changed by the mixed seed. Every
// step of FNV-1a is invertible for a given text, so different seeds end in
// different states; mixing those again makes them unrelated.
func (r Random) hash(text string) uint64 {
	h := 0xcbf29ce484222325 ^ mix64(r.Seed)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	return mix64(h)
}

// mix64 is the finalizer of SplitMix64 (Steele, Lea and Flood 2014, with
// Stafford's constants). It maps 0 to 0.
func mix64(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
