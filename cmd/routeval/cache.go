package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"routeval/datasets"
	"routeval/providers"
)

// noCache is the spec's and the flag's word for no embedding cache.
const noCache = "off"

// cacheDir is the default place of the embedding cache: the user's cache
// directory by the XDG rules; none for a user without a home.
func cacheDir(w *world) string {
	base := w.env("XDG_CACHE_HOME")
	if home := w.env("HOME"); base == "" && home != "" {
		base = filepath.Join(home, ".cache")
	}
	if base == "" {
		return noCache
	}
	return filepath.Join(base, "routeval", "embeddings")
}

// cached lays the cache of the spec over an embedder, and gives what closes it.
// What one endpoint's model makes of a text is never taken for another's.
func cached(e providers.Embedder, client providers.Client, m datasets.Model, dir string) (providers.Embedder, func() error, error) {
	if dir == noCache {
		return e, func() error { return nil }, nil
	}
	cache, err := providers.OpenCache(dir, 0)
	if err != nil {
		return nil, nil, err
	}
	return providers.Cached(e, cache, embeddingFingerprint(client, m)), cache.Close, nil
}

// embeddingFingerprint names the space of an embedding model behind an endpoint.
func embeddingFingerprint(client providers.Client, m datasets.Model) string {
	endpoint := ""
	if located, ok := client.(providers.Located); ok {
		endpoint = located.Endpoint()
	}
	params := datasets.Spec{Embedding: &datasets.Model{Params: m.Params}}
	return digest(fmt.Appendf(nil, "%s\n%s\n%s\n%v", m.Provider, endpoint, m.Model, params.Fields()))[:32]
}

func cacheCommand(w *world) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "cache",
		Short: "Show the embedding cache, or prune it",
		Long: `Embeddings that were asked of an endpoint are kept on disk, by model and text, and
every command takes them from there. Cache shows what is kept.` + exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval cache
  routeval cache prune --max-bytes 100000000`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return withCache(w, dir, func(cache *providers.Cache) error {
				s := cache.Stats()
				_, err := fmt.Fprintf(w.stdout, "%s: %d embeddings, %d bytes of at most %d, %d segments\n", s.Dir, s.Vectors, s.Bytes, s.MaxBytes, s.Segments)
				return err
			})
		},
	}
	c.PersistentFlags().StringVar(&dir, "dir", "", "the cache's directory (default routeval/embeddings in the user's cache directory)")
	c.AddCommand(pruneCommand(w, &dir))
	return c
}

func pruneCommand(w *world, dir *string) *cobra.Command {
	var maxBytes int64
	c := &cobra.Command{
		Use:     "prune --max-bytes N",
		Short:   "Remove the oldest embeddings",
		Long:    "Prune removes the oldest embeddings until the cache holds at most so many bytes." + exits(statusDone, statusStopped, statusUsage),
		Example: `  routeval cache prune --max-bytes 0`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !c.Flags().Changed("max-bytes") || maxBytes < 0 {
				return usage(errors.New("--max-bytes: say how many bytes may stay"))
			}
			return withCache(w, *dir, func(cache *providers.Cache) error {
				if err := cache.Prune(maxBytes); err != nil {
					return err
				}
				s := cache.Stats()
				_, err := fmt.Fprintf(w.stdout, "%s: %d embeddings, %d bytes left\n", s.Dir, s.Vectors, s.Bytes)
				return err
			})
		},
	}
	c.Flags().Int64Var(&maxBytes, "max-bytes", 0, "bytes that may stay (required)")
	return c
}

func withCache(w *world, dir string, do func(*providers.Cache) error) error {
	if dir = cmp.Or(dir, cacheDir(w)); dir == noCache {
		return usage(errors.New("--dir: missing: there is no HOME to have a cache in"))
	}
	cache, err := providers.OpenCache(dir, 0)
	if err != nil {
		return err
	}
	return errors.Join(do(cache), cache.Close())
}
