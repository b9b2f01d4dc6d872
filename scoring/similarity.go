package scoring

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

const (
	// queryBlock is how many queries share one pass over the stored vectors.
	// One query alone is bound by memory; a block of them by arithmetic.
	queryBlock = 64
	// rowTile is how many stored vectors meet a block of queries at once: at
	// width 1536 they and two queries fit the first-level cache. Tile and block
	// together stay below the size where gonum starts goroutines of its own.
	rowTile = 4
	// rowSpan is how many stored vectors one goroutine takes at a time.
	rowSpan = 64 * rowTile
)

// vectors is a table of stored embeddings that queries are compared with.
type vectors struct {
	space   Space
	rows    blas32.General
	invNorm []float64 // 1/‖row‖, computed once
}

// newVectors looks at a row-major table of vectors of the space's width. The
// table is kept, not copied.
func newVectors(space Space, table []float32) (*vectors, error) {
	if space.Dim < 1 || len(table) == 0 || len(table)%space.Dim != 0 {
		return nil, fmt.Errorf("%d numbers are not a table of vectors of width %d", len(table), space.Dim)
	}
	n := len(table) / space.Dim
	v := &vectors{
		space:   space,
		rows:    blas32.General{Rows: n, Cols: space.Dim, Stride: space.Dim, Data: table},
		invNorm: make([]float64, n),
	}
	for i := range n {
		norm, err := usableNorm(v.row(i))
		if err != nil {
			return nil, &ItemError{Index: i, Err: err}
		}
		v.invNorm[i] = 1 / norm
	}
	return v, nil
}

func (v *vectors) len() int            { return v.rows.Rows }
func (v *vectors) row(i int) []float32 { return v.rows.Data[i*v.rows.Stride:][:v.rows.Cols] }

// usableNorm is the Euclidean norm of x, or an error if a cosine with x would
// not be a number in float32: x is zero, not finite, or too far from 1.
func usableNorm(x []float32) (float64, error) {
	var sum float64
	for _, f := range x {
		sum += float64(f) * float64(f)
	}
	norm := math.Sqrt(sum)
	switch {
	case math.IsNaN(norm) || math.IsInf(norm, 0):
		return 0, errors.New("the embedding holds NaN or infinity")
	case norm == 0:
		return 0, errors.New("the embedding is all zero")
	case norm < 1e-15 || norm > 1e15:
		return 0, fmt.Errorf("the embedding has norm %g", norm)
	}
	return norm, nil
}

// eachCosine calls use(i, cosines) once for every item of the batch, where
// cosines[j] is the cosine of the item's embedding and row j, in [-1,1] up to
// rounding. Calls run on several goroutines, all of which have ended when
// eachCosine returns; cosines belongs to use until it returns. An item whose
// embedding cannot be compared is an [*ItemError]. Results do not depend on
// how the batch is cut.
func (v *vectors) eachCosine(ctx context.Context, batch []Features, use func(item int, cosines []float32) error) error {
	n, dim := v.len(), v.space.Dim
	block := min(len(batch), queryBlock)
	queries := make([]float32, block*dim)
	cosines := make([]float32, block*n)
	for first := 0; first < len(batch); first += block {
		items := batch[first:min(first+block, len(batch))]
		for i := range items {
			if err := v.unit(queries[i*dim:][:dim], items[i].Embedding); err != nil {
				return &ItemError{Index: first + i, Err: err}
			}
		}
		q := blas32.General{Rows: len(items), Cols: dim, Stride: dim, Data: queries}
		err := inParallel(ctx, (n+rowSpan-1)/rowSpan, func(s int) error {
			v.compare(cosines, q, s*rowSpan, min((s+1)*rowSpan, n))
			return nil
		})
		if err != nil {
			return err
		}
		err = inParallel(ctx, len(items), func(i int) error {
			return use(first+i, cosines[i*n:][:n])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// unit writes x/‖x‖.
func (v *vectors) unit(dst, x []float32) error {
	if len(x) != len(dst) {
		return v.space.Check(Space{Dim: len(x)})
	}
	norm, err := usableNorm(x)
	if err != nil {
		return err
	}
	for i, f := range x {
		dst[i] = float32(float64(f) / norm)
	}
	return nil
}

// compare writes the cosines of every query with the rows [from, to).
func (v *vectors) compare(cosines []float32, q blas32.General, from, to int) {
	n := v.len()
	for j := from; j < to; j += rowTile {
		rows := min(rowTile, to-j)
		tile := blas32.General{Rows: rows, Cols: v.rows.Cols, Stride: v.rows.Stride, Data: v.rows.Data[j*v.rows.Stride:]}
		dots(q, tile, blas32.General{Rows: q.Rows, Cols: rows, Stride: n, Data: cosines[j:]})
		for i := range q.Rows {
			for t, dot := range cosines[i*n+j:][:rows] {
				cosines[i*n+j+t] = float32(float64(dot) * v.invNorm[j+t])
			}
		}
	}
}

// gemmDots is dots by gonum.
func gemmDots(queries, tile, out blas32.General) {
	blas32.Gemm(blas.NoTrans, blas.Trans, 1, queries, tile, 0, out)
}

// inParallel calls work for 0…n-1 on as many goroutines as there are
// processors and returns the error of the lowest-numbered call that failed
// before the others were stopped, or ctx's.
func inParallel(ctx context.Context, n int, work func(i int) error) error {
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), n) {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := work(i); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}
