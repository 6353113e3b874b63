package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav"
	"github.com/clearance-project/clearance/platform/goa"
)

// identity is an account's name at its provider, with the server where the
// provider has many.
func identity(a goa.Account) string {
	if a.Host == "" {
		return a.Identity
	}
	return a.Identity + "@" + a.Host
}

func (w *Worker) account(a goa.Account) (departure.Account, bool) {
	provider, ok := w.cfg.Provider(a.Provider)
	if !ok {
		return departure.Account{}, false
	}
	id := identity(a)
	name := a.Presentation
	if name == "" {
		name = id
	}
	return departure.Account{ID: departure.AccountID(provider, id), Provider: provider, Identity: id, Name: name}, true
}

// Accounts lists the accounts bound on this device whose provider is known.
func (w *Worker) Accounts(ctx context.Context) ([]departure.Account, error) {
	list, err := w.goa.List(ctx)
	if errors.Is(err, bus.ErrNoService) {
		return nil, nil // a device without GOA has none of its accounts
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the accounts of this device: %w", err)
	}
	var as []departure.Account
	for _, g := range list.Accounts {
		if a, ok := w.account(g); ok && !slices.ContainsFunc(as, func(k departure.Account) bool { return k.ID == a.ID }) {
			as = append(as, a)
		}
	}
	return as, nil
}

// same compares a GOA account with the one that is left. Two plain user names
// at one server are two people; a name with an @ may be somebody's e-mail
// address, which opens the same account as a user name: nobody can tell.
func (w *Worker) same(g goa.Account, account departure.Account) goa.Match {
	a, ok := w.account(g)
	switch {
	case !ok || a.Provider != account.Provider:
		return goa.MatchNo
	case a.Identity == account.Identity:
		return goa.MatchYes
	}
	user, host, ok := cutLast(account.Identity)
	if !ok || g.Host == "" || !strings.EqualFold(host, g.Host) {
		return goa.MatchNo
	}
	if strings.Contains(user, "@") || strings.Contains(g.Identity, "@") {
		return goa.MatchUnknown
	}
	return goa.MatchNo
}

func cutLast(identity string) (user, host string, ok bool) {
	i := strings.LastIndex(identity, "@")
	if i < 0 {
		return identity, "", false
	}
	return identity[:i], identity[i+1:], true
}

// bindingID names a sign-in exactly: GOA gives a new id at each.
func bindingID(g goa.Account) string { return "goa:" + g.Provider + ":" + g.ID }

