package thunderbird

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/mozilla"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the accounts of Thunderbird.
type Place struct{ dirs xdg.Dirs }

// New makes a place of a person's folders.
func New(dirs xdg.Dirs) *Place { return &Place{dirs: dirs} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "thunderbird" }

// Folderless says that Thunderbird keeps its own folders, where nobody puts a copy.
func (*Place) Folderless() {}

// Entries implements [binding.Place].
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	list, err := p.list()
	if err != nil {
		return nil, err
	}
	var entries []binding.Entry
	numbers := map[string]*counts{}
	for _, a := range list {
		c := numbers[a.profile.Path]
		if c == nil {
			c = &counts{profile: a.profile}
			numbers[a.profile.Path] = c
		}
		entries = append(entries, p.entry(ctx, a, c))
	}
	return entries, ctx.Err()
}

func (p *Place) list() ([]account, error) {
	profiles, err := mozilla.Thunderbird.Profiles(p.dirs)
	if err != nil {
		return nil, err
	}
	var list []account
	for _, profile := range profiles {
		prefs, err := profile.Prefs()
		if err != nil {
			return nil, err
		}
		all, err := parts(prefs)
		if err != nil {
			return nil, fmt.Errorf("cannot use the settings in %s: %w", profile.Path, err)
		}
		list = append(list, accounts(profile, all)...)
	}
	return list, nil
}

func (p *Place) entry(ctx context.Context, a account, c *counts) binding.Entry {
	shown := a.who.Named()
	e := binding.Entry{
		ID: a.id(p.Kind(), p.dirs.Home), Name: shown + " in Thunderbird", Who: a.who,
	}
	var steps []string
	for _, part := range a.parts {
		name := part.name
		if name == "" {
			name = shown
		}
		e.Goes = append(e.Goes, departure.Vanishing{What: part.what, Name: name, Items: c.of(ctx, part)})
		e.Carries = e.Carries || part.what == book || part.what == calendar
		e.Mail = e.Mail || part.what == mail
		steps = append(steps, fmt.Sprintf(guidance[part.what], name))
	}
	return e.ByHand("in Thunderbird" + profileName(a.profile) + ": " + strings.Join(slices.Compact(steps), "; "))
}

// guidance says how the person removes a part.
var guidance = map[string]string{
	mail:     "open Account Settings, choose %s, then Account Actions and Remove Account",
	outgoing: "open Account Settings, then Outgoing Server, choose %s and Remove",
	book:     "open the Address Book, right-click %s and choose Delete",
	calendar: "open the Calendar, right-click %s and choose Unsubscribe",
}

// profileName tells one of several profiles apart, for a person.
func profileName(p mozilla.Profile) string {
	if p.Name == "" || p.Name == "default" || strings.HasPrefix(p.Name, "default-") {
		return ""
	}
	return " (profile " + p.Name + ")"
}

// Remove implements [binding.Place]: only the person can.
func (p *Place) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// ReadBack implements [binding.Place]: it looks for the account in the settings,
// and for a password of its server that no other account goes by. Whose a password
// is, is encrypted.
func (p *Place) ReadBack(_ context.Context, id string) ([]binding.Left, error) {
	list, err := p.list()
	if err != nil {
		return nil, err
	}
	var left []binding.Left
	for _, a := range list {
		if a.id(p.Kind(), p.dirs.Home) == id {
			left = append(left, binding.Left{Where: "list of accounts", Name: a.profile.Path})
		}
	}
	unused, err := p.unused(list)
	for _, l := range unused {
		if opens(l.server, hostOf(id)) {
			left = append(left, binding.Left{Where: "saved passwords", Name: filepath.Join(l.profile.Path, "logins.json"),
				Remedy: &departure.Remedy{Code: "by-hand", Text: removePassword(l)}})
		}
	}
	return left, err
}

// login is a password that is stored for a server.
type login struct {
	profile mozilla.Profile
	server  string
}

// removePassword says how the person removes one.
func removePassword(l login) string {
	return "in Thunderbird" + profileName(l.profile) + ", open Settings, Privacy & Security, Saved Passwords, and remove the one for " + l.server
}

// unused are the passwords of servers that no account of their profile is at.
func (p *Place) unused(list []account) ([]login, error) {
	profiles, err := mozilla.Thunderbird.Profiles(p.dirs)
	if err != nil {
		return nil, err
	}
	var unused []login
	for _, profile := range profiles {
		stored, err := profile.Logins()
		if err != nil {
			return nil, err
		}
		for _, at := range stored {
			l := login{profile, binding.Host(at)}
			if l.server != "" && !slices.Contains(unused, l) && !slices.ContainsFunc(list, func(a account) bool {
				return a.profile.Path == profile.Path && opens(l.server, a.who.Host)
			}) {
				unused = append(unused, l)
			}
		}
	}
	return unused, nil
}

// Hints implements [binding.Hinter]: passwords of servers that no account is at.
func (p *Place) Hints(context.Context) ([]binding.Hint, error) {
	list, err := p.list()
	if err != nil {
		return nil, err
	}
	unused, err := p.unused(list)
	var hints []binding.Hint
	for _, l := range unused {
		hints = append(hints, binding.Hint{Who: binding.Who{Type: "https", Host: l.server}, Hint: departure.Hint{
			ID: p.Kind() + ":password/" + url.PathEscape(l.profile.Path) + "/" + url.PathEscape(l.server), Name: "Thunderbird" + profileName(l.profile),
			Text:   "a password for " + l.server + " is saved in Thunderbird, and no account there goes by it",
			Remedy: departure.Remedy{Code: "by-hand", Text: removePassword(l)},
		}})
	}
	return hints, err
}

// Files implements [binding.Filed].
func (p *Place) Files() []string {
	files := mozilla.Thunderbird.Lists(p.dirs)
	// Profiles that cannot be listed fail Entries, which says so.
	profiles, _ := mozilla.Thunderbird.Profiles(p.dirs)
	for _, profile := range profiles {
		files = append(files, filepath.Join(profile.Path, "prefs.js"), filepath.Join(profile.Path, "logins.json"))
	}
	return files
}

var (
	_ binding.Place  = (*Place)(nil)
	_ binding.Filed  = (*Place)(nil)
	_ binding.Hinter = (*Place)(nil)
)
