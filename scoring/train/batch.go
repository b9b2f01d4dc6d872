package train

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// A batch holds what one step works on. For examples i with embeddings x_i and
// comparisons between models a and b, with r_m = c ∘ p̂_m and h_i = W x_i:
//
//	z_im = r_m · h_i               the logit of a against b is z_ia − z_ib
//	d_im = Σ ± (σ(logit) − label)  over the comparisons of i that m is in, over all comparisons of the batch
//	S_m  = Σ_i d_im h_i            so the gradient of p̂_m is c ∘ S_m and that of c is Σ_m p̂_m ∘ S_m
//	g_i  = Σ_m d_im r_m            so the gradient of W is Σ_i g_i x_iᵀ
//
// The only large products are W x and g xᵀ, once per example however many
// comparisons it has. Both are written as A Bᵀ with contiguous rows, the form
// that gonum is fastest at.
type batch struct {
	size, width, factors, models int

	examples []*Example     // of this step, at most size
	x        blas32.General // [size, width] embeddings, with noise
	xt       blas32.General // [width, size]
	h        blas32.General // [size, factors]; x itself without a projection
	gt       blas32.General // [factors, size]
	logits   []float32      // z, [size, models]; NaN for models that are not compared
	pull     []float32      // d, [size, models]
	seen     []tally        // by example
	normals  *normalTable   // nil without noise

	unit     []float32 // p̂, [models, factors]
	norm     []float32 // ‖P[m]‖, by model
	scaled   []float32 // r, [models, factors]
	sums     []float32 // S, [models, factors]
	gradient weights
}

func newBatch(c *Comparisons, o *Options) *batch {
	models, width := len(c.Models), c.Rows.Width()
	b := &batch{
		size: o.Batch, width: width, factors: o.Factors, models: models,
		x:      matrix32(o.Batch, width),
		logits: make([]float32, o.Batch*models),
		pull:   make([]float32, o.Batch*models),
		seen:   make([]tally, o.Batch),
		unit:   make([]float32, models*o.Factors),
		norm:   make([]float32, models),
		scaled: make([]float32, models*o.Factors),
		sums:   make([]float32, models*o.Factors),
	}
	if o.Noise > 0 {
		b.normals = newNormals()
	}
	if o.NoProjection {
		b.h = b.x
		b.gradient = newWeights(models, o.Factors, 0)
		return b
	}
	b.h, b.xt, b.gt = matrix32(o.Batch, o.Factors), matrix32(width, o.Batch), matrix32(o.Factors, o.Batch)
	b.gradient = newWeights(models, o.Factors, o.Factors*width)
	return b
}

func (b *batch) projects() bool { return len(b.gradient.w) > 0 }

func matrix32(rows, cols int) blas32.General {
	return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
}

// load fills the batch with the examples that order names.
func (b *batch) load(c *Comparisons, order []int, n noise) {
	b.examples = b.examples[:0]
	for _, k := range order {
		b.examples = append(b.examples, &c.Examples[k])
	}
	parallel(len(order), func(i int) {
		x := b.x.Data[i*b.width : (i+1)*b.width]
		c.Rows.Fill(x, b.examples[i].Row)
		n.addTo(x, i, b.normals)
	})
}

// part is how many examples, or rows of W, one goroutine takes at a time: few
// enough for a share of every processor, and for gonum to stay on it.
const part = 16

// tile is how many rows of W are worked on at a time.
const tile = 4

func parts(n int) int { return (n + part - 1) / part }

// forward finds the logits of the batch and, in pull, how the loss depends on
// them.
func (b *batch) forward(w *weights) tally {
	b.scale(w)
	total := 0
	for _, e := range b.examples {
		total += len(e.Comparisons)
	}
	parallel(parts(len(b.examples)), func(k int) {
		from, to := k*part, min((k+1)*part, len(b.examples))
		if b.projects() {
			b.project(w, from, to)
		}
		for i := from; i < to; i++ {
			b.seen[i] = b.compare(i, total)
		}
	})
	var sum tally
	for _, t := range b.seen[:len(b.examples)] {
		sum.add(t)
	}
	return sum
}

// project is h = W x for the examples from ≤ i < to, a few rows of W at a time:
// those stay in the fastest cache while all of the examples pass by.
func (b *batch) project(w *weights, from, to int) {
	projection := blas32.General{Rows: b.factors, Cols: b.width, Stride: b.width, Data: w.w}
	for f := 0; f < b.factors; f += tile {
		end := min(f+tile, b.factors)
		h := rowsOf(b.h, from, to)
		h.Cols, h.Data = end-f, h.Data[f:]
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, rowsOf(b.x, from, to), rowsOf(projection, f, end), 0, h)
	}
}

// scale finds p̂, the norms and c ∘ p̂.
func (b *batch) scale(w *weights) {
	for m := range b.models {
		row := w.p[m*b.factors : (m+1)*b.factors]
		b.norm[m] = max(blas32.Nrm2(vector(row)), 1e-12)
		unit, scaled := b.unit[m*b.factors:][:b.factors], b.scaled[m*b.factors:][:b.factors]
		for k, x := range row {
			unit[k] = x / b.norm[m]
			scaled[k] = unit[k] * w.c[k]
		}
	}
}

