package gnote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
	"github.com/clearance-project/clearance/platform/xdg"
)

// programs keep their notes in a folder of this name in the data folder.
var programs = []struct{ folder, name string }{
	{"gnote", "Gnote"}, {"tomboy", "Tomboy"}, {"tomboy-ng", "Tomboy-ng"}, {"bijiben", "GNOME Notes"},
}

// Finder finds the notes.
type Finder struct{ dirs xdg.Dirs }

// New finds in a person's folders.
func New(dirs xdg.Dirs) *Finder { return &Finder{dirs} }

// Name is the beginning of every store's id.
func (*Finder) Name() string { return "gnote" }

// Find lists the folder of each program that has one.
func (f *Finder) Find(ctx context.Context) ([]dataset.Store, error) {
	return dataset.InHomes(ctx, f.dirs, func(h xdg.Home) ([]dataset.Store, error) {
		var stores []dataset.Store
		for _, p := range programs {
			at := filepath.Join(h.Data, p.folder)
			s := dataset.Store{ID: departure.SourceID("gnote:" + h.App + ":" + p.folder), Dataset: departure.Notes, Name: "notes in " + p.name}
			switch _, err := os.Lstat(at); {
			case errors.Is(err, fs.ErrNotExist):
				continue
			case err != nil:
				stores = append(stores, dataset.Unreadable(s, err))
				continue
			}
			s = dataset.OfFolder(s, at, p.name, dataset.Flat(".note"))
			if s.List != nil {
				s.List = withText(s.List)
			}
			stores = append(stores, s)
		}
		return stores, nil
	})
}

// withText lists, after each note's file, the text made of it.
func withText(list dataset.Lister) dataset.Lister {
	return func(ctx context.Context, ref source.Ref, want func(*source.Item) bool) iter.Seq2[source.Item, error] {
		return func(yield func(source.Item, error) bool) {
			for it, err := range list(ctx, ref, want) {
				if !yield(it, err) || (err == nil && !yield(text(it), nil)) {
					return
				}
			}
		}
	}
}

// text is the item of a note's Markdown.
func text(note source.Item) source.Item {
	it := note
	it.ID += "#text"
	it.Path = strings.TrimSuffix(note.Path, filepath.Ext(note.Path)) + ".md"
	it.Name, it.Ext, it.Size, it.File = it.Path, ".md", -1, nil
	it.Open = func(context.Context) (_ io.ReadCloser, err error) {
		f, _, err := note.File.Open()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		raw, err := io.ReadAll(io.LimitReader(f, source.MaxNote+1))
		if err != nil {
			return nil, err
		}
		n, err := parse(raw)
		if err != nil {
			return nil, fmt.Errorf("the note is not understood: %w", err)
		}
		return io.NopCloser(bytes.NewReader(n.markdown())), nil
	}
	return it
}
