package reports

import "math/rand/v2"

// A design is how a draw picks rows: each by itself, each within its stratum, or
// whole clusters. groups are the rows of each stratum or cluster; none where
// rows are drawn by themselves.
type design struct {
	groups    [][]uint32
	clustered bool
}

// newDesign is the design that the options ask for.
func newDesign(list []row, opts Options) design {
	switch {
	case opts.ClusterBy != "":
		return design{groups: grouping(list, func(r *row) uint32 { return r.cluster }), clustered: true}
	case opts.Stratify:
		return design{groups: grouping(list, func(r *row) uint32 { return r.slice })}
	}
	return design{}
}

// grouping lists the rows of each group that there is, in their order.
func grouping(list []row, group func(*row) uint32) [][]uint32 {
	sizes := make(map[uint32]int)
	for i := range list {
		sizes[group(&list[i])]++
	}
	members := make([]uint32, len(list))
	var groups [][]uint32
	numbers := make(map[uint32]int, len(sizes))
	for i := range list {
		g := group(&list[i])
		n, ok := numbers[g]
		if !ok {
			n = len(groups)
			numbers[g] = n
			groups = append(groups, members[:0:sizes[g]])
			members = members[sizes[g]:]
		}
		groups[n] = append(groups[n], uint32(i))
	}
	return groups
}

// renumbered changes the design to rows in another order; position is the new
// place of each.
func (d design) renumbered(position []uint32) design {
	for _, g := range d.groups {
		for i, at := range g {
			g[i] = position[at]
		}
	}
	return d
}

// units is the number of things that a draw picks.
func (d design) units(rows int) int {
	if d.clustered {
		return len(d.groups)
	}
	return rows
}

// resample counts how often each row comes in one draw. A count overflows with a
// probability below 1/256!.
func (d design) resample(times []uint8, source *rand.PCG) {
	clear(times)
	switch {
	case d.groups == nil:
		drawRows(times, source)
	case d.clustered:
		p := picker{source: source}
		for range d.groups {
			for _, i := range d.groups[p.below(uint32(len(d.groups)))] {
				times[i]++
			}
		}
	default:
		p := picker{source: source}
		for _, stratum := range d.groups {
			for range stratum {
				times[stratum[p.below(uint32(len(stratum)))]]++
			}
		}
	}
}

// drawRows draws len(times) rows with replacement and counts how often each
// came: an exact multinomial. It is a loop of picker.below, two indexes from
// each 64-bit number, with the state in registers.
func drawRows(times []uint8, source *rand.PCG) {
	n := uint32(len(times))
	reject := -n % n // products below it would favour small indexes
	for drawn := 0; drawn < len(times); {
		bits := source.Uint64()
		for range 2 {
			product := uint64(uint32(bits)) * uint64(n)
			if uint32(product) >= reject && drawn < len(times) {
				times[product>>32]++
				drawn++
			}
			bits >>= 32
		}
	}
}

// A picker makes unbiased indexes by Lemire's method ("Fast random integer
// generation in an interval", TOMACS 2019), two from each 64-bit number.
type picker struct {
	source *rand.PCG
	bits   uint64
	half   bool
}

func (p *picker) below(n uint32) uint32 {
	for {
		if p.half = !p.half; p.half {
			p.bits = p.source.Uint64()
		}
		product := uint64(uint32(p.bits)) * uint64(n)
		p.bits >>= 32
		if uint32(product) >= -n%n {
			return uint32(product >> 32)
		}
	}
}
