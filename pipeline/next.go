package pipeline

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// nextFiles are files of a run directory that replace those of the same names
// together: they are written into a directory of their own, whose renaming is the
// moment of the change. What is left after it can be done by whoever comes next.
type nextFiles struct{ dir string }

const (
	nextDir      = "next"     // files that count in place of those beside it
	preparingDir = "next.tmp" // files that do not count yet
)

func newNextFiles(dir string) (*nextFiles, error) {
	n := &nextFiles{dir}
	n.remove()
	return n, os.Mkdir(n.path(preparingDir), 0o755)
}

func (n *nextFiles) path(elem ...string) string {
	return filepath.Join(append([]string{n.dir}, elem...)...)
}

// write writes a file and waits until it is on disk.
func (n *nextFiles) write(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(n.path(preparingDir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	return errors.Join(write(out), out.Flush(), f.Sync(), f.Close())
}

func (n *nextFiles) commit() error {
	if err := syncDir(n.path(preparingDir)); err != nil {
		return err
	}
	if err := os.Rename(n.path(preparingDir), n.path(nextDir)); err != nil {
		return err
	}
	if err := syncDir(n.dir); err != nil {
		return err
	}
	return settle(n.dir)
}

// remove removes what does not count.
func (n *nextFiles) remove() { os.RemoveAll(n.path(preparingDir)) }

// settle ends a change of files that was interrupted after its moment.
func settle(dir string) error {
	entries, err := os.ReadDir(filepath.Join(dir, nextDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(dir, nextDir, e.Name()), filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(syncDir(dir), os.Remove(filepath.Join(dir, nextDir)))
}

// current is the path of a run's file that counts now.
func current(dir, name string) string {
	if next := filepath.Join(dir, nextDir, name); exists(next) {
		return next
	}
	return filepath.Join(dir, name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
