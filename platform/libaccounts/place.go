package libaccounts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the accounts of accounts-sso.
type Place struct {
	dirs xdg.Dirs
	bus  *bus.Conn
}

// New makes a place of a person's folders and session bus, which stays the
// caller's.
func New(dirs xdg.Dirs, b *bus.Conn) *Place { return &Place{dirs: dirs, bus: b} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "libaccounts" }

// Folderless says that accounts-sso keeps no folder in step with an account.
func (*Place) Folderless() {}

// Entries implements [binding.Place]: the rows, and the identities that no row
// goes by.
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	accounts, known, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	used := map[uint32]int{}
	for _, a := range accounts {
		for _, id := range a.identities {
			used[id]++
		}
	}
	var entries []binding.Entry
	for _, a := range accounts {
		entries = append(entries, p.entry(a, known, used))
	}
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if used[id] == 0 {
			entries = append(entries, p.leftover(known[id]))
		}
	}
	return entries, nil
}

// list reads both parts. A row that is made while signond is asked has an
// identity that is not known yet, so the rows are read last.
func (p *Place) list(ctx context.Context) ([]row, map[uint32]identity, error) {
	known, err := identities(ctx, p.bus, p.used())
	if err != nil {
		return nil, nil, err
	}
	accounts, err := rows(ctx, p.dirs)
	return accounts, known, err
}

// used reports whether anything was ever kept here: signond is not started where
// nobody ever signed in.
func (p *Place) used() bool {
	for _, at := range p.Files() {
		if _, err := os.Lstat(at); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

func (p *Place) entry(a row, known map[uint32]identity, used map[uint32]int) binding.Entry {
	who := binding.Who{Type: a.provider, Host: a.host()}
	for _, id := range a.identities {
		if who.User == "" {
			who.User = known[id].user
		}
	}
	for _, key := range userKeys {
		if who.User == "" {
			who.User = a.settings[key]
		}
	}
	if who.User == "" {
		who.User = a.name
	}
	return binding.Entry{
		ID: p.id(a, used), Name: who.Named() + " in this device's online accounts", Who: who,
		Carries: len(a.services) > 0, Goes: a.goes(),
	}.ByHand(fmt.Sprintf("open System Settings, then Online Accounts (KDE) or Accounts (Ubuntu Touch), choose %s and remove it; or run ag-tool delete-account %d",
		a.shown(who), a.id))
}

// shown is what the account is called in the settings.
func (r row) shown(who binding.Who) string {
	if r.name != "" {
		return r.name
	}
	return who.Identity()
}

// leftover is an identity whose account is gone.
func (p *Place) leftover(i identity) binding.Entry {
	who := binding.Who{Type: i.caption, User: i.user}
	for _, realm := range i.realms {
		if who.Host == "" {
			who.Host = binding.Host("https://" + realm)
		}
	}
	return binding.Entry{
		ID: p.identityID(i.id), Name: "stored sign-in of " + who.Named(), Who: who, Leftover: true,
		Why: departure.Reason{Code: "leftover", Text: "no account goes by it any more, and its password is still stored"},
	}
}

// id names a row by its identity, which is new at each sign-in and may stay when
// the row goes; one that shares it, or has none, by its own number.
func (p *Place) id(a row, used map[uint32]int) string {
	if a.app == "" && len(a.identities) == 1 && used[a.identities[0]] == 1 {
		return p.identityID(a.identities[0])
	}
	return fmt.Sprintf("%s:row/%s/%d", p.Kind(), a.app, a.id)
}

func (p *Place) identityID(id uint32) string { return fmt.Sprintf("%s:identity/%d", p.Kind(), id) }

// Remove implements [binding.Place]: an identity that no row goes by is removed,
// a row by the person alone.
func (p *Place) Remove(ctx context.Context, id string) error {
	entries, err := p.Entries(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, func(e binding.Entry) bool { return e.ID == id })
	if i < 0 {
		return binding.ErrGone
	}
	if !entries[i].Leftover {
		return binding.ErrGuided
	}
	number, err := p.parseIdentity(id)
	if err != nil {
		return err
	}
	return forget(ctx, p.bus, number)
}

func (p *Place) parseIdentity(id string) (uint32, error) {
	text, ok := strings.CutPrefix(id, p.Kind()+":identity/")
	n, err := strconv.ParseUint(text, 10, 32)
	if !ok || err != nil {
		return 0, fmt.Errorf("cannot use %q: it names no stored sign-in", id)
	}
	return uint32(n), nil
}

// ReadBack implements [binding.Place]: it looks for the row and for the identity.
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	entries, err := p.Entries(ctx)
	if err != nil {
		return nil, err
	}
	var left []binding.Left
	for _, e := range entries {
		switch {
		case e.ID != id:
		case e.Leftover:
			left = append(left, binding.Left{Where: "stored sign-ins", Name: id})
		default:
			left = append(left, binding.Left{Where: "list of accounts", Name: id})
		}
	}
	return left, nil
}

// Files implements [binding.Filed].
func (p *Place) Files() []string {
	// Homes that cannot be listed fail Entries, which says so.
	homes, _ := p.dirs.Homes()
	files := []string{filepath.Join(p.dirs.Config, "signond/signon.db")}
	for _, home := range homes {
		at := filepath.Join(home.Config, file)
		files = append(files, at, at+"-wal")
	}
	return files
}

var (
	_ binding.Place = (*Place)(nil)
	_ binding.Filed = (*Place)(nil)
)
