package bindingtest

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/clearance-project/clearance/platform/binding"
)

// limit bounds each test of the suite.
const limit = 60 * time.Second

// Run holds a place to the port. rig makes a new device for each test.
func Run(t *testing.T, rig func(t *testing.T) *Rig) {
	t.Helper()
	for name, test := range map[string]func(*desk){
		"nobody is signed in":                        empty,
		"an entry says whose it is":                  listed,
		"only the exact id is removed":               wrongID,
		"signed out, nothing is left":                signedOut,
		"what the person removes is gone":            byHand,
		"signed in again":                            again,
		"another account is not touched":             others,
		"what cannot be read is an error":            unreadable,
		"more than can be taken is an error":         flooded,
		"what is left is named":                      leftBehind,
		"what is in the way is said, nothing done":   blocked,
		"a sign-in is heard":                         heard,
		"no secret is returned or logged":            secret,
		"a call that is given up lists nothing less": givenUp,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), limit)
			defer cancel()
			test(&desk{T: t, Rig: rig(t), ctx: ctx})
		})
	}
}

// desk is a rig within one test.
type desk struct {
	*testing.T
	*Rig
	ctx context.Context
}

// entries lists without an error.
func (d *desk) entries() []binding.Entry {
	d.Helper()
	list, err := d.Place.Entries(d.ctx)
	if err != nil {
		d.Fatalf("cannot list: %v", err)
	}
	return list
}

// of is the one entry of somebody; ok is false where there is none.
func (d *desk) of(who binding.Who) (e binding.Entry, ok bool) {
	d.Helper()
	for _, k := range d.entries() {
		if k.Who != who {
			continue
		}
		if ok {
			d.Fatalf("two entries are of %+v: %+v and %+v", who, e, k)
		}
		e, ok = k, true
	}
	return e, ok
}

// signIn signs in and returns the entry.
func (d *desk) signIn() binding.Entry {
	d.Helper()
	d.SignIn(d.ctx, d.T)
	e, ok := d.of(d.Who)
	if !ok {
		d.Fatalf("nobody is signed in as %+v; listed are %+v", d.Who, d.entries())
	}
	return e
}

func empty(d *desk) {
	if k := d.Place.Kind(); k == "" || strings.Trim(k, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		d.Errorf("the kind is %q", k)
	}
	if list := d.entries(); len(list) != 0 {
		d.Errorf("an empty device lists %+v", list)
	}
}

func listed(d *desk) {
	e := d.signIn()
	if id, ok := strings.CutPrefix(e.ID, d.Place.Kind()+":"); !ok || id == "" {
		d.Errorf("the id %q is not the kind %q, a colon and more", e.ID, d.Place.Kind())
	}
	if strings.TrimSpace(e.Name) == "" || strings.ContainsAny(e.Name, "\n\r\t\x1b") {
		d.Errorf("the name %q is none for a person", e.Name)
	}
	if e.Who.Host != strings.ToLower(e.Who.Host) {
		d.Errorf("the host %q is not in lower case", e.Who.Host)
	}
	if e.Leftover {
		d.Error("it is in use, and is listed as a leftover")
	}
	if e.Guided && (e.Blocked == nil || e.Blocked.Text == "" || e.Why.Code == "" || e.Why.Text == "") {
		d.Errorf("only the person can remove it, and it is not said why and how: %+v, %+v", e.Why, e.Blocked)
	}
	for _, f := range e.Folders {
		if !filepath.IsAbs(f) {
			d.Errorf("the folder %q is not absolute", f)
		}
	}
	for _, g := range e.Goes {
		if g.What == "" || g.Items < -1 {
			d.Errorf("with it goes %+v", g)
		}
	}
	if diff := cmp.Diff(e, d.signedIn()); diff != "" {
		d.Errorf("listed twice, it differs:\n%s", diff)
	}
}

