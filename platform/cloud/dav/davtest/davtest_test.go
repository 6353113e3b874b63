package davtest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-webdav"
	"github.com/emersion/go-webdav/caldav"
	"github.com/emersion/go-webdav/carddav"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, opts Options) *Server {
	t.Helper()
	if opts.Users == nil {
		opts.Users = []User{{Name: "alice", Password: "x", Token: "t0ken"}}
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestForeignClient reads the server with a client that others wrote.
func TestForeignClient(t *testing.T) {
	for _, prefix := range []string{"", "/cloud"} {
		s := start(t, Options{Prefix: prefix})
		if err := s.User("alice").Fill(Content{Contacts: 30, Events: 5, Tasks: 4, Notes: 2, Photos: 3}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		auth := webdav.HTTPClientWithBasicAuth(http.DefaultClient, "alice", "x")
		for _, base := range []string{"remote.php/carddav/", "remote.php/dav/"} {
			foreignContacts(ctx, t, auth, s.URL()+base)
		}
		for _, base := range []string{"remote.php/caldav/", "remote.php/dav/"} {
			foreignCalendars(ctx, t, auth, s.URL()+base)
		}
		files, err := webdav.NewClient(auth, s.URL()+"remote.php/webdav/")
		if err != nil {
			t.Fatal(err)
		}
		infos, err := files.ReadDir(ctx, "Photos/000/", false)
		if err != nil || len(infos) != 4 {
			t.Fatalf("ReadDir: %v, %v; want the folder and three photos", infos, err)
		}
	}
}

func foreignContacts(ctx context.Context, t *testing.T, auth webdav.HTTPClient, base string) {
	t.Helper()
	c, err := carddav.NewClient(auth, base)
	if err != nil {
		t.Fatal(err)
	}
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	home, err := c.FindAddressBookHomeSet(ctx, principal)
	if err != nil {
		t.Fatal(err)
	}
	books, err := c.FindAddressBooks(ctx, home)
	if err != nil || len(books) != 1 || books[0].Name != "Contacts" {
		t.Fatalf("books: %v, %v", books, err)
	}
	cards, err := c.QueryAddressBook(ctx, books[0].Path, &carddav.AddressBookQuery{DataRequest: carddav.AddressDataRequest{AllProp: true}})
	if err != nil || len(cards) != 30 {
		t.Fatalf("query: %d cards, %v; want 30", len(cards), err)
	}
	all, err := c.SyncCollection(ctx, books[0].Path, &carddav.SyncQuery{})
	if err != nil || len(all.Updated) != 30 || all.SyncToken == "" {
		t.Fatalf("sync: %+v, %v; want 30", all, err)
	}
}

func foreignCalendars(ctx context.Context, t *testing.T, auth webdav.HTTPClient, base string) {
	t.Helper()
	c, err := caldav.NewClient(auth, base)
	if err != nil {
		t.Fatal(err)
	}
	principal, err := c.FindCurrentUserPrincipal(ctx)
	if err != nil {
		t.Fatal(err)
	}
	home, err := c.FindCalendarHomeSet(ctx, principal)
	if err != nil {
		t.Fatal(err)
	}
	calendars, err := c.FindCalendars(ctx, home)
	if err != nil || len(calendars) != 2 {
		t.Fatalf("calendars: %v, %v; want two", calendars, err)
	}
	for i, component := range []string{"VEVENT", "VTODO"} {
		if got := calendars[i].SupportedComponentSet; len(got) != 1 || got[0] != component {
			t.Errorf("calendar %d holds %v, want %s", i, got, component)
		}
	}
}

func do(t *testing.T, method, url, user, password string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

func TestCredentials(t *testing.T) {
	s := start(t, Options{})
	url := s.URL() + "remote.php/webdav/"
	for _, c := range []struct {
		user, password string
		want           int
	}{{"alice", "x", 200}, {"alice", "y", 401}, {"bob", "x", 401}, {"", "", 401}} {
		if got, _, err := do(t, "GET", url, c.user, c.password); err != nil || got != c.want {
			t.Errorf("%s/%s: %d, %v; want %d", c.user, c.password, got, err, c.want)
		}
	}
	if got := s.Credentialed(); got != 3 {
		t.Errorf("%d requests carried credentials, want 3", got)
	}
	s.User("alice").SetPassword("new")
	if got, _, _ := do(t, "GET", url, "alice", "x"); got != 401 {
		t.Errorf("the old password gives %d", got)
	}
	s.RemoveUser("alice")
	if got, _, _ := do(t, "GET", url, "alice", "new"); got != 401 {
		t.Errorf("a removed user gets %d", got)
	}
}

func TestFaults(t *testing.T) {
	s := start(t, Options{})
	if _, err := s.User("alice").PutFile("a.txt", []byte(strings.Repeat("x", 1000))); err != nil {
		t.Fatal(err)
	}
	url := s.URL() + "remote.php/webdav/a.txt"
	get := func() (int, string, error) { return do(t, "GET", url, "alice", "x") }

	f := s.Inject(Fault{Method: "GET", Skip: 1, Times: 1, Status: 503, RetryAfter: "7"})
	var got []int
	for range 3 {
		status, _, err := get()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, status)
	}
	if got[0] != 200 || got[1] != 503 || got[2] != 200 || f.Fired() != 1 {
		t.Errorf("statuses %v, fired %d; want 200 503 200, once", got, f.Fired())
	}
	s.Heal()
	s.Inject(Fault{CutAfter: 10})
	if _, body, err := get(); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 10 {
		t.Errorf("cut: %d bytes, %v", len(body), err)
	}
	s.Heal()
	if err := s.Die(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(); err == nil {
		t.Error("a dead server answered")
	}
	if err := s.Revive(); err != nil {
		t.Fatal(err)
	}
	if status, _, err := get(); status != 200 || err != nil {
		t.Errorf("revived: %d, %v", status, err)
	}
}

func TestHoldIsReleased(t *testing.T) {
	s := start(t, Options{})
	f := s.Inject(Fault{Hold: true})
	done := make(chan error, 1)
	go func() {
		_, _, err := do(t, "GET", s.URL()+"remote.php/webdav/", "alice", "x")
		done <- err
	}()
	select {
	case <-f.Arrived():
	case <-time.After(10 * time.Second):
		t.Fatal("the request did not come")
	}
	select {
	case err := <-done:
		t.Fatalf("a held request was answered: %v", err)
	default:
	}
	f.Release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
