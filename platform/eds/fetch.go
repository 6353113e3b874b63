package eds

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"
)

// Item is one contact, or one event, task or memo with all its instances.
type Item struct {
	UID string
	// Data is a vCard as the store gives it: PHOTO and the like may be file:
	// URIs beneath Store.Folder (see Linked). For components it is a whole
	// VCALENDAR with the time zones that they use.
	Data string
}

// Failure is an item that could not be had or added, and why.
type Failure struct {
	UID string
	Err error
}

// Fetched is the outcome of Fetch.
type Fetched struct {
	Got      int
	Failed   []Failure // by name: vanished meanwhile, too large, or deadly for the factory
	Restarts int       // of the factory
}

const (
	firstBatch  = 16
	maxBatch    = 256
	batchBytes  = 4 << 20 // aimed at
	maxRestarts = 20
	maxDeadly   = 3 // items in a row that each end the factory
)

// Fetch hands the items with these UIDs to f, in batches of a few megabytes
// and in no particular order. A batch that the factory does not survive is
// fetched once more, item by item, from the restarted one. An item that
// cannot be had is in Fetched.Failed and stops nothing; the error is the
// context's, f's own, ErrGone, or ErrUnavailable when the factory stays away.
func (s *Store) Fetch(ctx context.Context, uids []string, f func(Item) error) (Fetched, error) {
	r := &fetching{s: s, h: s.current(), f: f, zones: map[string]string{}}
	size := firstBatch
	for len(uids) > 0 {
		n := min(size, len(uids))
		bytes, err := r.batch(ctx, uids[:n])
		if err != nil {
			return r.out, err
		}
		if uids = uids[n:]; size == firstBatch {
			if r.had, err = r.whole(ctx, len(uids), bytes/n); err != nil {
				return r.out, err
			}
		}
		size = min(max(batchBytes/max(bytes/n, 1), 1), maxBatch, 4*size)
	}
	return r.out, nil
}

// fetching is the state of one Fetch.
type fetching struct {
	s      *Store
	h      handle
	f      func(Item) error
	out    Fetched
	zones  map[string]string // VTIMEZONE by TZID, "" for none
	had    map[string]string // contacts that came with the whole book
	deadly int
}

// batch fetches some items and returns their bytes.
func (r *fetching) batch(ctx context.Context, uids []string) (int, error) {
	got, err := r.query(ctx, uids)
	if lost(err) {
		if err := r.restart(ctx); err != nil {
			return 0, err
		}
		got, err = nil, nil
	}
	if err != nil && !errors.Is(err, ErrRefused) {
		return 0, err
	}
	bytes := 0
	for _, uid := range uids {
		parts := got[uid]
		if parts == nil {
			if parts, err = r.single(ctx, uid); err != nil {
				return 0, err
			}
		}
		delete(got, uid) // a UID given twice is fetched twice
		n, err := r.deliver(ctx, uid, parts)
		if err != nil {
			return 0, err
		}
		bytes += n
	}
	return bytes, nil
}

// deliver hands one item over, or counts it as failed; no parts means that it
// was counted already.
func (r *fetching) deliver(ctx context.Context, uid string, parts []string) (int, error) {
	if len(parts) == 0 {
		return 0, nil
	}
	bytes := 0
	for _, p := range parts {
		bytes += len(p)
	}
	if bytes > r.s.c.opts.MaxItemBytes {
		r.fail(uid, fmt.Errorf("%d bytes: %w", bytes, ErrTooLarge))
		return bytes, nil
	}
	data := parts[0]
	if r.s.source.Kind != AddressBook {
		var err error
		if data, err = r.wrap(ctx, parts); err != nil {
			return 0, err
		}
	}
	if err := r.f(Item{UID: uid, Data: data}); err != nil {
		return 0, err
	}
	r.out.Got++
	return bytes, nil
}

func (r *fetching) fail(uid string, err error) {
	r.out.Failed = append(r.out.Failed, Failure{UID: uid, Err: err})
}

// restart waits for a new factory.
func (r *fetching) restart(ctx context.Context) error {
	if r.out.Restarts++; r.out.Restarts > maxRestarts {
		return fmt.Errorf("cannot fetch the items: %w: it ended %d times", ErrUnavailable, maxRestarts)
	}
	h, err := r.s.reopen(ctx, r.h)
	if err != nil {
		return err
	}
	r.h = h
	return nil
}

