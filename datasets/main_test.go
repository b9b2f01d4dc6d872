package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a test leaves a goroutine behind: this package starts none.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write makes a file in a fresh directory and returns its path.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// all reads prompts to the end and gives the good ones, the bad rows' errors
// and the file's error, each after the name of its file without the directory.
func all(paths []string, opts Options) (ids []string, bad []string, fatal error) {
	for p, err := range Prompts(paths, opts) {
		switch e := err.(type) {
		case nil:
			ids = append(ids, p.ID)
		case *RowError:
			bad = append(bad, strings.TrimPrefix(e.Error(), filepath.Dir(e.Pos.File)+"/"))
		default:
			return ids, bad, err
		}
	}
	return ids, bad, nil
}

// shared finds a folder beside the repository that holds data too large for it.
func shared(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			found := filepath.Join(dir, "..", "shared", path)
			if _, err := os.Stat(found); err != nil {
				t.Skipf("no %s beside the repository", filepath.Join("shared", path))
			}
			return found
		}
		dir = filepath.Dir(dir)
	}
	t.Skip("no go.mod above the test")
	return ""
}
