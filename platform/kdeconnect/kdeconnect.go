// Package kdeconnect tells which phones and computers are paired with this device
// by KDE Connect: a pairing is no account, and the other device may be signed in to
// the one that is left. It is a binding.Place without entries, and a
// binding.Hinter.
//
// It imports agent/departure, platform/binding, qsettings and xdg.
//
// Invariant: it writes nothing, and unpairs nothing.
//
// Source: kdeconnect-kde's core/kdeconnectconfig.cpp (trusted_devices).
package kdeconnect

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/qsettings"
	"github.com/clearance-project/clearance/platform/xdg"
)

// Place are the devices that are paired with this one.
type Place struct{ dirs xdg.Dirs }

// New makes a place of a person's folders.
func New(dirs xdg.Dirs) *Place { return &Place{dirs: dirs} }

// Kind implements [binding.Place].
func (p *Place) Kind() string { return "kdeconnect" }

// Folderless says that a pairing keeps no folder in step with an account.
func (*Place) Folderless() {}

// Entries implements [binding.Place]: there are none.
func (p *Place) Entries(context.Context) ([]binding.Entry, error) { return nil, nil }

// Remove implements [binding.Place].
func (p *Place) Remove(context.Context, string) error { return binding.ErrGone }

// ReadBack implements [binding.Place].
func (p *Place) ReadBack(context.Context, string) ([]binding.Left, error) { return nil, nil }

const (
	maxDevices = 500     // that are paired
	maxList    = 4 << 20 // bytes of their list
)

// device is a device that is paired.
type device struct{ id, name, kind string }

// Hints implements [binding.Hinter].
func (p *Place) Hints(ctx context.Context) ([]binding.Hint, error) {
	var hints []binding.Hint
	for _, at := range p.Files() {
		devices, err := read(at)
		if err != nil {
			return hints, fmt.Errorf("cannot read %s: %w", at, err)
		}
		for _, d := range devices {
			hints = append(hints, binding.Hint{Everybody: true, Hint: departure.Hint{
				ID: p.Kind() + ":" + url.PathEscape(d.id), Name: d.name,
				Text:   fmt.Sprintf("%s (%s) is paired with this device by KDE Connect, and may be signed in to the account too", d.name, d.kind),
				Remedy: departure.Remedy{Code: "by-hand", Text: "look at it, sign out there, and say so in the list of your devices"},
			}})
		}
	}
	return hints, ctx.Err()
}

// read reads one list, which need not be there.
func read(at string) ([]device, error) {
	raw, err := xdg.ReadIfThere(at, maxList)
	if err != nil {
		return nil, err
	}
	entries, err := qsettings.Parse(raw)
	if err != nil {
		return nil, err
	}
	return devicesOf(entries)
}

// devicesOf are the groups of the list: each is a device.
func devicesOf(entries []qsettings.Entry) ([]device, error) {
	var all []device
	for _, e := range entries {
		if len(e.Path) != 2 {
			continue
		}
		i := slices.IndexFunc(all, func(d device) bool { return d.id == e.Path[0] })
		if i < 0 {
			if len(all) == maxDevices {
				return nil, fmt.Errorf("more than %d devices", maxDevices)
			}
			all = append(all, device{id: e.Path[0], name: "a device without a name", kind: "device"})
			i = len(all) - 1
		}
		if e.Path[1] != "name" && e.Path[1] != "type" {
			continue // A certificate.
		}
		text, err := qsettings.Text(e.Raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(e.Path, `\`), err)
		}
		if e.Path[1] == "name" && text != "" {
			all[i].name = text
		} else if text != "" {
			all[i].kind = text
		}
	}
	return all, nil
}

// Files implements [binding.Filed].
func (p *Place) Files() []string {
	homes, err := p.dirs.Homes()
	if err != nil {
		return []string{filepath.Join(p.dirs.Config, "kdeconnect/trusted_devices")} // What can be known.
	}
	var files []string
	for _, home := range homes {
		files = append(files, filepath.Join(home.Config, "kdeconnect/trusted_devices"))
	}
	return files
}

var (
	_ binding.Place  = (*Place)(nil)
	_ binding.Filed  = (*Place)(nil)
	_ binding.Hinter = (*Place)(nil)
)
