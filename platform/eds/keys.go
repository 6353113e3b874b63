package eds

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

// Key is one item of a store and its revision: an opaque text that changes
// with the item. For CardDAV and CalDAV books it is the server's ETag, for
// local books EDS's REV; for components a digest of all but attachments. All
// instances of a recurring event share one key.
type Key struct {
	UID string
	Rev string
}

// Listing is a list of a store's items, with what it is worth.
type Listing struct {
	Source   string // UID
	Kind     Kind
	Evidence Evidence
	State    State
	Keys     []Key  // sorted by UID, each UID once
	Digest   string // of Keys, hex SHA-256
	Unnamed  int    // items without a UID: they cannot be fetched
}

// Complete tells whether the listing is evidence of everything that the
// source holds. It never is for a copy of a remote collection.
func (l Listing) Complete() bool { return l.Evidence == EvidenceOrigin && l.Unnamed == 0 }

// UIDs of the listed items, sorted.
func (l Listing) UIDs() []string {
	list := make([]string, len(l.Keys))
	for i, k := range l.Keys {
		list[i] = k.UID
	}
	return list
}

const (
	allContacts   = `(contains "x-evolution-any-field" "")` // #t is refused for books
	allComponents = `#t`
	listTries     = 3
)

// fields that a view of components hands over: everything but attachments,
// which may have megabytes.
var componentFields = []string{
	"UID", "RECURRENCE-ID", "LAST-MODIFIED", "SEQUENCE", "DTSTAMP", "SUMMARY", "DESCRIPTION", "LOCATION", "DTSTART", "DTEND", "DUE", "DURATION",
	"RRULE", "RDATE", "EXDATE", "STATUS", "COMPLETED", "PERCENT-COMPLETE", "PRIORITY", "CATEGORIES", "CLASS", "URL", "ORGANIZER", "ATTENDEE",
	"COMMENT", "CONTACT", "GEO", "TRANSP", "COLOR", "RELATED-TO",
}

// Keys lists a store without fetching its items: 5,000 contacts take some
// 50 ms. The list is of one moment: the store's revision is the same before
// and after, else it is listed again, and after three tries ErrUnsettled.
func (s *Store) Keys(ctx context.Context) (Listing, error) {
	var l Listing
	err := s.reading(ctx, func(h handle) error {
		for range listTries {
			got, settled, err := s.keysOnce(ctx, h)
			if err != nil && !errors.Is(err, ErrUnsettled) {
				return err
			}
			if l = got; settled {
				return nil
			}
		}
		return fmt.Errorf("cannot list the %s: %w", s.source.Kind, ErrUnsettled)
	})
	if err != nil {
		return Listing{}, err
	}
	// an open store goes on answering after its source was removed
	src, err := s.c.Source(ctx, s.source.UID)
	if err != nil {
		return Listing{}, err
	}
	l.Evidence, l.State.Status = src.Evidence(), src.Status
	return l, nil
}

// Keys opens a source, lists it, and closes it.
func (c *Client) Keys(ctx context.Context, uid string) (Listing, error) {
	s, err := c.Open(ctx, uid)
	if err != nil {
		return Listing{}, err
	}
	l, err := s.Keys(ctx)
	if closeErr := s.Close(context.WithoutCancel(ctx)); err == nil {
		err = closeErr
	}
	return l, err
}

func (s *Store) keysOnce(ctx context.Context, h handle) (Listing, bool, error) {
	before, err := s.state(ctx, h)
	if err != nil {
		return Listing{}, false, err
	}
	l := Listing{Source: s.source.UID, Kind: s.source.Kind}
	revs, err := s.view(ctx, h, &l.Unnamed)
	if err != nil {
		return Listing{}, false, err
	}
	agree := true
	if s.source.Kind == AddressBook {
		if agree, err = s.agrees(ctx, h, revs, l.Unnamed); err != nil {
			return Listing{}, false, err
		}
	}
	if l.State, err = s.state(ctx, h); err != nil {
		return Listing{}, false, err
	}
	l.Keys = keysOf(revs)
	l.Digest = digest(l.Keys)
	return l, agree && before.Revision == l.State.Revision, nil
}

// agrees compares a book's view with its list of UIDs.
func (s *Store) agrees(ctx context.Context, h handle, revs map[string][]string, unnamed int) (bool, error) {
	list, err := s.contactUIDs(ctx, h)
	if err != nil {
		return false, err
	}
	named := 0
	for _, uid := range list {
		if uid == "" {
			continue
		}
		if named++; revs[uid] == nil {
			return false, nil
		}
	}
	return named == len(revs) && len(list)-named <= unnamed, nil
}

// contactUIDs is the call that waits for a refresh to end.
func (s *Store) contactUIDs(ctx context.Context, h handle) ([]string, error) {
	const doing = "list the contacts"
	var list []string
	err := s.c.call(ctx, s.c.opts.RefreshTimeout, h.target, dotted+"AddressBook.GetContactListUids", []any{allContacts}, &list)
	if err == nil && len(list) > s.c.opts.MaxItems {
		return nil, fmt.Errorf("cannot %s: %d of them: %w", doing, len(list), ErrTooLarge)
	}
	return list, failed(ctx, doing, err)
}

