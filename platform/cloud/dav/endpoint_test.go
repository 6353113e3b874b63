package dav

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

func TestEndpoint(t *testing.T) {
	for _, c := range []struct{ uri, user, want string }{
		{"http://alice@127.0.0.1:39495/remote.php/carddav/", "", "127.0.0.1 39495 alice"},
		{"https://Cloud.Example.ORG./x", "alice", "cloud.example.org 443 alice"},
		{"davs://cloud.example.org/x", "", "cloud.example.org 443 "},
		{"dav://cloud.example.org/x", "", "cloud.example.org 80 "},
		{"http://[::1]:80/", "a", "::1 80 a"},
		{"http://[::FFFF:127.0.0.1]/", "a", "127.0.0.1 80 a"},
		{"sftp://h/", "", ""}, {"/a/b", "", ""}, {"http://bücher.example/", "", ""}, {"%", "", ""},
	} {
		e, err := NewEndpoint(c.uri, c.user)
		if got := fmt.Sprint(e.Host, " ", e.Port, " ", e.User); c.want != "" && (err != nil || got != c.want) || c.want == "" && err == nil {
			t.Errorf("%s: %q, %v; want %q", c.uri, got, err, c.want)
		}
	}
}

// phoneBook is a network of three names.
type phoneBook struct{}

func (phoneBook) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	switch host {
	case "cloud.example.org":
		return []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")}, nil
	case "alias.example.org":
		return []netip.Addr{netip.MustParseAddr("2001:db8::1")}, nil
	case "home.example.org":
		return []netip.Addr{netip.MustParseAddr("192.0.2.77")}, nil
	case "empty.example.org":
		return nil, nil
	}
	return nil, errors.New("no such host")
}

func (phoneBook) Own() ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("127.0.0.1")}, nil
}

func TestSameAccount(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want string
	}{
		{"https://alice@cloud.example.org/a", "http://alice@CLOUD.example.org/b", "same"},
		{"https://alice@cloud.example.org/", "https://alice@alias.example.org/", "same"},
		{"https://alice@192.0.2.1/", "https://alice@cloud.example.org/", "same"},
		{"https://alice@192.0.2.9/", "https://alice@cloud.example.org/", "apart"},
		{"https://alice@cloud.example.org/", "https://bob@cloud.example.org/", "apart"},
		{"https://alice@cloud.example.org/", "https://alice%40example.org@cloud.example.org/", "same"},
		{"https://alice%40a.example@cloud.example.org/", "https://alice%40b.example@cloud.example.org/", "apart"},
		{"https://alice@cloud.example.org/", "https://cloud.example.org/", "same"},
		{"https://alice@cloud.example.org/", "https://alice@cloud.example.org:8443/", "apart"},
		{"http://alice@127.0.0.1:8080/", "http://alice@localhost:8080/", "same"},
		{"http://alice@[::1]:8080/", "http://alice@127.0.0.2:8080/", "same"},
		{"http://alice@home.example.org:8080/", "http://alice@localhost:8080/", "same"},
		{"http://alice@127.0.0.1:8080/", "http://alice@127.0.0.1:8081/", "apart"},
		{"http://alice@gone.example.org/", "http://alice@cloud.example.org/", "unknown"},
		{"http://alice@empty.example.org/", "http://alice@cloud.example.org/", "unknown"},
		{"http://alice@gone.example.org/", "http://alice@gone.example.org/", "same"},
	} {
		a, err1 := NewEndpoint(c.a, "")
		b, err2 := NewEndpoint(c.b, "")
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for _, pair := range [][2]Endpoint{{a, b}, {b, a}} {
			same, err := SameAccount(t.Context(), phoneBook{}, pair[0], pair[1])
			got := map[bool]string{true: "same", false: "apart"}[same]
			if err != nil {
				got = "unknown"
			}
			if got != c.want {
				t.Errorf("%s and %s: %s, %v; want %s", c.a, c.b, got, err, c.want)
			}
		}
	}
}

func TestSystemNetwork(t *testing.T) {
	own, err := new(SystemNetwork).Own()
	if err != nil || len(own) == 0 {
		t.Fatalf("%v, %v; want at least loopback", own, err)
	}
}

func TestClientAddresses(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 1})
	config := configFor("http://somebody@" + s.Addr() + "/")
	c := client(t, config)
	if got := book(t, c).Title; got != "Contacts" {
		t.Errorf("book %q", got)
	}
	for _, bad := range []Config{
		{}, {Contacts: "http://h/"}, {Contacts: "ftp://h/", Credentials: config.Credentials},
		{Contacts: "/x", Credentials: config.Credentials}, {Credentials: config.Credentials},
		{Contacts: "http://h/", Credentials: Credentials{User: "alice"}},
	} {
		if _, err := New(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	only := client(t, Config{Contacts: config.Contacts, Credentials: config.Credentials})
	if _, err := only.Calendars(deadline(t)); !errors.Is(err, ErrNoData) {
		t.Errorf("no calendars: %v", err)
	}
	if _, err := only.Files(deadline(t)); !errors.Is(err, ErrNoData) {
		t.Errorf("no files: %v", err)
	}
}

func TestSameCollections(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{})
	c := client(t, configFor(s.URL()))
	look := func() Collections {
		found, err := c.Calendars(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	first := look()
	if !first.Same(look()) {
		t.Error("two equal looks differ")
	}
	s.User("alice").AddCalendar("new", "New")
	second := look()
	if first.Same(second) || second.Same(first) {
		t.Error("a new calendar is not seen")
	}
	s.User("alice").RemoveCalendar("personal")
	if second.Same(look()) {
		t.Error("a removed calendar is not seen")
	}
}

func TestSorting(t *testing.T) {
	for name, want := range map[string]string{
		"Photos/a.JPG": "photo", "x/b.heic": "photo", "v.mp4": "photo", "Notes/a.md": "note", "Notes/.attachments.7/b.png": "photo note",
		"a.txt": "", "Notes": "", "NotesX/a.md": "", "Photos": "",
	} {
		it := Item{Name: name}
		got := ""
		if it.IsPhoto() {
			got = "photo"
		}
		if it.IsNote(NotesFolder) {
			if got != "" {
				got += " "
			}
			got += "note"
		}
		if got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	if !(Item{Name: "odd", Type: "image/x-weird"}).IsPhoto() || (Item{Name: "a.jpg", Folder: true}).IsPhoto() {
		t.Error("the media type or a folder is judged wrong")
	}
}

func TestDigest(t *testing.T) {
	a, b := Item{Name: "a", Rev: `"1"`}, Item{Name: "b", Rev: `"2"`}
	if Digest([]Item{a, b}) != Digest([]Item{b, a}) {
		t.Error("the order counts")
	}
	seen := make(map[string]int)
	for i, list := range [][]Item{
		{}, {a}, {b}, {a, b}, {{Name: "a", Rev: `"2"`}}, {{Name: `a"`, Rev: `1"`}}, {{Name: "a", Folder: true}}, {a, a},
	} {
		d := Digest(list)
		if j, ok := seen[d]; ok || len(d) != 64 {
			t.Errorf("%v and %d share %s", list, j, d)
		}
		seen[d] = i
	}
	if Digest([]Item{{Name: "f", Folder: true, Rev: "1"}}) != Digest([]Item{{Name: "f", Folder: true, Rev: "2"}}) {
		t.Error("a folder's revision counts")
	}
}
