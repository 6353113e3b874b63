package tasks

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/ledger"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/cloud/dav"
)

// Look lists every source in full at its origin, holds the listings against the
// ledger, and queries copy, books and sign-ins. It writes nothing but what is
// remembered of the account's addresses.
func (w *Worker) Look(ctx context.Context, job engine.Job, report engine.Report) (look departure.Look, err error) {
	look.At = w.now()
	s, err := w.survey(ctx, job)
	if err != nil {
		return departure.Look{}, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if s.differs {
		return departure.Look{}, engine.ErrDiffers
	}
	if !job.Departure.Shared {
		s.findShared(ctx)
	}
	s.countGoing(ctx)
	look.Bindings, look.Others, look.Hints = s.in.bindings, s.in.others, w.hints(ctx, job.Departure.Account)
	l, err := w.ledgerOf(job)
	if err != nil {
		return departure.Look{}, err
	}
	var need int64
	for i, o := range s.origins {
		report(engine.Progress{Step: departure.StepInventory, Dataset: o.src.Dataset, Source: o.src.Name, Items: int64(i), Total: int64(len(s.origins))})
		listing, missing := w.list(ctx, s, o, l)
		look.Listings = append(look.Listings, listing)
		if job.Departure.Required(o.src) {
			need += missing
		}
	}
	w.onlyCloud(ctx, s, look.Listings)
	s.sighted(look.Listings)
	look.Kinds = s.kinds(ctx, look.Bindings)
	look.Copy = w.copyFacts(ctx, s, l, need)
	look.Kept = w.keptFacts(ctx, s)
	look.Complete, look.Why, look.EndedAt = s.missing.Code == "", s.missing, w.now()
	return look, ctx.Err()
}

// list lists one origin and holds it against the ledger; missing is how many
// bytes are still to be copied.
func (w *Worker) list(ctx context.Context, s *survey, o *origin, l *ledger.Ledger) (_ departure.Listing, missing int64) {
	if o.carried != nil {
		return *o.carried, 0
	}
	out := departure.Listing{Source: o.src, Why: o.why, Export: o.export, Parts: o.parts}
	if o.list == nil {
		return out, 0
	}
	var keys, failed, unsound scan.Keys
	var unlisted int64 // those that cannot be copied: each counts
	// A live photo, or a RAW file with its JPEG, is one photo at the provider.
	photos, shots, every := o.src.Given && o.src.Dataset == departure.Photos, source.Shots{}, source.Shots{}
	for item, err := range o.list(ctx, nil) {
		var incomplete *source.Incomplete
		var fails *source.Failed
		switch {
		case errors.As(err, &incomplete):
			out.Why = s.listReason(o.src, incomplete.Err)
			return departure.Listing{Source: o.src, Why: out.Why}, 0
		case errors.As(err, &fails):
			item = fails.Item
		case err != nil:
			return departure.Listing{Source: o.src, Why: s.listReason(o.src, err)}, 0
		}
		keys.Add(item.ID, item.Rev)
		out.Items++
		out.Bytes += max(0, item.Size)
		if fails != nil {
			out.Failed++
			unlisted++
			failed.Add(item.ID, string(fails.Reason))
			continue
		}
		aside := o.beside[item.ID] || beside(o.src, &item)
		if aside {
			out.Aside++
		} else if photos {
			every.Add(item.ID)
		}
		switch state(l, &item) {
		case ledger.Held:
			out.Covered++
			if f, known := failure(l, &item); known && f.Reason == ledger.NotParsed {
				out.Unsound++
				unsound.Add(item.ID, item.Rev)
			}
			if aside || s.again(o, &item) {
				out.Beside++
			} else if photos {
				shots.Add(item.ID)
			}
		default:
			if f, known := failure(l, &item); known && f.Reason != ledger.NotParsed && f.Rev == item.Rev {
				out.Failed++
				failed.Add(item.ID, string(f.Reason))
				continue
			}
			missing += max(0, item.Size)
		}
	}
	if photos {
		out.Beside = max(out.Beside, out.Covered-shots.Count())
		out.Aside = max(out.Aside, out.Items-unlisted-every.Count())
	}
	out.Complete, out.EndedAt, out.Unmarked = ctx.Err() == nil, w.now(), o.unmarked
	out.Keys, out.Failures = departure.Digest(keys.Digest()), departure.Digest(failed.Digest())
	if out.Unsound > 0 {
		out.Unsounds = departure.Digest(unsound.Digest())
	}
	if l, ok := s.last[o.src.ID]; ok && out.Complete {
		w.mu.Lock()
		s.session.last[o.src.ID] = lastListing{l, out.Keys}
		w.mu.Unlock()
	}
	return out, missing
}

// beside reports whether a file of a folder that was given is none of what a
// person counts at the provider: among photos what is no picture, among notes a
// picture in one.
func beside(src departure.Source, item *source.Item) bool {
	picture := dav.Item{Name: item.Name, Type: item.MediaType}.IsPhoto()
	switch {
	case !src.Given:
		return false
	case src.Dataset == departure.Photos:
		return !picture
	}
	return src.Dataset == departure.Notes && picture
}

// state is what the ledger knows of an item. One whose stamp lay too near to its
// copying is not held: it is read again.
func state(l *ledger.Ledger, item *source.Item) ledger.State {
	if l == nil {
		return ledger.Absent
	}
	return l.State(&item.Key, item.Rev)
}

func failure(l *ledger.Ledger, item *source.Item) (ledger.Failure, bool) {
	if l == nil {
		return ledger.Failure{}, false
	}
	return l.Failure(&item.Key)
}

func (s *survey) listReason(src departure.Source, err error) departure.Reason {
	if src.Remote {
		return s.serverReason(src.Name, err)
	}
	return departure.Reason{Code: "not-listed", Text: src.Name + " could not be listed: " + err.Error()}
}

// onlyCloud counts, for the contacts and calendars at the server, how many no
// book of this device shows. It serves the plan's numbers alone: names and
// counts prove nothing.
func (w *Worker) onlyCloud(ctx context.Context, s *survey, listings []departure.Listing) {
	known := make(map[string]bool)
	for _, b := range s.books {
		l, err := s.keysOf(ctx, b.store)
		if err != nil {
			continue // shown as an incomplete listing of the book itself
		}
		for _, k := range l.Keys {
			known[k.UID], known[k.Rev] = true, true
		}
	}
	for i := range listings {
		o, l := s.origins[i], &listings[i]
		if !l.Source.Remote || !l.Complete || o.carried != nil {
			continue
		}
		if o.here != nil {
			l.OnlyCloud, l.OnlyCloudBytes = l.Items, l.Bytes
			continue
		}
		for item, err := range o.list(ctx, nil) {
			if err != nil {
				break
			}
			if !known[item.Rev] && !known[stem(item.ID)] {
				l.OnlyCloud++
				l.OnlyCloudBytes += max(0, item.Size)
			}
		}
	}
}

// stem is a server's name for an item without its extension: most are the uid.
func stem(name string) string {
	for _, ext := range []string{".vcf", ".ics"} {
		if n := len(name) - len(ext); n > 0 && name[n:] == ext {
			return name[:n]
		}
	}
	return name
}

// items is every item of the origins given, in turn, for the copy. want says
// which are to be fetched.
func items(ctx context.Context, origins []*origin, job engine.Job, want func(*source.Item) bool) iter.Seq2[source.Item, error] {
	return func(yield func(source.Item, error) bool) {
		for _, o := range origins {
			if o.list == nil {
				ref := o.ref(job)
				if !yield(source.Item{Key: source.Key{Ref: ref}}, &source.Incomplete{Ref: ref, Err: errors.New(o.why.Text)}) {
					return
				}
				continue
			}
			for item, err := range o.list(ctx, want) {
				if !yield(item, err) {
					return
				}
			}
		}
	}
}

// Fence returns once every change made before the call has reached the watch.
// The server is asked again whether it is as the look found it; a source that
// no watch covers is an error. This device comes last: asking the server takes
// long, and what changes here meanwhile is heard of too.
func (w *Worker) Fence(ctx context.Context, job engine.Job, look departure.Look) error {
	if err := w.fenceServer(ctx, job, look); err != nil {
		return err
	}
	if err := w.fenceTrash(ctx, job, look); err != nil {
		return err
	}
	if !w.hearsSynced(job, look) {
		return errUnwatched
	}
	if err := w.fenceSignIns(ctx, job, look); err != nil {
		return err
	}
	return w.fenceWatch(ctx, job)
}

// fenceTrash lists once more what this device kept of removed stores, which
// nobody watches, and tells where it is not as the look found it.
func (w *Worker) fenceTrash(ctx context.Context, job engine.Job, look departure.Look) (err error) {
	s := &survey{w: w, job: job}
	s.findTrash(ctx)
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if s.missing.Code != "" {
		return errors.New(s.missing.Text)
	}
	was := make(map[departure.SourceID]departure.Listing)
	for _, l := range look.Listings {
		if l.Source.Trash {
			was[l.Source.ID] = l
		}
	}
	same := len(was) == len(s.origins)
	for _, o := range s.origins {
		l, _ := w.list(ctx, s, o, nil)
		k, known := was[o.src.ID]
		same = same && known && k.Complete == l.Complete && k.Keys == l.Keys
	}
	if !same {
		w.tell(job, "")
	}
	return ctx.Err()
}

func (w *Worker) fenceServer(ctx context.Context, job engine.Job, look departure.Look) error {
	sess := w.session(job.Departure.Account.ID)
	if sess == nil {
		return nil // nothing was listed at a server, which the look says
	}
	if err := w.fenceCollections(ctx, job, sess.client, look); err != nil {
		return err
	}
	asked := make(map[string]bool)
	for _, l := range look.Listings {
		if !l.Source.Remote || !l.Complete || l.Source.SharedBy != "" && !job.Departure.Required(l.Source) {
			continue
		}
		w.mu.Lock()
		last, ok := sess.last[l.Source.ID]
		w.mu.Unlock()
		switch {
		case !ok && l.Items == 0:
			continue // a dataset with no collection of its own
		case !ok, last.keys != l.Keys:
			// The server is asked in another way since the look, or was looked at again.
			w.tell(job, l.Source.ID)
			continue
		case asked[last.listing.StateKey()]:
			continue // another kind of data in the same tree, of the same walk
		}
		asked[last.listing.StateKey()] = true
		same, err := sameListing(ctx, sess.client, last.listing)
		if err != nil {
			return err
		}
		if !same {
			w.tell(job, l.Source.ID)
		}
	}
	return nil
}

// fenceCollections tells where the server has another set of address books or
// calendars than the look found.
func (w *Worker) fenceCollections(ctx context.Context, job engine.Job, c *dav.Client, look departure.Look) error {
	for d, find := range map[departure.Dataset]func(context.Context) (dav.Collections, error){
		departure.Contacts: c.AddressBooks, departure.Calendars: c.Calendars,
	} {
		was, own := make(map[departure.SourceID]bool), false
		for _, l := range look.Listings {
			if l.Source.Remote && l.Source.Dataset == d && (l.Complete || l.Source.SharedBy != "") {
				was[l.Source.ID] = true
				own = own || l.Source.SharedBy == ""
			}
		}
		if !own {
			continue // not listed, which the look says
		}
		cs, err := find(ctx)
		if err != nil {
			return err
		}
		now := make(map[departure.SourceID]bool)
		if !slices.ContainsFunc(cs.Found, ownCollection) {
			now[serverID(d, "")] = true
		}
		for _, found := range cs.Found {
			now[collectionID(d, found)] = true
		}
		same := maps.Equal(was, now)
		if !same {
			w.tell(job, "")
		}
	}
	return nil
}

func sameListing(ctx context.Context, c *dav.Client, l dav.Listing) (bool, error) {
	same, err := c.Same(ctx, l)
	if errors.Is(err, dav.ErrChanged) {
		return false, nil
	}
	return same, err
}
