package dav

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

const loginPage = "<!DOCTYPE html><html><head><title>Log in</title></head><body><form action=/login></form></body></html>"

// faults are what can go wrong with any one request of a listing, and what
// must be said then.
var faults = []struct {
	name  string
	fault davtest.Fault
	want  error
}{
	{"401", davtest.Fault{Status: 401}, ErrUnauthorized},
	{"403", davtest.Fault{Status: 403}, ErrForbidden},
	{"404", davtest.Fault{Status: 404}, ErrNotFound},
	{"429", davtest.Fault{Status: 429, RetryAfter: "30"}, ErrUnavailable},
	{"503", davtest.Fault{Status: 503, RetryAfter: "120"}, ErrUnavailable},
	{"500", davtest.Fault{Status: 500}, ErrUnavailable},
	{"200 login page", davtest.Fault{Status: 200, ContentType: "text/html", Body: loginPage}, ErrMalformed},
	{"207 login page", davtest.Fault{Status: 207, ContentType: "text/html", Body: loginPage}, ErrMalformed},
	{"207 login page called XML", davtest.Fault{Status: 207, ContentType: "application/xml", Body: loginPage}, ErrMalformed},
	{"207 with nothing", davtest.Fault{Status: 207, ContentType: "application/xml"}, ErrMalformed},
	{"207 empty multistatus", davtest.Fault{Status: 207, ContentType: "application/xml", Body: `<d:multistatus xmlns:d="DAV:"/>`}, ErrMalformed},
	{"204", davtest.Fault{Status: 204}, ErrMalformed},
	{"redirect to login", davtest.Fault{Status: 302, Location: "/status.php"}, ErrMalformed},
	{"redirect loop", davtest.Fault{Status: 302, Location: "/remote.php/carddav/addressbooks/alice/contacts/"}, ErrMalformed},
	{"redirect to nowhere", davtest.Fault{Status: 302}, ErrMalformed},
	{"cut", davtest.Fault{CutAfter: 400}, ErrUnreachable},
	{"truncated", davtest.Fault{TruncateAfter: 400}, ErrMalformed},
}

// stages are the requests of a listing of contacts.
var stages = []struct {
	name          string
	method, depth string
	skip          int
}{
	{"before", "PROPFIND", "0", 0}, {"members", "PROPFIND", "1", 0}, {"second count", "REPORT", "", 0}, {"after", "PROPFIND", "0", 1},
}

func TestFaultsLeaveListingIncomplete(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
	c := client(t, configFor(s.URL()))
	coll := book(t, c)
	for _, stage := range stages {
		for _, f := range faults {
			if stage.method == "REPORT" && (f.name == "403" || f.name == "404" || f.name == "500") {
				continue // a server may refuse the second way: TestSecondWayRefused
			}
			t.Run(stage.name+"/"+f.name, func(t *testing.T) {
				fault := f.fault
				fault.Method, fault.Depth, fault.Skip = stage.method, stage.depth, stage.skip
				fault.Path = coll.Path
				injected := s.Inject(fault)
				defer s.Heal()
				l, err := c.List(deadline(t), coll)
				want := f.want
				if stage.method == "REPORT" && f.name == "207 empty multistatus" {
					want = ErrPartial // well-formed, and no member agrees
				}
				wantIncomplete(t, l, err, want)
				if injected.Fired() == 0 {
					t.Error("the fault did not fire")
				}
			})
		}
	}
	l, err := c.List(deadline(t), coll)
	if err != nil || l.Count != 20 {
		t.Fatalf("healed: %d, %v", l.Count, err)
	}
}

func wantIncomplete(t *testing.T, l Listing, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v; want %v", err, want)
	}
	if l.Complete || l.Why == "" || l.Digest != "" || l.Count != 0 || l.State != "" || len(l.Items) != 0 || l.EndedAt.IsZero() {
		t.Errorf("listing %+v; want an incomplete one with a reason", l)
	}
}

