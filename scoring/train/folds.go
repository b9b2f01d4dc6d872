package train

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
)

// Folds gives each of n prompts a fold, 0 to k−1, by a hash of its group and
// the seed. Prompts of one group share a fold, and neither their order nor
// other prompts move a group to another one. groups nil: every prompt is its
// own group.
func Folds(groups []string, n, k int, seed uint64) []int {
	folds := make([]int, n)
	for i := range folds {
		group := strconv.Itoa(i)
		if groups != nil {
			group = groups[i]
		}
		folds[i] = int(hashGroup(group, seed) % uint64(k))
	}
	return folds
}

// hashGroup is the first eight bytes of SHA-256 over the seed and the group.
func hashGroup(group string, seed uint64) uint64 {
	sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, seed), group...))
	return binary.BigEndian.Uint64(sum[:])
}
