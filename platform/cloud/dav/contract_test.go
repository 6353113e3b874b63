package dav

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// realm is a server under the contract: alice with password x, an address book
// and perhaps a calendar and files.
type realm struct {
	config   Config
	calendar bool
	files    bool
	// die makes the server go away; nil where the test server cannot.
	die func()
}

// TestContractCloud holds every server to the same expectations: those of ours,
// a real Radicale, and handlers that others wrote.
func TestContractCloud(t *testing.T) {
	for name, start := range map[string]func(*testing.T) realm{
		"davtest":          func(t *testing.T) realm { return davtestRealm(t, davtest.Options{}) },
		"davtest/prefix":   func(t *testing.T) realm { return davtestRealm(t, davtest.Options{Prefix: "/my cloud"}) },
		"davtest/no-state": func(t *testing.T) realm { return davtestRealm(t, davtest.Options{NoState: true}) },
		"davtest/no-sizes": func(t *testing.T) realm { return davtestRealm(t, davtest.Options{NoSizes: true}) },
		"radicale":         func(t *testing.T) realm { return radicale(t, "") },
		"radicale/prefix":  func(t *testing.T) realm { return radicale(t, "/dav here") },
		"go-webdav":        goWebdav,
	} {
		t.Run(name, func(t *testing.T) { contract(t, start(t)) })
	}
}

func davtestRealm(t *testing.T, opts davtest.Options) realm {
	s := cloud(t, opts, davtest.Content{})
	base := strings.ReplaceAll(s.URL(), " ", "%20")
	return realm{config: configFor(base), calendar: true, files: true, die: func() {
		if err := s.Die(); err != nil {
			t.Error(err)
		}
	}}
}

func contract(t *testing.T, r realm) {
	c := client(t, r.config)
	ctx := deadline(t)
	books, err := c.AddressBooks(ctx)
	if err != nil || len(books.Found) != 1 || books.Principal == "" {
		t.Fatalf("books: %+v, %v; want one", books, err)
	}
	contractCollection(t, c, books.Found[0], "vcf", "text/vcard", davtest.Card)
	if r.calendar {
		calendars, err := c.Calendars(ctx)
		if err != nil || len(calendars.Found) == 0 {
			t.Fatalf("calendars: %+v, %v", calendars, err)
		}
		contractCollection(t, c, holding(t, calendars.Found, "VEVENT"), "ics", "text/calendar", davtest.Event)
		contractCollection(t, c, holding(t, calendars.Found, "VTODO"), "ics", "text/calendar", davtest.Task)
	}
	if r.files {
		contractFiles(t, c)
	}
	contractRefusal(t, r, books.Found[0])
	if r.die != nil {
		r.die()
		l, err := c.List(ctx, books.Found[0])
		if !errors.Is(err, ErrUnreachable) || l.Complete || l.Digest != "" {
			t.Errorf("a dead server gives %+v, %v", l, err)
		}
		if _, err := c.AddressBooks(ctx); !errors.Is(err, ErrUnreachable) {
			t.Errorf("a dead server gives %v", err)
		}
	}
}

func holding(t *testing.T, list []Collection, component string) Collection {
	t.Helper()
	for _, c := range list {
		if c.Holds(component) {
			return c
		}
	}
	t.Fatalf("no calendar holds %s in %+v", component, list)
	return Collection{}
}

// contractCollection starts with an empty collection and leaves one with items.
func contractCollection(t *testing.T, c *Client, coll Collection, ext, kind string, make func(int) []byte) {
	t.Helper()
	ctx := deadline(t)
	empty, err := c.List(ctx, coll)
	if err != nil || !empty.Complete || empty.Count != 0 || empty.Digest == "" {
		t.Fatalf("empty: %+v, %v; want complete and 0", empty, err)
	}
	const n = 25
	for i := range n {
		put(t, c, coll, fmt.Sprintf("item %02d.%s", i, ext), kind, make(i))
	}
	full, err := c.List(ctx, coll)
	if err != nil || !full.Complete || full.Count != n || full.Why != "" {
		t.Fatalf("full: %+v, %v; want complete and %d", full, err, n)
	}
	if full.StartedAt.IsZero() || full.EndedAt.Before(full.StartedAt) {
		t.Errorf("times %v to %v", full.StartedAt, full.EndedAt)
	}
	wantSame(t, c, full, true)
	wantSame(t, c, empty, false)
	wantBytes(t, c, coll, full.Items)

	put(t, c, coll, fmt.Sprintf("item %02d.%s", 3, ext), kind, []byte(reword.Replace(string(make(3)))))
	wantSame(t, c, full, false)
	changed, err := c.List(ctx, coll)
	if err != nil || changed.Count != n || changed.Digest == full.Digest {
		t.Fatalf("changed: %d items, digest equal %v, %v", changed.Count, changed.Digest == full.Digest, err)
	}
	old, err := c.Fetch(ctx, coll, full.Items, new(bag).take)
	if err != nil || old.Count != n-1 || len(old.Failed) != 1 || !errors.Is(old.Failed[0].Err, ErrChanged) {
		t.Errorf("fetching an old revision gives %+v, %v", old, err)
	}

	remove(t, c, coll, changed.Items[0])
	less, err := c.List(ctx, coll)
	if err != nil || less.Count != n-1 {
		t.Fatalf("after a removal: %d, %v", less.Count, err)
	}
	gone, err := c.Fetch(ctx, coll, changed.Items, new(bag).take)
	if err != nil || gone.Count != n-1 || len(gone.Failed) != 1 || !errors.Is(gone.Failed[0].Err, ErrNotFound) {
		t.Errorf("fetching a removed item gives %+v, %v", gone, err)
	}
}

