package tasks

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/session/sessiontest"
)

// setUpByHand makes an address book as Evolution's own dialog does, and keeps its
// password as libedataserver does.
func (d *desk) setUpByHand(addr, path string) (uid string) {
	d.t.Helper()
	sessiontest.Need(d.t, "/usr/libexec/evolution-source-registry", "evolution-data-server")
	sessiontest.Need(d.t, "secret-tool", "libsecret-tools")
	host, port, _ := strings.Cut(addr, ":")
	uid = strings.ToLower(rand.Text())
	data := fmt.Sprintf("[Data Source]\nDisplayName=Work\nEnabled=true\nParent=carddav-stub\n[Address Book]\nBackendName=carddav\n"+
		"[Authentication]\nHost=%s\nMethod=plain/password\nPort=%s\nUser=alice\nRememberPassword=true\n[Security]\nMethod=none\n[WebDAV Backend]\nResourcePath=%s\n", host, port, path)
	keep := d.session.Command(d.t.Context(), "secret-tool", "store", "--label=Evolution Data Source Work", "xdg:schema", "org.gnome.Evolution.Data.Source",
		"e-source-uid", uid, "eds-origin", "evolution-data-server")
	keep.Stdin = strings.NewReader(password)
	out, err := keep.CombinedOutput()
	if err != nil {
		d.t.Fatalf("%v: %s", err, out)
	}
	names, err := d.bus.Names(d.t.Context(), true)
	must(d.t, err)
	i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "org.gnome.evolution.dataserver.Sources") })
	m := bus.Method{Service: names[i], Path: "/org/gnome/evolution/dataserver/SourceManager", Name: "org.gnome.evolution.dataserver.SourceManager.CreateSources"}
	must(d.t, d.bus.Call(d.t.Context(), m, []any{map[string]string{uid: data}}))
	return uid
}

// TestSetUpByHand: an address book without online accounts is of the account by
// its server and user: it is listed and counted, its contacts leave, it is removed
// with its password, its trash is listed, and its coming back is heard.
func TestSetUpByHand(t *testing.T) {
	d := newDesk(t)
	card := func(i int) string {
		return fmt.Sprintf("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:r%d\r\nFN:R %d\r\nN:%d;R;;;\r\nEND:VCARD\r\n", i, i, i)
	}
	at, _ := radicale(t)
	for i := range 3 {
		if code, _ := request(t, "PUT", fmt.Sprintf("%s%d.vcf", at, i), card(i)); code != http.StatusCreated {
			t.Fatalf("a contact: %d", code)
		}
	}
	addr := binding.Host(at)
	uid := d.setUpByHand(addr, "/alice/book/")
	id := "eds:" + uid
	d.leave(addr)
	d.setUpByHand("localhost:1", "/alice/other/")
	book := func(l departure.Look) departure.Listing {
		for _, k := range l.Listings {
			if k.Source.ID == departure.SourceID("hand:address-book:"+uid) {
				return k
			}
		}
		return departure.Listing{}
	}
	var look departure.Look
	eventually(t, "the contacts of the book", func() bool {
		look = d.look()
		return book(look).Items == 3
	})
	if l := book(look); !l.Complete || l.Source.Fate != departure.Leaves || !l.Source.OfAccount || l.Source.Remote {
		t.Errorf("the book is %+v", l)
	}
	b := bindingOf(t, look, id)
	if b.State != departure.BindingPresent || !b.Carries || b.Guided || !slices.Equal(b.Goes, []departure.Vanishing{{What: "address book", Name: "Work", Items: 3}}) {
		t.Errorf("its sign-in is %+v", b)
	}
	if len(look.Bindings) != 1 {
		t.Errorf("another's is taken for it: %+v", look.Bindings)
	}
	if l := listing(t, look, departure.Contacts, true); l.Complete || l.Why.Code != "no-credential" {
		t.Errorf("the server before the password: %+v", l)
	}
	must(t, d.Credential(t.Context(), d.job, password))
	if l := listing(t, d.look(), departure.Contacts, true); !l.Complete || l.Items != 3 {
		t.Errorf("the server with the password: %+v", l)
	}
	if res := d.backup(); res.Failed != 0 {
		t.Errorf("copied %+v", res)
	}
	if l := book(d.look()); l.Covered != 3 {
		t.Errorf("in the copy are %+v", l)
	}
	var changes atomic.Int64
	must(t, d.Watch(t.Context(), d.job, func(departure.SourceID) { changes.Add(1) }))

	must(t, d.Unbind(t.Context(), d.job, id))
	d.job.Bindings, d.job.Unbound = []departure.KnownBinding{{ID: id, Kind: "eds", Name: b.Name, Carries: true}}, true
	eventually(t, "nothing of it left", func() bool {
		look = d.look()
		return bindingOf(t, look, id).State == departure.BindingGone
	})
	if !slices.ContainsFunc(look.Listings, func(l departure.Listing) bool {
		return l.Source.TrashOf == departure.SourceID("hand:address-book:"+uid) && l.Complete
	}) {
		t.Errorf("its trash is not listed: %+v", look.Listings)
	}
	if l := listing(t, look, departure.Contacts, true); !l.Complete || l.Items != 3 {
		t.Errorf("after it was removed the server shows %+v", l)
	}
	eventually(t, "a fence", func() bool { return d.Fence(t.Context(), d.job, look) == nil })
	before := changes.Load()
	again := d.setUpByHand(addr, "/alice/book/")
	eventually(t, "a fence", func() bool { return d.Fence(t.Context(), d.job, look) == nil })
	if changes.Load() == before {
		t.Error("its coming back was not heard")
	}
	if b := bindingOf(t, d.look(), "eds:"+again); b.State != departure.BindingPresent {
		t.Errorf("come back, it is %+v", b)
	}
	if as, err := d.Accounts(t.Context()); err != nil || len(as) != 0 {
		t.Errorf("a server of no provider that is known makes the accounts %v, %v", as, err)
	}
}
