package rclone

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the remotes of rclone.
type Place struct {
	dirs   xdg.Dirs
	mounts func() ([]place.Mount, error)
}

// New makes a place of a person's folders.
func New(dirs xdg.Dirs) *Place { return &Place{dirs: dirs, mounts: place.Mounts} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "rclone" }

// Entries implements [binding.Place].
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	files, err := p.configs()
	if err != nil {
		return nil, err
	}
	mounts, err := p.mounts()
	if err != nil {
		return nil, fmt.Errorf("cannot look for what rclone has mounted: %w", err)
	}
	var entries []binding.Entry
	for _, at := range files {
		remotes, sealed, err := read(at)
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", at, err)
		}
		if sealed != "" {
			entries = append(entries, p.encrypted(at, sealed, mounts))
		}
		for _, r := range remotes {
			e := p.entry(at, r, mounts)
			// Remotes of one name may differ in their kind alone.
			for id, n := e.ID, 2; slices.ContainsFunc(entries, func(k binding.Entry) bool { return k.ID == e.ID }); n++ {
				e.ID = fmt.Sprintf("%s/%d", id, n)
			}
			entries = append(entries, e)
		}
	}
	return entries, ctx.Err()
}

// encrypted is a configuration that only the person can read. Any of rclone's
// mounts may be of a remote in it.
func (p *Place) encrypted(at string, digest departure.Digest, mounts []place.Mount) binding.Entry {
	e := binding.Entry{
		ID: p.Kind() + ":" + url.PathEscape(p.below(at)), Unread: digest,
		Name: "rclone's encrypted list of remotes (" + at + ")", Who: binding.Who{Type: "rclone"},
	}
	e.Why = departure.Reason{Code: "encrypted", Text: e.Name + " cannot be read from here: a remote in it may be this account"}
	e.Blocked = &departure.Remedy{Code: "look-inside", Text: "run " + p.command(at, "config show") +
		", which asks for the list's password; delete the remotes of this account, if there are any, with " + p.command(at, "config delete NAME")}
	for _, m := range mounts {
		if m.FSType == "fuse.rclone" {
			e.Mounts = append(e.Mounts, m.At)
		}
	}
	return e
}

// command is a command line of rclone on one configuration.
func (p *Place) command(at, what string) string {
	if at == filepath.Join(p.dirs.Config, file) {
		return "rclone " + what
	}
	return "rclone --config " + shellWord(at) + " " + what
}

// entry is one remote. Its name is its person's and is new at no sign-in, so who is
// signed in is part of the id.
func (p *Place) entry(at string, r remote, mounts []place.Mount) binding.Entry {
	e := binding.Entry{
		ID:   p.Kind() + ":" + strings.Join([]string{url.PathEscape(p.below(at)), url.PathEscape(r.name), url.PathEscape(r.who.User), url.PathEscape(r.who.Host)}, "/"),
		Name: r.name + " in rclone", Who: r.who,
	}
	command := p.command(at, "config delete "+shellWord(r.name))
	text := "run: " + command
	for _, m := range mounts {
		if m.FSType == "fuse.rclone" && (strings.HasPrefix(m.From, r.name+":") || strings.HasPrefix(m.From, r.name+"{")) {
			e.Mounts = append(e.Mounts, m.At)
			text = "unmount it first: fusermount3 -u " + shellWord(m.At) + "; then " + text
			command = ""
		}
	}
	e = e.ByHand(text)
	e.Blocked.Command = command
	return e
}

func (p *Place) below(at string) string {
	if below, err := filepath.Rel(p.dirs.Home, at); err == nil && filepath.IsLocal(below) {
		return below
	}
	return at
}

// shellWord is a name as one word of a command line.
func shellWord(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./@+", r)
	}
	if name != "" && name[0] != '-' && !strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// Remove implements [binding.Place]: only the person can.
func (p *Place) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// ReadBack implements [binding.Place]. Nothing of a remote is anywhere else. One
// that was listed, and may be in what is encrypted by now, is not gone.
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	entries, err := p.Entries(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Unread != "" && strings.HasPrefix(id, e.ID+"/") {
			return nil, fmt.Errorf(`%s may have it: run "rclone config", choose s and then u, to take the password off until you have left`, e.Name)
		}
	}
	return binding.StillListed(ctx, p, id, "rclone's list of remotes")
}

// file is the configuration, below the configuration folder.
const file = "rclone/rclone.conf"

// configs are the files where rclone looks for its configuration, of every home.
func (p *Place) configs() ([]string, error) {
	homes, err := p.dirs.Homes()
	if err != nil {
		return nil, fmt.Errorf("cannot look for rclone's remotes: %w", err)
	}
	var files []string
	for _, home := range homes {
		files = append(files, filepath.Join(home.Config, file), filepath.Join(home.Home, ".rclone.conf"))
	}
	return files, nil
}

// Files implements [binding.Filed].
func (p *Place) Files() []string {
	files, _ := p.configs() // Homes that cannot be listed fail Entries, which says so.
	return files
}

var (
	_ binding.Place = (*Place)(nil)
	_ binding.Filed = (*Place)(nil)
)
