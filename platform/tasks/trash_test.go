package tasks

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/source"
	"github.com/clearance-project/clearance/platform/clock"
	"github.com/clearance-project/clearance/platform/xdg"
)

// TestFenceOfTheTrash: what this device keeps of a removed store, and nobody
// watches, is looked at again before a permit is signed.
func TestFenceOfTheTrash(t *testing.T) {
	data := t.TempDir()
	told := 0
	account := departure.Account{ID: "a", Provider: "nextcloud", Identity: "alice@cloud.example"}
	job := engine.Job{Departure: departure.Departure{ID: "D", Account: account, Intent: departure.Delete}, Unbound: true}
	w := &Worker{stat: os.Stat, cfg: Config{State: t.TempDir(), Clock: clock.Real{}, Dirs: xdg.Dirs{Data: data, Cache: t.TempDir()}}, watches: map[string]*watching{
		"D": {changed: func(departure.SourceID) { told++ }},
	}}
	must(t, os.Mkdir(filepath.Join(w.cfg.State, "accounts"), 0o700))
	must(t, w.remember(account.ID, func(m *accountMemory) {
		m.Books = []bookMemory{{UID: "b1", Source: departure.Source{ID: "book:b", Dataset: departure.Contacts, Fate: departure.Leaves, OfAccount: true}}}
	}))
	look := func() (l departure.Look) {
		s := &survey{w: w, job: job}
		s.findTrash(t.Context())
		defer func() { must(t, s.close(t.Context())) }()
		for _, o := range s.origins {
			k, _ := w.list(t.Context(), s, o, nil)
			l.Listings = append(l.Listings, k)
		}
		return l
	}
	fence := func(what string, l departure.Look, want bool) {
		t.Helper()
		told = 0
		must(t, w.fenceTrash(t.Context(), job, l))
		if (told > 0) != want {
			t.Errorf("%s: told %d times, want it told: %v", what, told, want)
		}
	}
	none := look()
	fence("nothing there", none, false)
	trash := filepath.Join(data, "evolution", "addressbook", "trash", "b1")
	must(t, os.MkdirAll(trash, 0o700))
	must(t, os.WriteFile(filepath.Join(trash, "contacts.db"), []byte("one"), 0o600))
	fence("a store came into it after the look", none, true)
	one := look()
	if len(one.Listings) != 1 || !one.Listings[0].Complete || one.Listings[0].Items != 1 {
		t.Fatalf("the trash is %+v", one.Listings)
	}
	fence("as it was", one, false)
	must(t, os.WriteFile(filepath.Join(trash, "contacts.db-wal"), []byte("two"), 0o600))
	fence("more came into it", one, true)
}

// TestTrashThatCannotBeCopied: a link or a pipe in it, and a store whose name no
// folder can have, is a failure by name, and stops nothing else.
func TestTrashThatCannotBeCopied(t *testing.T) {
	data := t.TempDir()
	account := departure.Account{ID: "a", Provider: "nextcloud", Identity: "alice@cloud.example"}
	s := &survey{w: &Worker{stat: os.Stat, cfg: Config{State: t.TempDir(), Clock: clock.Real{}, Dirs: xdg.Dirs{Data: data, Cache: t.TempDir()}}}, job: engine.Job{Departure: departure.Departure{Account: account}, Unbound: true}}
	must(t, os.Mkdir(filepath.Join(s.w.cfg.State, "accounts"), 0o700))
	must(t, s.w.remember(account.ID, func(m *accountMemory) {
		for _, uid := range []string{"b1", "../b2", "b3"} {
			m.Books = append(m.Books, bookMemory{UID: uid, Source: departure.Source{ID: departure.SourceID("book:" + uid), Dataset: departure.Contacts, Fate: departure.Leaves}})
		}
	}))
	kept := filepath.Join(data, "evolution", "addressbook", "trash")
	must(t, os.MkdirAll(filepath.Join(kept, "b1"), 0o700))
	must(t, os.WriteFile(filepath.Join(kept, "b1", "contacts.db"), []byte("one"), 0o600))
	must(t, os.Symlink("/etc/passwd", filepath.Join(kept, "b1", "link")))
	must(t, syscall.Mkfifo(filepath.Join(kept, "b1", "pipe"), 0o600))
	must(t, os.WriteFile(filepath.Join(kept, "b3"), []byte("three"), 0o600)) // one file, beside the others
	s.findTrash(t.Context())
	defer func() { must(t, s.close(t.Context())) }()
	if s.missing.Code != "" {
		t.Fatalf("%+v", s.missing)
	}
	want := map[departure.SourceID][2]int64{"trash:b1": {3, 2}, "trash:../b2": {1, 1}, "trash:b3": {1, 0}} // items, failures
	for _, o := range s.origins {
		l, _ := s.w.list(t.Context(), s, o, nil)
		w, ok := want[o.src.ID]
		if !ok || !l.Complete || l.Items != w[0] || l.Failed != w[1] {
			t.Errorf("%s: %+v, want %v", o.src.ID, l, w)
		}
		delete(want, o.src.ID)
		for item, err := range o.list(t.Context(), nil) {
			if f, failed := errors.AsType[*source.Failed](err); failed && f.Item.ID != item.ID {
				t.Errorf("%q failed as %q", item.ID, f.Item.ID)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("not looked at: %v", want)
	}
}