// query fetches several items by one query. Items it does not return are
// fetched singly.
func (r *fetching) query(ctx context.Context, uids []string) (map[string][]string, error) {
	if r.s.source.Kind == AddressBook && r.s.source.Backend != "local" {
		return r.together(ctx, uids)
	}
	method, term := ".GetObjectList", "uid? "
	if r.s.source.Kind == AddressBook {
		method, term = ".GetContactList", `is "id" `
	}
	var q strings.Builder
	q.WriteString("(or")
	asked := map[string]bool{}
	for _, uid := range uids {
		if quotable(uid) {
			asked[uid] = true
			q.WriteString(" (" + term + quote(uid) + ")")
		}
	}
	q.WriteString(")")
	if len(asked) == 0 {
		return nil, nil
	}
	var texts []string
	if err := r.s.c.call(ctx, r.s.c.opts.CallTimeout, r.h.target, r.s.source.Kind.face()+method, []any{q.String()}, &texts); err != nil {
		return nil, failed(ctx, "fetch items", err)
	}
	got := make(map[string][]string, len(uids))
	for _, t := range texts {
		uid := propertyOf(t, "UID")
		if asked[uid] && (r.s.source.Kind != AddressBook || got[uid] == nil) {
			got[uid] = append(got[uid], t)
		}
	}
	return got, nil
}

// atOnce is how many contacts are asked for at a time.
const atOnce = 16

// together fetches several contacts, each by its own call. For a book that syncs
// a server EDS has no index behind a query: it parses every contact of the book
// for each (measured: 5,000 contacts in batches of 256 took 35 s by queries and
// under 2 s this way).
func (r *fetching) together(ctx context.Context, uids []string) (map[string][]string, error) {
	var mu sync.Mutex
	got := make(map[string][]string, len(uids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, uid := range uids {
		if !utf8.ValidString(uid) || strings.ContainsRune(uid, 0) {
			continue
		}
		if text, ok := r.had[uid]; ok {
			mu.Lock()
			got[uid] = []string{text}
			mu.Unlock()
			delete(r.had, uid)
			continue
		}
		g.Go(func() error {
			text, err := r.get(gctx, uid)
			if lost(err) || ctx.Err() != nil {
				return err
			}
			if err == nil {
				mu.Lock()
				got[uid] = []string{text}
				mu.Unlock()
			}
			return nil // what was refused is asked for once more, and named
		})
	}
	return got, g.Wait()
}

// single fetches one item; nil without an error means that it failed and was
// counted.
func (r *fetching) single(ctx context.Context, uid string) ([]string, error) {
	if !utf8.ValidString(uid) || strings.ContainsRune(uid, 0) || uid == "" {
		r.fail(uid, fmt.Errorf("no valid id: %w", ErrNotFound))
		return nil, nil
	}
	text, err := r.get(ctx, uid)
	if err == nil {
		r.deadly = 0
		if r.s.source.Kind != AddressBook {
			return componentsOf(text), nil
		}
		return []string{text}, nil
	}
	if ctx.Err() != nil || errors.Is(err, ErrGone) {
		return nil, err
	}
	r.fail(uid, err)
	if !errors.Is(err, ErrUnavailable) {
		return nil, nil
	}
	if r.deadly++; r.deadly >= maxDeadly {
		return nil, err
	}
	return nil, r.restart(ctx)
}

func (r *fetching) get(ctx context.Context, uid string) (string, error) {
	method, args := ".GetObject", []any{uid, ""}
	if r.s.source.Kind == AddressBook {
		method, args = ".GetContact", []any{uid}
	}
	var text string
	err := r.s.c.call(ctx, r.s.c.opts.CallTimeout, r.h.target, r.s.source.Kind.face()+method, args, &text)
	return text, failed(ctx, "fetch an item", err)
}

// wrap makes a whole iCalendar object of components and their time zones.
func (r *fetching) wrap(ctx context.Context, parts []string) (string, error) {
	var zones []string
	for _, id := range zoneIDs(parts) {
		zone, known := r.zones[id]
		if !known {
			err := r.s.c.call(ctx, r.s.c.opts.CallTimeout, r.h.target, dotted+"Calendar.GetTimezone", []any{id}, &zone)
			err = failed(ctx, "fetch a time zone", err)
			if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrRefused) && !errors.Is(err, ErrReply) {
				return "", err
			}
			if !strings.HasPrefix(zone, "BEGIN:VTIMEZONE") {
				zone = ""
			}
			r.zones[id] = zone
		}
		if zone != "" {
			zones = append(zones, zone)
		}
	}
	return calendarOf(append(zones, sorted(parts)...)), nil
}

// quotable tells whether a UID can stand in a query.
func quotable(uid string) bool {
	return uid != "" && len(uid) <= 4096 && utf8.ValidString(uid) && strings.IndexFunc(uid, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
