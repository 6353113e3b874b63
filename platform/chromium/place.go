package chromium

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the accounts of the browsers that are built from Chromium.
type Place struct{ dirs xdg.Dirs }

// New makes a place of a person's folders.
func New(dirs xdg.Dirs) *Place { return &Place{dirs: dirs} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "chromium" }

// Folderless says that a browser keeps no folder in step with an account.
func (*Place) Folderless() {}

// Entries implements [binding.Place]: the account that a profile is signed in to,
// with its bookmarks and passwords.
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	all, err := profiles(p.dirs)
	if err != nil {
		return nil, err
	}
	var entries []binding.Entry
	for _, pr := range all {
		if pr.kind == "" || pr.primary == "" {
			continue
		}
		who := binding.Who{Type: pr.kind}
		if strings.Contains(pr.primary, "@") {
			who.User = pr.primary
		}
		entries = append(entries, binding.Entry{
			ID: p.id(pr, pr.primary), Name: pr.primary + " in " + pr.named(), Who: who,
		}.ByHand(fmt.Sprintf("open %s, go to Settings, choose %s at the top, then Turn off or Sign out; export bookmarks and passwords before, where only the account has them", pr.named(), pr.primary)))
	}
	return entries, ctx.Err()
}

// named tells a profile apart, for a person.
func (p profile) named() string {
	if p.title == "" {
		return p.name
	}
	return p.name + " (" + p.title + ")"
}

func (p *Place) id(pr profile, of string) string {
	at := pr.path
	if below, err := filepath.Rel(p.dirs.Home, at); err == nil && filepath.IsLocal(below) {
		at = below
	}
	return p.Kind() + ":" + url.PathEscape(at) + "/" + url.PathEscape(of)
}

// Remove implements [binding.Place]: only the person can.
func (p *Place) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// ReadBack implements [binding.Place].
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	return binding.StillListed(ctx, p, id, "browser's profile")
}

// Hints implements [binding.Hinter]: accounts that are signed in on the web, and
// saved passwords.
func (p *Place) Hints(ctx context.Context) ([]binding.Hint, error) {
	all, err := profiles(p.dirs)
	if err != nil {
		return nil, err
	}
	var hints []binding.Hint
	var errs []error
	for _, pr := range all {
		kind := pr.kind
		if kind == "" {
			kind = "google"
		}
		for _, address := range pr.web {
			hints = append(hints, binding.Hint{Who: binding.Who{Type: kind, User: address}, Hint: departure.Hint{
				ID: p.id(pr, "web/"+address), Name: pr.named(), Text: address + " is signed in on the pages of the browser",
				Remedy: departure.Remedy{Code: "by-hand", Text: "sign out of it on the page, when you have left"},
			}})
		}
		saved, err := logins(ctx, pr)
		if err != nil {
			errs = append(errs, fmt.Errorf("the passwords of %s could not be looked through: %w", pr.named(), err))
		}
		for _, l := range saved {
			hints = append(hints, binding.Hint{Who: binding.Who{Type: "https", User: l.user, Host: l.host}, Hint: departure.Hint{
				ID: p.id(pr, "password/"+l.user+"@"+l.host), Name: pr.named(), Text: "a password for " + l.host + " is saved in the browser",
				Remedy: departure.Remedy{Code: "by-hand", Text: "open its password manager, and remove the password when you have left"},
			}})
		}
	}
	return hints, errors.Join(append(errs, ctx.Err())...)
}

// Files implements [binding.Filed].
func (p *Place) Files() []string {
	// Profiles that cannot be read fail Entries, which says so.
	all, _ := profiles(p.dirs)
	homes, _ := p.dirs.Homes()
	var files []string
	for _, home := range homes {
		for _, b := range browsers {
			for _, root := range roots(home, b) {
				files = append(files, filepath.Join(root, "Local State"))
			}
		}
	}
	for _, pr := range all {
		files = append(files, filepath.Join(pr.path, "Preferences"))
	}
	return files
}

var (
	_ binding.Place  = (*Place)(nil)
	_ binding.Filed  = (*Place)(nil)
	_ binding.Hinter = (*Place)(nil)
)
