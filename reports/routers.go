package reports

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A RouterRun is what one router makes of prompts.
type RouterRun struct {
	Name       string
	Pairs      []Pair   // graded; pair i of every router is of the same prompt
	RoutingUSD *float64 // what making the win rates of all pairs cost; nil if not known
}

// A RouterComparison holds several routers against the first, on the same prompts
// and the same outcomes.
type RouterComparison struct {
	Routers      []string // names
	Strong, Weak string   // names of the two candidates
	Confidence   float64  // of all intervals
	Draws        int      // of the bootstrap; 0 if there was none
	Pairs        int      // prompts

	StrongQuality, WeakQuality Value
	OracleAPGR                 Value // the most that APGR can be; routing at random has 0.5
	Metrics                    []ComparedMetric
	Notes                      []string
}

// A ComparedMetric is one metric of every router.
type ComparedMetric struct {
	Name       string // of the table of metrics
	About      string
	LessIsMore bool    // a smaller number is better
	Values     []Value // by router
	Deltas     []Value // by router, less that of the first; that of the first is 0 and says nothing
}

// routerMetrics are the metrics that routers are compared by: those that do not
// depend on a threshold in force.
var routerMetrics = []struct {
	name, title string
	lessIsMore  bool
}{
	{"apgr", "APGR, by strong calls", false},
	{"apgr_cost", "APGR, by cost", false},
	{"cpt_50", "CPT 50 %, strong share", true},
	{"cpt_80", "CPT 80 %, strong share", true},
	{"cpt_95", "CPT 95 %, strong share", true},
	{"cost_saved_95", "Cost saved, keeping 95 % of the strong model's quality", false},
	{"cost_saved_99", "Cost saved, keeping 99 % of the strong model's quality", false},
}

// CompareRouters holds routers against the first of them. Its intervals are those
// of the paired bootstrap: a draw holds the same prompts for all routers. It fails
// where [Sweep] does, and unless there are two routers with as many pairs each.
func CompareRouters(ctx context.Context, runs []RouterRun, opts Options) (*RouterComparison, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, err
	}
	if len(runs) < 2 {
		return nil, errors.New("a comparison takes at least two routers")
	}
	var all []*facts
	var samples []*sample
	for _, run := range runs {
		if len(run.Pairs) != len(runs[0].Pairs) {
			return nil, fmt.Errorf("%s has %s, %s has %d", run.Name, plural(len(run.Pairs), "pair"), runs[0].Name, len(runs[0].Pairs))
		}
		if err := checkPairs(run.Pairs); err != nil {
			return nil, fmt.Errorf("%s: %w", run.Name, err)
		}
		opts.RoutingUSD = run.RoutingUSD
		f, err := gather(pairRows(run.Pairs, opts), opts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", run.Name, err)
		}
		all, samples = append(all, f), append(samples, newSample(f, true))
	}
	c := &RouterComparison{Strong: opts.Strong, Weak: opts.Weak, Confidence: opts.Confidence, Pairs: len(runs[0].Pairs)}
	draws := make([][][numStats]float64, len(runs))
	if opts.Draws > 0 && c.Pairs >= minPairs {
		c.Draws = opts.Draws
		var err error
		if draws, err = pairedDraws(ctx, samples, opts); err != nil {
			return nil, err
		}
		for i, f := range all {
			f.intervals = intervalsOf(draws[i], opts.Confidence)
			f.judgeGap()
		}
	}
	c.fill(runs, all, draws)
	return c, nil
}

func (c *RouterComparison) fill(runs []RouterRun, all []*facts, draws [][][numStats]float64) {
	c.StrongQuality, c.WeakQuality, c.OracleAPGR = all[0].value("strong_quality"), all[0].value("weak_quality"), all[0].value("oracle_apgr")
	unknown := false
	for _, run := range runs {
		c.Routers = append(c.Routers, run.Name)
		unknown = unknown || run.RoutingUSD == nil
	}
	for _, m := range routerMetrics {
		compared := ComparedMetric{Name: m.name, About: m.title, LessIsMore: m.lessIsMore}
		for i, f := range all {
			v := f.value(m.name)
			compared.Values = append(compared.Values, v)
			compared.Deltas = append(compared.Deltas, difference(v, compared.Values[0], draws[i], draws[0], c.Confidence))
		}
		c.Metrics = append(c.Metrics, compared)
	}
	if unknown && all[0].unpriced == 0 {
		c.Notes = append(c.Notes, "What making the win rates cost is not known of every router, and then not in its costs.")
	}
}

// gone is why no router has a number, "" where one has.
func (m *ComparedMetric) gone() string {
	if slices.ContainsFunc(m.Values, Value.OK) || len(m.Values[0].Warnings) == 0 {
		return ""
	}
	return m.Values[0].Warnings[0]
}

// direction says which numbers are better.
func (m *ComparedMetric) direction() string {
	if m.LessIsMore {
		return "less is better"
	}
	return "more is better"
}

// sentence says what is compared.
func (c *RouterComparison) sentence() string {
	s := fmt.Sprintf("%s on %s: %s %s, %s %s", plural(len(c.Routers), "router"), plural(c.Pairs, "prompt"),
		called("strong", c.Strong), c.StrongQuality.center(), called("weak", c.Weak), c.WeakQuality.center())
	if c.OracleAPGR.OK() {
		s += fmt.Sprintf("; the APGR of an oracle is %s, of routing at random 0.500", c.OracleAPGR.center())
	}
	return s + "."
}

// method says what the intervals are.
func (c *RouterComparison) method() string {
	if c.Draws == 0 {
		return "No intervals: differences may be luck."
	}
	confidence := strings.TrimSuffix(strings.TrimSuffix(percent(c.Confidence), " %"), ".0") + " %"
	return fmt.Sprintf("± is the farther end of a %s interval: paired percentile bootstrap over prompts, %s draws, the same prompts for all routers. ~ stands for a difference whose interval holds 0.", confidence, grouped(float64(c.Draws)))
}
