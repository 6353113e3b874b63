package datasettest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/dataset"
)

// Item is one contact, note, event or photo as a person sees it.
type Item struct {
	ID    string // letters and digits
	Title string // anything; one line
	// Body is one word that stands in the item's bytes.
	Body string
}

// Program is a program in a home of its own, as the tests use it.
type Program struct {
	Finder dataset.Finder
	// Home holds everything that the program has.
	Home string
	// Put makes or replaces items in one store; the first makes the store.
	Put func(t *testing.T, items ...Item)
	// Damage makes the store unreadable. Nil where it is a folder of files, which
	// is as readable as each is: it is then replaced by a file.
	Damage func(t *testing.T)
	// Spoil makes one item unreadable and says by which word it is named.
	Spoil func(t *testing.T, id string) string
}

// Contacts runs the contract on an adapter; make gives a program with an empty
// home.
func Contacts(t *testing.T, adapter string, make func(*testing.T) Program) {
	run(t, adapter, departure.Contacts, make)
}

// Notes is [Contacts] for notes.
func Notes(t *testing.T, adapter string, make func(*testing.T) Program) {
	run(t, adapter, departure.Notes, make)
}

// Calendars is [Contacts] for calendars.
func Calendars(t *testing.T, adapter string, make func(*testing.T) Program) {
	run(t, adapter, departure.Calendars, make)
}

// Photos is [Contacts] for photos and their albums.
func Photos(t *testing.T, adapter string, make func(*testing.T) Program) {
	run(t, adapter, departure.Photos, make)
}

func run(t *testing.T, adapter string, d departure.Dataset, make func(*testing.T) Program) {
	t.Run(adapter, func(t *testing.T) {
		for name, f := range map[string]func(*desk){
			"nothing is there": (*desk).nothing, "everything is listed": (*desk).everything, "changes show": (*desk).changes,
			"hostile names": (*desk).hostile, "a store that is damaged": (*desk).damaged, "an item that cannot be read": (*desk).spoiled,
			"the reader stops": (*desk).stops,
		} {
			t.Run(name, func(t *testing.T) { f(&desk{t, make(t), d}) })
		}
	})
}

type desk struct {
	*testing.T
	p Program
	d departure.Dataset
}

var three = []Item{{"one", "First", "alpha"}, {"two", "Second", "beta"}, {"three", "Third", "gamma"}}

// nothing: a program that was never used has no stores.
func (d *desk) nothing() {
	for _, s := range d.find() {
		d.Errorf("an empty home has %q", s.Name)
	}
}

// everything: each item is there, named as before, and the program's files are
// as they were.
func (d *desk) everything() {
	d.p.Put(d.T, three...)
	before := tree(d.T, d.p.Home)
	first, second := d.list(), d.list()
	d.holds(first, three...)
	if !maps.EqualFunc(first, second, func(a, b listed) bool { return a.rev == b.rev }) {
		d.Errorf("listed twice, it differs: %v and %v", first, second)
	}
	if after := tree(d.T, d.p.Home); !maps.Equal(before, after) {
		d.Errorf("reading changed the program's files: %v and %v", before, after)
	}
}

// changes: an item that changes has another revision, the others do not, and
// what is watched is touched by it.
func (d *desk) changes() {
	d.p.Put(d.T, three...)
	before, seen := d.list(), d.touched()
	d.p.Put(d.T, Item{"two", "Second", "delta"})
	after := d.list()
	d.holds(after, three[0], three[2], Item{"two", "Second", "delta"})
	moved := 0
	for id, it := range after {
		old, known := before[id]
		switch {
		case !known:
			d.Errorf("%q has another name than before", id)
		case old.rev != it.rev:
			moved++
			if !strings.Contains(it.data, "delta") && !strings.Contains(old.data, "beta") {
				d.Errorf("%q did not change, and has another revision", id)
			}
		case old.data != it.data:
			d.Errorf("%q changed, and has the same revision", id)
		}
	}
	if moved == 0 {
		d.Error("no revision tells of the change")
	}
	now := d.touched()
	if maps.Equal(seen, now) {
		d.Error("nothing that is watched was touched by the change")
	}
	d.p.Put(d.T, Item{"four", "Fourth", "epsilon"})
	d.holds(d.list(), three[0], Item{"four", "Fourth", "epsilon"})
	if maps.Equal(now, d.touched()) {
		d.Error("nothing that is watched was touched by a new item")
	}
}

