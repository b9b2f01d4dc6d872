// Package pipeline carries prompts through a run: read, embed and route,
// execute, grade, write. One function, [Pipeline.Run], owns every goroutine;
// all of them have ended when it returns.
//
// # What is promised
//
// A prompt is finished when its line is on disk, not before, and then for ever:
// there is at most one line per prompt, whatever happens. A crash of the program
// loses at most the answers of the calls that were in flight, a power cut also the
// lines that the disk was about to take. See [Journal] for the file and [Open] for the
// directory.
package pipeline