// goaOf takes a binding's name apart.
func goaOf(binding string) (provider, id string, ok bool) {
	parts := strings.SplitN(binding, ":", 3)
	if len(parts) != 3 || parts[0] != "goa" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// signIns are the account's sign-ins on this device, with those that were known
// and are gone, and the other accounts.
type signIns struct {
	bindings []departure.Binding
	present  []goa.Account
	others   []departure.OtherHolder
}

func (w *Worker) signIns(ctx context.Context, job engine.Job) (signIns, error) {
	var s signIns
	list, err := w.goa.List(ctx)
	if errors.Is(err, bus.ErrNoService) && len(job.Bindings) == 0 {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("the accounts of this device could not be listed: %w", err)
	}
	for _, g := range list.Accounts {
		switch w.same(g, job.Departure.Account) {
		case goa.MatchYes:
			s.present = append(s.present, g)
			s.bindings = append(s.bindings, w.presentBinding(ctx, job.Departure.Account, g))
		case goa.MatchUnknown:
			s.bindings = append(s.bindings, departure.Binding{ID: bindingID(g), Kind: "goa", Name: g.Presentation, Carries: true,
				Why: departure.Reason{Code: "same-server", Text: g.Presentation + " is at the same server and may be the same account"}})
		default:
			if a, ok := w.account(g); ok {
				s.others = append(s.others, departure.OtherHolder{ID: a.ID, Name: a.Name})
			} else {
				s.others = append(s.others, departure.OtherHolder{ID: departure.AccountID(g.Provider, identity(g)), Name: g.Presentation})
			}
		}
	}
	for _, u := range list.Unlisted {
		if u.Key.Match(goa.Key{Provider: u.Key.Provider, Identity: userOf(job.Departure.Account), Host: hostOf(job.Departure.Account)}) == goa.MatchYes {
			s.bindings = append(s.bindings, departure.Binding{ID: "goa:" + u.Key.Provider + ":" + u.ID, Kind: "goa", Name: job.Departure.Account.Name, Carries: true,
				State: departure.BindingLeftover, Why: departure.Reason{Code: "leftover", Text: "the account still stands in this device's list of accounts"}})
		}
	}
	for _, k := range job.Bindings {
		if slices.ContainsFunc(s.bindings, func(b departure.Binding) bool { return b.ID == k.ID }) {
			continue
		}
		s.bindings = append(s.bindings, w.goneBinding(ctx, job.Departure.Account, k))
	}
	return s, nil
}

func userOf(a departure.Account) string { user, _, _ := cutLast(a.Identity); return user }
func hostOf(a departure.Account) string { _, host, _ := cutLast(a.Identity); return host }

// presentBinding is a sign-in that is there, and what keeps it from being
// removed.
func (w *Worker) presentBinding(ctx context.Context, account departure.Account, g goa.Account) departure.Binding {
	b := departure.Binding{ID: bindingID(g), Kind: "goa", Name: g.Presentation, State: departure.BindingPresent, Carries: true}
	if g.Locked {
		b.Why = departure.Reason{Code: "is-locked", Text: "the account was set up by an administrator, and only they can remove it"}
		b.Blocked = askAdmin(account)
		return b
	}
	if c, err := w.secrets.Default(ctx); err == nil && c.Locked {
		b.Why = departure.Reason{Code: "keyring-locked", Text: "the keyring is locked: signing out now would leave the password behind"}
		b.Blocked = unlock(account)
	}
	return b
}

func unlock(a departure.Account) *departure.Remedy {
	return &departure.Remedy{Code: "unlock", Text: "unlock the keyring: log in to this device with your password, then go on",
		Command: departure.Command("leave", a)}
}

func askAdmin(a departure.Account) *departure.Remedy {
	return &departure.Remedy{Code: "ask-admin", Text: "ask whoever manages this device to remove the account, then go on",
		Command: departure.Command("leave", a)}
}

// goneBinding looks for what is left of a sign-in that is not listed any more.
func (w *Worker) goneBinding(ctx context.Context, account departure.Account, k departure.KnownBinding) departure.Binding {
	b := departure.Binding{ID: k.ID, Kind: k.Kind, Name: k.Name, Carries: k.Carries}
	provider, id, ok := goaOf(k.ID)
	if !ok {
		b.Why = departure.Reason{Code: "not-known", Text: "it is not known how " + k.Name + " was signed in"}
		return b
	}
	back := w.goa.ReadBack(ctx, provider, id)
	switch {
	case back.Gone():
		b.State = departure.BindingGone
	case len(back.Leftovers) > 0:
		l := back.Leftovers[0]
		b.State = departure.BindingLeftover
		b.Why = departure.Reason{Code: "leftover", Text: fmt.Sprintf("something of %s is still in the %s of this device", k.Name, l.Place)}
		if l.Locked {
			b.Blocked = unlock(account)
		}
	default:
		b.Why = departure.Reason{Code: "not-known", Text: "it could not be seen whether anything of " + k.Name + " is left: " + back.Err().Error()}
	}
	return b
}

// Unbind removes one sign-in, known by its exact id. Nothing is done where the
// keyring is locked, for the password would stay.
func (w *Worker) Unbind(ctx context.Context, job engine.Job, binding string) error {
	_, id, ok := goaOf(binding)
	if !ok {
		return fmt.Errorf("cannot sign out %q: it is not known how it was signed in", binding)
	}
	err := w.goa.Remove(ctx, id)
	switch {
	case errors.Is(err, goa.ErrKeyringLocked):
		return &engine.BlockedError{Why: departure.Reason{Code: "keyring-locked", Text: err.Error()}, Remedy: *unlock(job.Departure.Account)}
	case errors.Is(err, goa.ErrLocked):
		return &engine.BlockedError{Why: departure.Reason{Code: "is-locked", Text: err.Error()}, Remedy: *askAdmin(job.Departure.Account)}
	case err != nil:
		return fmt.Errorf("cannot sign out: %w", err)
	}
	return nil
}

// serverSession is how the account's server is asked now, or why it cannot be.
func (w *Worker) serverSession(ctx context.Context, job engine.Job, in signIns) (*session, departure.Reason) {
	id := job.Departure.Account.ID
	if len(in.present) == 0 {
		if s := w.session(id); s != nil {
			return s, departure.Reason{}
		}
		return nil, departure.Reason{Code: "no-credential", Text: "the cloud cannot be asked: the password was only in memory and is gone"}
	}
	g := in.present[0]
	creds, err := w.goa.Credentials(ctx, g)
	if err != nil {
		if s := w.session(id); s != nil {
			return s, departure.Reason{}
		}
		switch {
		case errors.Is(err, goa.ErrKeyringLocked):
			return nil, departure.Reason{Code: "keyring-locked", Text: "the cloud cannot be asked: the keyring with the password is locked"}
		case errors.Is(err, goa.ErrNotAuthorized):
			return nil, departure.Reason{Code: "unauthorized", Text: "the server no longer accepts the password that is stored on this device"}
		}
		return nil, departure.Reason{Code: "no-credential", Text: "the cloud cannot be asked: " + err.Error()}
	}
	m := serverMemory{User: creds.User, Contacts: g.Contacts, Calendars: g.Calendar, Files: g.Files, AcceptInvalidCert: g.AcceptSSLErrors}
	if err := w.remember(id, func(am *accountMemory) { am.Server = m }); err != nil {
		return nil, departure.Reason{Code: "internal", Text: err.Error()}
	}
	dc, renew := dav.Credentials{User: creds.User, Password: dav.NewSecret(creds.Password.Reveal())}, renewal(nil)
	if !creds.Token.Empty() {
		dc, renew = dav.Credentials{User: creds.User, Bearer: dav.NewSecret(creds.Token.Reveal())}, w.tokens(g)
	}
	s, err := w.keep(id, m, dc, renew)
	if err != nil {
		return nil, departure.Reason{Code: "internal", Text: err.Error()}
	}
	return s, departure.Reason{}
}
