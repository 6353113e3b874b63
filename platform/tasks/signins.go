package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/binding"
)

// owner is whose an entry is, with what the catalogue makes of it.
type owner struct {
	who      binding.Who // without a host where the provider has one service for everybody
	provider string      // the catalogue's id, "" where it has none
}

// whose asks the catalogue whose an entry of a kind of place is.
func (w *Worker) whose(kind string, who binding.Who) owner {
	provider, everybody := w.cfg.Provider(kind, who.Type, who.Host)
	if everybody {
		who.Host = ""
	}
	return owner{who, provider}
}

// of compares it with the account that is left.
func (o owner) of(account departure.Account) binding.Match { return o.who.Of(o.provider, account) }

// signIn is an entry of a place, and whose it is.
type signIn struct {
	binding.Entry
	owner
	place binding.Place
}

// maxSignIns bounds the entries of one place.
const maxSignIns = 10_000

// unlistedPlace is a place that could not be listed.
type unlistedPlace struct {
	place binding.Place
	err   error
}

// listPlaces lists the entries of every place. What could not be listed is in the
// second answer: nothing is known of it.
func (w *Worker) listPlaces(ctx context.Context) (all []signIn, failed []unlistedPlace) {
	return w.eachPlace(func(p binding.Place) ([]signIn, error) { return w.entriesOf(ctx, p) })
}

func (w *Worker) eachPlace(list func(binding.Place) ([]signIn, error)) (all []signIn, failed []unlistedPlace) {
	answers := make([]result[[]signIn], len(w.places))
	w.overPlaces(func(i int, p binding.Place) { answers[i].got, answers[i].err = list(p) })
	for i, p := range w.places {
		if err := answers[i].err; err != nil {
			failed = append(failed, unlistedPlace{p, err})
			continue
		}
		all = append(all, answers[i].got...)
	}
	return all, failed
}

// overPlaces does something with every place at the same time: those that lie on a
// dead server are waited for together.
func (w *Worker) overPlaces(do func(i int, p binding.Place)) {
	var doing sync.WaitGroup
	for i, p := range w.places {
		doing.Go(func() { do(i, p) })
	}
	doing.Wait()
}

func (w *Worker) entriesOf(ctx context.Context, p binding.Place) ([]signIn, error) {
	entries, err := askedPlace(ctx, w, p, p.Entries)
	if err != nil {
		return nil, err
	}
	return w.owned(p, entries)
}

// searched are the entries of a place, with those of an account that it cannot
// list without being asked for them.
func (w *Worker) searched(ctx context.Context, p binding.Place, account departure.Account) ([]signIn, error) {
	entries, err := askedPlace(ctx, w, p, p.Entries)
	if err != nil {
		return nil, err
	}
	if s, ok := p.(binding.Searcher); ok {
		user, host, _ := binding.Split(account.Identity)
		found, err := askedPlace(ctx, w, p, func(ctx context.Context) ([]binding.Entry, error) { return s.Search(ctx, user, host) })
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			if !slices.ContainsFunc(entries, func(k binding.Entry) bool { return k.ID == e.ID }) {
				entries = append(entries, e)
			}
		}
	}
	return w.owned(p, entries)
}

// owned asks whose the entries of a place are.
func (w *Worker) owned(p binding.Place, entries []binding.Entry) ([]signIn, error) {
	if len(entries) > maxSignIns {
		return nil, fmt.Errorf("%d entries are more than the %d that can be handled", len(entries), maxSignIns)
	}
	ids := make(map[string]bool)
	all := make([]signIn, 0, len(entries))
	for _, e := range entries {
		if ids[e.ID] {
			return nil, fmt.Errorf("two entries have the id %q", e.ID)
		}
		ids[e.ID] = true
		all = append(all, signIn{Entry: e.Shown(), owner: w.whose(p.Kind(), e.Who), place: p})
	}
	return all, nil
}

// account is the account that it is a sign-in of; ok is false where its provider
// or its user is not known.
func (s signIn) account() (a departure.Account, ok bool) {
	if s.provider == "" || s.who.User == "" {
		return departure.Account{}, false
	}
	id := s.who.Identity()
	a = departure.Account{ID: departure.AccountID(s.provider, id), Provider: s.provider, Identity: id, Name: s.Account}
	if a.Name == "" {
		a.Name = id
	}
	return a, true
}

// other is another account that is signed in here.
func (s signIn) other() departure.OtherHolder {
	if a, ok := s.account(); ok {
		return departure.OtherHolder{ID: a.ID, Name: a.Name}
	}
	name := s.Account
	if name == "" {
		name = s.Name
	}
	provider := s.provider
	if provider == "" {
		provider = s.Who.Type
	}
	return departure.OtherHolder{ID: departure.AccountID(provider, s.Who.Identity()), Name: name}
}

