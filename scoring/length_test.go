package scoring

import (
	"strings"
	"testing"
)

// TestLength holds figures of the pseudo-router "len" on GSM8K, by the prompt's
// length; 121 code points are more bytes in most scripts.
func TestLength(t *testing.T) {
	lengths := []int{121, 471, 203, 187, 287, 406}
	want := []float64{0.23224568138195778, 0.5407577497129736, 0.33665008291873966, 0.3185689948892675, 0.4177583697234352, 0.5037220843672456}
	for _, letter := range []string{"a", "é", "試", "🙂"} {
		batch, got := make([]Features, len(lengths)), make([]float64, len(lengths))
		for i, l := range lengths {
			batch[i].Query = strings.Repeat(letter, l)
		}
		if err := (Length{}).WinRates(t.Context(), got, batch); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%d times %q: win rate %v, want %v", lengths[i], letter, got[i], want[i])
			}
		}
	}
}

func TestAlways(t *testing.T) {
	for s, want := range map[Always]float64{AlwaysStrong: 1, AlwaysWeak: 0} {
		if got := winRate(t, s, nil); got != want {
			t.Errorf("win rate %v, want %v", got, want)
		}
	}
}
