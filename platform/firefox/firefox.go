// Package firefox tells where Firefox, and what is built from it, knows an account:
// a saved password, or a Mozilla account under the same address. Nothing of it is
// a sign-in that holds data, so all of it is told and nothing blocks. It is a
// binding.Place without entries, and a binding.Hinter.
//
// It imports agent/departure, platform/binding, mozilla and xdg.
//
// Invariants:
//   - It writes nothing and reads no password.
//   - A profile that cannot be read is an error beside what the others have.
package firefox

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/mozilla"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the uses of accounts in Firefox.
type Place struct{ dirs xdg.Dirs }

// New makes a place of a person's folders.
func New(dirs xdg.Dirs) *Place { return &Place{dirs: dirs} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "firefox" }

// Folderless says that a browser keeps no folder in step with an account.
func (*Place) Folderless() {}

// Entries implements [binding.Place]: there are none.
func (p *Place) Entries(context.Context) ([]binding.Entry, error) { return nil, nil }

// Remove implements [binding.Place].
func (p *Place) Remove(context.Context, string) error { return binding.ErrGone }

// ReadBack implements [binding.Place].
func (p *Place) ReadBack(context.Context, string) ([]binding.Left, error) { return nil, nil }

// Hints implements [binding.Hinter].
func (p *Place) Hints(ctx context.Context) ([]binding.Hint, error) {
	profiles, err := mozilla.Firefox.Profiles(p.dirs)
	if err != nil {
		return nil, err
	}
	var hints []binding.Hint
	var errs []error
	for _, profile := range profiles {
		logins, err := profile.Logins()
		errs = append(errs, err)
		seen := map[string]bool{}
		for _, at := range logins {
			if host := binding.Host(at); host != "" && !seen[host] {
				seen[host] = true
				hints = append(hints, p.password(profile, host))
			}
		}
		address, err := profile.Account()
		errs = append(errs, err)
		if address != "" {
			hints = append(hints, p.account(profile, address))
		}
	}
	return hints, errors.Join(append(errs, ctx.Err())...)
}

func (p *Place) password(profile mozilla.Profile, host string) binding.Hint {
	return binding.Hint{Who: binding.Who{Type: "https", Host: host}, Hint: departure.Hint{
		ID: p.id(profile, "password", host), Name: named(profile),
		Text:   "a password for " + host + " is saved in the browser",
		Remedy: departure.Remedy{Code: "by-hand", Text: "open about:logins in it, and remove the password when you have left"},
	}}
}

// account is a Mozilla account whose address is perhaps the one that is left: with
// it goes the way to reset its password.
func (p *Place) account(profile mozilla.Profile, address string) binding.Hint {
	return binding.Hint{Who: binding.Who{User: address}, Hint: departure.Hint{
		ID: p.id(profile, "account", address), Name: named(profile),
		Text:   fmt.Sprintf("the browser is signed in to a Mozilla account with the address %s, which gets no mail any more once you have left", address),
		Remedy: departure.Remedy{Code: "by-hand", Text: "change the address of your Mozilla account at accounts.firefox.com before you leave"},
	}}
}

func (p *Place) id(profile mozilla.Profile, what, of string) string {
	at := profile.Path
	if below, err := filepath.Rel(p.dirs.Home, at); err == nil && filepath.IsLocal(below) {
		at = below
	}
	return p.Kind() + ":" + what + "/" + url.PathEscape(at) + "/" + url.PathEscape(of)
}

func named(profile mozilla.Profile) string {
	if profile.Name == "" {
		return "Firefox"
	}
	return "Firefox (profile " + profile.Name + ")"
}

// Files implements [binding.Filed].
func (p *Place) Files() []string { return mozilla.Firefox.Lists(p.dirs) }

var (
	_ binding.Place  = (*Place)(nil)
	_ binding.Filed  = (*Place)(nil)
	_ binding.Hinter = (*Place)(nil)
)
