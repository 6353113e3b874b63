package tasks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
)

// InspectSource opens a folder, a file or an archive as a source.
func (w *Worker) InspectSource(ctx context.Context, d departure.Dataset, at string, beside []engine.GivenSource) (engine.GivenSource, error) {
	g := engine.GivenSource{Dataset: d, Path: filepath.Clean(at)}
	refuse := func(format string, args ...any) (engine.GivenSource, error) {
		return g, &engine.RefusedError{Code: "invalid", Text: fmt.Sprintf(format, args...)}
	}
	if !filepath.IsAbs(at) {
		return refuse("give the whole path of the folder, from / on")
	}
	if strings.ToValidUTF8(at, "\uFFFD") != at {
		return refuse("the path of that folder cannot be written as text; rename it first")
	}
	info, err := w.stated(ctx, g.Path)
	var silent *noAnswer
	switch {
	case errors.As(err, &silent):
		return refuse("%v", err)
	case errors.Is(err, os.ErrNotExist):
		return refuse("%s is not there", g.Path)
	}
	var packed given
	var isPacked bool
	if err == nil {
		packed, isPacked, err = w.givenArchive(ctx, g.Path)
	}
	as, name := "given:", g.Path
	switch {
	case err != nil:
		return refuse("%s cannot be looked at: %v", g.Path, err)
	case isPacked:
		if err := w.inspectArchive(ctx, packed, d); err != nil {
			return refuse("%s cannot be taken for your %s: %v", g.Path, d, err)
		}
		as = exportPrefix
		if info.Mode().IsRegular() { // whichever part is named, it is the whole export
			name = filepath.Join(packed.folder, packed.found.Name)
		}
	case info.Mode().IsRegular():
		if ext := wholeFile(d); ext == "" || !strings.EqualFold(filepath.Ext(g.Path), ext) {
			return refuse("%s is a file; give the folder that holds the %s", g.Path, d)
		}
	case !info.IsDir():
		return refuse("%s is neither a folder nor a file", g.Path)
	}
	g.ID = departure.SourceID(as + string(d) + ":" + string(departure.DigestOf(name))[:16])
	for _, k := range beside {
		if k.Dataset != d || k.ID == g.ID {
			continue
		}
		switch nested, err := asked(ctx, w, k.Path, func() (bool, error) { return overlap(g.Path, k.Path) }); {
		case err != nil:
			return refuse("it cannot be told whether %s lies in %s, which was given already: %v", g.Path, k.Path, err)
		case nested:
			return refuse("%s lies in or around %s, which was given already: its %s would count twice", g.Path, k.Path, d)
		}
	}
	return g, nil
}

// wholeFile is the extension of the files that hold many items of a dataset.
func wholeFile(d departure.Dataset) string {
	switch d {
	case departure.Contacts:
		return ".vcf"
	case departure.Calendars:
		return ".ics"
	}
	return ""
}

// findGiven adds the folders and files that the person named.
func (s *survey) findGiven(ctx context.Context) {
	for _, g := range s.job.Given {
		src := departure.Source{ID: g.ID, Dataset: g.Dataset, Fate: departure.Lost, Given: true, Name: g.Path}
		if strings.HasPrefix(string(g.ID), exportPrefix) {
			s.addArchive(ctx, src, g.Path)
			continue
		}
		s.addFolder(ctx, src, g.Path)
	}
}

// ownPictures are this device's own pictures.
var ownPictures = departure.Source{ID: "pictures", Dataset: departure.Photos, Fate: departure.Stays, Name: "pictures on this device"}

// findPictures adds this device's own pictures, where they count.
func (s *survey) findPictures(ctx context.Context) {
	src := ownPictures
	if s.w.cfg.Dirs.Pictures == "" || !s.job.Departure.Required(src) {
		return
	}
	if _, err := s.w.stated(ctx, s.w.cfg.Dirs.Pictures); errors.Is(err, os.ErrNotExist) {
		return
	}
	s.addFolder(ctx, src, s.w.cfg.Dirs.Pictures)
}

// stated is what a path is, links followed.
func (w *Worker) stated(ctx context.Context, at string) (os.FileInfo, error) {
	return asked(ctx, w, at, func() (os.FileInfo, error) { return w.stat(at) })
}

func (s *survey) addFolder(ctx context.Context, src departure.Source, at string) {
	o := &origin{src: src, rehash: true, same: make(map[string]string)}
	s.add(o)
	folder, only := at, ""
	if info, err := s.w.stated(ctx, at); unanswered(err) {
		o.why = departure.Reason{Code: "folder", Text: err.Error()} // which names it
		return
	} else if err == nil && info.Mode().IsRegular() {
		folder, only = filepath.Dir(at), filepath.Base(at)
	}
	root, err := scan.Open(folder)
	if err != nil {
		o.why = departure.Reason{Code: "folder", Text: src.Name + " could not be opened: " + err.Error()}
		return
	}
	s.roots = append(s.roots, root)
	ext := wholeFile(src.Dataset)
	f := &source.Folder{Ref: o.ref(s.job), Root: root, Folder: filepath.Base(at), Now: s.w.cfg.Clock.Now, Match: func(p string) bool {
		if only != "" {
			return p == only
		}
		return ext == "" || strings.EqualFold(filepath.Ext(p), ext)
	}}
	if id := s.job.Destination.BagID; id != "" {
		f.BagIDs = map[string]bool{bagOf(id): true}
	}
	o.list = func(ctx context.Context, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		switch {
		case ext != "":
			return split(ctx, f.Items(ctx), o.same)
		case src.Dataset == departure.Notes:
			return f.NoteItems(ctx)
		}
		return f.Items(ctx)
	}
}

// split takes the files of contacts or calendars of a folder apart, one item a
// contact or calendar object. What does not parse is an item as it stands. What
// each item is, whichever file it stands in, is noted in same by the item's id.
func split(ctx context.Context, files iter.Seq2[source.Item, error], same map[string]string) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for file, err := range files {
			if err != nil {
				if !yield(file, err) {
					return
				}
				continue
			}
			items, err := source.SplitFile(ctx, &file)
			if err != nil {
				err = &source.Failed{Item: file, Reason: source.Unreadable, Err: err}
				if !yield(file, err) {
					return
				}
				continue
			}
			for _, item := range items {
				same[item.ID] = strings.TrimPrefix(item.ID, file.ID+"/")
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