// ofJob compares it with the account that is left. What stays of a sign-in that
// was known to be the account's may not say whose it is any more.
func (s signIn) ofJob(job engine.Job) binding.Match {
	if s.Leftover && slices.ContainsFunc(job.Bindings, func(k departure.KnownBinding) bool { return k.ID == s.ID }) {
		return binding.MatchYes
	}
	if s.Unread != "" {
		return binding.MatchUnknown
	}
	return s.of(job.Departure.Account)
}

// binding is the sign-in in the words of the domain.
func (s signIn) binding(account departure.Account, match binding.Match) departure.Binding {
	b := departure.Binding{ID: s.ID, Kind: s.place.Kind(), Name: s.Name, State: departure.BindingPresent, Why: s.Why,
		Blocked: withCommand(s.Blocked, account), Guided: s.Guided, Carries: s.Carries, Goes: s.Goes, Unread: s.Unread}
	switch {
	case s.Unread != "":
		b.State = ""
	case match == binding.MatchUnknown:
		b.State = ""
		b.Why = departure.Reason{Code: "same-server", Text: s.Name + " may be the same account: it is at the same server, or at one that could not be told apart"}
		if b.Blocked == nil {
			b.Blocked = withCommand(&departure.Remedy{Code: departure.ByHand, Text: "sign out there yourself, or remove it, until you have left: nobody can tell from here whose it is"}, account)
		}
	case s.Leftover && !s.Guided && s.Blocked == nil:
		// It can be removed from here, as a sign-in is: with the owner's leave.
		b.Why = departure.Reason{}
	case s.Leftover:
		b.State = departure.BindingLeftover
		if b.Why.Code == "" {
			b.Why = departure.Reason{Code: "leftover", Text: "something of " + s.Name + " is still on this device"}
		}
	case s.Busy != "":
		held := s.busy()
		b.Why, b.Blocked = held.Why, withCommand(&held.Remedy, account)
	}
	return b
}

// busy says that a transfer has to end first.
func (s signIn) busy() *binding.BlockedError {
	return &binding.BlockedError{
		Why:    departure.Reason{Code: "busy", Text: s.Name + ": " + s.Busy},
		Remedy: departure.Remedy{Code: "wait", Text: "wait until that is done, then go on"},
	}
}

// withCommand is a remedy with a command of ours to go on by. What else a place
// would have typed stands in its text.
func withCommand(r *departure.Remedy, account departure.Account) *departure.Remedy {
	if r == nil || strings.HasPrefix(r.Command, "clearance ") {
		return r
	}
	with := *r
	with.Command = departure.Command("leave", account)
	return &with
}

// signIns are the account's sign-ins on this device, with those that were known
// and are gone, and the other accounts.
type signIns struct {
	bindings []departure.Binding
	present  []signIn // of the account, in use
	others   []departure.OtherHolder
	// folders are those that any account is kept in step with; unknown says why
	// there may be more.
	folders []string
	unknown error
}

// signIns looks into every place. What could not be listed is in the error, and
// the answer has the rest.
func (w *Worker) signIns(ctx context.Context, job engine.Job) (signIns, error) {
	var in signIns
	account := job.Departure.Account
	all, failed := w.eachPlace(func(p binding.Place) ([]signIn, error) { return w.searched(ctx, p, account) })
	in.folders, in.unknown = syncedFolders(all, failed)
	names, done := w.namesakesOf(ctx, account)
	defer done()
	for _, s := range all {
		match := s.ofJob(job)
		if match == binding.MatchNo {
			match = names.of(s.owner)
		}
		switch match {
		case binding.MatchNo:
			// A bare password of somebody else's is no account that must stay.
			if s.SetUp() && !s.Leftover {
				in.other(s.other())
			}
			continue
		case binding.MatchYes:
			if !s.Leftover {
				in.present = append(in.present, s)
			}
		}
		in.bindings = append(in.bindings, s.binding(account, match))
	}
	for _, k := range job.Bindings {
		if !slices.ContainsFunc(in.bindings, func(b departure.Binding) bool { return b.ID == k.ID }) {
			in.bindings = append(in.bindings, w.goneBinding(ctx, account, k))
		}
	}
	return in, unlisted(failed)
}

// other adds another account, once wherever it is signed in.
func (in *signIns) other(o departure.OtherHolder) {
	if !slices.ContainsFunc(in.others, func(k departure.OtherHolder) bool { return k.ID == o.ID }) {
		in.others = append(in.others, o)
	}
}

// unlisted is what is said of places that could not be listed; nil for none.
func unlisted(failed []unlistedPlace) error {
	var errs []error
	for _, f := range failed {
		errs = append(errs, fmt.Errorf("the accounts in one place of this device (%s) could not be listed: %w", f.place.Kind(), f.err))
	}
	return errors.Join(errs...)
}

