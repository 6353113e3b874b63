package eds

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// bound is a desk with a cloud account signed in at it.
type bound struct {
	*desk
	server  *davtest.Server
	account *davtest.Account
	path    dbus.ObjectPath // of the GOA account
	id      string
}

func signIn(t testing.TB, content davtest.Content) *bound {
	t.Helper()
	sessiontest.Need(t, "/usr/libexec/goa-daemon", "gnome-online-accounts")
	b := &bound{desk: startClient(t, Options{})}
	server, err := davtest.New(davtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	b.server = server
	if b.account, err = server.AddUser(davtest.User{Name: "alice", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	if err := b.account.Fill(content); err != nil {
		t.Fatal(err)
	}
	m := bus.Method{Service: "org.gnome.OnlineAccounts", Path: "/org/gnome/OnlineAccounts/Manager", Name: "org.gnome.OnlineAccounts.Manager.AddAccount"}
	args := []any{"owncloud", "alice", "alice@127.0.0.1", map[string]dbus.Variant{"password": dbus.MakeVariant("secret")},
		map[string]string{"Uri": server.URL(), "ContactsEnabled": "true", "CalendarEnabled": "true", "AcceptSslErrors": "true"}}
	if err := b.conn.Call(t.Context(), m, args, &b.path); err != nil {
		t.Fatal(err)
	}
	b.id = string(b.path[strings.LastIndexByte(string(b.path), '/')+1:])
	return b
}

// until asks again and again, at most 20 s.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for !f() {
		if pause(ctx, 20*time.Millisecond) != nil {
			t.Fatalf("never: %s", what)
		}
	}
}

// child waits for the account's source of a kind.
func (b *bound) child(t testing.TB, kind Kind) Source {
	t.Helper()
	var found Source
	until(t, "a "+string(kind)+" of the account", func() bool {
		list, err := b.client.Sources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range descendants(list, b.id) {
			if s.Kind == kind {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

func (b *bound) remove(t testing.TB) {
	t.Helper()
	m := bus.Method{Service: "org.gnome.OnlineAccounts", Path: b.path, Name: "org.gnome.OnlineAccounts.Account.Remove"}
	if err := b.conn.Call(t.Context(), m, nil); err != nil {
		t.Fatal(err)
	}
	until(t, "the sources gone", func() bool {
		list, err := b.client.Sources(t.Context())
		return err == nil && len(descendants(list, b.id)) == 0
	})
}

func TestAccountsSources(t *testing.T) {
	b := signIn(t, davtest.Content{Contacts: 5, Events: 3, Tasks: 2})
	book := b.child(t, AddressBook)
	if book.GOAAccount != b.id || book.Local || book.Evidence() != EvidenceCache || book.Backend != "carddav" || book.Malformed != "" {
		t.Errorf("%+v", book)
	}
	if book.Host != "127.0.0.1" || book.User != "alice" || book.Port == 0 || book.Path == "" {
		t.Errorf("place: %+v", book)
	}
	list, err := b.client.Sources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.UID == personal && (!s.Local || s.Account() || !s.Enabled || s.Kind != AddressBook || s.DisplayName != "Personal") {
			t.Errorf("%+v", s)
		}
	}
	for _, kind := range []Kind{Calendar, TaskList} {
		if s := b.child(t, kind); s.GOAAccount != b.id || s.Local {
			t.Errorf("%+v", s)
		}
	}
}

// Refresh, and the next list is right; none of it is evidence.
func TestRefreshOfAnAccountsBook(t *testing.T) {
	b := signIn(t, davtest.Content{Contacts: 300})
	s := b.open(t, b.child(t, AddressBook).UID)
	r, err := s.Refresh(t.Context())
	if err != nil || !r.Supported || !r.Reached || !r.Settled || r.Trouble != "" {
		t.Fatalf("%+v %v", r, err)
	}
	l := keys(t, s)
	if len(l.Keys) != 300 || l.Complete() || l.Evidence != EvidenceCache {
		t.Fatalf("%d keys, %s", len(l.Keys), l.Evidence)
	}
	fetch(t, s, l.UIDs()...)
	if again, err := s.Refresh(t.Context()); err != nil || !again.Settled || keys(t, s).Digest != l.Digest {
		t.Errorf("a refresh without changes changed the list: %+v %v", again, err)
	}
	// changed without a new REV, added, and slow
	names := b.account.Contacts("contacts")
	old := string(b.account.Contact("contacts", names[0]))
	if _, err := b.account.PutContact("contacts", names[0], []byte(strings.Replace(old, "\r\nEND:VCARD", "\r\nNOTE:changed\r\nEND:VCARD", 1))); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := b.account.PutContact("contacts", fmt.Sprintf("new%d.vcf", i), []byte(card(9000+i))); err != nil {
			t.Fatal(err)
		}
	}
	b.refreshSlowly(t, s)
	after := keys(t, s)
	if len(after.Keys) != 310 {
		t.Errorf("%d keys after the refresh, want 310", len(after.Keys))
	}
	changed := 0
	for _, k := range after.Keys {
		if i, ok := slices.BinarySearchFunc(l.Keys, k, func(a, b Key) int { return strings.Compare(a.UID, b.UID) }); ok && l.Keys[i].Rev != k.Rev {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d revisions changed, want 1", changed)
	}
}

// refreshSlowly refreshes while the server keeps its first answer back for
// longer than two listings lie apart: the refresh must wait for it.
func (b *bound) refreshSlowly(t testing.TB, s *Store) {
	t.Helper()
	slow := b.server.Inject(davtest.Fault{Times: 1, Hold: true})
	defer slow.Release()
	type outcome struct {
		Refreshed
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		r, err := s.Refresh(t.Context())
		done <- outcome{r, err}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	select {
	case <-slow.Arrived():
	case <-ctx.Done():
		t.Fatal("the server was never asked")
	}
	select {
	case r := <-done:
		t.Fatalf("the refresh did not wait for the server: %+v", r)
	case <-time.After(6 * settlePause):
	}
	slow.Release()
	if r := <-done; r.err != nil || !r.Reached || !r.Settled || r.Trouble != "" {
		t.Fatalf("%+v", r)
	}
}

// A book whose server fails says so nowhere but in Trouble, and its listing is
// no evidence, however empty.
func TestBookOfADeadServer(t *testing.T) {
	b := signIn(t, davtest.Content{Contacts: 20})
	s := b.open(t, b.child(t, AddressBook).UID)
	if _, err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.server.Die(); err != nil {
		t.Fatal(err)
	}
	r, err := s.Refresh(t.Context())
	if err != nil || r.Trouble == "" || r.Reached {
		t.Errorf("a dead server makes no trouble: %+v %v", r, err)
	}
	if l := keys(t, s); l.Complete() || l.Evidence != EvidenceCache || len(l.Keys) != 20 {
		t.Errorf("%+v", l)
	}
}

func TestRefreshOfAnAccountsCalendar(t *testing.T) {
	b := signIn(t, davtest.Content{Events: 50})
	s := b.open(t, b.child(t, Calendar).UID)
	if r, err := s.Refresh(t.Context()); err != nil || !r.Reached || !r.Settled {
		t.Fatalf("%+v %v", r, err)
	}
	l := keys(t, s)
	if len(l.Keys) != 50 || l.Complete() {
		t.Fatalf("%d keys, %s", len(l.Keys), l.Evidence)
	}
	fetch(t, s, l.UIDs()...)
	names := b.account.Events("personal")
	old := string(b.account.Event("personal", names[0]))
	if _, err := b.account.PutEvent("personal", names[0], []byte(strings.Replace(old, "SUMMARY:", "SUMMARY:changed ", 1))); err != nil {
		t.Fatal(err)
	}
	if _, err := b.account.PutEvent("personal", "new.ics", []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n"+berlin+event("new", "")+"END:VCALENDAR\r\n")); err != nil {
		t.Fatal(err)
	}
	b.refreshSlowly(t, s)
	after := keys(t, s)
	if len(after.Keys) != 51 || after.Digest == l.Digest {
		t.Errorf("%d keys after the refresh, want 51", len(after.Keys))
	}
	changed := 0
	for i, k := range l.Keys {
		if j, ok := slices.BinarySearchFunc(after.Keys, k, func(a, b Key) int { return strings.Compare(a.UID, b.UID) }); ok && after.Keys[j].Rev != l.Keys[i].Rev {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d revisions changed, want 1", changed)
	}
	if r, err := s.Refresh(t.Context()); err != nil || keys(t, s).Digest != after.Digest {
		t.Errorf("a refresh without changes changed the list: %+v %v", r, err)
	}
}

func TestFactoryKilledWhileFetchingAnAccountsBook(t *testing.T) {
	b := signIn(t, davtest.Content{Contacts: 300})
	s := b.open(t, b.child(t, AddressBook).UID)
	if r, err := s.Refresh(t.Context()); err != nil || !r.Reached {
		t.Fatalf("%+v %v", r, err)
	}
	n := 0
	out, err := s.Fetch(t.Context(), keys(t, s).UIDs(), func(Item) error {
		if n++; n == 10 {
			b.kill(t, string(addressBooks))
		}
		return nil
	})
	if err != nil || n != 300 || len(out.Failed) > 0 || out.Restarts != 1 {
		t.Fatalf("%d: %+v %v", n, out, err)
	}
}

// BenchmarkAccountsEvents lists and fetches 1,000 events of an account.
func BenchmarkAccountsEvents(b *testing.B) {
	at := signIn(b, davtest.Content{Events: 1000})
	s := at.open(b, at.child(b, Calendar).UID)
	if r, err := s.Refresh(b.Context()); err != nil || !r.Reached {
		b.Fatalf("%+v %v", r, err)
	}
	for b.Loop() {
		fetch(b, s, keys(b, s).UIDs()...)
	}
}
