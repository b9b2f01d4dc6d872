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
		Threshold  *float64             `json:"threshold"`  // in force; null if the router has none
		Confidence float64              `json:"confidence"` // of lo and hi
		Draws      int                  `json:"draws"`      // of the bootstrap
		Prompts    int                  `json:"prompts"`
		Pairs      int                  `json:"pairs"`
		Sampled    bool                 `json:"sampled"` // pairs are weighted by 1/propensity
		Summary    string               `json:"summary"` // one sentence
		Values     map[string]jsonValue `json:"values"`  // by name, as in gates
		Baselines  []jsonBaseline       `json:"baselines"`
		Candidates []jsonCandidate      `json:"candidates"`
		Curve      []jsonPoint          `json:"curve"` // about one point for each percent of the strong share; all are in the sweep
		Notes      []string             `json:"notes"`
		Gates      []jsonVerdict        `json:"gates"`
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
		LatencyP50       jsonValue      `json:"latency_p50_s"`
		LatencyP95       jsonValue      `json:"latency_p95_s"`
		LatencyP99       jsonValue      `json:"latency_p99_s"`
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
		Summary: r.Sentence(), Values: make(map[string]jsonValue), Notes: r.Notes,
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
	for _, v := range r.Verdicts {
		out.Gates = append(out.Gates, jsonVerdict{v.Gate.String(), v.Met, v.Value.json()})
	}
	if r.Curve != nil {
		out.Curve = jsonPoints(r.Curve, r.Curve.thinned(100))
	}
	return write(w, out)
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
