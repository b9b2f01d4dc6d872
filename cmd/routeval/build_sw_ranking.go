package main

import (
	"errors"
	"fmt"
	"slices"

	"routeval/datasets"
	"routeval/scoring"
)

// buildSWRanking weighs battles by how similar their prompts are.
func (b *built) buildSWRanking(w *world, r *resolved) error {
	if r.Router.Battles == "" {
		return errors.New("router.battles: missing: name a file of preferences between models, as RouteLLM or Chatbot Arena have them")
	}
	battles, asked, err := b.readBattles(r.Router.Battles)
	if err != nil {
		return fmt.Errorf("router.battles: %w", err)
	}
	space, table, err := b.vectorsOf(w, r, asked)
	if err != nil {
		return err
	}
	models := map[string]bool{}
	for _, battle := range battles {
		models[battle.ModelA], models[battle.ModelB] = true, true
	}
	strong, weak := r.sides()
	in := func(name string) bool { return models[name] }
	s, k := slices.IndexFunc(strong, in), slices.IndexFunc(weak, in)
	if s < 0 || k < 0 {
		return fmt.Errorf("router.battles: %s: no battles of both %q and %q (have %s); router.scoring_pair names others", r.Router.Battles, strong, weak, known(models))
	}
	b.Scorer, err = scoring.NewSWRanking(space, battles, table, strong[s], weak[k], scoring.SWRankingOptions{})
	if err != nil {
		return fmt.Errorf("router: %w", err)
	}
	return nil
}

// readBattles reads preferences whose prompts are long enough for RouteLLM; of a
// file without prompts, all.
func (b *built) readBattles(file string) (battles []scoring.Battle, asked []remembered, err error) {
	verdicts := map[datasets.Winner]scoring.Verdict{datasets.WinnerA: scoring.AWins, datasets.WinnerB: scoring.BWins, datasets.NoWinner: scoring.Tie}
	for p, err := range datasets.Preferences([]string{file}, datasets.Options{}) {
		if err != nil {
			return nil, nil, err
		}
		if p.Prompt != "" && !scoring.LongEnough(p.Prompt) {
			continue
		}
		battles = append(battles, scoring.Battle{ModelA: p.ModelA, ModelB: p.ModelB, Verdict: verdicts[p.Winner]})
		asked = append(asked, remembered{p.ID, p.Prompt, true})
	}
	if len(battles) == 0 {
		return nil, nil, fmt.Errorf("%s: no battles", file)
	}
	return battles, asked, b.digestFiles([]string{file})
}
