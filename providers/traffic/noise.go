package traffic

import "math"

// Some services refuse a call now and then, however few there are. A noise is the share of
// calls that one refuses well below the top of its pace, where it admits all by what is
// known. Only more refusals than that are a sign of the rate.
type noise struct {
	below, odd     float64 // attempts well below the top, and of these refused; older ones count less
	few            bool    // calls a second: there a refusal is believed until more is known
	judged, turned float64 // attempts since the last cut, and of these refused; likewise
}

const (
	firstNoise  = 0.05 // until there are leastBelow attempts
	mostNoise   = 0.1
	leastBelow  = 20  // attempts that tell of a noise
	noiseMemory = 400 // attempts
	noiseSigmas = 3   // by which refusals must exceed it
	judgeMemory = 150 // attempts that are judged together
)

// count takes in an attempt that was refused (1) or not (0); below says that it was sent
// well below the top.
func (n *noise) count(refused float64, below bool) {
	if below {
		remember(&n.below, &n.odd, refused, noiseMemory)
	}
	remember(&n.judged, &n.turned, refused, judgeMemory)
}

func remember(all, refused *float64, one, memory float64) {
	*all++
	*refused += one
	if *all > memory {
		*all /= 2
		*refused /= 2
	}
}

func (n *noise) share() float64 {
	switch {
	case n.below < leastBelow && n.few:
		return 0
	case n.below < leastBelow:
		return firstNoise
	}
	return min(mostNoise, n.odd/n.below)
}

// covers reports whether the refusals since the last cut are no more than noise. Their
// number has about a Poisson distribution, whose deviation is the root of its mean.
func (n *noise) covers() bool {
	usual := n.share() * n.judged
	return n.turned <= usual+noiseSigmas*math.Sqrt(usual)
}

// matters reports whether there is any to speak of.
func (n *noise) matters() bool { return n.below >= leastBelow && n.share() > 0.03 }

// restart begins anew after a cut, to few calls a second or many.
func (n *noise) restart(few bool) { n.judged, n.turned, n.few = 0, 0, few }