func TestMemberFaults(t *testing.T) {
	for name, f := range map[string]struct {
		fault davtest.Fault
		want  error
	}{
		"one denied":         {davtest.Fault{DenyFirst: 1}, ErrPartial},
		"no revision":        {davtest.Fault{ETag: "-"}, ErrPartial},
		"hidden once":        {davtest.Fault{Depth: "1", HideLast: 1}, ErrPartial},
		"all hidden":         {davtest.Fault{Depth: "1", HideLast: 20}, ErrPartial},
		"revisions disagree": {davtest.Fault{Depth: "1", ETag: `"other"`}, ErrPartial},
	} {
		t.Run(name, func(t *testing.T) {
			s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
			c := client(t, configFor(s.URL()))
			coll := book(t, c)
			s.Inject(f.fault)
			l, err := c.List(deadline(t), coll)
			wantIncomplete(t, l, err, f.want)
		})
	}
}

// TestDiscoveryFaults has each request of the discovery fail: an error, and
// never fewer books than there are.
func TestDiscoveryFaults(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{})
	s.User("alice").AddBook("second", "Second")
	c := client(t, configFor(s.URL()))
	cut := []struct {
		name  string
		fault davtest.Fault
		want  error
	}{{"one denied", davtest.Fault{Depth: "1", DenyFirst: 1}, ErrPartial}}
	for _, f := range append(cut, faults...) {
		for skip := range 3 {
			t.Run(fmt.Sprint(f.name, " after ", skip), func(t *testing.T) {
				fault := f.fault
				if fault.Skip = skip; fault.Depth == "1" {
					fault.Skip = 0
				}
				// These answers are short.
				fault.CutAfter, fault.TruncateAfter = fault.CutAfter/4, fault.TruncateAfter/4
				injected := s.Inject(fault)
				defer s.Heal()
				books, err := c.AddressBooks(deadline(t))
				if !errors.Is(err, f.want) || len(books.Found) != 0 || injected.Fired() == 0 {
					t.Errorf("%+v, %v, fired %d; want %v", books, err, injected.Fired(), f.want)
				}
			})
		}
	}
	if books, err := c.AddressBooks(deadline(t)); err != nil || len(books.Found) != 2 {
		t.Errorf("healed: %+v, %v", books, err)
	}
}

func TestSecondWayRefused(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
	c := client(t, configFor(s.URL()))
	coll := book(t, c)
	for _, status := range []int{400, 403, 404, 501} {
		f := s.Inject(davtest.Fault{Method: "REPORT", Status: status})
		if l, err := c.List(deadline(t), coll); err != nil || l.Count != 20 || f.Fired() != 1 {
			t.Errorf("%d: %d items, fired %d, %v", status, l.Count, f.Fired(), err)
		}
		s.Heal()
	}
}

func TestSecondWayInPages(t *testing.T) {
	s := cloud(t, davtest.Options{SyncPage: 7}, davtest.Content{Contacts: 20})
	c := client(t, configFor(s.URL()))
	coll := book(t, c)
	l, err := c.List(deadline(t), coll)
	if err != nil || l.Count != 20 || s.Count("REPORT", "") != 3 {
		t.Errorf("%d items in %d pages, %v; want 20 in 3", l.Count, s.Count("REPORT", ""), err)
	}
	s.Inject(davtest.Fault{Method: "REPORT", Skip: 2, HideLast: 1, DenyFirst: 1})
	l, err = c.List(deadline(t), coll)
	wantIncomplete(t, l, err, ErrPartial)
}

func TestWellKnownRedirectIsFollowed(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 5})
	config := configFor(s.URL())
	config.Contacts = s.URL() + ".well-known/carddav"
	c := client(t, config)
	if got := book(t, c).Path; got != "/remote.php/dav/addressbooks/users/alice/contacts" {
		t.Errorf("found %s", got)
	}
	config.Contacts = s.URL() + "nowhere/"
	if got := book(t, client(t, config)).Path; got != "/remote.php/dav/addressbooks/users/alice/contacts" {
		t.Errorf("found %s", got)
	}
}

func TestChangeDuringListing(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
	a := s.User("alice")
	c := client(t, configFor(s.URL()))
	coll := book(t, c)
	change := func() {
		if _, err := a.PutContact("contacts", "contact-00003.vcf", davtest.Card(99)); err != nil {
			t.Error(err)
		}
	}
	once := s.Inject(davtest.Fault{Method: "PROPFIND", Depth: "1", Times: 1, After: change})
	l, err := c.List(deadline(t), coll)
	if err != nil || l.Count != 20 || once.Fired() != 1 || s.Count("PROPFIND", coll.Path) != 6 {
		t.Fatalf("changed once: %d, %v, %d requests; want a second listing", l.Count, err, s.Count("PROPFIND", coll.Path))
	}
	wantSame(t, c, l, true)
	s.Heal()
	always := s.Inject(davtest.Fault{Method: "PROPFIND", Depth: "1", After: change})
	l, err = c.List(deadline(t), coll)
	wantIncomplete(t, l, err, ErrChanged)
	if always.Fired() != 4 {
		t.Errorf("listed %d times, want 4", always.Fired())
	}
}

