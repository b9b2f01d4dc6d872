package pipeline

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/go-json-experiment/json"

	"routeval/scoring"
)

// Verdicts is a file of a judge's replies by what it was asked, so that no reply
// is paid for twice: not by a run that was killed, and not by a grading that asks
// the same again. Like a [Journal] it only grows, one line a reply, and a torn last
// line is cut; but a line is not waited for: a power cut may lose the last ones,
// which are then paid again. In memory are a key and a place for each reply.
type Verdicts struct {
	f    *os.File
	mu   sync.Mutex
	at   map[verdictKey]span
	size int64
}

type verdictKey [16]byte

type span struct{ offset, length int64 }

// A reply is a line of the file.
type reply struct {
	Key              string   `json:"key"` // see keyOf
	Text             string   `json:"reply"`
	Model            string   `json:"model"`
	Calls            int      `json:"calls"`
	PromptTokens     *int64   `json:"prompt_tokens,omitzero"`
	CompletionTokens *int64   `json:"completion_tokens,omitzero"`
	CostUSD          *float64 `json:"cost_usd,omitzero"`
	Warnings         []string `json:"warnings,omitzero"`
}

// OpenVerdicts opens the file at path and creates it if there is none.
func OpenVerdicts(path string) (*Verdicts, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	v := &Verdicts{f: f, at: map[verdictKey]span{}}
	if err := v.recover(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return v, nil
}

func (v *Verdicts) recover() error {
	in := bufio.NewReaderSize(v.f, 1<<20)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return v.f.Truncate(v.size) // what is left over, if anything, is torn
		}
		if err != nil {
			return err
		}
		var r reply
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("%s:%d: corrupt: %w (remove the file to ask the judge again)", v.f.Name(), n, err)
		}
		v.at[shortKey(r.Key)] = span{v.size, int64(len(line))}
		v.size += int64(len(line))
	}
}

// keyOf is what a reply is found by: a digest of the judge's settings and of the
// question.
func keyOf(settings string, q scoring.Question) string {
	h := sha256.New()
	for _, s := range []string{settings, q.System, q.User} {
		fmt.Fprintf(h, "%d\n%s\n", len(s), s)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// shortKey is the key in memory: 128 bits of the digest of what stands in the
// file, which a person may have changed.
func shortKey(key string) verdictKey {
	sum := sha256.Sum256([]byte(key))
	return verdictKey(sum[:16])
}

// find is the reply to what was asked before. A nil Verdicts knows none.
func (v *Verdicts) find(key string) (r reply, ok bool, err error) {
	if v == nil {
		return r, false, nil
	}
	v.mu.Lock()
	at, ok := v.at[shortKey(key)]
	v.mu.Unlock()
	if !ok {
		return r, false, nil
	}
	line := make([]byte, at.length)
	if _, err := v.f.ReadAt(line, at.offset); err != nil {
		return r, false, err
	}
	return r, true, json.Unmarshal(line, &r)
}

// add keeps a reply.
func (v *Verdicts) add(r reply) error {
	if v == nil {
		return nil
	}
	line, err := json.Marshal(&r)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := v.f.WriteAt(line, v.size); err != nil {
		return err
	}
	v.at[shortKey(r.Key)] = span{v.size, int64(len(line))}
	v.size += int64(len(line))
	return nil
}

// Close sees to it that all replies are on disk.
func (v *Verdicts) Close() error { return errors.Join(v.f.Sync(), v.f.Close()) }
