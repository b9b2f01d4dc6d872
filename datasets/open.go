package datasets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// bufferSize is how much of a file is read at once.
const bufferSize = 256 << 10

// stdin is the path that means standard input.
const stdin = "-"

// An input is one opened file.
type input struct {
	name string        // as the user named it
	r    *bufio.Reader // the uncompressed bytes, from the first
	file *os.File      // the file itself if it is plain and has a size; else nil
	done []io.Closer   // in the order of closing
}

// Files turns what the user named into the paths that [Prompts] reads: in the order given, the matches
// of a glob sorted. Everything is checked before the first row is read, so that
// a wrong name at the end is not found after hours.
func Files(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, errors.New("no input files")
	}
	var paths []string
	for _, name := range names {
		if name == stdin {
			if slices.Contains(paths, stdin) {
				return nil, errors.New("-: standard input can be named only once")
			}
			paths = append(paths, name)
			continue
		}
		matches, err := match(name)
		if err != nil {
			return nil, err
		}
		paths = append(paths, matches...)
	}
	return paths, nil
}

// match returns the files of one name. A file that has the very name is meant
// even where the name would be a glob.
func match(name string) ([]string, error) {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s: is a directory: name its files, such as %s", name, filepath.Join(name, "*.jsonl"))
	case err == nil:
		return []string{name}, nil
	case !strings.ContainsAny(name, "*?[{"):
		return nil, fileError(name, err)
	}
	matches, err := doublestar.FilepathGlob(name, doublestar.WithFilesOnly(), doublestar.WithFailOnIOErrors())
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case len(matches) == 0:
		return nil, fmt.Errorf("%s: matches no file", name)
	}
	slices.Sort(matches)
	return matches, nil
}

// open opens one path, takes its compression off and finds its format.
func open(path string, opts Options) (*input, format, error) {
	in := &input{name: path}
	f, err := in.open(opts)
	if err != nil {
		return nil, format{}, errors.Join(fileError(path, err), in.close())
	}
	return in, f, nil
}

func (in *input) open(opts Options) (format, error) {
	raw := opts.Stdin
	if in.name != stdin {
		file, err := os.Open(in.name)
		if err != nil {
			return format{}, err
		}
		in.done = append(in.done, file)
		in.file, raw = file, file
	}
	if raw == nil {
		return format{}, errors.New("there is no standard input here")
	}

	bare, packed := cutPacking(in.name)
	buffered := bufio.NewReaderSize(raw, bufferSize)
	r, closer, err := unpack(buffered, packed)
	if err != nil {
		return format{}, err
	}
	in.done = slices.Insert(in.done, 0, closer)
	in.r = r
	if r != buffered || !isRegular(in.file) {
		in.file = nil
	}

	if f, ok := formatByName(bare, opts.among()); ok {
		return f, nil
	}
	head, err := r.Peek(512)
	if err != nil && err != io.EOF && len(head) == 0 {
		return format{}, err
	}
	return formatByContent(head, opts.among())
}

func isRegular(f *os.File) bool {
	if f == nil {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}

// readerAt gives random access to the uncompressed bytes. What has none (a
// pipe, a compressed file) is copied to a temporary file, which is gone when
// the input is closed.
func (in *input) readerAt() (io.ReaderAt, int64, error) {
	file := in.file
	if file == nil {
		spool, err := os.CreateTemp("", "routeval-*")
		if err != nil {
			return nil, 0, err
		}
		in.done = append(in.done, spool, remover(spool.Name()))
		if _, err := io.Copy(spool, in.r); err != nil {
			return nil, 0, fmt.Errorf("copying to a temporary file: %w", err)
		}
		file = spool
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// A remover is a file that closing removes.
type remover string

func (path remover) Close() error { return os.Remove(string(path)) }

func (in *input) close() error {
	var errs []error
	for _, c := range in.done {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// fileError puts the name of a file before an error, once.
func fileError(name string, err error) error {
	var perr *fs.PathError
	if errors.As(err, &perr) && perr.Path == name {
		err = perr.Err
	}
	return fmt.Errorf("%s: %w", name, err)
}
