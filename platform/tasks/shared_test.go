package tasks

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// sharedDesk is signed in where bob shares a folder, a book and a calendar.
func sharedDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.signIn(davtest.Content{Contacts: 3, Events: 2, Files: 4}, func(alice *davtest.Account) {
		bob, err := d.server.AddUser(davtest.User{Name: "bob", Password: "b"})
		must(t, err)
		must(t, bob.Fill(davtest.Content{Contacts: 7, Events: 5, Files: 6, Photos: 2}))
		must(t, bob.ShareFolder("Documents", alice, "From Bob"))
		must(t, bob.ShareFolder("Photos", alice, "Photos/Bob's"))
		must(t, bob.ShareBook("contacts", alice))
		must(t, bob.ShareCalendar("personal", alice))
	})
	return d
}

// remotes are the listings at the server by whether they are bob's.
func remotes(l departure.Look, bobs bool) map[departure.Dataset]int64 {
	counts := make(map[departure.Dataset]int64)
	for _, k := range l.Listings {
		if k.Source.Remote && k.Complete && (k.Source.SharedBy == "bob") == bobs {
			counts[k.Source.Dataset] += k.Items
		}
	}
	return counts
}

// TestSharedByOthers: what others share with the account is listed, named and
// counted as theirs, and is neither needed nor copied until it is asked for.
func TestSharedByOthers(t *testing.T) {
	d := sharedDesk(t)
	l := d.look()
	own, bobs := remotes(l, false), remotes(l, true)
	if own[departure.Contacts] != 3 || own[departure.Calendars] != 2 || own[departure.Files] != 4 || own[departure.Photos] != 0 {
		t.Errorf("her own: %v", own)
	}
	if bobs[departure.Contacts] != 7 || bobs[departure.Calendars] != 5 || bobs[departure.Files] != 8 {
		t.Errorf("bob's: %v", bobs)
	}
	for _, k := range l.Listings {
		if k.Source.SharedBy == "" {
			continue
		}
		if d.job.Departure.Required(k.Source) || k.Source.OfAccount || !strings.HasSuffix(k.Source.Name, ", shared with you by bob") {
			t.Errorf("%+v", k.Source)
		}
	}
	d.backup()
	d.watched(t)
	d.fenced()
	if n := d.filesOf("bob"); n != 0 {
		t.Errorf("%d of bob's files are in the copy", n)
	}
	d.job.Departure.Shared = true
	d.backup()
	l = d.look()
	for _, k := range l.Listings {
		if k.Source.SharedBy != "" && (!d.job.Departure.Required(k.Source) || !k.Complete || k.Covered != k.Items) {
			t.Errorf("asked for: %+v", k)
		}
	}
	d.fenced()
	if n := d.filesOf("bob"); n != 4 {
		t.Errorf("%d of bob's files are in the copy, want 4", n)
	}
}

// TestBrokenShareBlocksNothing: a share that its owner took back, or whose storage
// is away, is shown as not listed, and the account's own is listed all the same.
func TestBrokenShareBlocksNothing(t *testing.T) {
	d := sharedDesk(t)
	broken := d.server.Inject(davtest.Fault{Path: "/remote.php/webdav/From Bob/000", Status: 503})
	l := d.look()
	if broken.Fired() == 0 {
		t.Fatal("the fault did not fire")
	}
	seen := make(map[bool]int)
	for _, k := range l.Listings {
		theirs := k.Source.SharedBy != "" && k.Source.Dataset == departure.Files
		if k.Source.Remote && k.Complete == theirs {
			t.Errorf("%+v", k)
		}
		if k.Source.Remote {
			seen[theirs]++
		}
	}
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("%d of the share and %d of the account are listed", seen[true], seen[false])
	}
}

// filesOf counts the files in the copy that hold what an account has.
func (d *desk) filesOf(user string) int {
	d.t.Helper()
	theirs := d.server.User(user)
	has := make(map[string]bool)
	for _, name := range theirs.Files() {
		has[string(theirs.File(name))] = true
	}
	for _, name := range d.account.Files() {
		if !strings.Contains(name, "Bob") {
			delete(has, string(d.account.File(name)))
		}
	}
	n := 0
	root := filepath.Join(d.look().Copy.Shown, "data")
	must(d.t, filepath.WalkDir(root, func(at string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(at)
		if has[string(b)] {
			n++
		}
		return err
	}))
	return n
}

// fenced fences a look, once the books are watched that come down just now.
func (d *desk) fenced() {
	d.t.Helper()
	eventually(d.t, "a fence", func() bool {
		err := d.Fence(d.t.Context(), d.job, d.look())
		if err != nil && !errors.Is(err, errUnwatched) {
			d.t.Fatal(err)
		}
		return err == nil
	})
}

// watched begins to watch the departure's sources.
func (d *desk) watched(t *testing.T) {
	t.Helper()
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) {}))
}
