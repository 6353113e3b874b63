package tasks

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"path"
	"slices"
	"strings"
	"unique"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

// findServer adds what the account holds at its server. Each dataset that the
// provider is known to hold has an origin, if only one that says why it cannot
// be listed.
func (s *survey) findServer(ctx context.Context) {
	sess, why := s.w.serverSession(ctx, s.job, s.in)
	s.session = sess
	for _, d := range s.job.Datasets {
		if sess == nil {
			s.addUnasked(d, why)
			continue
		}
		if s.carry(ctx, d) {
			continue
		}
		if s.differs {
			return
		}
		switch d {
		case departure.Contacts:
			s.findCollections(ctx, d, sess.client.AddressBooks)
		case departure.Calendars:
			s.findCollections(ctx, d, sess.client.Calendars)
		default:
			s.findFiles(ctx, d)
		}
	}
}

// serverOrigin is an origin at the server. at is the collection's path, empty
// where there is none or it is not known.
func (s *survey) serverOrigin(d departure.Dataset, at string, why departure.Reason) *origin {
	name := string(d) + " at the server"
	if at != "" {
		name += " (" + path.Base(at) + ")"
	}
	return &origin{why: why, src: departure.Source{
		ID: serverID(d, at), Dataset: d, Fate: departure.Lost, Remote: true, OfAccount: true, Name: name,
	}}
}

func serverID(d departure.Dataset, at string) departure.SourceID {
	return departure.SourceID("server:" + string(d) + ":" + at)
}

// findCollections adds the account's address books, or its calendars and task
// lists. Where there is none, one origin says that there are no items.
func (s *survey) findCollections(ctx context.Context, d departure.Dataset, find func(context.Context) (dav.Collections, error)) {
	cs, err := find(ctx)
	if err != nil {
		s.addUnasked(d, s.serverReason(string(d)+" at the server", err))
		return
	}
	s.found[d] = cs
	defer s.rememberCollections(d)
	if !slices.ContainsFunc(cs.Found, ownCollection) {
		o := s.serverOrigin(d, "", departure.Reason{})
		o.list = func(context.Context, func(*source.Item) bool) iter.Seq2[source.Item, error] {
			return func(func(source.Item, error) bool) {}
		}
		s.add(o)
	}
	for _, c := range cs.Found {
		o := s.serverOrigin(d, c.Path, departure.Reason{})
		if c.Title != "" {
			o.src.Name = string(d) + " at the server (" + c.Title + ")"
		}
		if !ownCollection(c) {
			shared(&o.src, c.SharedBy)
		}
		o.rehash = true
		o.list = func(ctx context.Context, want func(*source.Item) bool) iter.Seq2[source.Item, error] {
			return s.listCollection(ctx, o, c, want)
		}
		s.add(o)
	}
}

// addUnasked adds what was last found at the server while it cannot be asked:
// its rows of the seal stand for it, and nothing counts as gone.
func (s *survey) addUnasked(d departure.Dataset, why departure.Reason) {
	m, err := s.w.recall(s.job.Departure.Account.ID)
	if err != nil {
		s.lack("internal", err.Error())
	}
	found := false
	for _, src := range m.Collections {
		if src.Dataset == d {
			s.add(&origin{src: src, why: why})
			found = found || src.SharedBy == ""
		}
	}
	if !found {
		s.add(s.serverOrigin(d, "", why))
	}
}

// rememberCollections keeps which collections of a dataset the server has.
func (s *survey) rememberCollections(d departure.Dataset) {
	err := s.w.remember(s.job.Departure.Account.ID, func(m *accountMemory) {
		m.Collections = slices.DeleteFunc(m.Collections, func(src departure.Source) bool { return src.Dataset == d })
		for _, o := range s.origins {
			if o.src.Remote && o.src.Dataset == d {
				m.Collections = append(m.Collections, o.src)
			}
		}
	})
	if err != nil {
		s.lack("internal", err.Error())
	}
}

// listCollection lists one collection in full, and fetches what is wanted in
// batches.
func (s *survey) listCollection(ctx context.Context, o *origin, c dav.Collection, want func(*source.Item) bool) iter.Seq2[source.Item, error] {
	ref := o.ref(s.job)
	return func(yield func(source.Item, error) bool) {
		l, err := s.listOnce(ctx, c)
		if err != nil {
			yield(source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: err})
			return
		}
		s.listed(o.src.ID, l)
		var fetch []dav.Item
		for _, it := range l.Items {
			item := collectionItem(ref, c, it)
			if want != nil && want(&item) {
				fetch = append(fetch, it)
				continue
			}
			if !yield(item, nil) {
				return
			}
		}
		fetchCollection(ctx, s.session.client, ref, c, fetch, yield)
	}
}

// listOnce lists a collection at the server, once in a survey.
func (s *survey) listOnce(ctx context.Context, c dav.Collection) (dav.Listing, error) {
	if l, ok := s.lists[c.Path]; ok {
		return l, nil
	}
	l, err := s.session.client.List(ctx, c)
	if err == nil {
		s.lists[c.Path] = l
	}
	return l, err
}

