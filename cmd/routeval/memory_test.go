//go:build e2e && unix

package main_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The memory of a run that only routes is bounded: under 300 MiB at a million
// rows, and from half a million to a million it grows by one key per prompt. A
// key takes 24 bytes in a table that is at worst half full; 100 bytes a prompt and
// 32 MiB for where the garbage collector happens to stand are allowed. What the
// run keeps by mistake of a prompt or a result (some 260 and 130 bytes, at least
// twice that in memory) would not fit.
//
// The operating system counts, for a process of its own.
func TestE2EMemory(t *testing.T) {
	const half, whole = 500_000, 1_000_000
	const most, growth = 300 << 20, 100*(whole-half) + 32<<20
	dir := t.TempDir()
	size := map[int]int64{}
	for _, rows := range []int{half, whole} {
		size[rows] = writeRows(t, filepath.Join(dir, fmt.Sprint(rows)), rows)
	}
	weights := writeWeights(t, lexicalWeights())
	for _, router := range [][]string{{"--router", "mf", "--weights", weights}, {"--router", "random"}} {
		t.Run(router[1], func(t *testing.T) {
			peak := map[int]int64{}
			for _, rows := range []int{half, whole} {
				args := append([]string{
					"run", "-i", filepath.Join(dir, fmt.Sprint(rows)), "-o", filepath.Join(t.TempDir(), "run"), "--quiet",
					"--execute", "route-only", "--strong", "recorded", "--weak", "recorded",
				}, router...)
				cmd := routeval(t, args...)
				began := time.Now()
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				took := time.Since(began).Seconds()
				peak[rows] = maxRSS(cmd.ProcessState)
				t.Logf("%d rows: peak %.1f MiB, %.0f rows/s, %.1f MB/s", rows, float64(peak[rows])/(1<<20), float64(rows)/took, float64(size[rows])/1e6/took)
			}
			if peak[whole] > most {
				t.Errorf("peak of %d MiB at %d rows, want at most %d", peak[whole]>>20, whole, most>>20)
			}
			if grown := peak[whole] - peak[half]; grown > growth {
				t.Errorf("grows by %d MiB from %d to %d rows, want at most %d", grown>>20, half, whole, growth>>20)
			}
		})
	}
}

// writeRows writes prompts of 10 to 50 seeded words and returns their bytes.
func writeRows(t *testing.T, path string, rows int) int64 {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	random := rand.New(rand.NewPCG(1, 1))
	w := bufio.NewWriter(file)
	for i := range rows {
		fmt.Fprintf(w, `{"id":"row-%d","prompt":"`, i)
		for range 10 + random.IntN(41) {
			for range 2 + random.IntN(8) {
				w.WriteByte('a' + byte(random.IntN(26)))
			}
			w.WriteByte(' ')
		}
		fmt.Fprintf(w, "\",\"category\":\"c%d\",\"source\":\"generated\"}\n", i%10)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// maxRSS is the most memory that a process had, in bytes.
func maxRSS(p *os.ProcessState) int64 {
	unit := int64(1 << 10)
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return int64(p.SysUsage().(*syscall.Rusage).Maxrss) * unit
}
