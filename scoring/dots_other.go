//go:build !amd64

package scoring

import "gonum.org/v1/gonum/blas/blas32"

// dots writes the product of query i and row j of the tile at out.Data[i*out.Stride+j].
func dots(queries, tile, out blas32.General) { gemmDots(queries, tile, out) }
