package tasks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// beside gives the worker a place in memory beside its own.
func (d *desk) beside() *bindingtest.Fake {
	f := &bindingtest.Fake{}
	d.places = append(d.places, f)
	return f
}

// leave makes the departure one of alice's at the test's server.
func (d *desk) leave(host string) {
	id := "alice@" + host
	d.job.Departure.Account = departure.Account{ID: departure.AccountID("nextcloud", id), Provider: "nextcloud", Identity: id, Name: id}
	d.job.Datasets = []departure.Dataset{departure.Photos, departure.Contacts, departure.Notes, departure.Calendars, departure.Files}
	d.job.PhotoFolders = []string{"Photos"}
}

// bindingOf is what a look says of a sign-in.
func bindingOf(t *testing.T, l departure.Look, id string) departure.Binding {
	t.Helper()
	i := slices.IndexFunc(l.Bindings, func(b departure.Binding) bool { return b.ID == id })
	if i < 0 {
		t.Fatalf("nothing is said of %s: %+v", id, l.Bindings)
	}
	return l.Bindings[i]
}

// TestAListThatOnlyThePersonCanRead keeps no look from being whole: it is told as
// what it is, and a change of it changes what a verdict rests on.
func TestAListThatOnlyThePersonCanRead(t *testing.T) {
	d := newDesk(t)
	d.leave("cloud.example")
	d.put(".config/rclone/rclone.conf", "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAAAA\n")
	first := d.look()
	if !first.Complete || len(first.Bindings) != 1 {
		t.Fatalf("complete %v (%+v), signed in at %+v", first.Complete, first.Why, first.Bindings)
	}
	b := first.Bindings[0]
	if b.State != "" || b.Unread == "" || b.Why.Code != "encrypted" || b.Guided || b.Blocked == nil || !strings.HasPrefix(b.Blocked.Command, "clearance ") {
		t.Errorf("it is %+v, %+v", b, b.Blocked)
	}
	if err := d.Unbind(t.Context(), d.job, b.ID); err == nil {
		t.Error("it was signed out")
	}
	d.put(".config/rclone/rclone.conf", "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nBBBB\n")
	again := d.look()
	if k := again.Bindings[0]; k.ID != b.ID || k.Unread == b.Unread || signedInAs(first.Bindings, nil) == signedInAs(again.Bindings, nil) {
		t.Errorf("after a change %+v", k)
	}
}