// signedIn is the entry that must be there.
func (d *desk) signedIn() binding.Entry {
	d.Helper()
	e, ok := d.of(d.Who)
	if !ok {
		d.Fatalf("the entry of %+v is gone; listed are %+v", d.Who, d.entries())
	}
	return e
}

func wrongID(d *desk) {
	e := d.signIn()
	before := d.entries()
	for _, id := range []string{"", e.ID + "x", d.Place.Kind() + ":", d.Place.Kind() + ":nobody", "other" + e.ID, strings.TrimPrefix(e.ID, d.Place.Kind()+":")} {
		if err := d.Place.Remove(d.ctx, id); !errors.Is(err, binding.ErrGone) {
			d.Errorf("removing %q: %v, want ErrGone", id, err)
		}
	}
	if diff := cmp.Diff(before, d.entries()); diff != "" {
		d.Errorf("removing what is not there changed:\n%s", diff)
	}
}

func signedOut(d *desk) {
	e := d.signIn()
	err := d.Place.Remove(d.ctx, e.ID)
	if e.Guided {
		if !errors.Is(err, binding.ErrGuided) {
			d.Errorf("removing what only the person can: %v, want ErrGuided", err)
		}
		if diff := cmp.Diff(e, d.signedIn()); diff != "" {
			d.Errorf("it changed all the same:\n%s", diff)
		}
		return
	}
	if err != nil {
		d.Fatal(err)
	}
	d.awaitGone(e)
	if err := d.Place.Remove(d.ctx, e.ID); !errors.Is(err, binding.ErrGone) {
		d.Errorf("removed once more: %v, want ErrGone", err)
	}
}

// awaitGone waits until the entry is not listed and nothing of it is left.
func (d *desk) awaitGone(e binding.Entry) {
	d.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_, ok := d.of(e.Who)
		left, err := d.Place.ReadBack(d.ctx, e.ID)
		if err != nil {
			d.Fatalf("cannot read back: %v", err)
		}
		if !ok && len(left) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-d.ctx.Done():
			d.Fatalf("it is still listed (%v), and left of it are %+v", ok, left)
		}
	}
}

func byHand(d *desk) {
	e := d.signIn()
	d.ByHand(d.ctx, d.T)
	d.awaitGone(e)
}

func again(d *desk) {
	first := d.signIn()
	d.ByHand(d.ctx, d.T)
	d.awaitGone(first)
	second := d.signIn()
	if same := first.ID == second.ID; same != d.SameID {
		d.Errorf("signed in again, the id is %q and was %q; the same: %v, want %v", second.ID, first.ID, same, d.SameID)
	}
	if d.SameID {
		return
	}
	if left, err := d.Place.ReadBack(d.ctx, first.ID); err != nil || len(left) != 0 {
		d.Errorf("signed in again, of the first sign-in is left %+v, %v", left, err)
	}
	if err := d.Place.Remove(d.ctx, first.ID); !errors.Is(err, binding.ErrGone) {
		d.Errorf("the first sign-in was removed when there was a second: %v", err)
	}
}

func others(d *desk) {
	d.Other(d.ctx, d.T)
	other, ok := d.of(d.OtherWho)
	if !ok {
		d.Fatalf("nobody is signed in as %+v; listed are %+v", d.OtherWho, d.entries())
	}
	e := d.signIn()
	if e.ID == other.ID {
		d.Fatalf("two accounts have the id %q", e.ID)
	}
	if e.Guided {
		d.ByHand(d.ctx, d.T)
	} else if err := d.Place.Remove(d.ctx, e.ID); err != nil {
		d.Fatal(err)
	}
	d.awaitGone(e)
	now, ok := d.of(d.OtherWho)
	if diff := cmp.Diff(other, now); !ok || diff != "" {
		d.Errorf("the other account changed:\n%s", diff)
	}
}

