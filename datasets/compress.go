package datasets

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A packing is a compression of a whole file.
type packing struct {
	name   string
	suffix string
	magic  []byte // the first bytes of every such file

	reader func(r io.Reader) (io.ReadCloser, error)
	writer func(w io.Writer) (io.WriteCloser, error)
}

// packings is the table of compressions, sorted by name.
func packings() []packing {
	return []packing{
		{name: "gzip", suffix: ".gz", magic: []byte{0x1f, 0x8b}, reader: gzipReader, writer: gzipWriter},
		{name: "zstd", suffix: ".zst", magic: []byte{0x28, 0xb5, 0x2f, 0xfd}, reader: zstdReader, writer: zstdWriter},
	}
}

func packingSuffixes() []string {
	var s []string
	for _, p := range packings() {
		s = append(s, p.suffix)
	}
	return s
}

// cutPacking splits a file name into the name without its compression suffix
// and the compression; the latter is nil where the name says none.
func cutPacking(name string) (string, *packing) {
	for _, p := range packings() {
		if n := len(name) - len(p.suffix); n >= 0 && strings.EqualFold(name[n:], p.suffix) {
			return name[:n], &p
		}
	}
	return name, nil
}

// unpack returns a reader of the uncompressed bytes of r and what closes it.
// The compression is the one that the name said (p), or where it said none the
// one that the first bytes say. A file whose name says a compression that its
// bytes are not of is an error: it was cut to nothing or has the wrong name.
func unpack(r *bufio.Reader, p *packing) (*bufio.Reader, io.Closer, error) {
	if p == nil {
		for _, candidate := range packings() {
			if head, _ := r.Peek(len(candidate.magic)); bytes.Equal(head, candidate.magic) {
				p = &candidate
			}
		}
	}
	if p == nil {
		return r, io.NopCloser(nil), nil
	}
	if head, _ := r.Peek(len(p.magic)); !bytes.Equal(head, p.magic) {
		return nil, nil, fmt.Errorf("the name says %s, the first bytes do not", p.name)
	}
	z, err := p.reader(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return bufio.NewReaderSize(z, bufferSize), z, nil
}

func gzipReader(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }

func gzipWriter(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }

// zstdReader decodes in the caller's goroutine. Windows over 128 MiB are
// refused, as the zstd command does: a frame's header must not decide how much
// memory is taken.
func zstdReader(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func zstdWriter(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
}
