package reports

import (
	"cmp"
	"context"
	"slices"
)

// A Slice is the prompts that share one value of a field, looked at as a run of
// their own.
type Slice struct {
	Name    string // the value of the field; "" for prompts that have none
	Prompts int
	Pairs   int
	Small   bool // too few pairs for intervals

	StrongShare   Value // routed to the strong model
	Quality       Value // of the routed answers
	WeakQuality   Value
	StrongQuality Value
	PGR           Value // of the routed answers
	APGR          Value // over all thresholds
	CostUSD       Value // of the routed answers
	CostShare     Value // of what strong-only costs
}

// maxSlices bounds a report that is sliced by what tells every prompt apart.
const maxSlices = 100

// sliced makes the slices, the largest first, and says how many more there are.
// Each has its own bootstrap, within itself. A field with one value only slices
// nothing.
func sliced(ctx context.Context, rows *rows) ([]Slice, int, error) {
	if len(rows.slices.names) < 2 {
		return nil, 0, nil
	}
	groups := grouping(rows.list, func(r *row) uint32 { return r.slice })
	slices.SortStableFunc(groups, func(a, b []uint32) int { return cmp.Compare(len(b), len(a)) })
	more := max(len(groups)-maxSlices, 0)
	var out []Slice
	var list []row
	for _, members := range groups[:len(groups)-more] {
		list = list[:0]
		for _, i := range members {
			list = append(list, rows.list[i])
		}
		s, err := newSlice(ctx, rows, list)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, s)
	}
	return out, more, nil
}

func newSlice(ctx context.Context, rows *rows, list []row) (Slice, error) {
	opts := rows.opts
	opts.Stratify = false // a slice is one stratum
	opts.RoutingUSD = rows.opts.routingOf(len(list), len(rows.list))
	f, err := gather(list, opts)
	if err != nil {
		return Slice{}, err
	}
	if err := f.doubt(ctx, false); err != nil {
		return Slice{}, err
	}
	return Slice{
		Name: rows.slices.names[list[0].slice], Prompts: len(list), Pairs: len(f.pairs), Small: len(f.pairs) < minPairs,
		StrongShare: f.value("strong_share"), Quality: f.value("quality"),
		WeakQuality: f.value("weak_quality"), StrongQuality: f.value("strong_quality"),
		PGR: f.value("pgr"), APGR: f.value("apgr"),
		CostUSD: f.value("cost_usd"), CostShare: f.value("cost_share"),
	}, nil
}
