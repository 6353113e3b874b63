package tasks

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/scan"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/backup/source/archive"
	"github.com/clearance-project/clearance/platform/cloud/dav"
	"github.com/clearance-project/clearance/platform/eds"
)

// origin is one source that can be listed.
type origin struct {
	src departure.Source
	// why is set where the source is known and cannot be listed now.
	why departure.Reason
	// list yields every item. Those that want asks for can be opened; for the
	// others only the name and the revision are fetched. A nil want is none.
	list func(ctx context.Context, want func(*source.Item) bool) iter.Seq2[source.Item, error]
	// here reports whether this device holds the item too; nil: it does.
	here func(*source.Item) bool
	// rehash: its bytes are fetched again for the seal.
	rehash bool
	// carried is the listing of before, which the server showed to be as it was:
	// a glance need not make it anew.
	carried *departure.Listing
	// person shares what this origin holds in the file tree; "" is the account's
	// own.
	person string
	// unmarked: the server has no mark of the whole of what was listed.
	unmarked bool
	// same names what an item of a file that was given is, by its id: an export
	// that was made twice has it twice.
	same map[string]string
	// export names the export that it is, where nothing in it shows that its last
	// part is here; parts is how many are.
	export string
	parts  int64
	// beside are the ids of the items that a person would not count at the
	// provider.
	beside map[string]bool
}

// ref is the source as the copy knows it.
func (o *origin) ref(job engine.Job) source.Ref {
	return source.Ref{Account: job.Departure.Account.ID, Dataset: source.Dataset(o.src.Dataset), Source: string(o.src.ID)}
}

// survey is every origin of a departure as it is now, open until it is closed.
type survey struct {
	w       *Worker
	job     engine.Job
	in      signIns
	session *session
	origins []*origin
	// missing says why the set of origins may lack some.
	missing departure.Reason
	// books are the stores that leave with the account.
	books   []book
	own     []book  // this device's own, where they count
	stores  []store // of the programs of this device
	roots   []*scan.Root
	exports map[string]*archive.Export // open, by their files
	lists   map[string]dav.Listing     // collections at the server, listed once
	trees   map[string]*tree           // file trees at the server, walked once
	found   map[departure.Dataset]dav.Collections
	last    map[departure.SourceID]dav.Listing // the server's own listings behind those made here
	polled  *polled
	files   *dav.Collection
	differs bool // a glance saw that something changed at the server
	keys    map[*eds.Store]eds.Listing
	sources []eds.Source      // every source of evolution-data-server
	firsts  map[string]string // what an item is → where it was listed first
	closers []func(context.Context) error
}

// book is an open store of evolution-data-server.
type book struct {
	src   departure.Source
	entry eds.Source
	store *eds.Store
}

// survey finds every origin of the departure. What cannot be found out is in
// the survey; an error means that the caller's context ended.
func (w *Worker) survey(ctx context.Context, job engine.Job) (*survey, error) {
	s := &survey{w: w, job: job, found: make(map[departure.Dataset]dav.Collections)}
	s.anew()
	in, err := w.signIns(ctx, job)
	if err != nil {
		s.lack("accounts", err.Error())
	}
	s.in = in
	if job.Departure.Account.Declared && slices.ContainsFunc(in.present, func(s signIn) bool { return s.Carries }) {
		// What it brought here is listed nowhere: signing out could lose it.
		s.lack("signed-in-since", "the account is signed in on this device by now: cancel this and begin to leave it anew")
	}
	if !job.Departure.Account.Declared {
		s.findServer(ctx)
		if job.Departure.Shared {
			s.findShared(ctx)
		}
		s.findBooks(ctx)
		s.findTrash(ctx)
		s.findSynced(ctx)
	}
	s.findStores(ctx)
	s.findGiven(ctx)
	s.findPictures(ctx)
	if ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), s.close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// anew forgets what was listed, so that it is listed once more.
func (s *survey) anew() {
	s.lists, s.trees, s.keys = make(map[string]dav.Listing), make(map[string]*tree), make(map[*eds.Store]eds.Listing)
	s.firsts, s.last = make(map[string]string), make(map[departure.SourceID]dav.Listing)
}

// again reports whether an item that is in the copy is there by another file
// too. Within one file each counts: the provider itself wrote it so.
func (s *survey) again(o *origin, item *source.Item) bool {
	same, ok := o.same[item.ID]
	if !ok || s.firsts == nil {
		return false
	}
	what, here := string(o.src.Dataset)+"\x00"+same, string(o.src.ID)+"\x00"+item.ID
	first, known := s.firsts[what]
	if !known {
		s.firsts[what] = here
	}
	return known && first != here
}

// lack notes that the set of origins is not known in full; the first why stays.
func (s *survey) lack(code, text string) {
	if s.missing.Code == "" {
		s.missing = departure.Reason{Code: code, Text: text}
	}
}

func (s *survey) add(o *origin) { s.origins = append(s.origins, o) }

// close closes what the survey opened.
func (s *survey) close(ctx context.Context) error {
	var errs []error
	for _, r := range s.roots {
		errs = append(errs, r.Close())
	}
	for _, c := range s.closers {
		errs = append(errs, c(ctx))
	}
	return errors.Join(errs...)
}

// required are the origins whose items must be in the copy.
func (s *survey) required() []*origin {
	var os []*origin
	for _, o := range s.origins {
		if s.job.Departure.Required(o.src) {
			os = append(os, o)
		}
	}
	return os
}

// serverReason is [serverReason] of the account's own server: where it was asked
// with a token, no password opens it.
func (s *survey) serverReason(what string, err error) departure.Reason {
	why := serverReason(what, err)
	if why.Code == "unauthorized" && s.session != nil && s.session.token {
		why.Code = "token-refused"
	}
	return why
}

// serverReason says what is wrong with a server, with the code that the remedy
// follows from.
func serverReason(what string, err error) departure.Reason {
	code, text := "unreachable", what+" could not be listed: "+err.Error()
	switch {
	case errors.Is(err, dav.ErrUnauthorized):
		code = "unauthorized"
	case errors.Is(err, dav.ErrForbidden):
		code = "forbidden"
	case errors.Is(err, dav.ErrUnavailable):
		code = "unavailable"
	case errors.Is(err, dav.ErrNoData), errors.Is(err, dav.ErrNotFound):
		code = "not-served"
	case errors.Is(err, dav.ErrMalformed), errors.Is(err, dav.ErrPartial), errors.Is(err, dav.ErrTooLarge),
		errors.Is(err, dav.ErrForeign), errors.Is(err, dav.ErrUnproved), errors.Is(err, dav.ErrChanged):
		code = "incomplete"
	}
	return departure.Reason{Code: code, Text: text}
}