func keysOf(revs map[string][]string) []Key {
	keys := make([]Key, 0, len(revs))
	for uid, r := range revs {
		slices.Sort(r)
		keys = append(keys, Key{UID: uid, Rev: strings.Join(r, " ")})
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Compare(a.UID, b.UID) })
	return keys
}

func digest(keys []Key) string {
	h := sha256.New()
	for _, k := range keys {
		fmt.Fprintf(h, "%d %s %d %s\n", len(k.UID), k.UID, len(k.Rev), k.Rev)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// view collects the revisions of all items by a view that asks for little.
func (s *Store) view(ctx context.Context, h handle, unnamed *int) (map[string][]string, error) {
	doing := fmt.Sprintf("list the %s", s.source.Kind)
	face, query, fields := dotted+"CalendarView", allComponents, componentFields
	if s.source.Kind == AddressBook {
		face, query, fields = dotted+"AddressBookView", allContacts, []string{"id", "rev"}
	}
	var path dbus.ObjectPath
	if err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, s.source.Kind.face()+".GetView", []any{query}, &path); err != nil {
		return nil, failed(ctx, doing, err)
	}
	at := target{h.dest, path}
	v := &collector{kind: s.source.Kind, limit: s.c.opts.MaxItems, revs: map[string][]string{}, done: make(chan struct{})}
	sub, err := s.c.hear(ctx, v.hear, bus.Rule{Sender: h.dest, Interface: face, Path: path})
	if err == nil {
		err = s.run(ctx, at, face, fields, v)
		sub.Close()
	}
	s.dispose(ctx, at, face)
	revs, n := v.found()
	*unnamed = n
	return revs, failed(ctx, doing, err)
}

// run starts a view and waits until all was handed over, or its service went.
func (s *Store) run(ctx context.Context, at target, face string, fields []string, v *collector) error {
	if err := s.c.call(ctx, s.c.opts.CallTimeout, at, face+".SetFieldsOfInterest", []any{fields}); err != nil {
		return err
	}
	if err := s.c.call(ctx, s.c.opts.RefreshTimeout, at, face+".Start", nil); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, s.c.opts.RefreshTimeout)
	defer cancel()
	select {
	case <-v.done:
		return v.result()
	case <-limited.Done():
		return limited.Err()
	}
}

// dispose of the view; it is gone with the connection at the latest.
func (s *Store) dispose(ctx context.Context, at target, face string) {
	_ = s.c.call(context.WithoutCancel(ctx), s.c.opts.CallTimeout/10, at, face+".Dispose", nil)
}

// collector takes a view's signals.
type collector struct {
	kind  Kind
	limit int

	mu      sync.Mutex
	revs    map[string][]string
	unnamed int
	err     error
	closed  bool
	done    chan struct{}
}

func (v *collector) hear(e bus.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.closed:
	case e.Kind == bus.Signal:
		v.take(e.Signal)
	case e.Kind == bus.Overflow:
		v.end(fmt.Errorf("%w: signals were lost", ErrUnsettled))
	case e.Kind == bus.Down, e.Kind == bus.Owner:
		v.end(fmt.Errorf("%w: it ended in the middle of a list", ErrUnavailable))
	}
}

func (v *collector) take(sig *dbus.Signal) {
	member := sig.Name[strings.LastIndexByte(sig.Name, '.')+1:]
	switch member {
	case "ObjectsAdded", "ObjectsModified":
		objects, ok := only[[]string](sig, 0)
		if !ok {
			v.end(wrongType(member, sig.Body, objects))
			return
		}
		v.add(objects, member == "ObjectsModified")
	case "ObjectsRemoved":
		v.end(fmt.Errorf("%w: items went while it was listed", ErrUnsettled))
	case "Complete":
		name, ok1 := only[string](sig, 0)
		text, ok2 := only[string](sig, 1)
		switch {
		case !ok1 || !ok2:
			v.end(wrongType(member, sig.Body, name))
		case name != "":
			v.end(&bus.RemoteError{Name: cut(name, 200), Message: cut(text, 200)})
		default:
			v.end(nil)
		}
	}
}

func (v *collector) end(err error) {
	v.err, v.closed = err, true
	close(v.done)
}

func (v *collector) result() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

func (v *collector) found() (map[string][]string, int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	return v.revs, v.unnamed
}

func (v *collector) add(objects []string, again bool) {
	step := 1
	if v.kind == AddressBook {
		step = 2 // vCard and UID by turns
	}
	for i := 0; i+step <= len(objects); i += step {
		var uid, rev string
		if v.kind == AddressBook {
			uid, rev = objects[i+1], propertyOf(objects[i], "REV")
		} else {
			uid, rev = propertyOf(objects[i], "UID"), short(objects[i])
		}
		switch {
		case uid == "":
			v.unnamed++
		case v.kind == AddressBook || again:
			v.revs[uid] = []string{rev}
		default:
			v.revs[uid] = append(v.revs[uid], rev)
		}
	}
	if len(v.revs) > v.limit {
		v.end(fmt.Errorf("%w: more than %d items", ErrTooLarge, v.limit))
	}
}

// short digest of a component's text.
func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}
