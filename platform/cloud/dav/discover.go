package dav

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Kind is what a collection holds.
type Kind string

// The kinds of collection.
const (
	AddressBook Kind = "contacts"
	Calendar    Kind = "calendar"
	FileTree    Kind = "files"
)

// Collection is one address book, calendar, task list or file tree.
type Collection struct {
	Kind Kind
	// Path is the decoded path at the server, without a slash at the end.
	Path string
	// Title is what the person calls it; it may be empty.
	Title string
	// Components says what a calendar takes: VEVENT, VTODO, VJOURNAL; empty
	// where the server does not say (RFC 4791: anything).
	Components []string
	// Owner is the path of the principal it belongs to, where the server says.
	Owner string
	// SharedBy is the person whose it is, where it is shared with the account.
	SharedBy Person

	base *url.URL
}

func (c Collection) place() place { return place{path: c.Path, folder: true} }

func (c Collection) url() *url.URL { return c.place().at(c.base) }

// Collections are what a home holds.
type Collections struct {
	Found []Collection
	// Principal is the path of the account's own principal.
	Principal string
	// Others are the paths of what is there too and is neither an address book
	// nor a calendar: schedule boxes, trash bins, subscriptions.
	Others []string

	kind  Kind
	homes []place // where they were found, beneath base
	base  *url.URL
}

// Same says whether both looks found the same collections: Client.Same compares
// what is in a collection, and does not see a new one beside it.
func (c Collections) Same(other Collections) bool {
	paths := func(c Collections) []string {
		var list []string
		for _, f := range c.Found {
			list = append(list, string(f.Kind)+" "+f.Path+" "+f.SharedBy.ID)
		}
		for _, o := range c.Others {
			list = append(list, "other "+o)
		}
		slices.Sort(list)
		return list
	}
	return c.Principal == other.Principal && slices.Equal(paths(c), paths(other))
}

// ErrNoData is returned where the account has no address of that kind, or the
// server offers no such service.
var ErrNoData = errors.New("the account has no such data here")

// AddressBooks finds the account's address books. All are found, or an error
// says why not.
func (c *Client) AddressBooks(ctx context.Context) (Collections, error) {
	return c.collections(ctx, AddressBook, c.contacts, "/.well-known/carddav")
}

// Calendars finds the account's calendars and task lists.
func (c *Client) Calendars(ctx context.Context) (Collections, error) {
	return c.collections(ctx, Calendar, c.calendars, "/.well-known/caldav")
}

// Files is the account's file tree.
func (c *Client) Files(ctx context.Context) (Collection, error) {
	ctx = c.patient(ctx)
	if c.files == nil {
		return Collection{}, fmt.Errorf("cannot find the files: %w", ErrNoData)
	}
	root, err := placeOf(c.files)
	if err != nil {
		return Collection{}, fmt.Errorf("cannot find the files: %w", err)
	}
	r, base, err := c.look(ctx, root.at(c.files), "d:resourcetype", "d:current-user-principal")
	if err != nil {
		return Collection{}, fmt.Errorf("cannot find the files: %w", err)
	}
	if !r.folder() {
		return Collection{}, fmt.Errorf("cannot find the files: %w: no folder there", ErrMalformed)
	}
	return Collection{Kind: FileTree, Path: r.place.path, base: base}, nil
}

func (c *Client) collections(ctx context.Context, kind Kind, start *url.URL, wellKnown string) (Collections, error) {
	ctx = c.patient(ctx)
	if start == nil {
		return Collections{}, fmt.Errorf("cannot find the %s collections: %w", kind, ErrNoData)
	}
	found, err := c.discover(ctx, kind, start)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoData) {
		root := *start
		root.Path, root.RawPath = wellKnown, ""
		if again, againErr := c.discover(ctx, kind, &root); againErr == nil {
			return again, nil
		}
	}
	if err != nil {
		return Collections{}, fmt.Errorf("cannot find the %s collections: %w", kind, err)
	}
	return found, nil
}

// discover follows RFC 6764: start → principal → homes → collections.
func (c *Client) discover(ctx context.Context, kind Kind, start *url.URL) (Collections, error) {
	first, base, err := c.look(ctx, start, homeProps...)
	if err != nil {
		return Collections{}, err
	}
	if first.unauthenticated {
		return Collections{}, ErrUnauthorized
	}
	out := Collections{kind: kind}
	if first.principal != "" {
		p, err := parseHref(first.principal, originOf(base))
		if err != nil {
			return Collections{}, err
		}
		out.Principal = p.path
		if len(first.homes(kind)) == 0 {
			first, base, err = c.look(ctx, place{p.path, true}.at(base), homeProps...)
			if err != nil {
				return Collections{}, err
			}
		}
	}
	homes := first.homes(kind)
	if len(homes) == 0 {
		return Collections{}, ErrNoData
	}
	out.base = base
	for _, raw := range homes {
		home, err := parseHref(raw, originOf(base))
		if err != nil {
			return Collections{}, err
		}
		out.homes = append(out.homes, place{home.path, true})
	}
	if err := c.listHomes(ctx, &out, nil); err != nil {
		return Collections{}, err
	}
	return out, nil
}