// reword changes an item without its UID.
var reword = strings.NewReplacer("Invented Person", "Another Person", "Meeting", "Gathering", "Task 3", "Chore 3")

// wantBytes compares what Fetch hands on with what a plain GET gives.
func wantBytes(t *testing.T, c *Client, coll Collection, items []Item) {
	t.Helper()
	var got bag
	fetched, err := c.Fetch(deadline(t), coll, items, got.take)
	if err != nil || fetched.Count != len(items) || len(fetched.Failed) != 0 {
		t.Fatalf("fetch: %+v, %v", fetched, err)
	}
	for _, it := range items {
		if want := raw(t, c, http.MethodGet, coll, it.Name, "", nil); got.data[it.Name] != want {
			t.Fatalf("%s: fetched %q, the server has %q", it.Name, got.data[it.Name], want)
		}
	}
}

func wantSame(t *testing.T, c *Client, l Listing, want bool) {
	t.Helper()
	if same, err := c.Same(deadline(t), l); err != nil || same != want {
		t.Errorf("same: %v, %v; want %v", same, err, want)
	}
}

func contractFiles(t *testing.T, c *Client) {
	t.Helper()
	root := tree(t, c)
	for _, name := range []string{"Photos/a b+c%.jpg", "Photos/deep/er/ü.txt", "Notes/n.md"} {
		makeFolders(t, c, root, name)
		put(t, c, root, name, "application/octet-stream", []byte("bytes of "+name))
	}
	l, err := c.List(deadline(t), root)
	want := []string{"Notes/n.md", "Photos/a b+c%.jpg", "Photos/deep/er/ü.txt"}
	if got := names(l.Items); err != nil || strings.Join(got, "|") != strings.Join(want, "|") {
		t.Fatalf("files: %q, %v", got, err)
	}
	for _, it := range l.Items {
		if it.Folder {
			continue
		}
		var buf bytes.Buffer
		if n, err := c.Copy(deadline(t), root, it, &buf); err != nil || buf.String() != "bytes of "+it.Name || n != it.Size {
			t.Errorf("%s: %d bytes %q, %v", it.Name, n, buf.String(), err)
		}
	}
	wantSame(t, c, l, true)
	put(t, c, root, "Photos/deep/er/ü.txt", "application/octet-stream", []byte("other bytes"))
	wantSame(t, c, l, false)
}

func contractRefusal(t *testing.T, r realm, coll Collection) {
	t.Helper()
	config := r.config
	config.Credentials.Password = NewSecret("wrong")
	c := client(t, config)
	if _, err := c.AddressBooks(deadline(t)); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("a wrong password gives %v", err)
	}
	l, err := c.List(deadline(t), coll)
	if !errors.Is(err, ErrUnauthorized) || l.Complete || l.Why == "" {
		t.Errorf("a wrong password gives %+v, %v", l, err)
	}
	if strings.Contains(fmt.Sprint(l, err, config), "wrong") {
		t.Error("the password is printed")
	}
}

// raw sends a plain request with the client's credentials and wants a 2xx.
func raw(t *testing.T, c *Client, method string, coll Collection, name, kind string, body []byte) string {
	t.Helper()
	at := place{path: coll.Path + "/" + name}.at(coll.base)
	req, err := http.NewRequestWithContext(deadline(t), method, at.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(c.credentials.User, c.credentials.Password.value)
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %q, %v", method, at.Path, resp.StatusCode, got, err)
	}
	return string(got)
}

func put(t *testing.T, c *Client, coll Collection, name, kind string, data []byte) {
	t.Helper()
	raw(t, c, http.MethodPut, coll, name, kind, data)
}

func remove(t *testing.T, c *Client, coll Collection, it Item) {
	t.Helper()
	raw(t, c, http.MethodDelete, coll, it.Name, "", nil)
}

// makeFolders makes the folders above a name; those that exist may refuse.
func makeFolders(t *testing.T, c *Client, root Collection, name string) {
	t.Helper()
	parts := strings.Split(name, "/")
	for i := 1; i < len(parts); i++ {
		at := place{path: root.Path + "/" + strings.Join(parts[:i], "/"), folder: true}.at(root.base)
		req, err := http.NewRequestWithContext(deadline(t), "MKCOL", at.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(c.credentials.User, c.credentials.Password.value)
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}
