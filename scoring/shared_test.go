package scoring

import (
	"os"
	"path/filepath"
	"testing"
)

// shared returns the path of a file of the data that lie beside the
// repository, and skips the test where they are not at hand.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for !exists(filepath.Join(root, "go.mod")) {
		if root == filepath.Dir(root) {
			t.Fatal("no go.mod above the test's directory")
		}
		root = filepath.Dir(root)
	}
	path := filepath.Join(append([]string{root, "..", "shared"}, elem...)...)
	if !exists(path) {
		t.Skipf("%s is not beside the repository", filepath.Join(elem...))
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func sharedFile(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(shared(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
