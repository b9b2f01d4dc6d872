package datasets

import (
	"bytes"
	"io"

	"github.com/parquet-go/parquet-go"
)

// Count estimates how many rows files have, for a progress bar: the lines of a
// text file, blank ones included, or the rows that a Parquet file says it has.
// It is -1 where that cannot be had without reading the rows: standard input,
// packed files, and files that cannot be read.
func Count(names []string, opts Options) int64 {
	paths, err := Files(names)
	if err != nil {
		return -1
	}
	var rows int64
	for _, path := range paths {
		n := countFile(path, opts)
		if n < 0 {
			return -1
		}
		rows += n
	}
	return rows
}

func countFile(path string, opts Options) int64 {
	if path == stdin {
		return -1
	}
	in, f, err := open(path, opts)
	if err != nil {
		return -1
	}
	defer in.close()
	if in.file == nil {
		return -1
	}
	if f.name == "parquet" {
		return countParquet(in)
	}
	var n int64
	last := byte('\n')
	for {
		chunk, err := in.r.Peek(in.r.Size())
		n += int64(bytes.Count(chunk, []byte{'\n'}))
		if len(chunk) > 0 {
			last = chunk[len(chunk)-1]
		}
		in.r.Discard(len(chunk))
		if err == io.EOF {
			break
		}
		if err != nil {
			return -1
		}
	}
	if last != '\n' {
		n++
	}
	return n
}

func countParquet(in *input) (n int64) {
	info, err := in.file.Stat()
	if err != nil {
		return -1
	}
	err = guard(func() error {
		f, err := parquet.OpenFile(in.file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err == nil {
			n = f.NumRows()
		}
		return err
	})
	if err != nil {
		return -1
	}
	return n
}
