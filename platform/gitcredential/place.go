package gitcredential

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the passwords in git's files, and in a netrc.
type Place struct{ dirs xdg.Dirs }

// New makes a place of a person's folders.
func New(dirs xdg.Dirs) *Place { return &Place{dirs: dirs} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "git-credential" }

// store is one file with passwords.
type store struct {
	at    string
	netrc bool
}

// stores are the files where git looks, those that its settings name, and a netrc,
// of every home, with the settings files themselves.
func (p *Place) stores() (all []store, configs []string, err error) {
	homes, err := p.dirs.Homes()
	if err != nil {
		return nil, nil, fmt.Errorf("cannot look for git's passwords: %w", err)
	}
	var errs []error
	for _, home := range homes {
		named, settings, err := p.named(home)
		configs, errs = append(configs, settings...), append(errs, err)
		named = append(named, filepath.Join(home.Home, ".git-credentials"), filepath.Join(home.Config, "git/credentials"))
		for _, at := range named {
			if s := (store{at: at}); !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
		all = append(all, store{filepath.Join(home.Home, ".netrc"), true})
	}
	if err := errors.Join(errs...); err != nil {
		return all, configs, fmt.Errorf("cannot look for git's passwords: %w", err)
	}
	return all, configs, nil
}

// Folderless says that a password keeps no folder in step with an account.
func (*Place) Folderless() {}

// Entries implements [binding.Place].
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	stores, _, err := p.stores()
	if err != nil {
		return nil, err
	}
	var entries []binding.Entry
	for _, s := range stores {
		parse := parseStore
		if s.netrc {
			parse = parseNetrc
		}
		all, err := read(s.at, parse)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", s.at, err)
		}
		for _, c := range all {
			entries = append(entries, p.entry(s, c))
		}
	}
	return entries, ctx.Err()
}

func (p *Place) entry(s store, c credential) binding.Entry {
	who := binding.Who{Type: "https", User: c.user, Host: c.host, AnyPort: s.netrc}
	below := s.at
	if rel, err := filepath.Rel(p.dirs.Home, s.at); err == nil && filepath.IsLocal(rel) {
		below = rel
	}
	e := binding.Entry{
		ID:   p.Kind() + ":" + strings.Join([]string{url.PathEscape(below), c.scheme, url.PathEscape(c.user), url.PathEscape(c.address)}, "/"),
		Name: "password of " + who.Named() + " in " + below, Who: who,
	}
	text := fmt.Sprintf("open %s in an editor, and remove the line with %s", s.at, c.host)
	command := ""
	if !s.netrc {
		host, path, _ := strings.Cut(c.address, "/")
		described := "protocol=" + c.scheme + `\nhost=` + host + `\nusername=` + c.user
		if path != "" {
			described += `\npath=` + path
		}
		if plain(described) && plain(s.at) {
			command = "printf '" + described + `\n' | git credential-store --file ` + s.at + " erase"
			text += "; or run: " + command
		}
	}
	e = e.ByHand(text)
	e.Blocked.Command = command
	return e
}

// plain reports whether a text means itself within the quotes of a shell and to
// printf.
func plain(text string) bool {
	return !strings.ContainsFunc(strings.ReplaceAll(text, `\n`, ""), func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !letter && !strings.ContainsRune("_-./@+=:~", r)
	})
}

// Remove implements [binding.Place]: only the person can.
func (p *Place) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// ReadBack implements [binding.Place].
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	return binding.StillListed(ctx, p, id, "file with passwords")
}

// Files implements [binding.Filed].
func (p *Place) Files() []string {
	stores, files, _ := p.stores() // What cannot be read fails Entries, which says so.
	for _, s := range stores {
		files = append(files, s.at)
	}
	return files
}

var (
	_ binding.Place = (*Place)(nil)
	_ binding.Filed = (*Place)(nil)
)