// compare scores the models of example i and sets its row of pull, of a batch
// with total comparisons.
func (b *batch) compare(i, total int) (t tally) {
	z, d := b.logits[i*b.models:][:b.models], b.pull[i*b.models:][:b.models]
	unknown := float32(math.NaN())
	clear(d)
	h := vector(b.h.Data[i*b.h.Stride:][:b.factors])
	for m := range z {
		z[m] = unknown
	}
	logit := func(m int32) float64 {
		if z[m] != z[m] {
			z[m] = blas32.Dot(h, vector(b.scaled[int(m)*b.factors:][:b.factors]))
		}
		return float64(z[m])
	}
	for _, p := range b.examples[i].Comparisons {
		x := logit(p.Winner) - logit(p.Loser)
		label := 1.0
		if p.Tie {
			label = 0.5
		}
		loss, slope := logLoss(x, label)
		t.loss += loss
		t.n++
		if !p.Tie {
			t.untied++
			if x > 0 {
				t.right++
			}
		}
		d[p.Winner] += float32(slope / float64(total))
		d[p.Loser] -= float32(slope / float64(total))
	}
	return t
}

// logLoss is −label·ln σ(x) − (1−label)·ln σ(−x) and its derivative σ(x) −
// label, neither of which overflows.
func logLoss(x, label float64) (loss, slope float64) {
	e := math.Exp(-math.Abs(x)) // σ(|x|) = 1/(1+e)
	loss = math.Log1p(e) + max(x, 0) - label*x
	if x >= 0 {
		return loss, 1/(1+e) - label
	}
	return loss, e/(1+e) - label
}

// backward moves the weights by one step of Adam.
func (b *batch) backward(w, first, second *weights, a adam) {
	if b.projects() {
		parallel(parts(len(b.examples)), b.pullFactors)
	}
	b.pullModels(w)
	a.update(w.p, b.gradient.p, first.p, second.p)
	a.update(w.c, b.gradient.c, first.c, second.c)
	if !b.projects() {
		return
	}
	n := len(b.examples)
	parallel(parts(b.factors), func(k int) {
		from, to := k*part, min((k+1)*part, b.factors)
		gradient := blas32.General{Rows: to - from, Cols: b.width, Stride: b.width, Data: b.gradient.w[from*b.width : to*b.width]}
		blas32.Gemm(blas.NoTrans, blas.Trans, 1, colsOf(rowsOf(b.gt, from, to), n), colsOf(b.xt, n), 0, gradient)
		span := func(x []float32) []float32 { return x[from*b.width : to*b.width] }
		a.update(span(w.w), span(b.gradient.w), span(first.w), span(second.w))
	})
}

// pullFactors finds g for one part of the examples, and turns x round.
func (b *batch) pullFactors(k int) {
	g := make([]float32, b.factors)
	for i := k * part; i < min((k+1)*part, len(b.examples)); i++ {
		clear(g)
		for m, d := range b.pull[i*b.models:][:b.models] {
			if d != 0 {
				blas32.Axpy(d, vector(b.scaled[m*b.factors:][:b.factors]), vector(g))
			}
		}
		for f, v := range g {
			b.gt.Data[f*b.gt.Stride+i] = v
		}
	}
	for j := range b.width {
		for i := k * part; i < min((k+1)*part, len(b.examples)); i++ {
			b.xt.Data[j*b.xt.Stride+i] = b.x.Data[i*b.x.Stride+j]
		}
	}
}

// pullModels finds the gradients of P and c. P is normalised, so only the part
// of a gradient across p̂ moves it: ∂P[m] = (∂p̂ − p̂ (p̂·∂p̂)) / ‖P[m]‖.
func (b *batch) pullModels(w *weights) {
	clear(b.sums)
	for i := range b.examples {
		h := vector(b.h.Data[i*b.h.Stride:][:b.factors])
		for m, d := range b.pull[i*b.models:][:b.models] {
			if d != 0 {
				blas32.Axpy(d, h, vector(b.sums[m*b.factors:][:b.factors]))
			}
		}
	}
	clear(b.gradient.c)
	for m := range b.models {
		sums, unit := b.sums[m*b.factors:][:b.factors], b.unit[m*b.factors:][:b.factors]
		gradient := b.gradient.p[m*b.factors:][:b.factors]
		var along float32
		for k, s := range sums {
			b.gradient.c[k] += unit[k] * s
			gradient[k] = w.c[k] * s
			along += unit[k] * gradient[k]
		}
		for k := range gradient {
			gradient[k] = (gradient[k] - unit[k]*along) / b.norm[m]
		}
	}
}

// evaluate is the tally of all of c's comparisons, without noise.
func (b *batch) evaluate(c *Comparisons, w *weights) (sum tally) {
	order := exampleOrder(len(c.Examples), 0, &Options{KeepOrder: true})
	for from := 0; from < len(order); from += b.size {
		b.load(c, order[from:min(from+b.size, len(order))], noise{})
		sum.add(b.forward(w))
	}
	return sum
}

func vector(x []float32) blas32.Vector { return blas32.Vector{N: len(x), Inc: 1, Data: x} }

// rowsOf is a view of the rows from ≤ i < to.
func rowsOf(x blas32.General, from, to int) blas32.General {
	x.Data = x.Data[from*x.Stride : (to-1)*x.Stride+x.Cols]
	x.Rows = to - from
	return x
}

// colsOf is a view of the first n columns.
func colsOf(x blas32.General, n int) blas32.General {
	x.Data = x.Data[:(x.Rows-1)*x.Stride+n]
	x.Cols = n
	return x
}
