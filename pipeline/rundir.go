package pipeline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"routeval/datasets"
)

// Names of the files of a run directory.
const (
	ManifestFile = "manifest.json"  // what was asked; written first, changed by a re-grading alone
	JournalFile  = "results.jsonl"  // one line per finished prompt
	BadRowsFile  = "bad_rows.jsonl" // rows that could not be read, of the last session
	VerdictsFile = "verdicts.jsonl" // replies of a judge, by what it was asked
	lockFile     = "lock"
)

// A RunDir is the directory of a run, locked against other processes.
type RunDir struct {
	Path     string
	Manifest datasets.Manifest
	Journal  *Journal
	Resumed  bool // the run was begun by an earlier session
	lock     *flock.Flock
}

// DiffersError says that a run directory holds another run than the one asked
// for.
type DiffersError struct {
	Dir         string
	Differences []string // "field: old → new"
}

func (e *DiffersError) Error() string {
	return fmt.Sprintf("%s holds a run that was asked for differently; give another directory, or undo:\n  %s", e.Dir, strings.Join(e.Differences, "\n  "))
}

// Open begins the run that m describes in the directory at path, or takes it up
// again where it stopped: a directory that holds a run must hold this one, else a
// [*DiffersError] lists the differences. With retryFailed, prompts that ended
// without an answer run again. The directory stays locked until Close.
func Open(path string, m datasets.Manifest, retryFailed bool) (*RunDir, error) {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	return openDir(path, func(d *RunDir) error {
		d.Manifest = m
		return d.open(retryFailed)
	})
}

// openDir locks a directory, ends what was interrupted there, and has it opened.
func openDir(path string, open func(*RunDir) error) (*RunDir, error) {
	d := &RunDir{Path: path, lock: flock.New(filepath.Join(path, lockFile))}
	got, err := d.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("%s: lock: %w", path, err)
	}
	if !got {
		return nil, fmt.Errorf("%s: another process is working in this run directory", path)
	}
	err = settle(path)
	if err == nil {
		err = open(d)
	}
	if err != nil {
		return nil, errors.Join(err, d.lock.Unlock())
	}
	return d, nil
}

func (d *RunDir) open(retryFailed bool) error {
	if err := d.adoptManifest(); err != nil {
		return err
	}
	var err error
	d.Journal, err = OpenJournal(filepath.Join(d.Path, JournalFile), retryFailed)
	return err
}

// adoptManifest writes the manifest of a new run, or takes over that of the run
// that is there if it is the same run.
func (d *RunDir) adoptManifest() error {
	path := filepath.Join(d.Path, ManifestFile)
	old, err := datasets.ReadManifest(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Join(d.Path, JournalFile)); err == nil {
			return fmt.Errorf("%s: has a %s but no %s: not a run directory of this program", d.Path, JournalFile, ManifestFile)
		}
		b, err := d.Manifest.Encode()
		if err != nil {
			return err
		}
		return writeAtomically(path, func(w io.Writer) error { _, err := w.Write(b); return err })
	case err != nil:
		return err
	}
	if diff := old.Differences(&d.Manifest); len(diff) > 0 {
		return &DiffersError{d.Path, diff}
	}
	spec := d.Manifest.Spec // with the dials of this session
	d.Manifest, d.Resumed = old, true
	d.Manifest.Spec = spec
	return nil
}

// Close closes the journal and lets other processes in.
func (d *RunDir) Close() error { return errors.Join(d.Journal.Close(), d.lock.Unlock()) }

// writeAtomically replaces the file at path by what write writes, so that a crash
// leaves the old file or the new one: temporary file, fsync, rename, fsync of the
// directory.
func writeAtomically(path string, write func(io.Writer) error) error {
	t, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer t.Cleanup()
	if err := write(t); err != nil {
		return err
	}
	if err := t.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
