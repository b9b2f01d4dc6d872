// Package reports folds the results of a run into what a decision needs:
// curves over every threshold, values with intervals and doubts, pages that
// show them, and gates that pass or fail.
//
// # From rows to a page
//
//  1. [Build] reads a stream of results and keeps a few numbers of each.
//  2. A prompt on which both models' outcomes are known and graded is a [Pair].
//     [Sweep] turns pairs into the exact [Curve]: one point for each distinct
//     win rate, ends anchored at 0 and 1 of the strong share.
//  3. Each line of the table of metrics makes one [Value] of it, by the
//     formulas that the methods of [Curve] and [Oracle] state.
//  4. The paired bootstrap gives the values their intervals, over prompts, within
//     strata or over clusters.
//  5. A [Renderer] writes the [Report]; [Check] holds it against gates.
//
// # Three kinds of run
//
// Where every prompt has both outcomes, everything can be computed. Where both
// models were called on a random share of the prompts, each pair stands for
// 1/propensity prompts and everything can be estimated. Where only the chosen
// model was called, the quality and the cost of the mix are known, and what the
// other model would have done is not: PGR, APGR, CPT, the oracle and the
// baselines are then "n/a" with the reason beside them, never a guess.
//
// # More than two candidates
//
// The curve is that of the run's pair. The best single model, the zero router,
// the oracle of all candidates and RouterArena's parts use every candidate that
// has a grade on nearly all pairs, all on the same prompts.
//
// # What was checked
//
// CHECKED.md says which number was held against which judge.
//
// # What is not known
//
// A quantity that nobody recorded is "unknown", one that has no meaning is
// "n/a"; both are NaN in a [Value], null in JSON, and meet no gate. A missing
// price makes every sum over it unknown, since unknown is not zero.
package reports