func fetchCollection(ctx context.Context, client *dav.Client, ref source.Ref, c dav.Collection, fetch []dav.Item, yield func(source.Item, error) bool) {
	if len(fetch) == 0 {
		return
	}
	stopped := false
	done, err := client.Fetch(ctx, c, fetch, func(it dav.Item, body []byte) error {
		item := collectionItem(ref, c, it)
		item.Open = bytesOpener(body)
		item.Size = int64(len(body))
		if !yield(item, nil) {
			stopped = true
			return errStopped
		}
		return nil
	})
	if stopped {
		return
	}
	for _, f := range done.Failed {
		reason := source.Unreadable
		if errors.Is(f.Err, dav.ErrNotFound) {
			reason = source.Vanished
		}
		item := collectionItem(ref, c, f.Item)
		if !yield(item, &source.Failed{Item: item, Reason: reason, Err: f.Err}) {
			return
		}
	}
	if err != nil {
		yield(source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: err})
	}
}

var errStopped = errors.New("the reader stopped")

func bytesOpener(b []byte) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func collectionItem(ref source.Ref, c dav.Collection, it dav.Item) source.Item {
	ext := ".vcf"
	if c.Kind == dav.Calendar {
		ext = ".ics"
	}
	return source.Item{
		Key: source.Key{Ref: ref, ID: it.Name}, Name: it.Name, Folder: folderName(c.Title, c.Path),
		Rev: it.Rev, Size: it.Size, ModTime: it.Modified, Ext: ext, MediaType: it.Type,
	}
}

func folderName(title, at string) string {
	if title != "" {
		return title
	}
	return path.Base(at)
}

// tree is the account's file tree, walked once in a survey for its three
// datasets.
type tree struct {
	coll  dav.Collection
	items []dav.Item
	list  dav.Listing
	err   error
}

// findFiles adds one of the datasets that lie in the account's file tree.
func (s *survey) findFiles(ctx context.Context, d departure.Dataset) {
	c, err := s.session.client.Files(ctx)
	o := s.serverOrigin(d, "", departure.Reason{})
	s.add(o)
	if err != nil {
		o.why = s.serverReason(o.src.Name, err)
		return
	}
	s.filesOrigin(o, c)
	s.files = &c
}

// filesOrigin is an origin in the file tree.
func (s *survey) filesOrigin(o *origin, c dav.Collection) {
	o.rehash = o.src.Dataset == departure.Notes
	o.here = func(*source.Item) bool { return false }
	o.list = func(ctx context.Context, _ func(*source.Item) bool) iter.Seq2[source.Item, error] {
		return s.listFiles(ctx, o, c)
	}
}

// walk lists the file tree at the server, once in a survey.
func (s *survey) walk(ctx context.Context, c dav.Collection) *tree {
	if t, ok := s.trees[c.Path]; ok {
		return t
	}
	t := &tree{coll: c}
	t.list, t.err = s.session.client.Walk(ctx, c, func(it dav.Item) error {
		if !it.Folder {
			// A hundred thousand of them are held while they are looked at.
			it.FileID, it.Checksums = "", nil
			it.Type, it.SharedBy = unique.Make(it.Type).Value(), unique.Make(it.SharedBy).Value()
			t.items = append(t.items, it)
		}
		return nil
	})
	s.trees[c.Path] = t
	return t
}

func (s *survey) listFiles(ctx context.Context, o *origin, c dav.Collection) iter.Seq2[source.Item, error] {
	ref := o.ref(s.job)
	client := s.session.client
	return func(yield func(source.Item, error) bool) {
		t := s.walk(ctx, c)
		if t.err != nil {
			yield(source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: t.err})
			return
		}
		s.listed(o.src.ID, t.list)
		o.unmarked = t.list.State == ""
		if err := t.list.Broken[o.person]; err != nil {
			yield(source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: err})
			return
		}
		for _, it := range t.items {
			if it.SharedBy.ID != o.person || o.person == "" && s.datasetOf(it) != o.src.Dataset {
				continue
			}
			item := source.Item{
				Key: source.Key{Ref: ref, ID: it.Name}, Name: path.Base(it.Name), Path: it.Name, Folder: "server",
				Rev: it.Rev, Size: it.Size, ModTime: it.Modified, Ext: path.Ext(it.Name), MediaType: it.Type,
				Open: func(ctx context.Context) (io.ReadCloser, error) { return client.Open(ctx, c, it, 0) },
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// datasetOf sorts a file at the server: a picture in a photo folder is a photo,
// what lies in the notes folder is a note or belongs to one. What the provider is
// not known to hold is not listed by itself: such a file is one of the files.
func (s *survey) datasetOf(it dav.Item) departure.Dataset {
	if it.IsNote(dav.NotesFolder) && slices.Contains(s.job.Datasets, departure.Notes) {
		return departure.Notes
	}
	if it.IsPhoto() && slices.Contains(s.job.Datasets, departure.Photos) {
		for _, f := range s.job.PhotoFolders {
			if strings.HasPrefix(it.Name, strings.Trim(f, "/")+"/") {
				return departure.Photos
			}
		}
	}
	return departure.Files
}

// listed keeps a complete listing of the server's own, for the fence and the next
// glance.
func (s *survey) listed(id departure.SourceID, l dav.Listing) {
	l.Items = nil
	s.last[id] = l
}
