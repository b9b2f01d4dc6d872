package scoring

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// A Battle is one comparison of two models' answers to one prompt.
type Battle struct {
	ModelA, ModelB string
	Verdict        Verdict
}

// Verdict says whose answer was preferred.
type Verdict uint8

const (
	Tie   Verdict = iota // neither, both bad included
	AWins                // that of ModelA
	BWins                // that of ModelB
)

// LongEnough reports whether RouteLLM would keep the battles of a prompt: the
// first turn, without the white space around it, has 16 code points or more.
func LongEnough(firstTurn string) bool {
	n := 0
	for range strings.TrimFunc(firstTurn, isPythonSpace) {
		n++
	}
	return n >= 16
}

// isPythonSpace is str.isspace of Python, which counts the four separators of
// ASCII as well.
func isPythonSpace(r rune) bool {
	return r >= 0x1c && r <= 0x1f || strings.TrimSpace(string(r)) == ""
}

// Elo is the maximum-likelihood Elo rating of every model, as the Chatbot Arena
// computes it: P(a beats b) = 1/(1+10^((Rb-Ra)/400)), a tie is half a win for
// each. Ratings are only known up to a constant: llama-2-70b-chat has 1082 where
// it took part (RouteLLM's anchor), else their mean is 1000.
func Elo(battles []Battle) (map[string]float64, error) {
	if len(battles) == 0 {
		return nil, errors.New("no battles to rate models by")
	}
	models := make(map[string]int)
	for _, b := range battles {
		for _, m := range []string{b.ModelA, b.ModelB} {
			if _, ok := models[m]; !ok {
				models[m] = len(models)
			}
		}
	}
	if len(models) > maxModels {
		return nil, fmt.Errorf("battles are between %d models, more than %d", len(models), maxModels)
	}
	t := newTally(len(models))
	for _, b := range battles {
		t.sums[t.cell(models[b.ModelA], models[b.ModelB], b.Verdict)]++
	}
	theta := t.fit(make([]float64, len(models)), true)

	shift := 1000.0
	if i, ok := models["llama-2-70b-chat"]; ok {
		shift = 1082 - theta[i]*eloPerLogit
	}
	ratings := make(map[string]float64, len(models))
	for m, i := range models {
		ratings[m] = theta[i]*eloPerLogit + shift
	}
	return ratings, nil
}

// eloPerLogit turns a log-odds into rating points: 400/ln 10.
const eloPerLogit = 400 / math.Ln10

// maxModels bounds the memory and the time of a fit, which grow with the
// square and the cube of it. The arena has seen some hundreds.
const maxModels = 1024

// Tiers cuts ratings, sorted from the best down, into at most tiers groups of
// neighbours such that the sum of the groups' variances is least, and gives the
// group of each, best first. It is RouteLLM's dynamic programme with its habits:
// what is least is the sum of variances, not of squared errors; one rating
// alone costs nothing; numbers are skipped where there are fewer ratings than
// tiers, or where the best one makes several groups needless; equal sums go to
// the earliest cut.
func Tiers(ratings []float64, tiers int) []int {
	n := len(ratings)
	if n == 0 || tiers < 1 {
		return nil
	}
	// cost[j] is the least sum for ratings[0..j] in the tiers so far, and
	// cut[t][j] the last rating before the last of t+1 groups.
	variances := segmentVariances(ratings)
	cost := slices.Clone(variances[0])
	cut := make([][]int, tiers)
	for t := 1; t < tiers; t++ {
		next := make([]float64, n)
		cut[t] = make([]int, n)
		for j := 1; j < n; j++ {
			next[j] = math.Inf(1)
			for l := range j {
				if c := cost[l] + variances[l+1][j-l-1]; c < next[j] {
					next[j], cut[t][j] = c, l
				}
			}
		}
		cost = next
	}
	return groups(cut, n)
}

// groups walks the cuts back from the last rating.
func groups(cut [][]int, n int) []int {
	group := make([]int, n)
	last := n - 1
	for t := len(cut) - 1; t > 0; t-- {
		split := cut[t][last]
		for j := split + 1; j <= last; j++ {
			group[j] = t
		}
		last = split
	}
	return group
}

// segmentVariances is a table of the population variance of ratings[i..i+d].
func segmentVariances(ratings []float64) [][]float64 {
	table := make([][]float64, len(ratings))
	for i := range ratings {
		table[i] = make([]float64, len(ratings)-i)
		for d := 1; d < len(table[i]); d++ {
			table[i][d] = variance(ratings[i : i+d+1])
		}
	}
	return table
}