// TestChangeWithoutMark changes a book whose server marks no state: two
// listings in a row must be equal.
func TestChangeWithoutMark(t *testing.T) {
	s := cloud(t, davtest.Options{NoState: true}, davtest.Content{Contacts: 20})
	c := client(t, configFor(s.URL()))
	coll := book(t, c)
	change := func() {
		if _, err := s.User("alice").PutContact("contacts", "contact-00003.vcf", davtest.Card(99)); err != nil {
			t.Error(err)
		}
	}
	once := s.Inject(davtest.Fault{Method: "PROPFIND", Path: coll.Path, Depth: "1", Times: 1, After: change})
	if l, err := c.List(deadline(t), coll); err != nil || l.Count != 20 || l.State != "" || once.Fired() != 1 {
		t.Errorf("changed once: %+v, %v", l, err)
	}
	s.Heal()
	s.Inject(davtest.Fault{Method: "PROPFIND", Path: coll.Path, Depth: "1", After: change})
	l, err := c.List(deadline(t), coll)
	wantIncomplete(t, l, err, ErrChanged)
}

func TestBookDropsToZero(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
	c := client(t, configFor(s.URL()))
	coll := book(t, c)
	before, err := c.List(deadline(t), coll)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.User("alice").EmptyBook("contacts"); err != nil {
		t.Fatal(err)
	}
	wantSame(t, c, before, false)
	after, err := c.List(deadline(t), coll)
	if err != nil || !after.Complete || after.Count != 0 || after.Digest == before.Digest || after.Digest == "" {
		t.Errorf("after: %+v, %v; want complete and 0", after, err)
	}
	s.User("alice").RemoveBook("contacts")
	if _, err := c.Same(deadline(t), before); !errors.Is(err, ErrNotFound) {
		t.Errorf("a removed book compares as %v", err)
	}
}

func TestStallAndCancel(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
	config := configFor(s.URL())
	config.Limits.Header = 100 * time.Millisecond
	c := client(t, config)
	coll := book(t, c)
	f := s.Inject(davtest.Fault{Hold: true})
	l, err := c.List(deadline(t), coll)
	wantIncomplete(t, l, err, ErrUnreachable)
	if f.Fired() == 0 {
		t.Error("the fault did not fire")
	}
	s.Heal()
	s.Inject(davtest.Fault{Hold: true})
	slow := client(t, configFor(s.URL()))
	ctx, cancel := context.WithCancel(deadline(t))
	done := make(chan error, 1)
	go func() {
		_, err := slow.List(ctx, coll)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestBodyStalls has a server that sends a part and then nothing.
func TestBodyStalls(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(partly(release))
	defer server.Close()
	defer close(release)
	config := configFor(server.URL + "/")
	config.Limits.Stall = 100 * time.Millisecond
	c := client(t, config)
	if _, err := c.AddressBooks(deadline(t)); !errors.Is(err, ErrUnreachable) || !errors.Is(err, errStalled) {
		t.Errorf("stalled: %v", err)
	}
}

// TestNothingTakesTheConnection has an address from which nothing ever comes back,
// as behind a firewall: a queue of connections that is full and that nobody empties.
func TestNothingTakesTheConnection(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // the system gives up after 127
	defer cancel()
	config := configFor("http://" + fullQueue(t) + "/")
	config.Limits.Connect = 100 * time.Millisecond
	if _, err := client(t, config).AddressBooks(ctx); !errors.Is(err, ErrUnreachable) || ctx.Err() != nil {
		t.Errorf("nothing comes back: %v", err)
	}
}

func fullQueue(t *testing.T) (address string) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	})
	at := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(unix.Bind(fd, at), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address = fmt.Sprintf("127.0.0.1:%d", bound.(*unix.SockaddrInet4).Port)
	for range 16 {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() {
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	t.Fatal("the queue takes more and more")
	return ""
}
