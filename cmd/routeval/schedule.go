package main

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"routeval/datasets"
	"routeval/pipeline"
	"routeval/providers"
)

// schedule decides, without asking anybody, whether prompts are executed model by model.
func (b *built) schedule(w *world, r *resolved) {
	if r.Schedule == datasets.Grouped || r.Schedule == datasets.AutoSchedule && r.swapsModels(w) {
		b.Chunk = cmp.Or(r.Chunk, pipeline.DefaultChunk)
	}
}

// swapsModels reports whether two candidates are different models on one Ollama
// server that may not keep both loaded: it is not known to, by the variable that
// the server and this program would share.
func (r *resolved) swapsModels(w *world) bool {
	models := map[string]map[string]bool{} // by server
	most := 0
	for _, m := range r.Models {
		if preset, _ := providers.LookupPreset(m.Provider); preset.Kind != "ollama" {
			continue
		}
		if models[m.BaseURL] == nil {
			models[m.BaseURL] = map[string]bool{}
		}
		models[m.BaseURL][m.Model] = true
		most = max(most, len(models[m.BaseURL]))
	}
	loaded, _ := strconv.Atoi(w.env("OLLAMA_MAX_LOADED_MODELS"))
	return most > 1 && loaded < most
}

const askLoadedTimeout = 5 * time.Second

// interleaveLoaded gives up a schedule that was chosen for want of knowledge if the
// servers hold all candidates' models side by side now. One that does not answer soon, or
// has yet to load a model, is taken for one that keeps a single model.
func (b *built) interleaveLoaded(ctx context.Context, r *resolved) {
	if b.Chunk == 0 || r.Schedule != datasets.AutoSchedule {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askLoadedTimeout)
	defer cancel()
	for _, c := range b.loaders {
		if loaded, err := c.Loaded(ctx); err != nil || !loaded {
			return
		}
	}
	b.Chunk = 0
}
