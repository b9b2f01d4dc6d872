package scoring

import "math"

// Sigmoid is 1/(1+e^-x), within a few units of the last place, and the same on
// every processor.
func Sigmoid(x float64) float64 {
	e := expOfNegative(-math.Abs(x))
	if x >= 0 {
		return 1 / (1 + e)
	}
	return e / (1 + e)
}

// ln 2 in two parts. The first has 32 bits, so that a product with a whole
// number of up to 21 bits is exact.
const (
	ln2High = 0x1.62e42feep-1
	ln2Low  = 0x1.a39ef35793c76p-33
)

// expOfNegative is e^x for x ≤ 0, and NaN for NaN. math.Exp would do, were it
// the same everywhere: it is assembly on some processors, and on amd64 it
// differs in the last bit with and without FMA instructions.
//
// With k the whole number nearest to x/ln 2 and r = x − k·ln 2, e^x is 2^k·e^r.
// For |r| ≤ ln 2 / 2 the Taylor series up to r¹³/13! leaves out less than
// 2⁻⁵⁷ of the sum.
func expOfNegative(x float64) float64 {
	if x < -746 { // Less than half the smallest float64.
		return 0
	}
	k := math.RoundToEven(x / math.Ln2)
	r := (x - float64(k*ln2High)) - float64(k*ln2Low)
	sum := 0.0
	for _, c := range [...]float64{
		1. / 6227020800, 1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880,
		1. / 40320, 1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1,
	} {
		sum = c + float64(r*sum)
	}
	return math.Ldexp(sum, int(k))
}
