package goa

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
)

// Accounts are GOA's accounts as a place where an account can be registered.
// Their ids are "goa:", GOA's type of the provider, a colon, and GOA's id, which
// is new at each sign-in.
type Accounts struct{ c *Client }

// NewAccounts makes the place of c.
func NewAccounts(c *Client) *Accounts { return &Accounts{c} }

var (
	_ binding.Place  = (*Accounts)(nil)
	_ binding.Teller = (*Accounts)(nil)
)

// kind is the word before the colon of each id.
const kind = "goa"

// Kind is "goa".
func (*Accounts) Kind() string { return kind }

// Folderless says that GOA keeps no folder in step with an account.
func (*Accounts) Folderless() {}

// IDOf names an account among the entries of every place.
func IDOf(provider, id string) string { return kind + ":" + provider + ":" + id }

// AccountOf takes an entry's id apart; ok is false for one of another place.
func AccountOf(entry string) (provider, id string, ok bool) {
	parts := strings.SplitN(entry, ":", 3)
	if len(parts) != 3 || parts[0] != kind || parts[1] == "" || parts[2] == "" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// Entries lists GOA's accounts, and what stands in its key file alone as
// leftovers.
func (a *Accounts) Entries(ctx context.Context) ([]binding.Entry, error) {
	l, err := a.list(ctx)
	if err != nil {
		return nil, err
	}
	locked := false
	if len(l.Accounts) > 0 {
		// Where the keyring cannot be asked now, Remove asks it again.
		c, err := a.c.secrets.Default(ctx)
		locked = err == nil && c.Locked
	}
	var entries []binding.Entry
	for i := range l.Accounts {
		entries = append(entries, entryOf(&l.Accounts[i], locked))
	}
	for _, u := range l.Unlisted {
		entries = append(entries, binding.Entry{
			ID: IDOf(u.Provider, u.ID), Name: nameOf(u.Identity), Leftover: true, Carries: true,
			Who: binding.Who{Type: u.Provider, User: u.Identity, Host: u.Host},
			Why: departure.Reason{Code: "leftover", Text: "the account still stands in this device's list of accounts"},
			Blocked: &departure.Remedy{Code: "by-hand",
				Text: fmt.Sprintf("open %s in an editor, remove the part that begins with [Account %s], and log in again", keyFilePath(a.c.configHome), u.ID)},
		})
	}
	return entries, nil
}

// list is the client's, of a device without GOA too: one whose key file has
// accounts all the same is not known.
func (a *Accounts) list(ctx context.Context) (Listing, error) {
	l, err := a.c.List(ctx)
	if !errors.Is(err, bus.ErrNoService) {
		return l, err
	}
	groups, ferr := readKeyFile(keyFilePath(a.c.configHome))
	if ferr != nil || len(groups) > 0 {
		return Listing{}, errors.Join(err, ferr)
	}
	return Listing{}, nil
}

func nameOf(account string) string { return account + " in Online Accounts" }

func entryOf(a *Account, keyringLocked bool) binding.Entry {
	e := binding.Entry{
		ID: IDOf(a.Provider, a.ID), Name: nameOf(a.Presentation), Account: a.Presentation, Carries: true,
		Who:    binding.Who{Type: a.Provider, User: a.Identity, Host: a.Host},
		Server: binding.Server{Contacts: a.Contacts, Calendars: a.Calendar, Files: a.Files, AcceptInvalidCert: a.AcceptSSLErrors},
	}
	var held *binding.BlockedError
	switch {
	case a.Locked:
		held = ofAdministrator()
	case keyringLocked:
		held = inLockedKeyring()
	default:
		return e
	}
	e.Why, e.Blocked = held.Why, &held.Remedy
	return e
}

func ofAdministrator() *binding.BlockedError {
	return &binding.BlockedError{
		Why:    departure.Reason{Code: "is-locked", Text: "the account was set up by an administrator, and only they can remove it"},
		Remedy: departure.Remedy{Code: "ask-admin", Text: "ask whoever manages this device to remove the account, then go on"},
	}
}

func inLockedKeyring() *binding.BlockedError {
	return &binding.BlockedError{
		Why:    departure.Reason{Code: "keyring-locked", Text: "the keyring is locked: signing out now would leave the password behind"},
		Remedy: binding.Unlock(),
	}
}

// Remove has GOA remove the account, and with it what was synced for it.
func (a *Accounts) Remove(ctx context.Context, entry string) error {
	provider, id, ok := AccountOf(entry)
	if !ok {
		return binding.ErrGone
	}
	l, err := a.list(ctx)
	if err != nil {
		return err
	}
	if found, ok := l.Account(id); !ok || found.Provider != provider {
		if slices.ContainsFunc(l.Unlisted, func(u Unlisted) bool { return u.ID == id && u.Provider == provider }) {
			return fmt.Errorf("cannot remove the account: it is in %s alone, which nothing serves", keyFilePath(a.c.configHome))
		}
		return binding.ErrGone
	}
	switch err := a.c.Remove(ctx, id); {
	case errors.Is(err, ErrNotListed):
		return binding.ErrGone
	case errors.Is(err, ErrKeyringLocked):
		return inLockedKeyring()
	case errors.Is(err, ErrLocked):
		return ofAdministrator()
	default:
		return err
	}
}

// ReadBack looks into every place that has something of an account while it is
// signed in.
func (a *Accounts) ReadBack(ctx context.Context, entry string) ([]binding.Left, error) {
	provider, id, ok := AccountOf(entry)
	if !ok {
		return nil, fmt.Errorf("it is not known how %q was signed in", entry)
	}
	back := a.c.ReadBack(ctx, provider, id)
	var left []binding.Left
	for _, l := range back.Leftovers {
		left = append(left, binding.Left{Where: string(l.Place), Name: l.Name, Locked: l.Locked})
	}
	return left, back.Err()
}

// Watch tells of accounts that come and go. Properties change when a server is
// asked that fails, and do not count.
func (a *Accounts) Watch(changed func()) (stop func(), err error) {
	sub, err := a.c.Watch(func(e Event) {
		switch e.Change {
		case Added, Removed, Lost, Rescan:
			changed()
		}
	})
	if err != nil {
		return nil, err
	}
	return sub.Close, nil
}

// Fence returns once every change before it was told. A device without GOA has
// nothing to tell.
func (a *Accounts) Fence(ctx context.Context) error {
	err := a.c.Fence(ctx)
	if errors.Is(err, bus.ErrNoService) {
		return a.c.bus.Drain(ctx)
	}
	return err
}