// syncedFolders are the folders that any account is kept in step with. The error
// says why there may be more.
func syncedFolders(all []signIn, failed []unlistedPlace) (folders []string, err error) {
	for _, s := range all {
		folders = append(append(folders, s.Folders...), s.Mounts...)
	}
	for _, f := range failed {
		if _, none := f.place.(binding.Folderless); !none {
			err = errors.Join(err, f.err)
		}
	}
	return folders, err
}

// placeOf is the place that an entry's id names, nil for none.
func (w *Worker) placeOf(id string) binding.Place {
	kind, _, ok := strings.Cut(id, ":")
	if !ok {
		return nil
	}
	for _, p := range w.places {
		if p.Kind() == kind {
			return p
		}
	}
	return nil
}

// goneBinding looks for what is left of a sign-in that is not listed any more.
func (w *Worker) goneBinding(ctx context.Context, account departure.Account, k departure.KnownBinding) departure.Binding {
	b := departure.Binding{ID: k.ID, Kind: k.Kind, Name: k.Name, Carries: k.Carries}
	p := w.placeOf(k.ID)
	if p == nil {
		b.Why = departure.Reason{Code: "not-known", Text: "it is not known how " + k.Name + " was signed in"}
		return b
	}
	left, err := askedPlace(ctx, w, p, func(ctx context.Context) ([]binding.Left, error) { return p.ReadBack(ctx, k.ID) })
	switch {
	case len(left) > 0:
		b.State = departure.BindingLeftover
		b.Why = departure.Reason{Code: "leftover", Text: fmt.Sprintf("something of %s is still in the %s of this device", k.Name, left[0].Where)}
		remedy := departure.Remedy{Code: departure.ByHand, Text: "remove it from the " + left[0].Where + " of this device yourself, then look again"}
		switch {
		case left[0].Locked:
			remedy = binding.Unlock()
		case left[0].Remedy != nil:
			remedy = *left[0].Remedy
		}
		b.Blocked = withCommand(&remedy, account)
	case err != nil:
		b.Why = departure.Reason{Code: "not-known", Text: "it could not be seen whether anything of " + k.Name + " is left: " + err.Error()}
	default:
		b.State = departure.BindingGone
	}
	return b
}

// Unbind removes one sign-in of the account, known by its exact id. Nothing is
// done where it is another account's, is busy, or has something in its way.
func (w *Worker) Unbind(ctx context.Context, job engine.Job, id string) error {
	p := w.placeOf(id)
	if p == nil {
		return fmt.Errorf("cannot sign out %q: it is not known how it was signed in", id)
	}
	entries, err := w.searched(ctx, p, job.Departure.Account)
	if err != nil {
		return fmt.Errorf("cannot sign out: %w", err)
	}
	i := slices.IndexFunc(entries, func(s signIn) bool { return s.ID == id })
	if i < 0 {
		return fmt.Errorf("cannot sign out: %w", binding.ErrGone)
	}
	s := entries[i]
	if s.ofJob(job) != binding.MatchYes {
		return fmt.Errorf("cannot sign out: %s is not known to be of this account", s.Name)
	}
	if s.Busy != "" {
		err = s.busy()
	} else {
		_, err = askedPlace(ctx, w, p, func(ctx context.Context) (none struct{}, err error) { return none, p.Remove(ctx, id) })
	}
	if held, ok := errors.AsType[*binding.BlockedError](err); ok {
		return &engine.BlockedError{Why: held.Why, Remedy: *withCommand(&held.Remedy, job.Departure.Account)}
	}
	if errors.Is(err, binding.ErrGuided) && s.Blocked != nil {
		return &engine.BlockedError{Why: s.Why, Remedy: *withCommand(s.Blocked, job.Departure.Account)}
	}
	if err != nil {
		return fmt.Errorf("cannot sign out: %w", err)
	}
	return nil
}

// hints are the uses of the account, or of what may be it, that hold nothing of
// it.
func (w *Worker) hints(ctx context.Context, account departure.Account) []departure.Hint {
	var hints []departure.Hint
	for _, p := range w.places {
		h, ok := p.(binding.Hinter)
		if !ok {
			continue
		}
		found, err := askedPlace(ctx, w, p, h.Hints)
		if err != nil {
			hints = append(hints, departure.Hint{
				ID: p.Kind() + ":unknown", Name: p.Kind(), Text: "it could not be seen whether the account is used there: " + err.Error(),
				Remedy: departure.Remedy{Code: "look", Text: "look there yourself"},
			})
		}
		for _, k := range found {
			if k.Everybody || w.whose(p.Kind(), k.Who).of(account) != binding.MatchNo {
				hints = append(hints, k.Shown().Hint)
			}
		}
	}
	return hints
}
