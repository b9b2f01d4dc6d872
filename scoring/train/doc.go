// Package train makes the weights of a matrix-factorization router.
//
// There are two ways:
//
//   - [Ridge] fits one head per model to the recorded quality of its answers,
//     in closed form. It is the default where qualities are known.
//   - [Fit] trains a matrix factorization by gradient steps, as RouteLLM does,
//     on comparisons: who won on which prompt. It is the way for preferences,
//     and there for outcomes too ([Outcomes.Comparisons]).
//
// Both end in [Weights], which RouteLLM's own format holds. [Default] is the
// recipe of the weights that come with the program.
//
// The package reads no files: prompts come in as [Rows] of features, and the
// caller says in which embedding space they are. Everything is deterministic:
// the same data, options and seed give the same bits on one machine, however
// many processors work on it. Ridge heads do so on every machine.
package train
