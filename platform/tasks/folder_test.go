package tasks

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/backup/bag"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// folder makes a folder with these files.
func (d *desk) folder(name string, files map[string]string) string {
	d.t.Helper()
	at := filepath.Join(d.session.Root, name)
	must(d.t, os.MkdirAll(at, 0o700))
	for name, data := range files {
		must(d.t, os.MkdirAll(filepath.Dir(filepath.Join(at, name)), 0o700))
		must(d.t, os.WriteFile(filepath.Join(at, name), []byte(data), 0o600))
	}
	return at
}

// TestFolderFromLookToSeal: a file that changes between the steps is noticed by
// the next, and every change on the device is told of before a fence ends.
func TestFolderFromLookToSeal(t *testing.T) {
	d := newDesk(t)
	at := d.folder("files", map[string]string{"one": "1", "two": "22"})
	d.declared(map[departure.Dataset]string{departure.Files: at})
	id := d.job.Given[0].ID
	// Whoever is told takes their time: a fence waits for them all the same.
	var told atomic.Int64
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
		}
		told.Add(1)
	}))

	l := d.look()
	if k := listing(t, l, departure.Files, false); !k.Complete || k.Items != 2 || k.Bytes != 3 || k.Covered != 0 {
		t.Fatalf("%+v", k)
	}
	// A file whose stamp is as young as the copy may change without a trace: it
	// counts only once it was read again.
	eventually(t, "both files in the copy", func() bool {
		d.backup()
		return listing(t, d.look(), departure.Files, false).Covered == 2
	})
	if res := d.verify(); res.Done != 2 || res.Failed != 0 {
		t.Errorf("read back: %+v", res)
	}
	sealed, err := d.Seal(t.Context(), d.job, quiet)
	must(t, err)
	if len(sealed.Rows) != 1 || !sealed.Rows[0].Intact || sealed.Rows[0].Source.ID != id || sealed.Differs != 0 {
		t.Fatalf("sealed: %+v", sealed)
	}
	d.job.Sealed = sealed.Rows
	if moved := d.sweep(); len(moved) != 0 {
		t.Errorf("moved: %v", moved)
	}

	must(t, d.Fence(t.Context(), d.job, d.look()))
	before := told.Load()
	must(t, os.WriteFile(filepath.Join(at, "three"), []byte("333"), 0o600))
	must(t, d.Fence(t.Context(), d.job, d.look()))
	if told.Load() == before {
		t.Error("the fence ended before the new file was told of")
	}
	moved, err := d.Sweep(t.Context(), d.job)
	if must(t, err); len(moved) != 1 || moved[0].Source != id {
		t.Errorf("moved: %v", moved)
	}
	if k := listing(t, d.look(), departure.Files, false); k.Missing() != 1 {
		t.Errorf("%+v", k)
	}
}

// TestNoFenceWithoutAWatch: a change could go unheard.
func TestNoFenceWithoutAWatch(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{departure.Files: d.folder("files", nil)})
	if err := d.Fence(t.Context(), d.job, d.look()); !errors.Is(err, errUnwatched) {
		t.Errorf("a fence without a watch: %v", err)
	}
}

// TestDamagedCopyIsCopiedAgain from its source, and what is odd in it is kept
// and listed, also over later runs.
func TestDamagedCopyIsCopiedAgain(t *testing.T) {
	d := newDesk(t)
	d.declared(map[departure.Dataset]string{departure.Notes: d.folder("notes", map[string]string{"good.md": "# Good\n", "odd.md": "\xff\xfe"})})
	eventually(t, "both notes in the copy", func() bool {
		d.backup()
		return listing(t, d.look(), departure.Notes, false).Covered == 2
	})
	d.verify()
	odd := func() {
		t.Helper()
		page, err := d.Items(t.Context(), d.job, engine.ItemFilter{Failed: true})
		if must(t, err); len(page.Items) != 1 || filepath.Base(page.Items[0].Name) != "odd.md" || page.Items[0].Why == "" {
			t.Errorf("listed: %+v", page.Items)
		}
	}
	odd()

	page, err := d.Items(t.Context(), d.job, engine.ItemFilter{})
	must(t, err)
	good := slices.IndexFunc(page.Items, func(it engine.Item) bool { return filepath.Base(it.Name) == "good.md" })
	copied := filepath.Join(d.look().Copy.Shown, page.Items[good].Path)
	must(t, os.Chmod(copied, 0o600))
	must(t, os.WriteFile(copied, []byte("damage!"), 0o600))
	if c := d.look().Copy; c.Differs != 1 {
		t.Errorf("the copy: %+v", c)
	}
	if res := d.verify(); res.Failed != 1 {
		t.Errorf("read back: %+v", res)
	}
	if k := listing(t, d.look(), departure.Notes, false); k.Missing() != 1 {
		t.Errorf("%+v", k)
	}
	d.backup()
	if res := d.verify(); res.Failed != 0 {
		t.Errorf("read back: %+v", res)
	}
	if c := d.look().Copy; c.Differs != 0 || c.Unread != 0 {
		t.Errorf("the copy: %+v", c)
	}
	odd()
}

