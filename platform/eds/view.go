package eds

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
)

// view collects the revisions of all items by a view that asks for little.
func (s *Store) view(ctx context.Context, h handle) (seen, error) {
	fields := componentFields
	if s.source.Kind == AddressBook {
		fields = []string{"id", "rev"}
	}
	v := &collector{kind: s.source.Kind, limit: s.c.opts.MaxItems, seen: seen{revs: map[string][]string{}}, done: make(chan struct{})}
	err := s.collect(ctx, h, fields, v)
	return v.found(), err
}

// collect has v take what a view of all items hands over. No fields are all.
func (s *Store) collect(ctx context.Context, h handle, fields []string, v *collector) error {
	doing := fmt.Sprintf("list the %s", s.source.Kind)
	face, query := dotted+"CalendarView", allComponents
	if s.source.Kind == AddressBook {
		face, query = dotted+"AddressBookView", allContacts
	}
	var path dbus.ObjectPath
	if err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, s.source.Kind.face()+".GetView", []any{query}, &path); err != nil {
		return failed(ctx, doing, err)
	}
	at := target{h.dest, path}
	sub, err := s.c.hear(ctx, v.hear, bus.Rule{Sender: h.dest, Interface: face, Path: path})
	if err == nil {
		err = s.run(ctx, at, face, fields, v)
		sub.Close()
	}
	s.dispose(ctx, at, face)
	return failed(ctx, doing, err)
}

// run starts a view and waits until all was handed over, or its service went.
func (s *Store) run(ctx context.Context, at target, face string, fields []string, v *collector) error {
	if fields != nil {
		if err := s.c.call(ctx, s.c.opts.CallTimeout, at, face+".SetFieldsOfInterest", []any{fields}); err != nil {
			return err
		}
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

// seen is what a view handed over.
type seen struct {
	revs    map[string][]string // by UID, one for each instance
	unnamed int
	newest  time.Time // the newest stamp that EDS gave
}

// collector takes a view's signals.
type collector struct {
	kind  Kind
	limit int

	mu     sync.Mutex
	texts  map[string]string // whole contacts by UID, where they are wanted instead of revisions
	room   int               // bytes that they may still take
	seen   seen
	err    error
	closed bool
	done   chan struct{}
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

func (v *collector) found() seen {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	return v.seen
}

func (v *collector) add(objects []string, again bool) {
	if v.texts != nil {
		v.keep(objects)
		return
	}
	step := 1
	if v.kind == AddressBook {
		step = 2 // vCard and UID by turns
	}
	for i := 0; i+step <= len(objects); i += step {
		var uid, rev string
		var at time.Time
		if v.kind == AddressBook {
			uid, rev = objects[i+1], propertyOf(objects[i], "REV")
			at, _ = time.Parse("2006-01-02T15:04:05Z", rev)
		} else {
			uid, rev = propertyOf(objects[i], "UID"), revisionOf(objects[i])
			at, _ = time.Parse("20060102T150405Z", propertyOf(objects[i], "LAST-MODIFIED"))
		}
		if at.After(v.seen.newest) {
			v.seen.newest = at
		}
		switch {
		case uid == "":
			v.seen.unnamed++
		case v.kind == AddressBook || again:
			v.seen.revs[uid] = []string{rev}
		default:
			v.seen.revs[uid] = append(v.seen.revs[uid], rev)
		}
	}
	if len(v.seen.revs) > v.limit {
		v.end(fmt.Errorf("%w: more than %d items", ErrTooLarge, v.limit))
	}
}

// keep takes whole contacts, while there is room.
func (v *collector) keep(objects []string) {
	for i := 0; i+2 <= len(objects); i += 2 { // vCard and UID by turns
		if v.room -= len(objects[i]); v.room < 0 {
			v.end(ErrTooLarge)
			return
		}
		v.texts[objects[i+1]] = objects[i]
	}
}

// revisionOf a component: the server's ETag where EDS keeps one, else a digest
// of the fields that were asked for, in whatever order and company they come.
func revisionOf(component string) string {
	if etag := propertyOf(component, etagField); etag != "" {
		return etag
	}
	var lines []string
	for name, line := range outer(component) {
		if slices.Contains(componentFields, name) {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return short(strings.Join(lines, "\n"))
}

// short digest of a text.
func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:12])
}
