package tasks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/eds"
)

// edsDirs are the folders of evolution-data-server.
func (w *Worker) edsDirs() eds.Dirs {
	return eds.Dirs{Data: filepath.Join(w.cfg.Dirs.Data, "evolution"), Cache: filepath.Join(w.cfg.Dirs.Cache, "evolution")}
}

// findTrash adds what evolution-data-server kept of the account's stores when
// they were removed: a contact made without network lies only there.
func (s *survey) findTrash(ctx context.Context) {
	if !s.job.Unbound {
		return
	}
	m, err := s.w.recall(s.job.Departure.Account.ID)
	if err != nil {
		s.lack("internal", err.Error())
		return
	}
	dirs := s.w.edsDirs()
	for _, b := range m.Books {
		found, err := eds.Trash(ctx, dirs, []string{b.UID})
		if err != nil {
			s.lack("trash", "what this device kept of "+b.Source.Name+" could not be looked at: "+err.Error())
			continue
		}
		if len(found) > 0 {
			s.addTrash(ctx, b, found)
		}
	}
}

// errNoFolder: a store's name is none that a folder can have.
var errNoFolder = errors.New("no folder can have its name, so it cannot be looked for")

// trashFolder is one folder of the trash of a store.
type trashFolder struct {
	at    int // among the folders of its store
	files *source.Folder
	only  string // the one file of it that counts, beside what is kept of other stores
}

// items are the files of the folder, named by it too: two may hold a file of one
// name.
func (f trashFolder) items(ctx context.Context) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for item, err := range f.files.Items(ctx) {
			failed, ofItem := errors.AsType[*source.Failed](err)
			if f.only != "" && item.ID != f.only && (err == nil || ofItem) {
				continue
			}
			item.ID = fmt.Sprintf("%d/%s", f.at, item.ID)
			if ofItem {
				failed.Item.ID = item.ID
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

// addTrash adds the folders that were moved away with one store.
func (s *survey) addTrash(ctx context.Context, b bookMemory, found []eds.Trashed) {
	src := b.Source
	src.ID, src.Trash, src.TrashOf = departure.SourceID("trash:"+b.UID), true, b.Source.ID
	src.Name = "what this device kept of " + b.Source.Name
	o := &origin{src: src}
	s.add(o)
	var folders []trashFolder
	var nowhere []source.Item // what no folder can be looked for
	for _, t := range found {
		if t.Root == "" {
			nowhere = append(nowhere, source.Item{Key: source.Key{Ref: o.ref(s.job), ID: "nowhere/" + t.UID}, Name: t.UID})
			continue
		}
		_, err := s.w.stated(ctx, t.Root)
		var root *scan.Root
		if err == nil {
			root, err = scan.Open(t.Root)
		}
		if err != nil {
			o.why = departure.Reason{Code: "trash", Text: src.Name + " could not be opened: " + err.Error()}
			return
		}
		s.roots = append(s.roots, root)
		kind := "data"
		if t.Cache {
			kind = "cache"
		}
		f := trashFolder{at: len(folders), files: &source.Folder{Ref: o.ref(s.job), Root: root, Folder: "trash/" + t.Component + "-" + kind + "-" + t.UID, Now: s.w.cfg.Clock.Now}}
		if filepath.Base(t.Root) != t.UID {
			f.only = t.UID
		}
		folders = append(folders, f)
	}
	o.list = func(ctx context.Context, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		return func(yield func(source.Item, error) bool) {
			for _, item := range nowhere {
				if !yield(item, &source.Failed{Item: item, Reason: source.Unreadable, Err: errNoFolder}) {
					return
				}
			}
			for _, f := range folders {
				for item, err := range f.items(ctx) {
					if !yield(item, err) {
						return
					}
				}
			}
		}
	}
}