// hostile: whatever a person or a server put into a title, the item is listed.
func (d *desk) hostile() {
	var items []Item
	for i, title := range []string{
		"../../../etc/passwd", "/etc/passwd", "..", "a/b\\c", "line\u2028end", "right\u202eleft", "nul\u0001byte", "' OR 1=1; --", `"quoted", and; more:`,
		"<b>&amp;</b>", "[link](javascript:x)", "é" + strings.Repeat("long", 500), "CON", "%n%s%00", "👩‍👩‍👧", " ", "",
	} {
		items = append(items, Item{fmt.Sprintf("id%d", i), title, fmt.Sprintf("body%dend", i)})
	}
	d.p.Put(d.T, items...)
	d.holds(d.list(), items...)
}

// damaged: the store is there with why, or its listing says that it is not
// whole; it is never left out and never empty.
func (d *desk) damaged() {
	d.p.Put(d.T, three...)
	watched := d.touched()
	d.p.Damage(d.T)
	stores := d.find()
	if len(stores) == 0 {
		d.Fatal("a damaged store is left out")
	}
	said := false
	for i := range stores {
		s := &stores[i]
		if s.Why.Text != "" && s.Why.Code != "" && s.List == nil {
			said = true
			continue
		}
		for _, err := range s.List(d.Context(), d.ref(s), all) {
			var incomplete *source.Incomplete
			said = said || errors.As(err, &incomplete)
		}
	}
	if !said {
		d.Error("nobody says that the store is damaged")
	}
	if maps.Equal(watched, d.touched()) {
		d.Error("nothing that is watched was touched by the damage")
	}
}

// spoiled: one item fails by name, the others are listed.
func (d *desk) spoiled() {
	if d.p.Spoil == nil {
		d.Skip("no single item of it can be unreadable")
	}
	d.p.Put(d.T, three...)
	name := d.p.Spoil(d.T, "two")
	failed := ""
	got := map[string]listed{}
	for _, s := range d.find() {
		for it, err := range s.List(d.Context(), d.ref(&s), all) {
			var f *source.Failed
			switch {
			case errors.As(err, &f):
				failed += f.Error() + " " + f.Item.Name + "\n"
				continue
			case err != nil:
				d.Errorf("the others are not listed: %v", err)
				continue
			}
			if data, err := opened(d.Context(), &it); err != nil {
				failed += it.ID + " " + it.Name + ": " + err.Error() + "\n"
			} else {
				got[it.ID] = listed{it.Rev, data}
			}
		}
	}
	if !strings.Contains(failed, name) {
		d.Errorf("it did not fail by the name %q: %s", name, failed)
	}
	d.holds(got, three[0], three[2])
}

// stops: whoever reads may stop at any item, and one whose time is over is told
// that the listing is not whole.
func (d *desk) stops() {
	d.p.Put(d.T, three...)
	over, cancel := context.WithCancel(d.Context())
	cancel()
	for _, s := range d.find() {
		s.List(d.Context(), d.ref(&s), all)(func(source.Item, error) bool { return false })
		whole := true
		for _, err := range s.List(over, d.ref(&s), all) {
			var incomplete *source.Incomplete
			whole = whole && !errors.As(err, &incomplete)
		}
		if whole {
			d.Error("a listing that was cut short calls itself whole")
		}
	}
}

func all(*source.Item) bool { return true }

