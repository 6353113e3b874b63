package gitcredential

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
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

// stores are the files where git looks, and a netrc, of every home.
func (p *Place) stores() ([]store, error) {
	homes, err := p.dirs.Homes()
	if err != nil {
		return nil, fmt.Errorf("cannot look for git's passwords: %w", err)
	}
	var all []store
	for _, home := range homes {
		all = append(all, store{filepath.Join(home.Home, ".git-credentials"), false},
			store{filepath.Join(home.Config, "git/credentials"), false}, store{filepath.Join(home.Home, ".netrc"), true})
	}
	return all, nil
}

// Folderless says that a password keeps no folder in step with an account.
func (*Place) Folderless() {}

// Entries implements [binding.Place].
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	stores, err := p.stores()
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
	stores, _ := p.stores() // Homes that cannot be listed fail Entries, which says so.
	var files []string
	for _, s := range stores {
		files = append(files, s.at)
	}
	return files
}

var (
	_ binding.Place = (*Place)(nil)
	_ binding.Filed = (*Place)(nil)
)
