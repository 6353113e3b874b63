package eds

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/secrets"
)

// Remove has EDS remove the source of exactly that uid, with what descends from
// it, and deletes the passwords that the keyring has for these uids: EDS 3.46
// leaves them (measured). What was synced goes to EDS's trash. Nothing is done
// where the keyring is locked.
func (h *ByHand) Remove(ctx context.Context, entry string) error {
	uid, ok := UIDOf(entry)
	if !ok {
		return binding.ErrGone
	}
	list, err := h.sources(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(s Source) bool { return s.UID == uid })
	if i < 0 {
		return binding.ErrGone
	}
	if list[i].Kind == Mail || !list[i].Removable {
		return binding.ErrGuided
	}
	entries, err := h.c.entries(ctx)
	if err != nil {
		return err
	}
	e, ok := entries[uid]
	if !ok {
		return binding.ErrGone
	}
	var items []dbus.ObjectPath
	for _, u := range withDescendants(entries, uid) {
		found, err := h.passwords(ctx, u)
		if err != nil {
			return err
		}
		if len(found.Locked) > 0 {
			return handLocked()
		}
		items = append(items, found.Unlocked...)
	}
	if len(items) == 0 {
		if c, err := h.secrets.Default(ctx); err == nil && c.Locked {
			return handLocked()
		} else if err != nil && !errors.Is(err, secrets.ErrNoDefault) {
			return err
		}
	}
	name, err := h.c.name(ctx, sourceRegistry)
	if err != nil {
		return err
	}
	err = h.c.call(ctx, h.c.opts.CallTimeout, target{name, e.path}, dotted+"Source.Removable.Remove", nil)
	if err != nil {
		return failed(ctx, "remove the source", err)
	}
	for _, item := range items {
		if err := h.secrets.Delete(ctx, item); err != nil {
			return err
		}
	}
	return nil
}

// withDescendants are a source's uid and those of all that descend from it.
func withDescendants(entries map[string]entry, uid string) []string {
	uids := []string{uid}
	for u, e := range entries {
		if s := resolve(e, entries); slices.Contains(s.Parents, uid) {
			uids = append(uids, u)
		}
	}
	return uids
}

// passwords finds what the keyring has for a source.
// Source: ESource's schema in libedataserver, "org.gnome.Evolution.Data.Source"
// with the attribute e-source-uid.
func (h *ByHand) passwords(ctx context.Context, uid string) (secrets.Found, error) {
	return h.secrets.Search(ctx, map[string]string{"e-source-uid": uid})
}

// ReadBack looks into the registry, the file of the source, its folders outside
// of the trash, and the keyring with its locked part.
func (h *ByHand) ReadBack(ctx context.Context, entry string) ([]binding.Left, error) {
	uid, ok := UIDOf(entry)
	if !ok {
		return nil, fmt.Errorf("it is not known how %q was set up", entry)
	}
	left, err := h.leftInRegistry(ctx, uid)
	files, errFiles := h.leftInFiles(uid)
	found, errKeyring := h.passwords(ctx, uid)
	left = append(left, files...)
	for _, item := range found.Locked {
		left = append(left, binding.Left{Where: "keyring", Name: string(item), Locked: true})
	}
	for _, item := range found.Unlocked {
		left = append(left, binding.Left{Where: "keyring", Name: string(item), Remedy: &departure.Remedy{
			Code: "by-hand", Text: `open Passwords and Keys, and delete the password that begins with "Evolution Data Source" and is of this account`,
		}})
	}
	return left, errors.Join(err, errFiles, errKeyring)
}

func (h *ByHand) leftInRegistry(ctx context.Context, uid string) ([]binding.Left, error) {
	if ok, err := h.c.Installed(ctx); err != nil || !ok {
		return nil, err
	}
	entries, err := h.c.entries(ctx)
	if err != nil {
		return nil, err
	}
	var left []binding.Left
	for _, u := range withDescendants(entries, uid) {
		if _, ok := entries[u]; ok {
			left = append(left, binding.Left{Where: "data sources", Name: u})
		}
	}
	return left, nil
}

func (h *ByHand) leftInFiles(uid string) (left []binding.Left, err error) {
	if !plainName(uid) {
		return nil, fmt.Errorf("no folder can have the name of %q", cut(uid, 80))
	}
	at := []string{filepath.Join(h.config, "evolution", "sources", uid+".source")}
	for _, base := range []string{h.dirs.Data, h.dirs.Cache} {
		for _, component := range components {
			at = append(at, filepath.Join(base, component, uid))
		}
	}
	for _, p := range at {
		switch _, e := os.Lstat(p); {
		case e == nil:
			left = append(left, binding.Left{Where: "data sources", Name: p})
		case !errors.Is(e, fs.ErrNotExist):
			err = errors.Join(err, bare(e))
		}
	}
	return left, err
}
