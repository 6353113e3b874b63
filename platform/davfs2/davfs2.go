// Package davfs2 reads which servers davfs2 mounts, or is set up to mount, and for
// which it keeps a password in a person's file. It is a binding.Place.
//
// It imports backup/place (for the mounts), platform/binding and xdg.
//
// Invariants:
//   - It writes nothing: mounts and lines are removed by the person.
//   - A password is passed over.
//   - A password for a folder that is set up nowhere may be for any server.
//
// Sources: davfs2.conf(5), mount.davfs(8) ("secrets file") and fstab(5).
package davfs2

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/backup/place"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the servers of davfs2.
type Place struct {
	dirs   xdg.Dirs
	fstab  string
	mounts func() ([]place.Mount, error)
}

// New makes a place of a person's folders and of this device's mounts.
func New(dirs xdg.Dirs) *Place { return &Place{dirs: dirs, fstab: "/etc/fstab", mounts: place.Mounts} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "davfs2" }

// server is a server, by its address or, where that is not known, its folder.
type server struct {
	at      string
	user    string
	mounted []string // where
	inFstab bool
	secrets string // the file with its password, "" for none
}

// secretsFile is a person's file with passwords, below the home.
const secretsFile = ".davfs2/secrets"

// list gathers what mounts, the table of file systems and the passwords say.
func (p *Place) list() ([]*server, error) {
	var all []*server
	of := func(at, user string) *server {
		i := slices.IndexFunc(all, func(s *server) bool { return s.at == at && (s.user == user || s.user == "" || user == "") })
		if i < 0 {
			all = append(all, &server{at: at})
			i = len(all) - 1
		}
		if user != "" {
			all[i].user = user
		}
		return all[i]
	}
	folders := map[string]string{} // address by folder
	set, err := readLines(p.fstab)
	if err != nil {
		return nil, err
	}
	for _, words := range set {
		if len(words) >= 3 && words[2] == "davfs" {
			folders[filepath.Clean(words[1])] = address(words[0])
			of(address(words[0]), "").inFstab = true
		}
	}
	mounts, err := p.mounts()
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		if (m.FSType == "fuse" || m.FSType == "davfs" || m.FSType == "fuse.davfs") && isAddress(m.From) {
			folders[m.At] = address(m.From)
			s := of(address(m.From), "")
			s.mounted = append(s.mounted, m.At)
		}
	}
	homes, err := p.dirs.Homes()
	if err != nil {
		return nil, err
	}
	for _, home := range homes {
		file := filepath.Join(home.Home, secretsFile)
		lines, err := readLines(file)
		if err != nil {
			return nil, err
		}
		for _, words := range lines {
			if len(words) < 2 {
				continue
			}
			at, user := address(words[0]), words[1]
			if known, ok := folders[filepath.Clean(words[0])]; ok {
				at = known
			}
			if len(words) == 2 && !isAddress(at) {
				user = "" // It may be the password of a certificate.
			}
			of(at, user).secrets = file
		}
	}
	if len(all) > maxServers {
		return nil, fmt.Errorf("%d servers are more than the %d that can be handled", len(all), maxServers)
	}
	return all, nil
}

func isAddress(at string) bool {
	return strings.HasPrefix(at, "http://") || strings.HasPrefix(at, "https://")
}

// address is one address for each server's folder, however it is written.
func address(at string) string { return strings.TrimRight(at, "/") }

// Entries implements [binding.Place].
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	all, err := p.list()
	if err != nil {
		return nil, fmt.Errorf("cannot look for what davfs2 mounts: %w", err)
	}
	var entries []binding.Entry
	for _, s := range all {
		entries = append(entries, p.entry(s))
	}
	return entries, ctx.Err()
}

func (p *Place) entry(s *server) binding.Entry {
	who := binding.Who{Type: "dav", User: s.user, Host: binding.Host(s.at)}
	shown, unless := who.Named(), ""
	if who.Host == "" {
		shown = s.at
	}
	if filepath.IsAbs(s.at) { // Else it is a proxy, or a certificate's name.
		who.AnyHost, unless = true, "if it is of this account, "
	}
	e := binding.Entry{ID: p.Kind() + ":" + url.PathEscape(s.at) + "/" + url.PathEscape(s.user), Name: shown + " in davfs2", Who: who}
	var steps []string
	for _, at := range s.mounted {
		e.Mounts = append(e.Mounts, at)
		steps = append(steps, "unmount "+at)
	}
	if s.secrets != "" {
		steps = append(steps, unless+"remove the line with "+s.at+" from "+s.secrets)
	}
	if s.inFstab {
		steps = append(steps, "as an administrator, remove the line with "+s.at+" from "+p.fstab)
	}
	return e.ByHand(strings.Join(steps, "; "))
}

// Remove implements [binding.Place]: only the person can.
func (p *Place) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// ReadBack implements [binding.Place].
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	return binding.StillListed(ctx, p, id, "mounts and passwords of davfs2")
}

// Files implements [binding.Filed]. A mount that is made by hand is in none of
// them, and is seen at the next look.
func (p *Place) Files() []string {
	files := []string{p.fstab}
	homes, _ := p.dirs.Homes() // Homes that cannot be listed fail Entries, which says so.
	for _, home := range homes {
		files = append(files, filepath.Join(home.Home, secretsFile))
	}
	return files
}

var (
	_ binding.Place = (*Place)(nil)
	_ binding.Filed = (*Place)(nil)
)
