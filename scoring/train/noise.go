package train

import "math"

// noise says what is added to the examples of a batch: the i-th has a stream
// of its own, found from its place in the epoch.
type noise struct {
	sd    float64
	seed  uint64
	epoch int
	place int // of the batch's first example
}

func (n noise) addTo(x []float32, i int, normals *normalTable) {
	if n.sd == 0 {
		return
	}
	random := stream(n.seed, uint64(n.epoch), uint64(n.place+i))
	sd := float32(n.sd)
	for len(x) >= 4 {
		bits := random.Uint64()
		x[0] += sd * normals.at(bits)
		x[1] += sd * normals.at(bits>>16)
		x[2] += sd * normals.at(bits>>32)
		x[3] += sd * normals.at(bits>>48)
		x = x[4:]
	}
	for j := range x {
		x[j] += sd * normals.at(random.Uint64())
	}
}

// normalTable is the positive half of a standard normal distribution in steps of
// equal probability. An embedding is added noise each time it is seen, 73
// million numbers an epoch at RouteLLM's size: exact ones take a third of the
// training, those in steps a tenth of that, and no gradient can tell them apart.
type normalTable [1 << normalBits]float32

const normalBits = 12

// newNormals takes the quantile in the middle of each step, and then the one
// factor that makes the variance 1 again.
func newNormals() *normalTable {
	table := new(normalTable)
	square := 0.0
	for k := range table {
		x := quantile(k)
		square += float64(x * x)
	}
	scale := math.Sqrt(float64(len(table)) / square)
	for k := range table {
		table[k] = float32(scale * quantile(k))
	}
	return table
}

// quantile is that of the half-normal distribution in the middle of step k.
func quantile(k int) float64 {
	return math.Sqrt2 * math.Erfinv((float64(k)+0.5)/(1<<normalBits))
}

// at makes a number of the 13 low bits of a random word.
func (n *normalTable) at(bits uint64) float32 {
	x := n[bits&(1<<normalBits-1)]
	return math.Float32frombits(math.Float32bits(x) | uint32(bits>>normalBits&1)<<31)
}
