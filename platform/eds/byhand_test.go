package eds

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/binding/bindingtest"
	"github.com/clearance-project/clearance/platform/gkeyfile"
	"github.com/clearance-project/clearance/platform/secrets"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// TestContractBindings holds the sources set up by hand to the port of places, on
// real evolution-data-server and gnome-keyring.
func TestContractBindings(t *testing.T) {
	t.Run("eds", func(t *testing.T) { bindingtest.Run(t, newRig) })
	t.Run("evolution", func(t *testing.T) { bindingtest.Run(t, sandboxRig) })
}

const handPassword = "correct horse"

func newRig(t *testing.T) *bindingtest.Rig {
	sessiontest.Need(t, "secret-tool", "libsecret-tools")
	d := startClient(t, Options{})
	place := NewByHand(d.client, secrets.New(d.conn), d.dirs, d.ConfigHome)
	var uid string
	remove := func(ctx context.Context, t *testing.T, forget bool) {
		t.Helper()
		entries, err := d.client.entries(ctx)
		if err != nil {
			t.Fatal(err)
		}
		name, err := d.client.name(ctx, sourceRegistry)
		if err == nil {
			err = d.client.call(ctx, d.client.opts.CallTimeout, target{name, entries[uid].path}, dotted+"Source.Removable.Remove", nil)
		}
		if err == nil && forget {
			err = d.Command(ctx, "secret-tool", "clear", "e-source-uid", uid).Run()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return &bindingtest.Rig{
		Place: place, Secrets: []string{handPassword},
		Who:      binding.Who{Type: "owncloud", User: "alice", Host: "cloud.example:8443"},
		OtherWho: binding.Who{Type: "caldav", User: "bob", Host: "other.example"},
		SignIn: func(ctx context.Context, t *testing.T) {
			t.Helper()
			uid = d.setUp(ctx, t, "Work", "Address Book", "carddav", "Cloud.Example", "8443", "alice", "/remote.php/dav/addressbooks/users/alice/contacts/")
		},
		Other: func(ctx context.Context, t *testing.T) {
			t.Helper()
			d.setUp(ctx, t, "Home", "Calendar", "caldav", "other.example", "443", "bob", "/bob/days/")
		},
		ByHand:      func(ctx context.Context, t *testing.T) { remove(ctx, t, true) },
		LeaveBehind: func(ctx context.Context, t *testing.T) { remove(ctx, t, false) },
		Break: func(_ context.Context, t *testing.T) {
			t.Helper()
			if err := d.StopBus(); err != nil {
				t.Fatal(err)
			}
		},
		Block: d.Block,
	}
}

// setUp makes a source as Evolution's own dialog does, and keeps its password as
// libedataserver does.
func (d *desk) setUp(ctx context.Context, t testing.TB, title, group, backend, host, port, user, path string) (uid string) {
	t.Helper()
	uid = strings.ToLower(rand.Text())
	data := fmt.Sprintf("[Data Source]\nDisplayName=%s\nEnabled=true\nParent=%s-stub\n[%s]\nBackendName=%s\n"+
		"[Authentication]\nHost=%s\nMethod=plain/password\nPort=%s\nUser=%s\nRememberPassword=true\n[Security]\nMethod=tls\n[WebDAV Backend]\nResourcePath=%s\n",
		title, backend, group, backend, host, port, user, path)
	name, err := d.client.name(ctx, sourceRegistry)
	if err == nil {
		err = d.client.call(ctx, d.client.opts.CallTimeout, registryAt(name), dotted+"SourceManager.CreateSources", []any{map[string]string{uid: data}})
	}
	if err != nil {
		t.Fatal(err)
	}
	keep := d.Command(ctx, "secret-tool", "store", "--label=Evolution Data Source "+title, "xdg:schema", "org.gnome.Evolution.Data.Source",
		"e-source-uid", uid, "eds-origin", "evolution-data-server")
	keep.Stdin = strings.NewReader(handPassword)
	if out, err := keep.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return uid
}

// TestHandMade: what a person set up is listed once, with its parts; what GOA, a
// public calendar or this device has is not, and what is not understood is an
// error.
func TestHandMade(t *testing.T) {
	book := Source{UID: "b", Kind: AddressBook, Backend: "carddav", Host: "h", User: "u", Removable: true, Path: "/u/b/", Port: 443}
	account := Source{UID: "a", Kind: Collection, Backend: "webdav", Host: "h", User: "u", Removable: true}
	child := book
	child.UID, child.Parents = "c", []string{"a"}
	mail := Source{UID: "m", Kind: Mail, MailAccount: true, Backend: "imapx", Host: "imap.h", User: "u", Port: 993, Removable: true}
	public := Source{UID: "p", Kind: Calendar, Backend: "webcal", Host: "h"}
	goas := Source{UID: "g", Kind: AddressBook, Backend: "carddav", Host: "h", GOAAccount: "x"}
	own := Source{UID: "o", Kind: AddressBook, Backend: "local", Local: true}
	list, err := handMade([]Source{book, account, child, mail, public, goas, own})
	if err != nil {
		t.Fatal(err)
	}
	var uids []string
	for _, s := range list {
		uids = append(uids, s.UID)
	}
	if !slices.Equal(uids, []string{"b", "a", "m"}) {
		t.Errorf("listed are %q", uids)
	}
	if e := mail.entry(false); !e.Guided || e.Carries || e.Blocked == nil || e.Who != (binding.Who{Type: "imapx", User: "u", Host: "imap.h"}) {
		t.Errorf("the mail account is %+v", e)
	}
	book.Malformed = "x"
	if list, err := handMade([]Source{book}); err == nil {
		t.Errorf("what is not understood is listed as %+v", list)
	}
}

// TestWhereASourceIs: server, port and addresses as they count.
func TestWhereASourceIs(t *testing.T) {
	for _, c := range []struct {
		s    Source
		who  binding.Who
		want binding.Server
	}{
		{Source{Kind: AddressBook, Backend: "carddav", Host: "h", Port: 443, Path: "/u/b/"}, binding.Who{Type: "carddav", Host: "h"}, binding.Server{Contacts: "https://h/u/b/"}},
		{Source{Kind: Calendar, Backend: "caldav", Host: "h", Port: 80, Plain: true, Path: "/u/c/"}, binding.Who{Type: "caldav", Host: "h"}, binding.Server{Calendars: "http://h/u/c/"}},
		{Source{Kind: Calendar, Backend: "caldav", Host: "h", Port: 5232, Plain: true}, binding.Who{Type: "caldav", Host: "h:5232"}, binding.Server{Calendars: "http://h:5232/"}},
		{Source{Kind: TaskList, Backend: "caldav", Host: "h.", Path: "/sub/remote.php/dav/calendars/a/t/"}, binding.Who{Type: "owncloud", Host: "h"},
			binding.Server{Contacts: "https://h/sub/remote.php/carddav/", Calendars: "https://h/sub/remote.php/caldav/", Files: "https://h/sub/remote.php/webdav/"}},
	} {
		if w := c.s.Who(); w != c.who || c.s.server() != c.want {
			t.Errorf("%+v: %+v at %+v, want %+v at %+v", c.s, w, c.s.server(), c.who, c.want)
		}
	}
	for text, want := range map[string]bool{
		"[Security]\nMethod=tls\n": false, "[Security]\nMethod=none\n": true, "[Security]\n": true, "": true,
		"[Collection]\nContactsUrl=http://h/\n": true, "[Collection]\nCalendarUrl=https://h/\n": false,
	} {
		file, err := dataOf(text)
		if got := plain([]entry{{}, {file: file}, {file: gkeyfile.File{"Security": {"Method": "none"}}}}); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}