// find finds the stores of the dataset, and checks what holds of each.
func (d *desk) find() []dataset.Store {
	d.Helper()
	stores, err := d.p.Finder.Find(d.Context())
	if err != nil {
		d.Fatalf("cannot find: %v", err)
	}
	ids := map[departure.SourceID]bool{}
	var of []dataset.Store
	for _, s := range stores {
		if s.Close != nil {
			d.Cleanup(func() { // what was listed is opened until then
				if err := s.Close(); err != nil {
					d.Error(err)
				}
			})
		}
		if s.Dataset != d.d {
			continue
		}
		of = append(of, s)
		if !strings.HasPrefix(string(s.ID), d.p.Finder.Name()+":") || ids[s.ID] || s.Name == "" || !s.Dataset.Known() {
			d.Errorf("a store of the id %q and the name %q", s.ID, s.Name)
		}
		ids[s.ID] = true
		if (s.List == nil) == (s.Why.Text == "") {
			d.Errorf("%s: why it cannot be listed is %q", s.ID, s.Why.Text)
		}
		if len(s.Watched) == 0 || slices.ContainsFunc(s.Watched, func(at string) bool { return !filepath.IsAbs(at) }) {
			d.Errorf("%s: watched are %q", s.ID, s.Watched)
		}
	}
	return of
}

func (d *desk) ref(s *dataset.Store) source.Ref {
	return source.Ref{Account: "account", Dataset: source.Dataset(s.Dataset), Source: string(s.ID)}
}

type listed struct{ rev, data string }

// list lists every store, by store and id.
func (d *desk) list() map[string]listed {
	d.Helper()
	got := map[string]listed{}
	for _, s := range d.find() {
		if s.List == nil {
			d.Errorf("%s cannot be listed: %s", s.ID, s.Why.Text)
			continue
		}
		quiet := map[string]string{}
		for it, err := range s.List(d.Context(), d.ref(&s), nil) {
			if err != nil {
				d.Error(err)
				continue
			}
			quiet[it.ID] = it.Rev
		}
		wanted := 0
		for it, err := range s.List(d.Context(), d.ref(&s), all) {
			if err != nil {
				d.Error(err)
				continue
			}
			wanted++
			if rev, ok := quiet[it.ID]; !ok || rev != it.Rev {
				d.Errorf("%q has the revision %q, and %q where it is wanted", it.ID, rev, it.Rev)
			}
			d.sound(&s, &it)
			data, err := opened(d.Context(), &it)
			if err != nil {
				d.Errorf("cannot open %q: %v", it.ID, err)
			}
			got[string(s.ID)+"\n"+it.ID] = listed{it.Rev, data}
		}
		if wanted != len(quiet) {
			d.Errorf("%d items, and %d where they are wanted", len(quiet), wanted)
		}
	}
	return got
}

// sound checks what holds of each item.
func (d *desk) sound(s *dataset.Store, it *source.Item) {
	d.Helper()
	switch {
	case it.Ref != d.ref(s):
		d.Errorf("%q is of %v", it.ID, it.Ref)
	case it.ID == "" || it.Rev == "" || it.Folder == "" || (it.Ext == "" && path.Ext(it.Path) == ""):
		d.Errorf("an item lacks what it needs: %+v", it)
	case it.Path != "" && !filepath.IsLocal(it.Path):
		d.Errorf("%q leads out of the copy: %q", it.ID, it.Path)
	}
}

// holds checks that each item stands in one that was listed.
func (d *desk) holds(got map[string]listed, items ...Item) {
	d.Helper()
	for _, it := range items {
		if !slices.ContainsFunc(slices.Collect(maps.Values(got)), func(l listed) bool { return strings.Contains(l.data, it.Body) }) {
			d.Errorf("%s (%.30q) is not listed", it.ID, it.Title)
		}
	}
}

// opened reads an item as the copy does.
func opened(ctx context.Context, it *source.Item) (_ string, err error) {
	var in io.ReadCloser
	if it.File != nil {
		in, _, err = it.File.Open()
	} else if it.Open != nil {
		in, err = it.Open(ctx)
	} else {
		err = errors.New("it gives no way to open it")
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	raw, err := io.ReadAll(in)
	if err == nil && it.File == nil && it.Size >= 0 && int64(len(raw)) != it.Size {
		err = fmt.Errorf("it has %d bytes, and %d were listed", len(raw), it.Size)
	}
	return string(raw), err
}
