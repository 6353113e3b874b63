package passwords

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/xdg"
)

// maxItems bounds the items of a keyring, each of which is asked for by itself.
const maxItems = 5000

// Place are the passwords of one keyring.
type Place struct {
	secrets *secrets.Client
	bus     *bus.Conn
	dirs    xdg.Dirs
}

// New makes the place of the keyring on b.
func New(s *secrets.Client, b *bus.Conn, dirs xdg.Dirs) *Place {
	return &Place{secrets: s, bus: b, dirs: dirs}
}

var (
	_ binding.Place    = (*Place)(nil)
	_ binding.Teller   = (*Place)(nil)
	_ binding.Searcher = (*Place)(nil)
)

// Kind is "keyring".
func (*Place) Kind() string { return kind }

// Folderless says that a password keeps no folder in step with an account.
func (*Place) Folderless() {}

// Entries lists the passwords that name a server. Those in a locked part are
// found by Search alone.
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	items, err := p.items(ctx)
	if err != nil {
		return nil, err
	}
	var entries []binding.Entry
	for _, item := range items {
		if who, ok := whoOf(item); ok && !item.Locked {
			entries = append(entries, entryOf(item, who))
		}
	}
	return entries, nil
}

// items are those of the keyring. A device that has none, and no file of one, has
// no passwords there.
func (p *Place) items(ctx context.Context) ([]secrets.Item, error) {
	items, err := p.secrets.Items(ctx, maxItems)
	if !errors.Is(err, bus.ErrNoService) {
		return items, err
	}
	files, ferr := filepath.Glob(filepath.Join(p.dirs.Data, "keyrings", "*.keyring"))
	if ferr != nil || len(files) > 0 {
		return nil, errors.Join(err, ferr)
	}
	return nil, nil
}

func entryOf(item secrets.Item, who binding.Who) binding.Entry {
	label := strings.TrimSpace(item.Label)
	whose := cmp.Or(who.Identity(), who.Host)
	if who.User == "" {
		whose = "somebody at " + who.Host
	}
	e := binding.Entry{ID: idOf(item, who), Who: who, Name: fmt.Sprintf("password of %s in the keyring (%s)", whose, cmp.Or(label, "without a name"))}
	if who.User == "" {
		return e.ByHand("open Passwords and Keys, look at the password " + cmp.Or(label, "of "+who.Host) + ", and delete it if it is of this account").Shown()
	}
	if item.Locked {
		held := locked()
		e.Why, e.Blocked = held.Why, &held.Remedy
	}
	return e.Shown()
}

func locked() *binding.BlockedError {
	return &binding.BlockedError{
		Why:    departure.Reason{Code: "keyring-locked", Text: "the part of the keyring that holds the password is locked"},
		Remedy: binding.Unlock(),
	}
}

// Search finds the passwords of a user at a server that lie in a locked part of
// the keyring, and those of whoever at that server: a locked part tells whether it
// has whole values, and nothing else.
func (p *Place) Search(ctx context.Context, user, host string) ([]binding.Entry, error) {
	if host == "" {
		return nil, nil
	}
	items, err := p.items(ctx)
	if err != nil || !slices.ContainsFunc(items, func(i secrets.Item) bool { return i.Locked }) {
		return nil, err
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	var entries []binding.Entry
	for _, key := range serverKeys {
		for _, server := range slices.Compact([]string{host, name}) {
			with := map[string]string{key: server}
			if port != "" && server == name {
				with["port"] = port
			}
			found, err := p.inLocked(ctx, items, with, user, host)
			if err != nil {
				return nil, err
			}
			entries = append(entries, found...)
		}
	}
	return entries, nil
}

// inLocked finds the locked items with these attributes, and says which name the
// user.
func (p *Place) inLocked(ctx context.Context, items []secrets.Item, with map[string]string, user, host string) ([]binding.Entry, error) {
	at, err := p.secrets.Search(ctx, with)
	if err != nil || len(at.Locked) == 0 {
		return nil, bus.WasThere(err)
	}
	named := make(map[string]bool)
	for _, key := range userKeys {
		with[key] = user
		his, err := p.secrets.Search(ctx, with)
		if err != nil {
			return nil, err
		}
		delete(with, key)
		for _, path := range his.Locked {
			named[string(path)] = true
		}
	}
	for _, schema := range owned {
		with["xdg:schema"] = schema
		theirs, err := p.secrets.Search(ctx, with)
		if err != nil {
			return nil, err
		}
		at.Locked = slices.DeleteFunc(at.Locked, func(path dbus.ObjectPath) bool { return slices.Contains(theirs.Locked, path) })
	}
	var entries []binding.Entry
	for _, item := range items {
		if !slices.Contains(at.Locked, item.Path) {
			continue
		}
		who := binding.Who{Host: host}
		if named[string(item.Path)] {
			who.User = user
		}
		item.Label = "locked"
		entries = append(entries, entryOf(item, who))
	}
	return entries, nil
}

// Remove deletes exactly one password, once it is seen to be still the one that
// the id names.
func (p *Place) Remove(ctx context.Context, id string) error {
	path, marked, ok := pathOf(id)
	if !ok {
		return binding.ErrGone
	}
	items, err := p.items(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(items, func(i secrets.Item) bool { return string(i.Path) == path })
	if i < 0 {
		return binding.ErrGone
	}
	if items[i].Locked {
		return locked()
	}
	who, ok := whoOf(items[i])
	switch {
	case !ok || mark(who) != marked:
		return binding.ErrGone
	case who.User == "":
		return binding.ErrGuided
	}
	return p.secrets.Delete(ctx, items[i].Path)
}

// ReadBack looks whether the item is still there, and still that one.
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	path, marked, ok := pathOf(id)
	if !ok {
		return nil, fmt.Errorf("it is not known which password %q is", id)
	}
	items, err := p.items(ctx)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if string(item.Path) != path {
			continue
		}
		if who, ok := whoOf(item); item.Locked || (ok && mark(who) == marked) {
			return []binding.Left{{Where: "keyring", Name: path, Locked: item.Locked}}, nil
		}
	}
	return nil, nil
}

// Watch tells of passwords that come, go and change, and of parts that are locked
// or unlocked.
func (p *Place) Watch(changed func()) (stop func(), err error) {
	sub, err := p.bus.Subscribe(func(e bus.Event) {
		if e.Kind != bus.Signal || slices.Contains(telling, e.Signal.Name) {
			changed()
		}
	}, bus.Rule{Sender: secrets.Service, Under: "/org/freedesktop/secrets"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen to the keyring: %w", err)
	}
	return sub.Close, nil
}

// telling are the signals of the Secret Service API that can mean another
// password. What a program reads makes none of them.
var telling = []string{
	"org.freedesktop.Secret.Service.CollectionCreated", "org.freedesktop.Secret.Service.CollectionDeleted", "org.freedesktop.Secret.Service.CollectionChanged",
	"org.freedesktop.Secret.Collection.ItemCreated", "org.freedesktop.Secret.Collection.ItemDeleted", "org.freedesktop.Secret.Collection.ItemChanged",
}

// Fence returns once every change before it was told.
func (p *Place) Fence(ctx context.Context) error {
	err := p.bus.Fence(ctx, secrets.Service)
	if errors.Is(err, bus.ErrNoService) {
		return p.bus.Drain(ctx)
	}
	return err
}
