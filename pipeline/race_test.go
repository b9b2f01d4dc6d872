//go:build race

package pipeline

const raceDetector = true // it takes memory of its own
