package pipeline

import (
	"hash/maphash"
	"sync"
)

// keySet remembers prompts by 128 bits of a hash of their ID, drawn anew for
// every process: one key per prompt is all that a run of any length keeps in
// memory, and two IDs whose keys agree are never met.
type keySet struct {
	seeds [2]maphash.Seed
	mu    sync.Mutex // the reader asks while the writer tells
	flags map[[2]uint64]uint8
}

const (
	finished uint8 = 1 << iota // has its line
	seen                       // was read in this session
)

func newKeySet() *keySet {
	return &keySet{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		flags: map[[2]uint64]uint8{},
	}
}

// set raises a flag of an ID and returns the flags it had before.
func (k *keySet) set(id string, flag uint8) (before uint8) {
	key := [2]uint64{maphash.String(k.seeds[0], id), maphash.String(k.seeds[1], id)}
	k.mu.Lock()
	defer k.mu.Unlock()
	before = k.flags[key]
	k.flags[key] = before | flag
	return before
}

// finish marks an ID as finished and reports whether it was not.
func (k *keySet) finish(id string) bool { return k.set(id, finished)&finished == 0 }
