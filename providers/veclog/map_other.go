//go:build !unix

package veclog

import (
	"errors"
	"os"
)

// mapFile has no equivalent here: files are read by ReadAt.
func mapFile(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return nil }
