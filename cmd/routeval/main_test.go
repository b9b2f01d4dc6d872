package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program: in scripts by its name, and as a
// process of its own that tests can kill.
func TestMain(m *testing.M) {
	if os.Getenv("ROUTEVAL_TEST_MAIN") == "1" {
		main()
	}
	testscript.Main(m, map[string]func(){"routeval": main})
}
