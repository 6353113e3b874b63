package dav

import (
	"errors"
	"fmt"
	"testing"

	"github.com/clearance-project/clearance/platform/cloud/dav/davtest"
)

// listed is every address book, each listed in full.
func listedBooks(t *testing.T, c *Client) (Collections, []Listing) {
	t.Helper()
	books, err := c.AddressBooks(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	var ls []Listing
	for _, b := range books.Found {
		l, err := c.List(deadline(t), b)
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, l)
	}
	return books, ls
}

func TestPollOfCollections(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20})
	a := s.User("alice")
	a.AddBook("second", "Second")
	c := client(t, configFor(s.URL()))
	books, ls := listedBooks(t, c)
	poll := func(want Sameness) {
		t.Helper()
		s.ResetRequests()
		if got, err := c.Poll(deadline(t), books, ls); got != want || err != nil {
			t.Errorf("polled: %v, %v; want %v", got, err, want)
		}
		if n := len(s.Requests()); n != 1 {
			t.Errorf("it took %d requests", n)
		}
	}
	poll(Unchanged)
	for name, change := range map[string]func() error{
		"put":      func() error { _, err := a.PutContact("second", "x.vcf", davtest.Card(7)); return err },
		"removed":  func() error { return a.RemoveContact("contacts", "contact-00003.vcf") },
		"new book": func() error { a.AddBook("third", "Third"); return nil },
		"no book":  func() error { a.RemoveBook("second"); return nil },
	} {
		if err := change(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		poll(Differs)
		if books, ls = listedBooks(t, c); len(ls) == 0 {
			t.Fatal(name)
		}
		poll(Unchanged)
		a.AddBook("second", "Second")
		books, ls = listedBooks(t, c)
	}
	if got, err := c.Poll(deadline(t), books, ls[:1]); got != Unproved || err != nil {
		t.Errorf("a book that was not listed: %v, %v", got, err)
	}
	if got, err := c.Poll(deadline(t), Collections{}, nil); got != Unproved || err != nil {
		t.Errorf("nothing known: %v, %v", got, err)
	}
	ls[0].Complete = false
	if got, err := c.Poll(deadline(t), books, ls); got != Unproved || err != nil {
		t.Errorf("a listing that was not complete: %v, %v", got, err)
	}
	a.SetPassword("other")
	if got, err := c.Poll(deadline(t), books, ls); got != Unproved || !errors.Is(err, ErrUnauthorized) {
		t.Errorf("a refused password: %v, %v", got, err)
	}
}

// TestPollFaults: whatever ails the server, it never shows that all is as it was.
func TestPollFaults(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 20, Files: 5})
	c := client(t, configFor(s.URL()))
	books, ls := listedBooks(t, c)
	files, err := c.List(deadline(t), tree(t, c))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			fault := f.fault
			fault.CutAfter, fault.TruncateAfter = fault.CutAfter/4, fault.TruncateAfter/4
			injected := s.Inject(fault)
			defer s.Heal()
			if got, err := c.Poll(deadline(t), books, ls); got != Unproved || !errors.Is(err, f.want) {
				t.Errorf("contacts: %v, %v; want %v", got, err, f.want)
			}
			if got, err := c.PollFiles(deadline(t), files); got != Unproved || !errors.Is(err, f.want) {
				t.Errorf("files: %v, %v; want %v", got, err, f.want)
			}
			if injected.Fired() < 2 {
				t.Errorf("the fault fired %d times", injected.Fired())
			}
		})
	}
	s.Inject(davtest.Fault{HideLast: 1})
	if got, err := c.Poll(deadline(t), books, ls); got != Differs || err != nil {
		t.Errorf("a hidden book: %v, %v", got, err)
	}
}

// TestPollIsOfOnePerson: an answer that does not name the person whose books were
// listed proves nothing of them.
func TestPollIsOfOnePerson(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Contacts: 2})
	c := client(t, configFor(s.URL()))
	books, ls := listedBooks(t, c)
	for _, principal := range []string{"", books.Principal + "other/"} {
		of := books
		of.Principal = principal
		if got, err := c.Poll(deadline(t), of, ls); got != Unproved || err != nil {
			t.Errorf("%q: %v, %v", principal, got, err)
		}
	}
}

// TestPollOfServersWithoutMarks: a book is listed once more, a file tree proves
// nothing.
func TestPollOfServersWithoutMarks(t *testing.T) {
	for name, r := range map[string]realm{"davtest": davtestRealm(t, davtest.Options{NoState: true}), "go-webdav": goWebdav(t)} {
		t.Run(name, func(t *testing.T) {
			c := client(t, r.config)
			books, _ := listedBooks(t, c)
			for i := range 3 {
				put(t, c, books.Found[0], fmt.Sprint("c", i, ".vcf"), "text/vcard", davtest.Card(i))
			}
			books, ls := listedBooks(t, c)
			if got, err := c.Poll(deadline(t), books, ls); got != Unchanged || err != nil {
				t.Errorf("unchanged: %v, %v", got, err)
			}
			put(t, c, books.Found[0], "c1.vcf", "text/vcard", []byte(reword.Replace(string(davtest.Card(1)))))
			if got, err := c.Poll(deadline(t), books, ls); got != Differs || err != nil {
				t.Errorf("changed: %v, %v", got, err)
			}
			files, err := c.List(deadline(t), tree(t, c))
			if err != nil || files.State != "" {
				t.Fatalf("%+v, %v", files, err)
			}
			if got, err := c.PollFiles(deadline(t), files); got != Unproved || err != nil {
				t.Errorf("files: %v, %v", got, err)
			}
		})
	}
}

func TestPollOfFiles(t *testing.T) {
	s := cloud(t, davtest.Options{}, davtest.Content{Files: 20, Photos: 3})
	c := client(t, configFor(s.URL()))
	files, err := c.List(deadline(t), tree(t, c))
	if err != nil {
		t.Fatal(err)
	}
	s.ResetRequests()
	if got, err := c.PollFiles(deadline(t), files); got != Unchanged || err != nil || len(s.Requests()) != 1 {
		t.Errorf("%v, %v, %d requests", got, err, len(s.Requests()))
	}
	if _, err := s.User("alice").PutFile("Photos/000/deep/new.jpg", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := c.PollFiles(deadline(t), files); got != Differs || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// TestPollOfRadicale: the real server's marks serve too.
func TestPollOfRadicale(t *testing.T) {
	c := client(t, radicale(t, "").config)
	books, ls := listedBooks(t, c)
	if got, err := c.Poll(deadline(t), books, ls); got != Unchanged || err != nil {
		t.Errorf("unchanged: %v, %v", got, err)
	}
	put(t, c, books.Found[0], "x.vcf", "text/vcard", davtest.Card(1))
	if got, err := c.Poll(deadline(t), books, ls); got != Differs || err != nil {
		t.Errorf("changed: %v, %v", got, err)
	}
}
