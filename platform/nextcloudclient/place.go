package nextcloudclient

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the accounts of the sync clients.
type Place struct {
	dirs    xdg.Dirs
	secrets *secrets.Client
}

// New makes a place of a person's folders and keyring.
func New(dirs xdg.Dirs, s *secrets.Client) *Place { return &Place{dirs: dirs, secrets: s} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "nextcloudclient" }

// Entries implements [binding.Place]. Passwords that are left of accounts which
// no client has any more are entries too.
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	accounts, err := accounts(p.dirs)
	if err != nil {
		return nil, err
	}
	var entries []binding.Entry
	for _, a := range accounts {
		e, err := p.entry(ctx, a)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	left, err := p.leftInKeyring(ctx, accounts)
	return append(entries, left...), err
}

func (p *Place) entry(ctx context.Context, a account) (binding.Entry, error) {
	shown := a.who().Named()
	e := binding.Entry{
		ID: p.id(a), Name: shown + " in " + a.where(), Who: a.who(), Server: a.server(), Carries: true,
	}
	state, err := p.look(ctx, a)
	if err != nil {
		return binding.Entry{}, fmt.Errorf("cannot look at %s: %w", e.Name, err)
	}
	e.Busy = state.busy
	for i, f := range a.folders {
		e.Folders = append(e.Folders, f.Path)
		j := state.journals[i]
		if f.Virtual || j.virtual > 0 {
			gone := departure.Vanishing{What: "files kept at the server alone", Name: f.Path, Items: -1}
			if j.known {
				gone.Items = j.virtual
			}
			e.Goes = append(e.Goes, gone)
		}
	}
	return e.ByHand(a.guidance(state)), nil
}

// server is where the account's data is served. Source: Nextcloud's "WebDAV
// basics" page.
func (a account) server() binding.Server {
	at, err := url.Parse(a.url)
	if err != nil || at.Hostname() == "" {
		return binding.Server{}
	}
	at.User, at.RawQuery, at.Fragment = nil, "", ""
	dav := at.JoinPath("remote.php", "dav")
	s := binding.Server{Contacts: dav.String() + "/", Calendars: dav.String() + "/"}
	if a.user != "" {
		s.Files = dav.JoinPath("files", url.PathEscape(a.user)).String() + "/"
	}
	return s
}

// where names the client to a person.
func (a account) where() string {
	if a.app != "" {
		return a.name + " Desktop (" + a.app + ")"
	}
	return a.name + " Desktop"
}

// guidance says how the person removes the account.
func (a account) guidance(s state) string {
	text := fmt.Sprintf("open %s, go to Settings, choose the account %s, then Account, Remove, and Remove connection", a.name, a.who().Identity())
	if len(a.folders) > 0 {
		text += "; the files in its folder stay on this device"
	}
	switch {
	case s.troubled == 1:
		text += ". Before that, look at the one file that it could not bring into step"
	case s.troubled > 1:
		text += fmt.Sprintf(". Before that, look at the %d files that it could not bring into step", s.troubled)
	}
	return text
}

// state is what a client is doing for an account.
type state struct {
	busy     string
	journals []journal // of each folder; of a client that runs, not known
	troubled int64
}

// look finds out whether a transfer goes on: the client is asked where it runs,
// and its journals are read where it does not.
func (p *Place) look(ctx context.Context, a account) (state, error) {
	s := state{journals: make([]journal, len(a.folders))}
	c, runs, err := dial(ctx, p.dirs.Runtime, a.name)
	if err != nil {
		return s, err
	}
	if runs {
		s.busy = a.asked(ctx, c)
		return s, c.close()
	}
	var unfinished int64
	for i, f := range a.folders {
		j, err := readJournal(ctx, f)
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		if err != nil {
			s.busy = fmt.Sprintf("it is not known whether %s is in step: start %s, which mends its journal (%v)", f.Path, a.name, err)
		}
		if j.locked {
			s.busy = f.Path + " is being brought into step with the server"
		}
		s.journals[i] = j
		s.troubled += j.troubled
		unfinished += j.unfinished
	}
	if s.busy == "" && unfinished > 0 {
		s.busy = fmt.Sprintf("%d transfers were begun and are not finished: start %s and let it come to its end", unfinished, a.name)
	}
	return s, nil
}

// asked is what a client that runs is busy with; one that does not answer may be
// busy with anything.
func (a account) asked(ctx context.Context, c *client) string {
	for _, f := range a.folders {
		status, err := c.status(ctx, f.Path)
		switch {
		case err != nil:
			return fmt.Sprintf("%s does not say whether it is done with %s: wait for it, or quit it (%v)", a.name, f.Path, err)
		case status == atWork:
			return f.Path + " is being brought into step with the server"
		case status == notKept:
			return fmt.Sprintf("%s is not connected, or is paused, and %s may not be in step: let it go on until it is done, or quit it", a.name, f.Path)
		}
	}
	return ""
}

// Remove implements [binding.Place]: only the person can.
func (p *Place) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// id names an account as exactly as the client does: its numbers are given out
// again, so who signed in is part of it.
func (p *Place) id(a account) string {
	return p.Kind() + ":" + strings.Join([]string{
		url.PathEscape(a.app), a.name, url.PathEscape(a.number), url.PathEscape(a.login), url.PathEscape(a.url)}, "/")
}

// parseID is an account as far as its id tells it.
func (p *Place) parseID(id string) (account, error) {
	rest, ok := strings.CutPrefix(id, p.Kind()+":")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 5 {
		return account{}, fmt.Errorf("cannot use %q: it names no account of a sync client", id)
	}
	for i := range parts {
		text, err := url.PathUnescape(parts[i])
		if err != nil {
			return account{}, fmt.Errorf("cannot use %q: %w", id, err)
		}
		parts[i] = text
	}
	a := account{app: parts[0], number: parts[2], login: parts[3], user: parts[3], url: parts[4]}
	for _, known := range programs {
		if known.name == parts[1] {
			a.program = known
			return a, nil
		}
	}
	return account{}, fmt.Errorf("cannot use %q: no such client", id)
}

// Files implements [binding.Filed].
func (p *Place) Files() []string {
	// Homes that cannot be listed fail Entries, which says so.
	homes, _ := p.dirs.Homes()
	var files []string
	for _, home := range homes {
		for _, known := range programs {
			files = append(files, filepath.Join(home.Config, known.file))
		}
	}
	return files
}

var (
	_ binding.Place = (*Place)(nil)
	_ binding.Filed = (*Place)(nil)
)