// TestPlacesBesideGOA: an account that is signed in at another place alone is
// listed, is left with its password, and its sign-in is removed by its id.
func TestPlacesBesideGOA(t *testing.T) {
	d := newDesk(t)
	var err error
	d.server, err = davtest.New(davtest.Options{Users: []davtest.User{{Name: "alice", Password: password}}})
	must(t, err)
	t.Cleanup(func() { must(t, d.server.Close()) })
	must(t, d.server.User("alice").Fill(davtest.Content{Contacts: 3}))
	f := d.beside()
	folder := t.TempDir()
	e := f.SignIn(binding.Entry{
		Name: "alice in a sync client", Who: binding.Who{Type: "owncloud", User: "alice", Host: d.server.Addr()}, Carries: true, Folders: []string{folder},
		Server: binding.Server{Contacts: d.server.URL() + "remote.php/dav/", Calendars: d.server.URL() + "remote.php/dav/", Files: d.server.URL() + "remote.php/dav/files/alice/", AcceptInvalidCert: true},
	})
	bare := f.SignIn(binding.Entry{Who: binding.Who{Type: "owncloud", User: "alice", Host: "bare.example"}})
	bob := f.SignIn(binding.Entry{Name: "bob", Who: binding.Who{Type: "owncloud", User: "bob", Host: d.server.Addr()}, Carries: true})
	perhaps := f.SignIn(binding.Entry{Name: "somebody", Who: binding.Who{Type: "owncloud", Host: d.server.Addr()}})
	f.SignIn(binding.Entry{Name: "a media server", Account: "media", Who: binding.Who{Type: "media_server", User: "x", Host: "media.example"}, Mail: true})
	d.leave(d.server.Addr())

	as, err := d.Accounts(t.Context())
	must(t, err)
	if names := accountNames(as); !slices.Equal(names, []string{"alice@" + d.server.Addr(), "bob@" + d.server.Addr()}) {
		t.Errorf("the accounts are %v", names)
	}
	look := d.look()
	if b := bindingOf(t, look, e.ID); b.State != departure.BindingPresent || !b.Carries {
		t.Errorf("her sign-in is %+v", b)
	}
	if b := bindingOf(t, look, perhaps.ID); b.State != "" || b.Why.Code != "same-server" {
		t.Errorf("one that may be hers is %+v", b)
	}
	for _, id := range []string{bob.ID, bare.ID} {
		if slices.ContainsFunc(look.Bindings, func(b departure.Binding) bool { return b.ID == id }) {
			t.Errorf("another's sign-in is taken for hers: %s", id)
		}
	}
	if len(look.Others) != 2 || look.Others[0].Name != "bob@"+d.server.Addr() || look.Others[1].Name != "media" {
		t.Errorf("the others are %+v", look.Others)
	}
	if l := listing(t, look, departure.Contacts, true); l.Complete || l.Why.Code != "no-credential" || !strings.Contains(l.Why.Text, "password") {
		t.Errorf("before the password: %+v", l)
	}
	must(t, d.Credential(t.Context(), d.job, password))
	if l := listing(t, d.look(), departure.Contacts, true); !l.Complete || l.Items != 3 {
		t.Errorf("with the password: %+v", l)
	}

	for _, id := range []string{bob.ID, perhaps.ID, "fake:none", "nowhere:1"} {
		if err := d.Unbind(t.Context(), d.job, id); err == nil {
			t.Errorf("%s was signed out", id)
		}
	}
	f.Change(e.ID, func(e *binding.Entry) { e.Busy = "3 files are being sent" })
	var blocked *engine.BlockedError
	if err := d.Unbind(t.Context(), d.job, e.ID); !errors.As(err, &blocked) || blocked.Remedy.Code != "wait" || blocked.Remedy.Command == "" {
		t.Errorf("while files are sent: %v", err)
	}
	if b := bindingOf(t, d.look(), e.ID); b.Blocked == nil || b.Blocked.Code != "wait" || !strings.Contains(b.Why.Text, "3 files") {
		t.Errorf("while files are sent: %+v", b)
	}
	f.Change(e.ID, func(e *binding.Entry) { e.Busy = "" })
	must(t, d.Unbind(t.Context(), d.job, e.ID))
	d.job.Bindings = []departure.KnownBinding{{ID: e.ID, Kind: "fake", Name: e.Name, Carries: true}}
	if b := bindingOf(t, d.look(), e.ID); b.State != departure.BindingGone {
		t.Errorf("signed out: %+v", b)
	}
	f.SignOut(e.ID, binding.Left{Where: "keyring", Name: "1", Locked: true})
	if b := bindingOf(t, d.look(), e.ID); b.State != departure.BindingLeftover || b.Blocked == nil || b.Blocked.Code != "unlock" {
		t.Errorf("with something left: %+v", b)
	}
	f.Break()
	if l := d.look(); l.Complete || bindingOf(t, l, e.ID).State != "" {
		t.Errorf("a place that cannot be read: complete %v, %+v", l.Complete, l.Bindings)
	}
	if as, err := d.Accounts(t.Context()); err == nil {
		t.Errorf("a place that cannot be read has the accounts %v", as)
	}
	d.beside().SignIn(binding.Entry{Name: "carol", Who: binding.Who{Type: "owncloud", User: "carol", Host: "cloud.example"}, Carries: true})
	if as, err := d.Accounts(t.Context()); !errors.As(err, &blocked) || !slices.Equal(accountNames(as), []string{"carol@cloud.example"}) {
		t.Errorf("beside one that can be read: %v, %v", accountNames(as), err)
	}
}

func accountNames(as []departure.Account) []string {
	var names []string
	for _, a := range as {
		names = append(names, a.Name)
	}
	return names
}

