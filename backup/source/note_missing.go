package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"strings"

	"github.com/clearance-project/clearance/backup/scan"
)

// NoteItems lists a folder of Markdown notes: its files as [Folder.Items] does,
// and after each note, as [*Failed], every file that the note shows and that is
// not in the folder. A note whose references cannot be read is one such failure.
func (f *Folder) NoteItems(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		beneath, err := os.OpenRoot(f.Root.Path())
		if err != nil {
			yield(Item{Key: Key{Ref: f.Ref}}, &Incomplete{Ref: f.Ref, Err: err})
			return
		}
		defer beneath.Close()
		notes := NewNoteFolder(beneath.FS(), f.Root.Path())
		for it, err := range f.Items(ctx) {
			if !yield(it, err) {
				return
			}
			if err != nil || !markdown(it.Ext) {
				continue
			}
			lacking, answered := scan.Ask(f.Root.Path(), scan.Patience, func() []*Failed { return notes.lacking(&it) })
			if !answered {
				yield(Item{Key: Key{Ref: f.Ref}}, &Incomplete{Ref: f.Ref, Err: scan.ErrNoAnswer})
				return
			}
			for _, e := range lacking {
				if !yield(e.Item, e) {
					return
				}
			}
		}
	}
}

func markdown(ext string) bool {
	return strings.EqualFold(ext, ".md") || strings.EqualFold(ext, ".markdown")
}

// lacking names what a note shows and what is not there, each once.
func (f *NoteFolder) lacking(note *Item) []*Failed {
	refs, err := references(note)
	var failed []*Failed
	if err != nil {
		failed = append(failed, reference(note, "", fmt.Errorf("cannot look for the files that the note shows: %w", err)))
	}
	_, missing := f.Resolve(note.Path, refs)
	seen := map[string]bool{}
	for _, m := range missing {
		if !seen[m.Target] {
			seen[m.Target] = true
			failed = append(failed, reference(note, m.Target, m))
		}
	}
	return failed
}

func references(note *Item) (refs []NoteReference, err error) {
	in, _, err := note.File.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	text, err := io.ReadAll(io.LimitReader(in, MaxNote+1))
	if err != nil {
		return nil, err
	}
	return NoteReferences(text)
}

// reference is the failure for what a note shows. No file has such an id: there
// is no empty name in a path. It is as old as the note.
func reference(note *Item, target string, err error) *Failed {
	it := Item{
		Key: Key{Ref: note.Ref, ID: note.ID + "//" + target}, Name: target, Path: note.Path + "//" + target,
		Folder: note.Folder, Rev: note.Rev, Unsettled: note.Unsettled, Size: -1, ModTime: note.ModTime,
	}
	if target == "" {
		it.Name = path.Base(note.Path)
	}
	return &Failed{Item: it, Reason: NoteFile, Err: err}
}
