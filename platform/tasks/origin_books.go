package tasks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/eds"
	"github.com/clearance-project/clearance/platform/goa"
)

// datasetOfBook says what a store of evolution-data-server holds.
func datasetOfBook(k eds.Kind) departure.Dataset {
	switch k {
	case eds.AddressBook:
		return departure.Contacts
	case eds.MemoList:
		return departure.Notes
	default:
		return departure.Calendars
	}
}

// findBooks adds the stores of evolution-data-server: those that sync the
// account leave with it, the device's own stay.
func (s *survey) findBooks(ctx context.Context) {
	if ok, err := s.w.eds.Installed(ctx); err == nil && !ok {
		return
	}
	all, err := s.w.eds.Sources(ctx)
	if err != nil {
		s.lack("eds", "the address books and calendars of this device could not be listed: "+err.Error())
		return
	}
	s.sources = all
	var mine []bookMemory
	for _, e := range all {
		switch {
		case !e.Kind.Holds():
		case e.Malformed != "":
			s.lack("eds", fmt.Sprintf("the source %q of this device is not understood: %s", e.DisplayName, e.Malformed))
		case slices.ContainsFunc(s.in.present, func(in signIn) bool { return in.brings(e) }):
			src := bookSource(e)
			mine = append(mine, bookMemory{UID: e.UID, Source: src})
			s.addBook(ctx, e, src)
		case e.Local:
			src := departure.Source{ID: departure.SourceID("eds:" + e.UID), Dataset: datasetOfBook(e.Kind), Fate: departure.Stays, Name: e.DisplayName + " on this device"}
			if s.job.Departure.Required(src) {
				s.addBook(ctx, e, src)
			}
		}
	}
	if len(mine) == 0 {
		return
	}
	err = s.w.remember(s.job.Departure.Account.ID, func(m *accountMemory) {
		for _, b := range mine {
			m.Books = putBook(m.Books, b)
		}
	})
	if err != nil {
		s.lack("internal", err.Error())
	}
}

func putBook(books []bookMemory, b bookMemory) []bookMemory {
	for i := range books {
		if books[i].UID == b.UID {
			books[i] = b
			return books
		}
	}
	return append(books, b)
}

// brings reports whether a source of evolution-data-server came with a sign-in.
func (s signIn) brings(e eds.Source) bool {
	if _, id, ok := goa.AccountOf(s.ID); ok {
		return id == e.GOAAccount
	}
	uid, ok := eds.UIDOf(s.ID)
	return ok && (e.UID == uid || slices.Contains(e.Parents, uid))
}

// countGoing fills in what vanishes with each sign-in: the address books,
// calendars and mail accounts that came with it, with how many items they have
// here.
func (s *survey) countGoing(ctx context.Context) {
	for _, in := range s.in.present {
		i := slices.IndexFunc(s.in.bindings, func(b departure.Binding) bool { return b.ID == in.ID })
		if i < 0 {
			continue
		}
		b := &s.in.bindings[i]
		for _, e := range s.sources {
			if what := goingAs(e); what != "" && in.brings(e) {
				b.Goes = append(b.Goes, departure.Vanishing{What: what, Name: e.DisplayName, Items: s.countOf(ctx, e)})
			}
		}
	}
}

// goingAs is what a person calls a source of evolution-data-server, "" for one
// that is only a part of another.
func goingAs(e eds.Source) string {
	switch {
	case e.Kind.Holds():
		return strings.ReplaceAll(string(e.Kind), "-", " ")
	case e.Kind == eds.Mail && e.MailAccount:
		return "mail account"
	}
	return ""
}

// countOf is how many items a store has here, -1 where that is not known.
func (s *survey) countOf(ctx context.Context, e eds.Source) int64 {
	for _, b := range s.books {
		if b.entry.UID == e.UID {
			if l, err := s.keysOf(ctx, b.store); err == nil {
				return int64(len(l.Keys))
			}
		}
	}
	return -1
}

