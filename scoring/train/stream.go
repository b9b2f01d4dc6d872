package train

import (
	"encoding/binary"
	"math/rand/v2"
)

// stream is a random generator for one purpose: the seed alone for the first
// weights, seed and epoch for the order of the examples, seed, epoch and place
// for the noise of one example. So the state of a training holds no generator,
// and no order of goroutines shows in its numbers. The keys of ChaCha8 may be
// neighbours, as these are; streams of simpler generators would be related.
func stream(seed uint64, which ...uint64) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	for i, w := range which {
		binary.LittleEndian.PutUint64(key[8*(i+1):], w+1)
	}
	return rand.New(rand.NewChaCha8(key))
}
