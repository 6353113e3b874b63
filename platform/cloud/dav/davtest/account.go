package davtest

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
)

// ErrNotThere is returned by changes to something that does not exist.
var ErrNotThere = errors.New("not there")

// Account is the data of one user. Its methods are changes made at the server,
// as another device of the person would make them.
type Account struct {
	server    *Server
	user      User
	books     []*collection
	calendars []*collection
	root      *file
}

// collection is an address book or a calendar.
type collection struct {
	name       string
	title      string
	components []string
	created    uint64
	changed    uint64
	items      map[string]*item
	gone       map[string]uint64
	// alias is the collection of another account, owner, that this one shows.
	alias *collection
	owner *Account
}

// item is one contact or one calendar object.
type item struct {
	name     string
	data     []byte
	etag     string
	modified time.Time
	changed  uint64
}

func (s *Server) newCollection(name, title string, components []string) *collection {
	n := s.next()
	return &collection{
		name: name, title: title, components: components, created: n, changed: n,
		items: make(map[string]*item), gone: make(map[string]uint64),
	}
}

func find(list []*collection, name string) *collection {
	for _, c := range list {
		if c.name == name {
			return c
		}
	}
	return nil
}

func without(list []*collection, name string) []*collection {
	var kept []*collection
	for _, c := range list {
		if c.name != name {
			kept = append(kept, c)
		}
	}
	return kept
}

func (c *collection) sorted() []*item {
	list := make([]*item, 0, len(c.items))
	for _, it := range c.items {
		list = append(list, it)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

func (s *Server) put(c *collection, name string, data []byte) string {
	n := s.next()
	it := &item{
		name: name, data: append([]byte(nil), data...), changed: n,
		etag: fmt.Sprintf(`"%016x"`, n), modified: s.opts.Now(),
	}
	c.items[name] = it
	c.changed = n
	delete(c.gone, name)
	return it.etag
}

func (s *Server) remove(c *collection, name string) error {
	if c.items[name] == nil {
		return fmt.Errorf("cannot remove %q: %w", name, ErrNotThere)
	}
	delete(c.items, name)
	c.changed = s.next()
	c.gone[name] = c.changed
	return nil
}

func (s *Server) empty(c *collection) {
	for name := range c.items {
		delete(c.items, name)
		c.changed = s.next()
		c.gone[name] = c.changed
	}
}

// SetPassword changes the password: requests with the old one get 401.
func (a *Account) SetPassword(password string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.user.Password = password
}

// SetToken changes the bearer token: requests with the old one get 401.
func (a *Account) SetToken(token string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.user.Token = token
}

// AddBook adds an empty address book; an existing one stays as it is.
func (a *Account) AddBook(name, title string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if find(a.books, name) == nil {
		a.books = append(a.books, a.server.newCollection(name, title, nil))
	}
}

// RemoveBook deletes an address book with its contacts.
func (a *Account) RemoveBook(name string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.books = without(a.books, name)
}

// PutContact adds or replaces a contact; name is its file name, "x.vcf". It
// returns the new ETag.
func (a *Account) PutContact(book, name string, card []byte) (string, error) {
	return a.change(&a.books, book, func(c *collection) (string, error) {
		return a.server.put(c, name, card), nil
	})
}

// RemoveContact deletes a contact.
func (a *Account) RemoveContact(book, name string) error {
	_, err := a.change(&a.books, book, func(c *collection) (string, error) {
		return "", a.server.remove(c, name)
	})
	return err
}

// EmptyBook drops a book to no contact at all.
func (a *Account) EmptyBook(book string) error {
	_, err := a.change(&a.books, book, func(c *collection) (string, error) {
		a.server.empty(c)
		return "", nil
	})
	return err
}

// Contacts lists the file names in a book, sorted.
func (a *Account) Contacts(book string) []string { return a.names(&a.books, book) }

// Contact returns a contact's bytes, or nil.
func (a *Account) Contact(book, name string) []byte { return a.data(&a.books, book, name) }

// AddCalendar adds an empty calendar for these components, VEVENT where none
// is given; VTODO makes a task list.
func (a *Account) AddCalendar(name, title string, components ...string) {
	if len(components) == 0 {
		components = []string{"VEVENT"}
	}
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	if find(a.calendars, name) == nil {
		a.calendars = append(a.calendars, a.server.newCollection(name, title, components))
	}
}

// RemoveCalendar deletes a calendar with all in it.
func (a *Account) RemoveCalendar(name string) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	a.calendars = without(a.calendars, name)
}

// PutEvent adds or replaces a calendar object: an event or a task, "x.ics".
func (a *Account) PutEvent(calendar, name string, ics []byte) (string, error) {
	return a.change(&a.calendars, calendar, func(c *collection) (string, error) {
		return a.server.put(c, name, ics), nil
	})
}

// RemoveEvent deletes a calendar object.
func (a *Account) RemoveEvent(calendar, name string) error {
	_, err := a.change(&a.calendars, calendar, func(c *collection) (string, error) {
		return "", a.server.remove(c, name)
	})
	return err
}

// EmptyCalendar drops a calendar to nothing.
func (a *Account) EmptyCalendar(calendar string) error {
	_, err := a.change(&a.calendars, calendar, func(c *collection) (string, error) {
		a.server.empty(c)
		return "", nil
	})
	return err
}

// Events lists the names in a calendar, sorted.
func (a *Account) Events(calendar string) []string { return a.names(&a.calendars, calendar) }

// Event returns a calendar object's bytes, or nil.
func (a *Account) Event(calendar, name string) []byte { return a.data(&a.calendars, calendar, name) }

func (a *Account) change(list *[]*collection, name string, do func(*collection) (string, error)) (string, error) {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	c := find(*list, name)
	if c == nil {
		return "", fmt.Errorf("cannot change collection %q: %w", name, ErrNotThere)
	}
	return do(c.own())
}

func (a *Account) names(list *[]*collection, name string) []string {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	c := find(*list, name)
	if c == nil {
		return nil
	}
	c = c.own()
	names := make([]string, 0, len(c.items))
	for _, it := range c.sorted() {
		names = append(names, it.name)
	}
	return names
}

func (a *Account) data(list *[]*collection, collection, name string) []byte {
	a.server.mu.Lock()
	defer a.server.mu.Unlock()
	c := find(*list, collection)
	if c == nil || c.own().items[name] == nil {
		return nil
	}
	return append([]byte(nil), c.own().items[name].data...)
}

// syncToken is the state of a collection as RFC 6578 gives it.
func (c *collection) syncToken() string { return tokenOf(c.changed) }

func tokenOf(change uint64) string { return fmt.Sprintf("http://sabre.io/ns/sync/%d", change) }

// since parses a token of ours.
func (c *collection) since(token string) (uint64, bool) {
	if token == "" {
		return 0, true
	}
	digits, ok := strings.CutPrefix(token, "http://sabre.io/ns/sync/")
	var n uint64
	if _, err := fmt.Sscanf(digits, "%d", &n); !ok || err != nil || n < c.created || n > c.changed {
		return 0, false
	}
	return n, true
}
