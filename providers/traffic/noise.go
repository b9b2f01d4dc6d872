package traffic

import "math"

// Some services refuse a call now and then, however few there are. A noise is the share of
// calls that one refuses below the top of its pace, where it admits all by what is
// known. Only more refusals than that are a sign of the rate.
type noise struct {
	share  float64 // at most mostNoise
	judged float64 // attempts since the last cut, older ones counting less
	turned float64 // of these, refused
}

const (
	mostNoise   = 0.1
	noiseRate   = 0.02 // share of one attempt in the noise
	noiseSigmas = 2    // by which refusals must exceed it
	noiseMemory = 100  // attempts that are judged together
)

// count takes in an attempt that was refused (1) or not (0); below says that it was sent
// below the top.
func (n *noise) count(refused float64, below bool) {
	if below {
		n.share = min(mostNoise, n.share+noiseRate*(refused-n.share))
	}
	n.judged++
	n.turned += refused
	if n.judged > noiseMemory {
		n.judged /= 2
		n.turned /= 2
	}
}

// covers reports whether the refusals since the last cut are no more than noise. Their
// number has about a Poisson distribution, whose deviation is the root of its mean.
func (n *noise) covers() bool {
	usual := n.share * n.judged
	return n.turned <= usual+noiseSigmas*math.Sqrt(usual)
}

// matters reports whether there is any to speak of.
func (n *noise) matters() bool { return n.share > 0.03 }

// restart begins anew after a cut.
func (n *noise) restart() { n.judged, n.turned = 0, 0 }
