// Package datasets reads and writes the files of a run and gives their rows
// as values: prompts that come in, results that go out.
//
// # The stream rule
//
// [Prompts] and [Results] are sequences of a value and an error. A
// [*RowError] is one bad row: its value is zero, and the stream goes on if the
// loop does. Any other error concerns the file as a whole and is the last thing
// yielded. A sequence may be ranged over again and then starts over. Leaving
// the loop early closes every file. Channels never cross the border of this
// package.
//
// # Formats
//
// A format is one file of this package and one line in the table of formats.
// Which one a path has is decided by its name (".jsonl", ".parquet", each also
// with ".gz" or ".zst" where that makes sense) and, where the name says
// nothing, by its first bytes.
package datasets