// variance is computed in two passes, as numpy does it.
func variance(x []float64) float64 {
	var sum, squares float64
	for _, v := range x {
		sum += v
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return squares / float64(len(x))
}

// tally holds what a Bradley–Terry fit needs to know of any number of battles
// between k sides: how much weight each outcome of each pair has. The
// likelihood has one term a pair, however many battles there were.
type tally struct {
	k    int
	sums []float64 // by cell
}

func newTally(k int) tally { return tally{k: k, sums: make([]float64, (2*k+1)*k)} }

// cell says where a battle of sides a and b counts: wins are at winner·k+loser
// and ties, in a second square, at lesser·k+greater. Of a side against itself
// the wins of model A are on the first diagonal, those of B behind the squares.
func (t tally) cell(a, b int, v Verdict) int {
	switch {
	case v == Tie:
		return t.k*t.k + min(a, b)*t.k + max(a, b)
	case v == AWins:
		return a*t.k + b
	case a == b:
		return 2*t.k*t.k + a
	default:
		return b*t.k + a
	}
}

// wins is the weight with which a beat b, a tie being half a win; where a is b,
// that of model A's wins.
func (t tally) wins(a, b int) float64 {
	return t.sums[a*t.k+b] + t.sums[t.k*t.k+min(a, b)*t.k+max(a, b)]/2
}

// ownLosses is the weight with which model B won battles of side a with itself.
func (t tally) ownLosses(a int) float64 {
	return t.sums[2*t.k*t.k+a] + t.sums[t.k*t.k+a*t.k+a]/2
}

// fit is the maximum-likelihood strength θ of each side, P(a beats b) =
// σ(θa-θb), by Newton's method from start: with nab the weight of the pair's
// battles, p = σ(θa-θb) and wab the weight of a's wins,
//
//	∂L/∂θa = Σb wab - nab·p,   -∂²L/∂θa² = Σb nab·p(1-p),   ∂²L/∂θa∂θb = nab·p(1-p).
//
// If own is set, a battle of a side against itself counts as RouteLLM's design
// matrix has it: model B's entry overwrites model A's, so it is a battle whose
// win has probability σ(-θa). Otherwise such battles say nothing.
//
// The Hessian is singular, for a constant may be added to all of θ; a little
// damping keeps the step within what the gradient reaches, so the solution is
// the one nearest to start, and a side without battles stays where it was.
// Sides that never lost have no finite strength: the iteration stops where
// win rates no longer move.
func (t tally) fit(start []float64, own bool) []float64 {
	const (
		maxSteps  = 60
		precision = 1e-11 // the step that is not worth another; they shrink quadratically
		maxStep   = 4.0   // in log-odds, far beyond where Newton's model holds
	)
	theta := slices.Clone(start)
	gradient := make([]float64, t.k)
	hessian := make([]float64, t.k*t.k)
	for range maxSteps {
		t.derivatives(theta, own, gradient, hessian)
		if !solveDamped(hessian, gradient) {
			break
		}
		size := max(slices.Max(gradient), -slices.Min(gradient))
		scale := min(1, maxStep/size)
		for i, step := range gradient {
			theta[i] += scale * step
		}
		if size < precision {
			break
		}
	}
	return theta
}

// derivatives writes the gradient of the log-likelihood and the lower half of
// its negated Hessian.
func (t tally) derivatives(theta []float64, own bool, gradient, hessian []float64) {
	clear(gradient)
	clear(hessian)
	for a := range t.k {
		for b := range a {
			won, lost := t.wins(a, b), t.wins(b, a)
			if won+lost == 0 {
				continue
			}
			p := Sigmoid(theta[a] - theta[b])
			g, h := won-(won+lost)*p, (won+lost)*p*(1-p)
			gradient[a] += g
			gradient[b] -= g
			hessian[a*t.k+a] += h
			hessian[b*t.k+b] += h
			hessian[a*t.k+b] -= h
		}
		if own {
			won, lost := t.wins(a, a), t.ownLosses(a)
			p := Sigmoid(-theta[a])
			gradient[a] -= won - (won+lost)*p
			hessian[a*t.k+a] += (won + lost) * p * (1 - p)
		}
	}
}

// solveDamped overwrites g with the solution x of (H+λI)x = g by a Cholesky
// decomposition in place, where H is positive semidefinite with its lower half
// stored and λ is 1e-10 of its greatest diagonal entry. It reports false where
// H is zero or not finite.
func solveDamped(h, g []float64) bool {
	n := len(g)
	var greatest float64
	for i := range n {
		greatest = max(greatest, h[i*n+i])
	}
	if !(greatest > 0) || math.IsInf(greatest, 0) {
		return false
	}
	for i := range n {
		h[i*n+i] += 1e-10 * greatest
		for j := range i + 1 {
			sum := h[i*n+j]
			for k := range j {
				sum -= h[i*n+k] * h[j*n+k]
			}
			switch {
			case i != j:
				h[i*n+j] = sum / h[j*n+j]
			case sum > 0:
				h[i*n+i] = math.Sqrt(sum)
			default:
				return false
			}
		}
	}
	for i := range n {
		for k := range i {
			g[i] -= h[i*n+k] * g[k]
		}
		g[i] /= h[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			g[i] -= h[k*n+i] * g[k]
		}
		g[i] /= h[i*n+i]
	}
	return true
}

// ranked is the models from the highest rating down, equal ones by name.
func ranked(ratings map[string]float64) []string {
	return slices.SortedFunc(maps.Keys(ratings), func(a, b string) int {
		return cmp.Or(cmp.Compare(ratings[b], ratings[a]), cmp.Compare(a, b))
	})
}
