package reports

// A Saving is the cheapest way to keep a share of the strong model's quality:
// what threshold to use, and what it saves.
type Saving struct {
	Keep  float64 // share of the strong model's quality that is kept: 0.95, 0.99, 1
	At    Point   // of the smallest strong share that keeps it; see [Curve.Keep]
	Saved Value   // share of strong-only's cost that is saved there
}

func (f *facts) savings() []Saving {
	if f.curve == nil || !f.rated {
		return nil
	}
	var list []Saving
	for i, x := range keepLevels {
		if at, ok := f.curve.Keep(x); ok {
			list = append(list, Saving{Keep: x, At: at, Saved: f.value(statNames[statSaved95+statistic(i)])})
		}
	}
	return list
}
