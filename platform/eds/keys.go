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
	"time"
)

// Key is one item of a store and its revision: an opaque text that changes
// with the item. For CardDAV and CalDAV it is the server's ETag, for local books
// EDS's REV; for other components a digest of all but attachments and alarms,
// LAST-MODIFIED included. All instances of a recurring event share one key.
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
)

// componentFields are what a view of components hands over: everything but
// attachments, which may have megabytes.
var componentFields = []string{
	"UID", "RECURRENCE-ID", "LAST-MODIFIED", "SEQUENCE", "DTSTAMP", "SUMMARY", "DESCRIPTION", "LOCATION", "DTSTART", "DTEND", "DUE", "DURATION",
	"RRULE", "RDATE", "EXDATE", "STATUS", "COMPLETED", "PERCENT-COMPLETE", "PRIORITY", "CATEGORIES", "CLASS", "URL", "ORGANIZER", "ATTENDEE",
	"COMMENT", "CONTACT", "GEO", "TRANSP", "COLOR", "RELATED-TO", etagField,
}

// etagField is where EDS keeps a CalDAV object's ETag.
const etagField = "X-EVOLUTION-CALDAV-ETAG"

// Keys lists a store without fetching its items: 5,000 contacts take some
// 50 ms. The list is of one moment: the store's revision is the same before
// and after, else it is listed again, and after three tries ErrUnsettled.
//
// EDS stamps its own items to the second: one that is changed twice within a
// second keeps its revision. A list with a stamp of the present second is
// therefore taken again once that second is over, up to stampAge later.
func (s *Store) Keys(ctx context.Context) (Listing, error) {
	var l Listing
	err := s.reading(ctx, func(h handle) error {
		for range listTries {
			got, newest, settled, err := s.keysOnce(ctx, h)
			if err != nil && !errors.Is(err, ErrUnsettled) {
				return err
			}
			wait := s.young(newest)
			if l = got; settled && wait == 0 {
				return nil
			}
			if err := pause(ctx, wait); err != nil {
				return failed(ctx, "wait for the second to end", err)
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

const (
	listTries = 4
	stampAge  = 1100 * time.Millisecond // when a stamp's second is surely over
)

// young tells how long the newest stamp of a local store may still be given to
// another change. A stamp far ahead (the clock was set back) never is again.
func (s *Store) young(newest time.Time) time.Duration {
	age := s.c.opts.Now().Sub(newest)
	if !s.source.Local || age >= stampAge || age < -time.Second {
		return 0
	}
	return stampAge - age
}

// keysOnce lists once; settled is false where something changed meanwhile.
func (s *Store) keysOnce(ctx context.Context, h handle) (l Listing, newest time.Time, settled bool, err error) {
	before, err := s.state(ctx, h)
	if err != nil {
		return Listing{}, newest, false, err
	}
	seen, err := s.view(ctx, h)
	if err != nil {
		return Listing{}, newest, false, err
	}
	agree := true
	if s.source.Kind == AddressBook {
		if agree, err = s.agrees(ctx, h, seen); err != nil {
			return Listing{}, newest, false, err
		}
	}
	l = Listing{Source: s.source.UID, Kind: s.source.Kind, Keys: keysOf(seen.revs), Unnamed: seen.unnamed}
	if l.State, err = s.state(ctx, h); err != nil {
		return Listing{}, newest, false, err
	}
	l.Digest = digest(l.Keys)
	return l, seen.newest, agree && before.Revision == l.State.Revision, nil
}

// agrees compares a book's view with its list of UIDs.
func (s *Store) agrees(ctx context.Context, h handle, v seen) (bool, error) {
	list, err := s.contactUIDs(ctx, h)
	if err != nil {
		return false, err
	}
	named := 0
	for _, uid := range list {
		if uid == "" {
			continue
		}
		if named++; v.revs[uid] == nil {
			return false, nil
		}
	}
	return named == len(v.revs) && len(list)-named <= v.unnamed, nil
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
