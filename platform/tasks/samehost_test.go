package tasks

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/platform/binding"
	"github.com/clearance-project/clearance/platform/cloud/dav"
	"github.com/clearance-project/clearance/platform/dataset"
)

// names is a network with a few names, which counts what it is asked.
type names struct {
	at    map[string]string
	asked []string
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.asked = append(n.asked, host)
	at, ok := n.at[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr(at)}, nil
}

func (n *names) Own() ([]netip.Addr, error) { return nil, nil }

// TestServerByAnotherName: a sign-in of the same user at a name, or an address in
// figures, that leads or may lead to the account's server is not told apart from
// the account, and holds READY back; one that leads elsewhere is another's.
func TestServerByAnotherName(t *testing.T) {
	d := newDesk(t)
	d.network = &names{at: map[string]string{"cloud.example": "192.0.2.1", "alias.example": "192.0.2.1", "www.cloud.example": "192.0.2.1", "xn--bcher-kva.example": "192.0.2.1", "other.example": "192.0.2.2"}}
	f := d.beside()
	d.leave("cloud.example")
	perhaps, others := map[string]string{}, map[string]string{}
	add := func(to map[string]string, typ, user, host string) {
		e := f.SignIn(binding.Entry{Name: typ + " " + user + "@" + host, Who: binding.Who{Type: typ, User: user, Host: host}, Carries: true})
		to[e.ID] = e.Name
	}
	add(perhaps, "owncloud", "alice", "alias.example")
	add(perhaps, "https", "Alice", "WWW.Cloud.example.")
	add(perhaps, "carddav", "alice@alias.example", "192.0.2.1")
	add(perhaps, "dav", "alice", "bücher.example")
	add(perhaps, "https", "alice", "nas") // of a home that this device is not in
	add(others, "owncloud", "alice", "other.example")
	add(others, "owncloud", "bob", "alias.example")
	add(others, "imap", "alice", "alias.example")
	add(others, "https", "alice", "alias.example:8443")
	add(others, "https", "alice", "192.0.2.2")
	add(others, "https", "alice", "files.cloud.example:8443")
	add(others, "https", "alice", "alias.example") // a site of the web, of which there are hundreds

	look := d.look()
	for id, name := range perhaps {
		if b := bindingOf(t, look, id); b.State != "" || b.Why.Code != "same-server" || b.Blocked == nil {
			t.Errorf("%s: %+v", name, b)
		}
	}
	for id, name := range others {
		if slices.ContainsFunc(look.Bindings, func(b departure.Binding) bool { return b.ID == id }) {
			t.Errorf("another's sign-in is taken for hers: %s", name)
		}
	}
	for id := range perhaps {
		if err := d.Unbind(t.Context(), d.job, id); err == nil {
			t.Errorf("%s was signed out, and nobody knows whose it is", perhaps[id])
		}
	}
}

// TestServersAreResolvedSparingly: nothing is asked of a network where names tell
// enough, no name twice in one look, and of too many none is taken for another's.
func TestServersAreResolvedSparingly(t *testing.T) {
	d := newDesk(t)
	network := &names{at: map[string]string{"cloud.example": "192.0.2.1", "other.example": "192.0.2.2"}}
	d.network = network
	account := departure.Account{Provider: "nextcloud", Identity: "alice@cloud.example"}
	n, done := d.namesakesOf(t.Context(), account)
	defer done()
	for _, who := range []binding.Who{{User: "alice", Host: "cloud.example"}, {User: "bob", Host: "cloud.example"}, {User: "bob", Host: "x.example"}, {Type: "dav", Host: "x.example"}, {User: "alice"}, {Type: "imap", User: "alice", Host: "x.example"}} {
		n.of(owner{who: who})
	}
	n.of(owner{binding.Who{User: "alice", Host: "x.example"}, "google"})
	n.of(owner{who: binding.Who{Type: "https", User: "alice", Host: "x.example"}})
	if len(network.asked) != 0 {
		t.Errorf("asked for %v", network.asked)
	}
	for range 3 {
		if m := n.of(owner{who: binding.Who{Type: "dav", User: "alice", Host: "other.example"}}); m != binding.MatchNo {
			t.Errorf("another server: %v", m)
		}
	}
	if len(network.asked) != 2 {
		t.Errorf("asked for %v", network.asked)
	}
	for i := range 2 * maxResolved {
		if m := n.of(owner{who: binding.Who{Type: "dav", User: "alice", Host: fmt.Sprintf("h%d.example", i)}}); m != binding.MatchUnknown {
			t.Fatalf("server %d: %v", i, m)
		}
	}
	if len(network.asked) > 2*maxResolved {
		t.Errorf("asked %d times", len(network.asked))
	}
}

// TestServerByAnotherNameInFiles: a password for the server under this machine's
// own name is found where the account has its address in figures, by the real
// resolver.
func TestServerByAnotherNameInFiles(t *testing.T) {
	d := newDesk(t)
	d.leave("127.0.0.1:38011")
	d.put(".git-credentials", "http://alice:hunter2@localhost:38011\nhttp://alice:hunter2@[::1]:38011\nhttp://alice:x@127.0.0.2:38012\nhttp://bob:x@localhost:38011\n")
	d.put(".netrc", "machine 127.0.0.1 login alice password hunter2\n")
	var found []string
	for _, b := range d.look().Bindings {
		if b.State != "" || b.Why.Code != "same-server" {
			t.Errorf("%+v", b)
		}
		found = append(found, b.Name)
	}
	want := "password of alice@localhost:38011 in .git-credentials|password of alice@[::1]:38011 in .git-credentials|password of alice@127.0.0.1 in .netrc"
	if got := strings.Join(found, "|"); got != want {
		t.Errorf("found %s, want %s", got, want)
	}
}

// TestStoreByAnotherName: a store that is kept in step with the server under
// another name may be of the account, and is listed with it.
func TestStoreByAnotherName(t *testing.T) {
	d := newDesk(t)
	d.network = &names{at: map[string]string{"cloud.example": "192.0.2.1", "alias.example": "192.0.2.1", "other.example": "192.0.2.2"}}
	d.leave("cloud.example")
	for host, ours := range map[string]bool{"alias.example": true, "other.example": false} {
		n, done := d.namesakesOf(t.Context(), d.job.Departure.Account)
		s := &survey{w: d.Worker, job: d.job}
		src, got := s.storeSource(&dataset.Store{ID: "x", Dataset: departure.Contacts, Who: binding.Who{Type: "carddav", User: "alice", Host: host}}, n)
		done()
		if got != ours || ours && (!src.OfAccount || src.Fate != departure.Leaves) {
			t.Errorf("%s: %v, %+v", host, got, src)
		}
	}
}

var _ dav.Network = (*names)(nil)
