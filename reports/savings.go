package reports

// A Saving is the cheapest way to keep a share of the strong model's quality:
// what threshold to use, and what it saves.
type Saving struct {
	Keep  float64 // share of the strong model's quality that is kept: 0.95, 0.99, 1
	At    Point   // the cheapest point of the curve that keeps it
	Saved Value   // share of strong-only's cost that is saved there
}