func unreadable(d *desk) {
	e := d.signIn()
	d.Break(d.ctx, d.T)
	if list, err := d.Place.Entries(d.ctx); err == nil {
		d.Errorf("a place that cannot be read lists %+v and no error", list)
	}
	if left, err := d.Place.ReadBack(d.ctx, e.ID); err == nil && len(left) == 0 {
		d.Error("in a place that cannot be read it is gone")
	}
	if err := d.Place.Remove(d.ctx, e.ID); err == nil || errors.Is(err, binding.ErrGone) {
		d.Errorf("removing from a place that cannot be read: %v", err)
	}
}

func flooded(d *desk) {
	if d.Flood == nil {
		d.Skip("the place cannot hold more than the adapter takes")
	}
	e := d.signIn()
	d.Flood(d.ctx, d.T)
	if list, err := d.Place.Entries(d.ctx); err == nil {
		d.Errorf("of more than can be taken %d entries are listed and no error", len(list))
	}
	if left, err := d.Place.ReadBack(d.ctx, e.ID); err == nil && len(left) == 0 {
		d.Error("in more than can be taken it is gone")
	}
}

func leftBehind(d *desk) {
	if d.LeaveBehind == nil {
		d.Skip("the place has nothing that could stay")
	}
	e := d.signIn()
	d.LeaveBehind(d.ctx, d.T)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		list := d.entries()
		i := slices.IndexFunc(list, func(k binding.Entry) bool { return k.ID == e.ID })
		left, err := d.Place.ReadBack(d.ctx, e.ID)
		if err != nil {
			d.Fatalf("cannot read back: %v", err)
		}
		if i < 0 || list[i].Leftover {
			if i < 0 && len(left) == 0 {
				d.Fatal("nothing is left of it, so it is said")
			}
			for _, l := range left {
				if l.Where == "" {
					d.Errorf("it is not said where something is left: %+v", l)
				}
			}
			return
		}
		select {
		case <-tick.C:
		case <-d.ctx.Done():
			d.Fatal("it is still listed as in use")
		}
	}
}

func blocked(d *desk) {
	if d.Block == nil {
		d.Skip("nothing is ever in the way")
	}
	e := d.signIn()
	unblock := d.Block(d.ctx, d.T)
	err := d.Place.Remove(d.ctx, e.ID)
	held, ok := errors.AsType[*binding.BlockedError](err)
	if !ok || held.Why.Text == "" || held.Remedy.Text == "" || held.Remedy.Code == "" {
		d.Errorf("removing what is blocked: %v (%+v), want a BlockedError that says why and what to do", err, held)
	}
	if now := d.found(e.ID); now.Blocked == nil && now.Busy == "" {
		d.Errorf("while something is in the way it is %+v", now)
	}
	unblock()
	if now := d.signedIn(); now.ID != e.ID || now.Blocked != nil || now.Busy != "" {
		d.Errorf("with nothing in the way it is %+v", now)
	}
	if err := d.Place.Remove(d.ctx, e.ID); err != nil {
		d.Fatal(err)
	}
	d.awaitGone(e)
}

// found is the entry of an id, listed or found by a search for whose it is.
func (d *desk) found(id string) binding.Entry {
	d.Helper()
	list := d.entries()
	if s, ok := d.Place.(binding.Searcher); ok {
		more, err := s.Search(d.ctx, d.Who.User, d.Who.Host)
		if err != nil {
			d.Fatalf("cannot search: %v", err)
		}
		list = append(list, more...)
	}
	i := slices.IndexFunc(list, func(e binding.Entry) bool { return e.ID == id })
	if i < 0 {
		d.Fatalf("%s is gone; there are %+v", id, list)
	}
	return list[i]
}

func givenUp(d *desk) {
	d.signIn()
	want := d.entries()
	ctx, cancel := context.WithCancel(d.ctx)
	cancel()
	if list, err := d.Place.Entries(ctx); err == nil && !cmp.Equal(list, want) {
		d.Errorf("a call that was given up lists %+v and no error, want %+v", list, want)
	}
}