// TestSyncedFolder: what a sync client keeps in step leaves with the account: it
// is listed, sorted as at the server, watched, and no place for the copy.
func TestSyncedFolder(t *testing.T) {
	d := newDesk(t)
	f := d.beside()
	folder := t.TempDir()
	for name, text := range map[string]string{"a.txt": "a", "Photos/p.jpg": "p", "Notes/n.md": "n", "x.jpg": "x", ".sync_0123.db": "1", ".sync_0123.db-wal": "2", "deep/.sync_1.db": "mine"} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
		must(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	f.SignIn(binding.Entry{Name: "alice in a sync client", Who: binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"}, Carries: true, Folders: []string{folder, folder + "/"}})
	d.leave("cloud.example")
	look := d.look()
	for dataset, want := range map[departure.Dataset]int64{departure.Files: 3, departure.Photos: 1, departure.Notes: 1} {
		if l := listing(t, look, dataset, false); !l.Complete || l.Items != want || l.Source.Fate != departure.Leaves || !l.Source.OfAccount {
			t.Errorf("%s: %+v, want %d items", dataset, l, want)
		}
	}
	must(t, os.Mkdir(filepath.Join(folder, "copy"), 0o700))
	c, _, err := d.InspectDestination(t.Context(), d.job, filepath.Join(folder, "copy"))
	if must(t, err); c.Place != departure.PlaceRefused {
		t.Errorf("the copy may lie among what is kept in step: %+v", c)
	}
	f.Break()
	if c, _, err := d.InspectDestination(t.Context(), d.job, d.job.Destination.Folder); err != nil || c.Place != departure.PlaceRefused {
		t.Errorf("where no one knows what is kept in step, the copy may lie there: %+v, %v", c, err)
	}
}

// filedPlace is a place in memory that stands in a file.
type filedPlace struct {
	binding.Place
	at string
}

func (f filedPlace) Files() []string { return []string{f.at} }

// TestPlacesAreHeard: who tells is heard at once, a file by what its own writing
// changes, and a fence waits for both.
func TestPlacesAreHeard(t *testing.T) {
	d := newDesk(t)
	f := d.beside()
	at := filepath.Join(t.TempDir(), "not-yet", "accounts.cfg")
	filed := &bindingtest.Fake{Name: "filed"}
	d.places = append(d.places, filedPlace{filed, at})
	folder := t.TempDir()
	e := f.SignIn(binding.Entry{Who: binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"}, Carries: true, Folders: []string{folder}})
	d.leave("cloud.example")
	var changes atomic.Int64
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) { changes.Add(1) }))
	look := d.look()
	eventually(t, "a fence", func() bool { return d.Fence(t.Context(), d.job, look) == nil })
	heard := func(what string, want bool, do func()) {
		t.Helper()
		look := d.look()
		must(t, d.Fence(t.Context(), d.job, look))
		before := changes.Load()
		do()
		must(t, d.Fence(t.Context(), d.job, look))
		if heard := changes.Load() != before; heard != want {
			t.Errorf("%s was heard: %v", what, heard)
		}
	}
	heard("nothing", false, func() {})
	heard("a place that tells", true, func() { f.SignOut(e.ID) })
	signIn := func(user string) {
		filed.SignIn(binding.Entry{Who: binding.Who{Type: "owncloud", User: user, Host: "cloud.example"}, Carries: true})
	}
	heard("a file that came", true, func() {
		must(t, os.Mkdir(filepath.Dir(at), 0o700))
		must(t, os.WriteFile(at, []byte("a"), 0o600))
		signIn("bob")
	})
	heard("a file that was written with the same sign-ins", false, func() { must(t, os.WriteFile(at, []byte("bb"), 0o600)) })
	heard("a file that was written with another sign-in", true, func() {
		signIn("alice")
		must(t, os.WriteFile(at, []byte("ccc"), 0o600))
	})
	heard("a sign-in that no watch sees", true, func() { signIn("alice") })
	e = f.SignIn(binding.Entry{Who: binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"}, Carries: true, Folders: []string{folder}})
	heard("a file in a folder that is kept in step", true, func() { must(t, os.WriteFile(filepath.Join(folder, "new"), nil, 0o600)) })
	heard("a file beside it", false, func() { must(t, os.WriteFile(at+".lock", nil, 0o600)) })
}

// TestFilesAreWrittenAllDay: a browser that writes its settings as long as it runs
// neither raises a change with each, nor hides one.
func TestFilesAreWrittenAllDay(t *testing.T) {
	d := newDesk(t)
	d.leave("cloud.example")
	settings := func(address string, n int) {
		const at = ".config/chromium/Default/Preferences"
		d.put(at+".tmp", fmt.Sprintf(`{"n":%d,"account_info":[{"account_id":"1","email":%q}],"google":{"services":{"account_id":"1"}}}`, n, address))
		must(t, os.Rename(filepath.Join(d.session.Home, at+".tmp"), filepath.Join(d.session.Home, at)))
	}
	settings("alice@gmail.com", 0)
	var changes atomic.Int64
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) { changes.Add(1) }))
	look := d.look()
	eventually(t, "a fence", func() bool { return d.Fence(t.Context(), d.job, look) == nil })
	before := changes.Load()
	for n := range 20 {
		settings("alice@gmail.com", 1+n)
		must(t, d.Fence(t.Context(), d.job, look))
	}
	if n := changes.Load() - before; n != 0 {
		t.Errorf("%d changes were told of settings that say the same", n)
	}
	settings("bob@gmail.com", 0)
	eventually(t, "another account is told of", func() bool { return changes.Load() != before })
}

// TestHints: uses of the account that hold nothing are told, others' are not.
func TestHints(t *testing.T) {
	d := newDesk(t)
	f := d.beside()
	for user, host := range map[string]string{"alice": "cloud.example", "": "cloud.example", "carol": "cloud.example", "dora": "other.example"} {
		f.Hint(binding.Hint{Who: binding.Who{Type: "owncloud", User: user, Host: host}, Hint: departure.Hint{ID: "h:" + user, Name: "Firefox", Text: "has a password"}})
	}
	d.leave("cloud.example")
	var ids []string
	for _, h := range d.look().Hints {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []string{"h:", "h:alice"}) {
		t.Errorf("the hints are %q", ids)
	}
}

// TestLeftoverOfAKnownSignIn: what stays of a sign-in that was the account's is the
// account's, though it does not say at which server any more.
func TestLeftoverOfAKnownSignIn(t *testing.T) {
	d := newDesk(t)
	f := d.beside()
	left := f.SignIn(binding.Entry{Name: "a password", Who: binding.Who{Type: "owncloud", User: "alice"}, Leftover: true})
	d.leave("cloud.example")
	if b := bindingOf(t, d.look(), left.ID); b.State != "" || b.Blocked == nil || b.Blocked.Command == "" {
		t.Errorf("one that may be anybody's is %+v", b)
	}
	if err := d.Unbind(t.Context(), d.job, left.ID); err == nil {
		t.Error("one that may be anybody's was removed")
	}
	d.job.Bindings = []departure.KnownBinding{{ID: left.ID, Kind: "fake", Name: "alice"}}
	if b := bindingOf(t, d.look(), left.ID); b.State != departure.BindingPresent || b.Guided || b.Carries || b.Blocked != nil {
		t.Errorf("of a known sign-in, to be removed as one: %+v", b)
	}
	must(t, d.Unbind(t.Context(), d.job, left.ID))
	if b := bindingOf(t, d.look(), left.ID); b.State != departure.BindingGone {
		t.Errorf("removed: %+v", b)
	}
	f.SignOut(left.ID, binding.Left{Where: "list of accounts", Name: "1"})
	if b := bindingOf(t, d.look(), left.ID); b.State != departure.BindingLeftover || b.Blocked == nil || !strings.Contains(b.Blocked.Text, "list of accounts") {
		t.Errorf("what nobody knows how to remove: %+v", b)
	}
	guided := f.SignIn(binding.Entry{Name: "another", Who: binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example"}, Leftover: true}.ByHand("delete it"))
	if b := bindingOf(t, d.look(), guided.ID); b.State != departure.BindingLeftover || b.Blocked == nil {
		t.Errorf("what only the person removes: %+v", b)
	}
}
