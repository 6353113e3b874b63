package tasks

import (
	"context"
	"errors"

	"github.com/clearance-project/clearance/platform/cloud/dav"
	"github.com/clearance-project/clearance/platform/goa"
)

// renewal gets a newer token of an account.
type renewal func(context.Context) (dav.Secret, error)

// tokens is how GOA is asked for a newer token of an account. GetAccessToken alone
// may give one that does not work ("use goa_provider_ensure_credentials_sync() if
// you need stronger guarantees", src/goabackend/goaoauth2provider.c), so that
// EnsureCredentials goes before it. The token is kept in memory alone.
func (w *Worker) tokens(g goa.Account) renewal {
	return func(ctx context.Context) (dav.Secret, error) {
		if err := w.goa.EnsureCredentials(ctx, g); err != nil {
			return dav.Secret{}, err
		}
		got, err := w.goa.Credentials(ctx, g)
		if err != nil {
			return dav.Secret{}, err
		}
		return dav.NewSecret(got.Token.Reveal()), nil
	}
}

var errNoRenewal = errors.New("the account is not signed in with a token")

// renewed is a newer token of an account, in place of one that its server
// refused. After the sign-out there is none.
func (w *Worker) renewed(ctx context.Context, account string) (dav.Secret, error) {
	s := w.session(account)
	if s == nil {
		return dav.Secret{}, errNoRenewal
	}
	w.mu.Lock()
	renew := s.renew
	w.mu.Unlock()
	if renew == nil {
		return dav.Secret{}, errNoRenewal
	}
	return renew(ctx)
}