// listHomes fills in what the homes hold; each sees every answer.
func (c *Client) listHomes(ctx context.Context, out *Collections, each func(*response)) error {
	seen := make(map[string]bool)
	for _, home := range out.homes {
		if err := c.home(ctx, home, seen, out, each); err != nil {
			return err
		}
	}
	return nil
}

var homeProps = []string{"d:resourcetype", "d:current-user-principal", "card:addressbook-home-set", "cal:calendar-home-set"}

// collectionProps are asked of what a home holds: what each is, and its mark of
// its state, so that one request tells of every collection whether it changed.
var collectionProps = []string{"d:resourcetype", "d:displayname", "d:owner", "d:current-user-principal",
	"cal:supported-calendar-component-set", "cs:getctag", "d:sync-token", "oc:owner-principal", "ncd:owner-displayname"}

// maxHomes bounds the collections of an account.
const maxHomes = 10_000

func (p *props) homes(kind Kind) []string {
	if kind == AddressBook {
		return p.bookHomes
	}
	return p.calendarHome
}

// home lists what one home holds; a member that is denied makes it an error.
func (c *Client) home(ctx context.Context, home place, seen map[string]bool, out *Collections, each func(*response)) error {
	q := call{method: "PROPFIND", url: home.at(out.base), header: map[string]string{"Depth": "1"}, body: ask(collectionProps...)}
	self := false
	_, err := c.multistatus(ctx, q, c.listingBudget(), func(r *response) error {
		if err := r.usable(); err != nil {
			return err
		}
		if r.place.path == home.path {
			self = true
		} else if _, ok := r.place.below(home); !ok {
			return fmt.Errorf("%w: a member that is not in its collection", ErrMalformed)
		}
		if seen[r.place.path] {
			return nil
		}
		if len(seen) >= maxHomes {
			return fmt.Errorf("%w: more than %d collections", ErrTooLarge, maxHomes)
		}
		seen[r.place.path] = true
		if each != nil {
			each(r)
		}
		return out.add(out.kind, r, out.base)
	})
	if err == nil && !self {
		err = fmt.Errorf("%w: a home that does not list itself", ErrMalformed)
	}
	return err
}

func (c *Collections) add(kind Kind, r *response, base *url.URL) error {
	wanted := r.is(nsCard, "addressbook") && kind == AddressBook || r.is(nsCal, "calendar") && kind == Calendar
	if !wanted {
		c.Others = append(c.Others, r.place.path)
		return nil
	}
	coll := Collection{Kind: kind, Path: r.place.path, Title: r.name, Components: r.components, base: base}
	if r.owner != "" {
		owner, err := parseHref(r.owner, originOf(base))
		if err != nil {
			return err
		}
		coll.Owner = owner.path
	}
	coll.SharedBy = r.sharedCollection(coll.Owner, c.Principal)
	c.Found = append(c.Found, coll)
	return nil
}

// usable wants a status of 200 for a member.
func (r *response) usable() error {
	switch {
	case r.status != 0 && r.status != 200: // a 507 says that the listing was cut (RFC 6578, 3.6)
		return fmt.Errorf("%w: a member answered %d", ErrPartial, r.status)
	case !r.sound:
		return fmt.Errorf("%w: a member shows nothing of itself", ErrPartial)
	}
	return nil
}

// look asks for properties of one place alone (depth 0). The base is where the
// answer came from, after redirects.
func (c *Client) look(ctx context.Context, at *url.URL, names ...string) (*response, *url.URL, error) {
	var only *response
	q := call{method: "PROPFIND", url: at, header: map[string]string{"Depth": "0"}, body: ask(names...)}
	a, err := c.multistatus(ctx, q, c.listingBudget(), func(r *response) error {
		if only != nil {
			return fmt.Errorf("%w: two answers where one was asked", ErrMalformed)
		}
		only = r
		return r.usable()
	})
	if err != nil {
		return nil, nil, err
	}
	if only == nil {
		return nil, nil, fmt.Errorf("%w: no answer in the answer", ErrMalformed)
	}
	if only.unauthenticated {
		return nil, nil, ErrUnauthorized
	}
	return only, a.url, nil
}

func (c *Client) listingBudget() budget {
	return budget{member: c.limits.MemberBytes, total: c.limits.ListingBytes}
}

// Holds says whether a calendar takes a component; one that does not say takes
// any.
func (c Collection) Holds(component string) bool {
	if len(c.Components) == 0 {
		return true
	}
	for _, have := range c.Components {
		if strings.EqualFold(have, component) {
			return true
		}
	}
	return false
}
