package train

import "math"

// Adam (Kingma and Ba 2015, algorithm 1) with PyTorch's constants.
const (
	adamBeta1   = 0.9
	adamBeta2   = 0.999
	adamEpsilon = 1e-8
)

// adam is one step's share of the algorithm that is the same for every weight.
type adam struct {
	rate float32 // learning rate / (1 − β1^t)
	root float32 // 1 / √(1 − β2^t)
	l2   float32
}

// adamStep is the t-th step, from 1.
func adamStep(t int, rate, l2 float64) adam {
	return adam{
		rate: float32(rate / (1 - math.Pow(adamBeta1, float64(t)))),
		root: float32(1 / math.Sqrt(1-math.Pow(adamBeta2, float64(t)))),
		l2:   float32(l2),
	}
}

// update moves the weights x against their gradient. L2 is part of the
// gradient and so of the moments.
func (a adam) update(x, gradient, first, second []float32) {
	gradient, first, second = gradient[:len(x)], first[:len(x)], second[:len(x)]
	for i, w := range x {
		g := gradient[i] + a.l2*w
		m := adamBeta1*first[i] + (1-adamBeta1)*g
		v := adamBeta2*second[i] + (1-adamBeta2)*g*g
		first[i], second[i] = m, v
		x[i] = w - a.rate*m/(float32(math.Sqrt(float64(v)))*a.root+adamEpsilon)
	}
}
