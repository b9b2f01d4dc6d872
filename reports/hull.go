package reports

import (
	"math"
	"slices"
	"sort"
)

// A hull is the smallest concave function above a set of points: what mixing
// them at random can reach. Its corners ascend in x.
type hull struct{ x, y []float64 }

func (h *hull) reset() { h.x, h.y = h.x[:0], h.y[:0] }

// add takes in a point. Points that come in order of x cost a few steps each,
// others a search and an insertion among the corners, of which there are few.
func (h *hull) add(x, y float64) {
	n := len(h.x)
	if n == 0 || x > h.x[n-1] {
		for n >= 2 && sags(h.x[n-2], h.y[n-2], h.x[n-1], h.y[n-1], x, y) {
			n--
		}
		h.x, h.y = append(h.x[:n], x), append(h.y[:n], y)
		return
	}
	i := sort.SearchFloat64s(h.x, x)
	switch {
	case h.x[i] == x && y <= h.y[i]:
		return
	case h.x[i] == x:
		h.y[i] = y
	case i > 0 && y <= line(h.x[i-1], h.y[i-1], h.x[i], h.y[i], x):
		return
	default:
		h.x, h.y = slices.Insert(h.x, i, x), slices.Insert(h.y, i, y)
	}
	for i+2 < len(h.x) && h.shaded(i+1) {
		h.remove(i + 1)
	}
	for ; i >= 2 && h.shaded(i-1); i-- {
		h.remove(i - 1)
	}
}

// shaded reports whether corner i is no corner.
func (h *hull) shaded(i int) bool {
	return sags(h.x[i-1], h.y[i-1], h.x[i], h.y[i], h.x[i+1], h.y[i+1])
}

// sags reports whether the second of three points is on or below the line of the
// others.
func sags(x0, y0, x1, y1, x2, y2 float64) bool { return (y1-y0)*(x2-x0) <= (y2-y0)*(x1-x0) }

func (h *hull) remove(i int) {
	h.x, h.y = slices.Delete(h.x, i, i+1), slices.Delete(h.y, i, i+1)
}

// at is the height of the non-decreasing hull: after its peak it stays there. It
// is NaN left of the first corner.
func (h *hull) at(x float64) float64 {
	i := sort.SearchFloat64s(h.x, x)
	peak := h.peak()
	switch {
	case i == 0 && (len(h.x) == 0 || x < h.x[0]):
		return math.NaN()
	case i > peak:
		return h.y[peak]
	case h.x[i] == x:
		return h.y[i]
	}
	return line(h.x[i-1], h.y[i-1], h.x[i], h.y[i], x)
}

func (h *hull) peak() int {
	peak := 0
	for peak+1 < len(h.y) && h.y[peak+1] > h.y[peak] {
		peak++
	}
	return peak
}

// mean is the mean height of the non-decreasing hull from x = a to b; NaN where
// it does not reach to a or a is not below b.
func (h *hull) mean(a, b float64) float64 {
	if !(a < b) || len(h.x) == 0 || a < h.x[0] {
		return math.NaN()
	}
	x, y := a, h.at(a)
	var area sum
	peak := h.peak()
	for i := sort.SearchFloat64s(h.x, a); i <= peak && h.x[i] < b; i++ {
		area.add((h.x[i] - x) * (y + h.y[i]) / 2)
		x, y = h.x[i], h.y[i]
	}
	area.add((b - x) * (y + h.at(b)) / 2)
	return area.value() / (b - a)
}

// line is the height at x of the line through two points.
func line(x0, y0, x1, y1, x float64) float64 { return y0 + (x-x0)/(x1-x0)*(y1-y0) }
