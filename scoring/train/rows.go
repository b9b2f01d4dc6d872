package train

import (
	"fmt"
	"math"
	"slices"
)

// Rows are feature vectors, one per prompt, all of one width. They do not
// change while they are trained on and are safe for concurrent reading.
type Rows interface {
	Len() int
	Width() int
	// Dot is row i times v, summed in float64 in the order of the columns;
	// len(v) is the width.
	Dot(i int, v []float64) float64
	// Add adds a times row i to dst; len(dst) is the width.
	Add(dst []float64, a float64, i int)
	// Fill writes row i to dst, zeros included; len(dst) is the width.
	Fill(dst []float32, i int)
}

// Dense are rows of which every number is stored, row-major.
type Dense struct {
	width int
	data  []float32
}

// NewDense takes data of shape [rows, width]. It keeps the slice.
func NewDense(width int, data []float32) (*Dense, error) {
	if width <= 0 || len(data)%width != 0 {
		return nil, fmt.Errorf("%d numbers are no rows of width %d", len(data), width)
	}
	for i, x := range data {
		if !finite(float64(x)) {
			return nil, fmt.Errorf("row %d: column %d is %v", i/width, i%width, x)
		}
	}
	return &Dense{width: width, data: data}, nil
}

func (d *Dense) Len() int   { return len(d.data) / d.width }
func (d *Dense) Width() int { return d.width }

func (d *Dense) row(i int) []float32 { return d.data[i*d.width : (i+1)*d.width] }

func (d *Dense) Dot(i int, v []float64) float64 {
	var sum float64
	for j, x := range d.row(i) {
		sum += float64(float64(x) * v[j]) // the conversion keeps the product from being fused into the sum
	}
	return sum
}

func (d *Dense) Add(dst []float64, a float64, i int) {
	for j, x := range d.row(i) {
		dst[j] += float64(a * float64(x))
	}
}

func (d *Dense) Fill(dst []float32, i int) { copy(dst, d.row(i)) }

// Sparse are rows of which only the numbers that are not zero are stored.
type Sparse struct {
	width int
	start []int // row i is start[i] to start[i+1] of index and value
	index []int32
	value []float64
}

// NewSparse makes an empty set of rows of the given width.
func NewSparse(width int) *Sparse { return &Sparse{width: width, start: []int{0}} }

// Append adds a row that holds value[k] in column index[k] and zero elsewhere.
// It copies both. A column that comes twice holds the sum.
func (s *Sparse) Append(index []int32, value []float64) error {
	row := s.Len()
	if len(index) != len(value) {
		return fmt.Errorf("row %d: %d columns and %d numbers", row, len(index), len(value))
	}
	for k, j := range index {
		if j < 0 || int(j) >= s.width {
			return fmt.Errorf("row %d: column %d is outside the width of %d", row, j, s.width)
		}
		if !finite(value[k]) {
			return fmt.Errorf("row %d: column %d is %v", row, j, value[k])
		}
	}
	s.index = append(s.index, index...)
	s.value = append(s.value, value...)
	s.start = append(s.start, len(s.index))
	return nil
}

func (s *Sparse) Len() int   { return len(s.start) - 1 }
func (s *Sparse) Width() int { return s.width }

func (s *Sparse) row(i int) (index []int32, value []float64) {
	from, to := s.start[i], s.start[i+1]
	return s.index[from:to], s.value[from:to:to]
}

func (s *Sparse) Dot(i int, v []float64) float64 {
	index, value := s.row(i)
	value = value[:len(index)]
	var sum float64
	for k, j := range index {
		sum += float64(value[k] * v[j])
	}
	return sum
}

func (s *Sparse) Add(dst []float64, a float64, i int) {
	index, value := s.row(i)
	value = value[:len(index)]
	for k, j := range index {
		dst[j] += float64(a * value[k])
	}
}

func (s *Sparse) Fill(dst []float32, i int) {
	clear(dst)
	index, value := s.row(i)
	for k, j := range index {
		dst[j] += float32(value[k])
	}
}

// joined are the rows of several parts of one width, one after the other.
type joined struct {
	parts []Rows // none of them empty
	ends  []int  // of part k, the number of rows up to its end
}

func joinRows(parts []Rows) Rows {
	var j joined
	n := 0
	for _, p := range parts {
		if p.Len() > 0 {
			n += p.Len()
			j.parts, j.ends = append(j.parts, p), append(j.ends, n)
		}
	}
	if len(j.parts) == 0 {
		return parts[0]
	}
	return &j
}

func (j *joined) at(i int) (Rows, int) {
	k, _ := slices.BinarySearch(j.ends, i+1)
	return j.parts[k], i - j.ends[k] + j.parts[k].Len()
}

func (j *joined) Len() int   { return j.ends[len(j.ends)-1] }
func (j *joined) Width() int { return j.parts[0].Width() }

func (j *joined) Dot(i int, v []float64) float64 {
	rows, i := j.at(i)
	return rows.Dot(i, v)
}

func (j *joined) Add(dst []float64, a float64, i int) {
	rows, i := j.at(i)
	rows.Add(dst, a, i)
}

func (j *joined) Fill(dst []float32, i int) {
	rows, i := j.at(i)
	rows.Fill(dst, i)
}

// Select is the rows of others that index lists, in its order, without copying
// them. Every index must be from 0 to rows.Len() − 1.
func Select(rows Rows, index []int) Rows { return selected{rows, index} }

type selected struct {
	Rows
	index []int
}

func (s selected) Len() int                            { return len(s.index) }
func (s selected) Dot(i int, v []float64) float64      { return s.Rows.Dot(s.index[i], v) }
func (s selected) Add(dst []float64, a float64, i int) { s.Rows.Add(dst, a, s.index[i]) }
func (s selected) Fill(dst []float32, i int)           { s.Rows.Fill(dst, s.index[i]) }

// intercept is rows with a last column of ones.
type intercept struct{ Rows }

func withIntercept(sources []*Outcomes) []*Outcomes {
	wider := make([]*Outcomes, len(sources))
	for k, o := range sources {
		copied := *o
		copied.Rows = intercept{o.Rows}
		wider[k] = &copied
	}
	return wider
}

func (r intercept) Width() int { return r.Rows.Width() + 1 }

func (r intercept) Dot(i int, v []float64) float64 {
	last := r.Rows.Width()
	return r.Rows.Dot(i, v[:last]) + v[last]
}

func (r intercept) Add(dst []float64, a float64, i int) {
	last := r.Rows.Width()
	r.Rows.Add(dst[:last], a, i)
	dst[last] += a
}

func (r intercept) Fill(dst []float32, i int) {
	last := r.Rows.Width()
	r.Rows.Fill(dst[:last], i)
	dst[last] = 1
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
