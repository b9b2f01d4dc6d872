package reports

import (
	"io"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The JSON forms. A number that is unknown or n/a is null, and so is the
// threshold above every win rate; fractions are in [0,1]. A schema's number
// grows when a member changes its meaning or goes away; members may be added.
const (
	reportSchema = "routeval.report/1"
	sweepSchema  = "routeval.sweep/1"
)

type (
	jsonReport struct {
		Schema     string               `json:"schema"`
		Router     string               `json:"router,omitzero"`
		Strong     string               `json:"strong"` // name of the candidate
		Weak       string               `json:"weak"`
		Threshold  *float64             `json:"threshold"`           // in force; null if the router has none
		Confidence float64              `json:"confidence"`          // of lo and hi
		Draws      int                  `json:"draws"`               // of the bootstrap
		ClusterBy  string               `json:"cluster_by,omitzero"` // what the bootstrap drew whole
		Stratified bool                 `json:"stratified,omitzero"` // draws held as many prompts of each slice as the run
		Prompts    int                  `json:"prompts"`
		Pairs      int                  `json:"pairs"`
		Sampled    bool                 `json:"sampled"` // pairs are weighted by 1/propensity
		Summary    string               `json:"summary"` // one sentence
		Values     map[string]jsonValue `json:"values"`  // by name, as in gates
		Baselines  []jsonBaseline       `json:"baselines"`
		Candidates []jsonCandidate      `json:"candidates"`
		Singles    []jsonSingle         `json:"singles"` // each candidate alone, on the pairs
		Curve      []jsonPoint          `json:"curve"`   // about one point for each percent of the strong share; all are in the sweep
		Band       []jsonBandPoint      `json:"band"`    // the curve at each percent of the strong share with the interval of its quality
		Savings    []jsonSaving         `json:"savings"` // to keep a share of the strong model's quality

		SliceBy     string           `json:"slice_by,omitzero"`
		Slices      []jsonSlice      `json:"slices"`
		Reliability *jsonReliability `json:"reliability"` // of the win rates; null without a curve
		Misroutes   []jsonMisroute   `json:"misroutes"`   // the worst by lost quality, then by wasted money

		Notes      []string        `json:"notes"`
		Comparison *jsonComparison `json:"comparison,omitzero"` // with a base run, if there is one
		Gates      []jsonVerdict   `json:"gates"`
	}
	jsonValue struct {
		Unit     Unit     `json:"unit"` // "ratio", "share", "USD", "s" or "count"
		Center   jsonNum  `json:"center"`
		Lo       jsonNum  `json:"lo"` // null if there is no interval
		Hi       jsonNum  `json:"hi"`
		N        int      `json:"n"`                 // prompts, pairs or calls that it rests on
		Missing  string   `json:"missing,omitzero"`  // "unknown" or "n/a" if center is null
		Warnings []string `json:"warnings,omitzero"` // what to know before relying on it
	}
	jsonBaseline struct {
		Name        string    `json:"name"`
		StrongShare jsonValue `json:"strong_share"`
		Quality     jsonValue `json:"quality"`
		CostUSD     jsonValue `json:"cost_usd"`
		CostShare   jsonValue `json:"cost_share"`
		PGR         jsonValue `json:"pgr"`
	}
	jsonCandidate struct {
		Name             string         `json:"name"`
		Role             string         `json:"role,omitzero"` // "strong" or "weak"
		Routed           int            `json:"routed"`
		Outcomes         int            `json:"outcomes"`
		Failures         map[string]int `json:"failures"` // by class
		Retries          int            `json:"retries"`
		Warned           int            `json:"warned"`
		StoodIn          int            `json:"stood_in,omitzero"`
		ErrorRate        jsonValue      `json:"error_rate"`
		Quality          jsonValue      `json:"quality"`
		CostUSD          jsonValue      `json:"cost_usd"`
		PromptTokens     jsonValue      `json:"prompt_tokens"`
		CompletionTokens jsonValue      `json:"completion_tokens"`
		CachedTokens     jsonValue      `json:"cached_tokens"`    // of prompt_tokens
		ReasoningTokens  jsonValue      `json:"reasoning_tokens"` // of completion_tokens
		Throughput       jsonValue      `json:"throughput"`       // completion tokens per second of latency
		LoadTime         jsonValue      `json:"load_s"`           // seconds of loading the model
		LatencyP50       jsonValue      `json:"latency_p50_s"`
		LatencyP95       jsonValue      `json:"latency_p95_s"`
		LatencyP99       jsonValue      `json:"latency_p99_s"`
	}
	jsonSingle struct {
		Name     string    `json:"name"`
		Role     string    `json:"role,omitzero"`
		Quality  jsonValue `json:"quality"`
		CostUSD  jsonValue `json:"cost_usd"`
		Best     bool      `json:"best"`     // of all, the cheapest if several are
		Frontier bool      `json:"frontier"` // no mix of others is as good for its cost
	}
	jsonBandPoint struct {
		StrongShare jsonNum `json:"strong_share"`
		Quality     jsonNum `json:"quality"`
		Lo          jsonNum `json:"lo"`
		Hi          jsonNum `json:"hi"`
		CostUSD     jsonNum `json:"cost_usd"`
	}
	jsonSaving struct {
		Keep  jsonNum   `json:"keep"` // share of the strong model's quality
		Saved jsonValue `json:"saved"`
		At    jsonPoint `json:"at"`
	}
	jsonSlice struct {
		Name          string    `json:"name"`
		Prompts       int       `json:"prompts"`
		Pairs         int       `json:"pairs"`
		Small         bool      `json:"small"` // too few pairs for intervals
		StrongShare   jsonValue `json:"strong_share"`
		Quality       jsonValue `json:"quality"`
		WeakQuality   jsonValue `json:"weak_quality"`
		StrongQuality jsonValue `json:"strong_quality"`
		PGR           jsonValue `json:"pgr"`
		APGR          jsonValue `json:"apgr"`
		CostUSD       jsonValue `json:"cost_usd"`
		CostShare     jsonValue `json:"cost_share"`
	}
	jsonReliability struct {
		Bins  []jsonBin `json:"bins"` // ascending in win rate
		Brier jsonValue `json:"brier"`
		ECE   jsonValue `json:"ece"`
		AUROC jsonValue `json:"auroc"`
	}
	jsonBin struct {
		Lo      jsonNum   `json:"lo"`
		Hi      jsonNum   `json:"hi"`
		WinRate jsonNum   `json:"win_rate"` // mean
		Better  jsonValue `json:"better"`   // share on which strong is strictly better
		Pairs   int       `json:"pairs"`
	}
	jsonMisroute struct {
		Seq         int64        `json:"seq"`
		ID          string       `json:"id"`
		Category    string       `json:"category,omitzero"`
		Reference   string       `json:"reference,omitzero"`
		WinRate     jsonNum      `json:"win_rate"`
		Route       string       `json:"route"`
		Strong      jsonAnswered `json:"strong"`
		Weak        jsonAnswered `json:"weak"`
		LostQuality jsonNum      `json:"lost_quality"`
		WastedUSD   jsonNum      `json:"wasted_usd"`
	}
	jsonAnswered struct {
		Quality jsonNum `json:"quality"`
		CostUSD jsonNum `json:"cost_usd"`
		Answer  string  `json:"answer,omitzero"` // its beginning if it is long
	}
	jsonPoint struct {
		Threshold   jsonNum `json:"threshold"`
		StrongShare jsonNum `json:"strong_share"`
		Quality     jsonNum `json:"quality"`
		CostUSD     jsonNum `json:"cost_usd"`
		CostShare   jsonNum `json:"cost_share"`
		PGR         jsonNum `json:"pgr"`
	}
	jsonVerdict struct {
		Gate  string    `json:"gate"`
		Met   bool      `json:"met"`
		Value jsonValue `json:"value"`
	}
	jsonSweep struct {
		Schema string      `json:"schema"`
		Router string      `json:"router,omitzero"`
		Strong string      `json:"strong"`
		Weak   string      `json:"weak"`
		Pairs  int         `json:"pairs"`
		APGR   jsonValue   `json:"apgr"`
		Notes  []string    `json:"notes"`
		Points []jsonPoint `json:"points"` // every distinct win rate, from 0 to all strong
	}
)

// jsonNum is a number, or null where there is none.
type jsonNum float64

// MarshalJSONTo writes NaN and the infinities, which JSON does not have, as null.
func (n jsonNum) MarshalJSONTo(e *jsontext.Encoder) error {
	if !finite(float64(n)) {
		return e.WriteToken(jsontext.Null)
	}
	return e.WriteToken(jsontext.Float(float64(n)))
}

func writeJSON(w io.Writer, r *Report) error {
	out := jsonReport{
		Schema: reportSchema, Router: r.Router, Strong: r.Strong, Weak: r.Weak, Threshold: finiteOrNil(r.Threshold),
		Confidence: r.Confidence, Draws: r.Draws, Prompts: r.Prompts, Pairs: r.Pairs, Sampled: r.Sampled,
		ClusterBy: r.ClusterBy, Stratified: r.Stratified, SliceBy: r.SliceBy,
		Summary: r.Sentence(), Values: make(map[string]jsonValue), Notes: r.Notes,
		Reliability: r.Reliability.json(),
	}
	for _, v := range r.Values {
		out.Values[v.Name] = v.json()
	}
	for _, b := range r.Baselines {
		out.Baselines = append(out.Baselines, jsonBaseline{b.Name, b.StrongShare.json(), b.Quality.json(), b.CostUSD.json(), b.CostShare.json(), b.PGR.json()})
	}
	for _, c := range r.Candidates {
		out.Candidates = append(out.Candidates, c.json())
	}
	if r.Comparison != nil {
		out.Comparison = new(r.Comparison.json())
	}
	for _, v := range r.Verdicts {
		out.Gates = append(out.Gates, jsonVerdict{v.Gate.String(), v.Met, v.Value.json()})
	}
	for _, s := range r.Singles {
		out.Singles = append(out.Singles, jsonSingle{s.Name, s.Role, s.Quality.json(), s.CostUSD.json(), s.Best, s.Frontier})
	}
	for _, s := range r.Slices {
		out.Slices = append(out.Slices, s.json())
	}
	for _, m := range r.Misroutes {
		out.Misroutes = append(out.Misroutes, m.json())
	}
	if r.Curve != nil {
		r.jsonCurve(&out)
	}
	return write(w, out)
}

func (r *Report) jsonCurve(out *jsonReport) {
	out.Curve = jsonPoints(r.Curve, r.Curve.thinned(100))
	for _, p := range r.Band {
		out.Band = append(out.Band, jsonBandPoint{jsonNum(p.StrongShare), jsonNum(p.Quality), jsonNum(p.QualityLo), jsonNum(p.QualityHi), jsonNum(p.CostUSD)})
	}
	for _, s := range r.Savings {
		out.Savings = append(out.Savings, jsonSaving{jsonNum(s.Keep), s.Saved.json(), jsonPoints(r.Curve, []Point{s.At})[0]})
	}
}

func (s *Slice) json() jsonSlice {
	return jsonSlice{
		Name: s.Name, Prompts: s.Prompts, Pairs: s.Pairs, Small: s.Small, StrongShare: s.StrongShare.json(), Quality: s.Quality.json(),
		WeakQuality: s.WeakQuality.json(), StrongQuality: s.StrongQuality.json(), PGR: s.PGR.json(), APGR: s.APGR.json(),
		CostUSD: s.CostUSD.json(), CostShare: s.CostShare.json(),
	}
}

func (r *Reliability) json() *jsonReliability {
	if r == nil {
		return nil
	}
	out := &jsonReliability{Brier: r.Brier.json(), ECE: r.ECE.json(), AUROC: r.AUROC.json()}
	for _, b := range r.Bins {
		out.Bins = append(out.Bins, jsonBin{jsonNum(b.Lo), jsonNum(b.Hi), jsonNum(b.WinRate), b.Better.json(), b.Pairs})
	}
	return out
}

func (m *Misroute) json() jsonMisroute {
	side := func(a Answered) jsonAnswered { return jsonAnswered{jsonNum(a.Quality), jsonNum(a.CostUSD), a.Answer} }
	return jsonMisroute{
		m.Seq, m.PromptID, m.Category, m.Reference, jsonNum(m.WinRate), m.Route, side(m.Strong), side(m.Weak),
		jsonNum(m.LostQuality), jsonNum(m.WastedUSD),
	}
}

func writeSweepJSON(w io.Writer, r *Report) error {
	if r.Curve == nil {
		return noCurve(r)
	}
	return write(w, jsonSweep{
		Schema: sweepSchema, Router: r.Router, Strong: r.Strong, Weak: r.Weak, Pairs: r.Pairs,
		APGR: r.must("apgr").json(), Notes: r.Notes, Points: jsonPoints(r.Curve, r.Curve.Points),
	})
}

func write(w io.Writer, v any) error {
	if err := json.MarshalWrite(w, v, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func finiteOrNil(x *float64) *float64 {
	if x == nil || math.IsInf(*x, 0) {
		return nil
	}
	return x
}

func (v Value) json() jsonValue {
	return jsonValue{v.Unit, jsonNum(v.Center), jsonNum(v.Lo), jsonNum(v.Hi), v.N, v.Missing, v.Warnings}
}

func (c *Candidate) json() jsonCandidate {
	return jsonCandidate{
		Name: c.Name, Role: c.Role, Routed: c.Routed, Outcomes: c.Outcomes,
		Failures: c.Failures, Retries: c.Retries, Warned: c.Warned, StoodIn: c.StoodIn,
		ErrorRate: c.ErrorRate.json(), Quality: c.Quality.json(), CostUSD: c.CostUSD.json(),
		PromptTokens: c.PromptTokens.json(), CompletionTokens: c.CompletionTokens.json(),
		CachedTokens: c.CachedTokens.json(), ReasoningTokens: c.ReasoningTokens.json(),
		Throughput: c.Throughput.json(), LoadTime: c.LoadTime.json(),
		LatencyP50: c.LatencyP50.json(), LatencyP95: c.LatencyP95.json(), LatencyP99: c.LatencyP99.json(),
	}
}

func jsonPoints(c *Curve, points []Point) []jsonPoint {
	out := make([]jsonPoint, len(points))
	for i, p := range points {
		out[i] = jsonPoint{
			jsonNum(p.Threshold), jsonNum(p.StrongShare), jsonNum(p.Quality),
			jsonNum(p.CostUSD), jsonNum(c.CostShare(p)), jsonNum(p.PGR),
		}
	}
	return out
}
