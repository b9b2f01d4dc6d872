package reports

import "time"

// Provenance says where a report comes from: what a reader needs to check it or
// to make it again. Nothing is computed with it.
type Provenance struct {
	Run      string            // the run directory, as it was named; "" if there is none
	Program  string            // name and version of the program that made the run
	Reporter string            // name and version of the program that made the report
	Began    time.Time         // when the run began; zero if not known
	Spec     string            // the resolved spec, as text; never with a key
	Space    string            // embedding model and fingerprint; "" if the router reads texts only
	Digests  map[string]string // sha256, by the name of the file, of all that decides results
}
