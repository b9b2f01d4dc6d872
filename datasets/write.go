package datasets

import (
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/google/renameio/v2"
)

// WritePrompts writes prompts to a file, in the format that its name says, and
// returns how many. The file is there whole or not at all: an error, be it one
// that the sequence yields (a [*RowError] too), leaves what was there before.
func WritePrompts(path string, seq iter.Seq2[Prompt, error]) (int64, error) {
	return writeFile(path, func(w io.Writer) (int64, error) { return EncodePrompts(w, path, seq) })
}

// WriteResults writes results to a file, in the same way as [WritePrompts].
func WriteResults(path string, seq iter.Seq2[Result, error]) (int64, error) {
	return writeFile(path, func(w io.Writer) (int64, error) { return EncodeResults(w, path, seq) })
}

// EncodePrompts writes prompts to w, in the format that a file of that name
// would have (".jsonl.zst" is enough of a name), and returns how many.
func EncodePrompts(w io.Writer, name string, seq iter.Seq2[Prompt, error]) (int64, error) {
	return encode(w, name, prompts, seq, rowWriter.writePrompt)
}

// EncodeResults writes results to w, in the same way as [EncodePrompts].
func EncodeResults(w io.Writer, name string, seq iter.Seq2[Result, error]) (int64, error) {
	return encode(w, name, results, seq, rowWriter.writeResult)
}

func writeFile(path string, write func(io.Writer) (int64, error)) (int64, error) {
	if path == stdin {
		return 0, errors.New("-: is not the name of a file")
	}
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return 0, fileError(path, err)
	}
	defer file.Cleanup()
	n, err := write(file)
	if err != nil {
		return n, err
	}
	if err := file.CloseAtomicallyReplace(); err != nil {
		return n, fileError(path, err)
	}
	return n, nil
}

// encode writes the rows of a sequence. Errors of the sequence come back as
// they are, those of the writer after the file's name.
func encode[T any](w io.Writer, name string, kind kind, seq iter.Seq2[T, error], write func(rowWriter, *T) error) (n int64, err error) {
	rows, packer, err := newRowWriter(w, name, kind)
	if err != nil {
		return 0, err
	}
	for value, err := range seq {
		if err != nil {
			return n, err
		}
		if err := write(rows, &value); err != nil {
			return n, fileError(name, err)
		}
		n++
	}
	if err := errors.Join(rows.close(), packer.Close()); err != nil {
		return n, fileError(name, err)
	}
	return n, nil
}

// newRowWriter returns the writer of rows that a file name asks for, and what
// must be closed after it.
func newRowWriter(w io.Writer, name string, kind kind) (rowWriter, io.Closer, error) {
	bare, packed := cutPacking(name)
	f, ok := formatByName(bare, formats())
	switch {
	case !ok:
		return nil, nil, fmt.Errorf("%s: the name says no format: want one of %s", name, known(formats()))
	case packed == nil:
		return f.writer(w, kind), io.NopCloser(nil), nil
	case !f.packable:
		return nil, nil, fmt.Errorf("%s: %s is compressed inside: take %s off the name", name, f.name, packed.suffix)
	}
	z, err := packed.writer(w)
	if err != nil {
		return nil, nil, fileError(name, err)
	}
	return f.writer(z, kind), z, nil
}
