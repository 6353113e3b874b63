package tasks

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/cloud/dav"
	"github.com/clearance-project/clearance/platform/goa"
)

// Accounts lists the accounts that are signed in anywhere on this device and
// whose provider is known. Where nothing is found and a place could not be
// listed, that is an error; a place that could not be listed beside others is
// said in the look at each account, which is not complete then.
func (w *Worker) Accounts(ctx context.Context) ([]departure.Account, error) {
	all, failed := w.listPlaces(ctx)
	var as []departure.Account
	for _, s := range all {
		a, ok := s.account()
		// A bare password makes no account.
		if !ok || s.Leftover || (!s.SetUp() && s.Server == (binding.Server{})) {
			continue
		}
		if !slices.ContainsFunc(as, func(k departure.Account) bool {
			return k.Provider == a.Provider && strings.EqualFold(k.Identity, a.Identity)
		}) {
			as = append(as, a)
		}
	}
	if err := unlisted(failed); err != nil {
		return as, &engine.BlockedError{Why: departure.Reason{Code: "accounts", Text: "cannot list the accounts of this device: " + err.Error()},
			Remedy: departure.Remedy{Code: "look", Text: "see to that, then look again", Command: "clearance accounts"}}
	}
	return as, nil
}

// serverSession is how the account's server is asked now, or why it cannot be.
func (w *Worker) serverSession(ctx context.Context, job engine.Job, in signIns) (*session, departure.Reason) {
	id := job.Departure.Account.ID
	m, err := w.recall(id)
	if err != nil {
		return nil, departure.Reason{Code: "internal", Text: err.Error()}
	}
	why := departure.Reason{Code: "no-credential", Text: "the cloud cannot be asked: the password was only in memory and is gone"}
	switch {
	case m.Server.Token:
		why = departure.Reason{Code: "no-token", Text: "the cloud cannot be asked: it was asked by the sign-in on this device, which is gone"}
	case len(in.present) > 0:
		why.Text = "the cloud cannot be asked before you enter the account's password"
	}
	for _, s := range in.present {
		if _, at, ok := goa.AccountOf(s.ID); ok {
			sess, refused := w.signedInSession(ctx, id, at, s.Server)
			if sess != nil {
				return sess, departure.Reason{}
			}
			why = refused
		}
	}
	if err := w.rememberServer(id, in.present); err != nil {
		return nil, departure.Reason{Code: "internal", Text: err.Error()}
	}
	if s := w.session(id); s != nil {
		return s, departure.Reason{}
	}
	return nil, why
}

// signedInSession asks the server with what GOA signs in with.
func (w *Worker) signedInSession(ctx context.Context, account, at string, server binding.Server) (*session, departure.Reason) {
	g, err := w.goa.Find(ctx, at)
	var creds goa.Credentials
	if err == nil {
		creds, err = w.goa.Credentials(ctx, g)
	}
	switch {
	case err == nil:
	case errors.Is(err, goa.ErrKeyringLocked):
		return nil, departure.Reason{Code: "keyring-locked", Text: "the cloud cannot be asked: the keyring with the password is locked"}
	case errors.Is(err, goa.ErrNotAuthorized) && g.OAuth2:
		return nil, departure.Reason{Code: "token-refused", Text: "the provider no longer accepts how this device is signed in"}
	case errors.Is(err, goa.ErrNotAuthorized):
		return nil, departure.Reason{Code: "unauthorized", Text: "the server no longer accepts the password that is stored on this device"}
	default:
		return nil, departure.Reason{Code: "no-credential", Text: "the cloud cannot be asked: " + err.Error()}
	}
	m := serverMemory{User: creds.User, Contacts: server.Contacts, Calendars: server.Calendars, Files: server.Files, AcceptInvalidCert: server.AcceptInvalidCert, Token: !creds.Token.Empty()}
	if err := w.remember(account, func(am *accountMemory) { am.Server = m }); err != nil {
		return nil, departure.Reason{Code: "internal", Text: err.Error()}
	}
	dc, renew := dav.Credentials{User: creds.User, Password: dav.NewSecret(creds.Password.Reveal())}, renewal(nil)
	if !creds.Token.Empty() {
		dc, renew = dav.Credentials{User: creds.User, Bearer: dav.NewSecret(creds.Token.Reveal())}, w.tokens(g)
	}
	s, err := w.keep(account, m, dc, renew)
	if err != nil {
		return nil, departure.Reason{Code: "internal", Text: err.Error()}
	}
	return s, departure.Reason{}
}

// rememberServer keeps the addresses of the account's server as the places have
// them, beside those that are known already.
func (w *Worker) rememberServer(account string, present []signIn) error {
	if !slices.ContainsFunc(present, func(s signIn) bool { return s.Server != (binding.Server{}) && s.Who.User != "" }) {
		return nil
	}
	return w.remember(account, func(am *accountMemory) {
		m := &am.Server
		for _, s := range present {
			if s.Server == (binding.Server{}) || s.Who.User == "" || (m.User != "" && !strings.EqualFold(m.User, s.Who.User)) {
				continue
			}
			if m.User == "" {
				m.User, m.AcceptInvalidCert = s.Who.User, s.Server.AcceptInvalidCert
			}
			m.Contacts, m.Calendars, m.Files = cmp.Or(m.Contacts, s.Server.Contacts), cmp.Or(m.Calendars, s.Server.Calendars), cmp.Or(m.Files, s.Server.Files)
		}
	})
}