// TestItemsInPages: each once, and a place that is none is refused.
func TestItemsInPages(t *testing.T) {
	d := newDesk(t)
	cards := ""
	for i := range 7 {
		cards += string(davtest.Card(i))
	}
	at := filepath.Join(d.folder("cards", map[string]string{"all.vcf": cards}), "all.vcf")
	d.declared(map[departure.Dataset]string{departure.Contacts: at})
	d.backup()
	seen, filter := map[string]bool{}, engine.ItemFilter{Limit: 3}
	for {
		page, err := d.Items(t.Context(), d.job, filter)
		must(t, err)
		for _, it := range page.Items {
			if seen[it.Name] {
				t.Errorf("%s is on two pages", it.Name)
			}
			seen[it.Name] = true
		}
		if filter.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d contacts are listed", len(seen))
	}
	var refused *engine.RefusedError
	for _, c := range []string{"!", "LTE", "bm9uZQ"} {
		if _, err := d.Items(t.Context(), d.job, engine.ItemFilter{Cursor: c}); !errors.As(err, &refused) {
			t.Errorf("the place %q: %v", c, err)
		}
	}
}

// TestSourcesThatAreNone are refused with a sentence.
func TestSourcesThatAreNone(t *testing.T) {
	d := newDesk(t)
	at := d.folder("files", map[string]string{"all.vcf": "", "a.txt": ""})
	must(t, syscall.Mkfifo(filepath.Join(at, "pipe"), 0o600))
	for what, c := range map[string]struct {
		dataset departure.Dataset
		at      string
		ok      bool
	}{
		"a folder":               {departure.Photos, at, true},
		"a file of contacts":     {departure.Contacts, filepath.Join(at, "all.vcf"), true},
		"contacts as photos":     {departure.Photos, filepath.Join(at, "all.vcf"), false},
		"a text as contacts":     {departure.Contacts, filepath.Join(at, "a.txt"), false},
		"a pipe":                 {departure.Files, filepath.Join(at, "pipe"), false},
		"nothing":                {departure.Files, filepath.Join(at, "nothing"), false},
		"a relative path":        {departure.Files, "files", false},
		"a path that is no text": {departure.Files, at + "/\xff", false},
	} {
		g, err := d.InspectSource(t.Context(), c.dataset, c.at, nil)
		var refused *engine.RefusedError
		if c.ok != (err == nil) || (!c.ok && !errors.As(err, &refused)) || (c.ok && g.ID == "") {
			t.Errorf("%s: %+v, %v", what, g, err)
		}
	}
}

// TestDestinationTroubles: each is a refusal with a remedy and a command.
func TestDestinationTroubles(t *testing.T) {
	job := engine.Job{Departure: departure.Departure{Account: departure.Account{Identity: "alice"}}}
	for remedy, errs := range map[string][]error{
		"destination": {&bag.DestinationError{Trouble: bag.Full, Err: syscall.ENOSPC}, &bag.DestinationError{Trouble: bag.ReadOnly, Err: syscall.EROFS},
			&bag.DestinationError{Trouble: bag.Broken, Err: &os.PathError{Path: "/home/alice/secret", Err: syscall.EIO}}},
		"plug-in": {&bag.DestinationError{Trouble: bag.Gone, Err: syscall.ENODEV}, &awayError{"copy-away", "not there"}, &cloneError{"A", "/a"}},
		"unplug":  {&twinError{"A", "/a", "/b"}},
		"wait":    {&bag.LockedError{Path: "there"}},
	} {
		for _, err := range errs {
			var blocked *engine.BlockedError
			if got := destination(err, job); !errors.As(got, &blocked) || blocked.Remedy.Code != remedy || blocked.Remedy.Command == "" || blocked.Why.Text == "" {
				t.Errorf("%v: %+v", err, got)
			}
		}
	}
	if err := errors.New("else"); !errors.Is(destination(err, job), err) || destination(nil, job) != nil {
		t.Error("an error that is none of the destination's changed")
	}
}
