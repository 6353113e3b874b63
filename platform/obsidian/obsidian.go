// Package obsidian finds the vaults of Obsidian: folders of Markdown notes with
// what they show. It fills dataset.Finder.
//
// It imports platform/dataset, platform/xdg, backup/scan, backup/source, and
// agent/departure for the words.
//
// Invariants:
//   - A vault is this device's own: what syncs it is not known from here.
//   - A file that a note shows and that is not in the vault fails by name.
//
// Source: Obsidian's help, "How Obsidian stores data" (obsidian.json in its
// configuration folder lists the vaults by their paths).
package obsidian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/xdg"
)

const (
	maxSettings = 4 << 20
	maxVaults   = 500
)

// Finder finds Obsidian's vaults.
type Finder struct{ dirs xdg.Dirs }

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "obsidian" }

// Find lists every vault that is there, each once.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	known := make(map[string]bool) // two homes may name one vault
	return dataset.InHomes(ctx, f.dirs, func(h xdg.Home) ([]dataset.Store, error) {
		at := filepath.Join(h.Config, "obsidian/obsidian.json")
		raw, err := xdg.ReadFile(at, maxSettings)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		var paths []string
		if err == nil {
			paths, err = vaults(raw)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", at, err)
		}
		var stores []dataset.Store
		for _, p := range paths {
			if _, err := os.Lstat(p); known[p] || errors.Is(err, fs.ErrNotExist) {
				continue // it was moved, or lies on a disk that is away
			}
			known[p] = true
			stores = append(stores, vault(p))
		}
		return stores, nil
	})
}

// vaults are the folders that a list of vaults names.
func vaults(raw []byte) ([]string, error) {
	var list struct {
		Vaults map[string]struct {
			Path string `json:"path"`
		} `json:"vaults"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	if len(list.Vaults) > maxVaults {
		return nil, fmt.Errorf("%d vaults are more than the %d that can be handled", len(list.Vaults), maxVaults)
	}
	var paths []string
	for _, v := range list.Vaults {
		if !filepath.IsAbs(v.Path) {
			return nil, fmt.Errorf("%q is no path of a vault", v.Path)
		}
		paths = append(paths, filepath.Clean(v.Path))
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// vault is the store of one vault, known by where it lies.
func vault(at string) dataset.Store {
	s := dataset.Store{ID: departure.SourceID("obsidian:" + string(departure.DigestOf(at))[:16]), Dataset: departure.Notes,
		Name: filepath.Base(at) + " (Obsidian)", Folder: at, Watched: []string{at}}
	root, err := scan.Open(at)
	if err != nil {
		return dataset.Unreadable(s, err)
	}
	s.Close = root.Close
	s.List = func(ctx context.Context, ref source.Ref, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		f := &source.Folder{Ref: ref, Root: root, Folder: s.Name}
		return f.NoteItems(ctx)
	}
	return s
}
