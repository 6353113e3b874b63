package dav

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// shares is a cloud in which bob shares a folder, an address book and a calendar
// with alice, who has her own too.
func shares(t *testing.T) (*davtest.Server, *Client) {
	t.Helper()
	s := cloud(t, davtest.Options{Users: []davtest.User{{Name: "alice", Password: "x"}, {Name: "bob", Password: "y"}}},
		davtest.Content{Contacts: 3, Events: 2, Files: 4})
	alice, bob := s.User("alice"), s.User("bob")
	for _, err := range []error{
		bob.Fill(davtest.Content{Contacts: 7, Events: 5, Files: 6}),
		bob.ShareFolder("Documents", alice, "From friends/Bob's papers"),
		bob.ShareBook("contacts", alice), bob.ShareCalendar("personal", alice),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, client(t, configFor(s.URL()))
}

func TestSharedCollectionsAreNamed(t *testing.T) {
	s, c := shares(t)
	for _, dav := range []string{"remote.php/carddav/", "remote.php/dav/"} {
		config := configFor(s.URL())
		config.Contacts = s.URL() + dav
		books, err := client(t, config).AddressBooks(deadline(t))
		if err != nil || len(books.Found) != 2 || books.Found[0].SharedBy != (Person{}) || books.Found[1].SharedBy != (Person{"bob", "bob"}) {
			t.Errorf("%s: %+v, %v", dav, books.Found, err)
		}
		if l, err := client(t, config).List(deadline(t), books.Found[1]); err != nil || l.Count != 7 {
			t.Errorf("bob's: %d, %v", l.Count, err)
		}
	}
	calendars, err := c.Calendars(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range calendars.Found {
		if want := strings.HasSuffix(k.Path, "_shared_by_bob"); (k.SharedBy.ID == "bob") != want {
			t.Errorf("%+v", k)
		}
	}
}

func TestSharedFilesAreNamed(t *testing.T) {
	s, c := shares(t)
	l, err := c.List(deadline(t), tree(t, c))
	if err != nil {
		t.Fatal(err)
	}
	own, bobs := 0, 0
	for _, it := range l.Items {
		if want := strings.HasPrefix(it.Name, "From friends/Bob's papers"); (it.SharedBy == Person{"bob", "bob"}) != want {
			t.Errorf("%+v", it)
		} else if !it.Folder && want {
			bobs++
		} else if !it.Folder {
			own++
		}
	}
	if own != 4 || bobs != 6 {
		t.Errorf("%d own and %d of bob's", own, bobs)
	}
	wantSame(t, c, l, true)
	if _, err := s.User("bob").PutFile("Documents/000/more.txt", []byte("more")); err != nil {
		t.Fatal(err)
	}
	wantSame(t, c, l, false)
}

// TestBrokenShare: what another person's share cannot show keeps nothing of the
// account's own from being listed, and is told.
func TestBrokenShare(t *testing.T) {
	s, c := shares(t)
	for status, breaks := range map[int]bool{403: false, 404: false, 503: false, 401: true, 429: true} {
		f := s.Inject(davtest.Fault{Status: status, Path: "/remote.php/webdav/From friends/Bob's papers/000"})
		l, err := c.List(deadline(t), tree(t, c))
		if f.Fired() == 0 || breaks != (err != nil) {
			t.Fatalf("%d: fired %d, %v", status, f.Fired(), err)
		}
		if !breaks && (!l.Complete || l.Broken["bob"] == nil) {
			t.Errorf("%d: %+v", status, l)
		}
		walked, err := c.Walk(deadline(t), tree(t, c), func(Item) error { return nil })
		if breaks != (err != nil) || !breaks && walked.Broken["bob"] == nil {
			t.Errorf("%d: walked %+v, %v", status, walked, err)
		}
		s.Heal()
	}
}

// TestOwnerAloneProvesNothing: what is not said to be shared, and by whom, is the
// account's own, and must be copied.
func TestOwnerAloneProvesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		p                props
		owner, principal string
		want             string
	}{
		"another owner":           {props{}, "/principals/admin", "/principals/alice", ""},
		"her own":                 {props{sharing: sharing{ownerPrincipal: "principals/users/alice"}}, "/p/alice", "/principals/alice", ""},
		"her own, other case":     {props{sharing: sharing{ownerPrincipal: "principals/users/Alice"}}, "/p/Alice", "/principals/alice", ""},
		"another's":               {props{sharing: sharing{ownerPrincipal: "principals/users/bob"}}, "/p/bob", "/principals/alice", "bob"},
		"two owners":              {props{sharing: sharing{ownerPrincipal: "principals/users/bob"}}, "/p/alice", "/principals/alice", ""},
		"nobody knows who asks":   {props{sharing: sharing{ownerPrincipal: "principals/users/bob"}}, "/p/bob", "", ""},
		"an empty owner":          {props{sharing: sharing{ownerPrincipal: "/"}}, "/p/bob", "/principals/alice", ""},
		"marked shared":           {props{types: typesOf("shared")}, "/p/bob", "/principals/alice", "bob"},
		"marked shared, no owner": {props{types: typesOf("shared")}, "", "/principals/alice", ""},
		"shares it herself":       {props{types: typesOf("shared-owner")}, "/p/bob", "/principals/alice", ""},
	} {
		if got := c.p.sharedCollection(c.owner, c.principal); got.ID != c.want {
			t.Errorf("%s: shared by %q, want %q", name, got.ID, c.want)
		}
	}
	for name, c := range map[string]struct {
		permissions, owner, me, want string
	}{
		"another's": {"SRGDNVW", "bob", "alice", "bob"}, "mounted by the server": {"RMGDNVCK", "bob", "alice", ""},
		"her own, shared on": {"SRGDNVW", "alice", "alice", ""}, "her root is not known": {"SRGDNVW", "bob", "", ""}, "no owner": {"SRG", "", "alice", ""},
	} {
		p := props{sharing: sharing{permissions: c.permissions, ownerID: c.owner}}
		if got := p.sharedFile(c.me); got.ID != c.want {
			t.Errorf("%s: shared by %q, want %q", name, got.ID, c.want)
		}
	}
}

func typesOf(local string) []xml.Name { return []xml.Name{{Space: nsCS, Local: local}} }
