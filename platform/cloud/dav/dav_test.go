package dav

import (
	"context"
	"sort"
	"sync"
	"testing"
	"time"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadline bounds a test's wait.
func deadline(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func cloud(t testing.TB, opts davtest.Options, content davtest.Content) *davtest.Server {
	t.Helper()
	if opts.Users == nil {
		opts.Users = []davtest.User{{Name: "alice", Password: "x", Token: "t0ken"}}
	}
	s, err := davtest.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.User(opts.Users[0].Name).Fill(content); err != nil {
		t.Fatal(err)
	}
	return s
}

func configFor(base string) Config {
	return Config{
		Contacts: base + "remote.php/carddav/", Calendars: base + "remote.php/caldav/", Files: base + "remote.php/webdav/",
		Credentials: Credentials{User: "alice", Password: NewSecret("x")},
	}
}

func client(t testing.TB, config Config) *Client {
	t.Helper()
	if config.After == nil { // a test does not wait as a server asks
		config.After = func(time.Duration) (<-chan time.Time, func()) {
			passed := make(chan time.Time)
			close(passed)
			return passed, func() {}
		}
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func book(t testing.TB, c *Client) Collection {
	t.Helper()
	books, err := c.AddressBooks(deadline(t))
	if err != nil || len(books.Found) == 0 {
		t.Fatalf("books: %+v, %v", books, err)
	}
	return books.Found[0]
}

// bookListed is the address book with what is in it.
func bookListed(t testing.TB, c *Client) (Collection, Listing) {
	t.Helper()
	coll := book(t, c)
	l, err := c.List(deadline(t), coll)
	if err != nil {
		t.Fatal(err)
	}
	return coll, l
}

func tree(t testing.TB, c *Client) Collection {
	t.Helper()
	root, err := c.Files(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// bag collects what Fetch hands on.
type bag struct {
	mu   sync.Mutex
	data map[string]string
}

func (b *bag) take(it Item, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.data == nil {
		b.data = make(map[string]string)
	}
	b.data[it.Name] = string(data)
	return nil
}

func names(items []Item) []string {
	var list []string
	for _, it := range items {
		if !it.Folder {
			list = append(list, it.Name)
		}
	}
	sort.Strings(list)
	return list
}