// bookSource names a synced store in a way that stays when the account is added
// again: by what it syncs, not by its uid. One that was set up by hand is named by
// its uid: it may sync what the account's own does too.
func bookSource(e eds.Source) departure.Source {
	at := e.Path
	if at == "" {
		at = e.DisplayName
	}
	id := "book:" + string(e.Kind) + ":" + at
	if !e.Account() {
		id = "hand:" + string(e.Kind) + ":" + e.UID
	}
	return departure.Source{
		ID: departure.SourceID(id), Dataset: datasetOfBook(e.Kind), Fate: departure.Leaves,
		OfAccount: true, Name: fmt.Sprintf("%s on this device (%s)", strings.ReplaceAll(string(e.Kind), "-", " "), e.DisplayName),
	}
}

func (s *survey) addBook(ctx context.Context, e eds.Source, src departure.Source) {
	o := &origin{src: src, rehash: true}
	s.add(o)
	store, err := s.w.eds.Open(ctx, e.UID)
	if err != nil {
		o.why = departure.Reason{Code: "eds", Text: src.Name + " could not be opened: " + err.Error()}
		return
	}
	s.closers = append(s.closers, store.Close)
	if src.Fate == departure.Leaves {
		s.books = append(s.books, book{src: src, entry: e, store: store})
	} else {
		s.own = append(s.own, book{src: src, entry: e, store: store})
	}
	o.list = func(ctx context.Context, want func(*source.Item) bool) iter.Seq2[source.Item, error] {
		return s.listBook(ctx, store, o.ref(s.job), want)
	}
}

// keysOf lists a store's keys, once in a survey.
func (s *survey) keysOf(ctx context.Context, store *eds.Store) (eds.Listing, error) {
	if l, ok := s.keys[store]; ok {
		return l, nil
	}
	l, err := store.Keys(ctx)
	if err == nil {
		s.keys[store] = l
	}
	return l, err
}

// listBook lists a store, and fetches what is wanted in batches.
func (s *survey) listBook(ctx context.Context, store *eds.Store, ref source.Ref, want func(*source.Item) bool) iter.Seq2[source.Item, error] {
	incomplete := func(err error) (source.Item, error) {
		return source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: err}
	}
	return func(yield func(source.Item, error) bool) {
		l, err := s.keysOf(ctx, store)
		if err != nil {
			yield(incomplete(err))
			return
		}
		if l.Unnamed > 0 {
			yield(incomplete(fmt.Errorf("%d entries have no name of their own and cannot be fetched", l.Unnamed)))
			return
		}
		revs := make(map[string]string)
		var fetch []string
		for _, k := range l.Keys {
			item := bookItem(store, ref, k.UID, k.Rev)
			if want != nil && want(&item) {
				fetch = append(fetch, k.UID)
				revs[k.UID] = k.Rev
				continue
			}
			if !yield(item, nil) {
				return
			}
		}
		if len(fetch) == 0 {
			return
		}
		fetchBook(ctx, store, ref, fetch, revs, yield)
	}
}

func fetchBook(ctx context.Context, store *eds.Store, ref source.Ref, fetch []string, revs map[string]string, yield func(source.Item, error) bool) {
	stopped := false
	got, err := store.Fetch(ctx, fetch, func(it eds.Item) error {
		item := bookItem(store, ref, it.UID, revs[it.UID])
		data, err := store.Embedded(it.Data)
		item.Open, item.Size = bytesOpener([]byte(data)), int64(len(data))
		var failed error
		if err != nil {
			failed = &source.Failed{Item: item, Reason: source.Unreadable, Err: err}
		}
		if !yield(item, failed) {
			stopped = true
			return errStopped
		}
		return nil
	})
	if stopped {
		return
	}
	for _, f := range got.Failed {
		item := bookItem(store, ref, f.UID, revs[f.UID])
		reason := source.Unreadable
		if errors.Is(f.Err, eds.ErrNotFound) {
			reason = source.Vanished
		}
		if !yield(item, &source.Failed{Item: item, Reason: reason, Err: f.Err}) {
			return
		}
	}
	if err != nil {
		yield(source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: err})
	}
}

func bookItem(store *eds.Store, ref source.Ref, uid, rev string) source.Item {
	ext := ".ics"
	if store.Source().Kind == eds.AddressBook {
		ext = ".vcf"
	}
	return source.Item{Key: source.Key{Ref: ref, ID: uid}, Name: uid, Folder: store.Source().DisplayName + " (this device)", Rev: rev, Size: -1, Ext: ext}
}
