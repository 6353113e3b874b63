package gvfs

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
)

// Place are the servers that are mounted in this session.
type Place struct{ bus *bus.Conn }

// New makes a place of a session bus, which stays the caller's.
func New(b *bus.Conn) *Place { return &Place{bus: b} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "gvfs" }

// Entries implements [binding.Place].
func (p *Place) Entries(ctx context.Context) ([]binding.Entry, error) {
	all, err := mounts(ctx, p.bus)
	if err != nil {
		return nil, err
	}
	var entries []binding.Entry
	for _, m := range all {
		entries = append(entries, p.entry(m))
	}
	return entries, nil
}

func (p *Place) entry(m mount) binding.Entry {
	e := binding.Entry{ID: p.Kind() + ":" + url.PathEscape(m.stable), Name: m.who.Named() + " in the file manager", Who: m.who}
	if filepath.IsAbs(m.folder) {
		e.Mounts = []string{filepath.Clean(m.folder)}
	}
	shown := m.who.Host
	if shown == "" {
		shown = m.who.User
	}
	e = e.ByHand("close the files of it, and click the eject button beside " + shown + " in the file manager")
	if !strings.ContainsAny(m.uri, "'\n") {
		e.Blocked.Command = "gio mount -u '" + m.uri + "'"
	}
	return e
}

// Remove implements [binding.Place]: only the person can.
func (p *Place) Remove(ctx context.Context, id string) error { return binding.Guide(ctx, p, id) }

// ReadBack implements [binding.Place]. What is stored for the server is in the
// keyring, which is looked into on its own.
func (p *Place) ReadBack(ctx context.Context, id string) ([]binding.Left, error) {
	return binding.StillListed(ctx, p, id, "mounted servers")
}

// Watch implements [binding.Teller].
func (p *Place) Watch(changed func()) (stop func(), err error) {
	sub, err := p.bus.Subscribe(func(bus.Event) { changed() }, bus.Rule{Sender: Service, Interface: trackerIface, Path: trackerPath})
	if err != nil {
		return nil, err
	}
	return sub.Close, nil
}

// Fence implements [binding.Teller].
func (p *Place) Fence(ctx context.Context) error {
	err := p.bus.Fence(ctx, Service)
	if errors.Is(err, bus.ErrNoService) {
		return p.bus.Drain(ctx)
	}
	return err
}

var (
	_ binding.Place  = (*Place)(nil)
	_ binding.Teller = (*Place)(nil)
)
