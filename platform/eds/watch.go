package eds

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/clearance-project/clearance/platform/bus"
	"github.com/clearance-project/clearance/platform/gkeyfile"
)

// Change says what kind of thing happened.
type Change string

const (
	// ItemsChanged: the revision of a watched store differs. Its keys may be
	// the same all the same: read them again.
	ItemsChanged Change = "items"
	// SourceAdded, SourceRemoved and SourceChanged: the registry's entry.
	SourceAdded   Change = "source-added"
	SourceRemoved Change = "source-removed"
	SourceChanged Change = "source-changed"
	// StatusChanged: EDS's own idea of being connected, which opening a store
	// alone changes. It never counts.
	StatusChanged Change = "status"
	// Lost: a service or the bus went, or signals were dropped. Call Renew and
	// look at everything again.
	Lost Change = "lost"
)

// Counts tells whether such a change can mean that items changed.
func (c Change) Counts() bool { return c != StatusChanged }

// Event is one change. Source is "" where it concerns all of them.
type Event struct {
	Change Change
	Source string // UID
}

// Watch hears of changes. Equal events that wait are one, so nothing is lost
// however slow the reader, and memory stays bounded. It has no goroutine.
type Watch struct {
	c    *Client
	uids []string
	wake chan struct{} // capacity 1

	mu      sync.Mutex
	pending map[Event]bool
	stores  map[string]*watched // by UID
	byPath  map[dbus.ObjectPath]string
	files   map[string]gkeyfile.File // registry entries by UID
	subs    []*bus.Subscription
	closed  bool
}

// watched is a store that is kept open so that EDS speaks of it.
type watched struct {
	store    *Store
	at       handle // the one that was opened to be heard; reading may open others
	revision string
}

// Watch begins to listen to the registry and to these stores, which it opens
// and keeps open; a store that cannot be opened is in the error, by UID, and
// the others are watched all the same. Close ends it.
func (c *Client) Watch(ctx context.Context, uids []string) (*Watch, error) {
	w := &Watch{c: c, uids: uids, wake: make(chan struct{}, 1), pending: map[Event]bool{}}
	err := w.Renew(ctx)
	if err != nil && w.idle() {
		return nil, err
	}
	return w, err
}

func (w *Watch) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.subs) == 0
}

// Wake is readable when events wait.
func (w *Watch) Wake() <-chan struct{} { return w.wake }

// Take returns the events that wait, in no order.
func (w *Watch) Take() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]Event, 0, len(w.pending))
	for e := range w.pending {
		list = append(list, e)
	}
	clear(w.pending)
	return list
}

// Fence returns once every change that EDS made before is among the events:
// a round trip to each service on the connection that brings the signals, and
// each watched store's revision read again, since EDS signals from other
// threads than it answers from. A service that cannot be asked is an error.
func (w *Watch) Fence(ctx context.Context) error {
	w.mu.Lock()
	list := make(map[string]*watched, len(w.stores))
	for uid, s := range w.stores {
		list[uid] = s
	}
	w.mu.Unlock()
	for uid, s := range list {
		st, err := s.store.state(ctx, s.at)
		if err != nil {
			return err
		}
		w.revised(uid, s.at.target, st.Revision)
	}
	return w.c.Fence(ctx)
}

// Close ends the watch and closes its stores.
func (w *Watch) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	subs, stores := w.subs, w.stores
	w.subs, w.stores = nil, nil
	w.mu.Unlock()
	closeAll(subs)
	return closeStores(ctx, stores)
}

func closeAll(subs []*bus.Subscription) {
	for _, s := range subs {
		s.Close()
	}
}

func closeStores(ctx context.Context, stores map[string]*watched) error {
	var err error
	for _, s := range stores {
		err = errors.Join(err, s.store.Close(ctx))
	}
	return err
}

// Renew opens everything anew: after Lost, or when other stores are wanted.
func (w *Watch) Renew(ctx context.Context) error {
	registry, err := w.c.name(ctx, sourceRegistry)
	if err != nil {
		return err
	}
	heard, err := w.c.hear(ctx, w.hearRegistry, bus.Rule{Sender: registry, Under: slashed + "SourceManager"})
	if err != nil {
		return failed(ctx, "listen to the sources", err)
	}
	entries, err := w.c.entries(ctx)
	if err != nil {
		heard.Close()
		return err
	}
	files, byPath := map[string]gkeyfile.File{}, map[dbus.ObjectPath]string{}
	for uid, e := range entries {
		files[uid], byPath[e.path] = e.file, uid
	}
	w.mu.Lock()
	subs, stores := w.subs, w.stores
	w.subs, w.stores, w.files, w.byPath = []*bus.Subscription{heard}, map[string]*watched{}, files, byPath
	w.mu.Unlock()
	closeAll(subs)
	for _, uid := range w.uids {
		if openErr := w.add(ctx, uid); openErr != nil {
			err = errors.Join(err, fmt.Errorf("cannot watch source %q: %w", cut(uid, 80), openErr))
		}
	}
	return errors.Join(err, closeStores(ctx, stores))
}

// add opens a store and listens to it, the listening first.
func (w *Watch) add(ctx context.Context, uid string) error {
	store, err := w.c.Open(ctx, uid)
	if err != nil {
		return err
	}
	h := store.current()
	face := store.source.Kind.face()
	sub, err := w.c.hear(ctx, func(e bus.Event) { w.hearStore(e, uid, h.target, face) },
		bus.Rule{Sender: h.dest, Path: h.path, Interface: "org.freedesktop.DBus.Properties", Member: "PropertiesChanged"})
	if err != nil {
		return errors.Join(failed(ctx, "listen to the store", err), store.Close(ctx))
	}
	st, err := store.state(ctx, h)
	if err != nil {
		sub.Close()
		return errors.Join(err, store.Close(ctx))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subs = append(w.subs, sub)
	w.stores[uid] = &watched{store: store, at: h, revision: st.Revision}
	return nil
}

// emit must be called with the lock held.
func (w *Watch) emit(e Event) {
	if w.closed {
		return
	}
	w.pending[e] = true
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// revised takes a store's revision as it was just heard or read.
func (w *Watch) revised(uid string, at target, revision string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stores[uid]
	if s == nil || s.at.target != at || s.revision == revision {
		return
	}
	s.revision = revision
	w.emit(Event{ItemsChanged, uid})
}

func (w *Watch) hearStore(e bus.Event, uid string, at target, face string) {
	switch e.Kind {
	case bus.Signal:
		name, ok := only[string](e.Signal, 0)
		props, ok2 := only[map[string]dbus.Variant](e.Signal, 1)
		if !ok || !ok2 || name != face {
			return
		}
		if revision, err := prop[string](props, "Revision"); err == nil && revision != "" {
			w.revised(uid, at, revision)
		} else {
			w.status(uid)
		}
	case bus.Up:
	default:
		w.lost(uid)
	}
}

func (w *Watch) status(uid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit(Event{StatusChanged, uid})
}

func (w *Watch) lost(uid string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit(Event{Lost, uid})
}

func (w *Watch) hearRegistry(e bus.Event) {
	switch e.Kind {
	case bus.Signal:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.registry(e.Signal)
	case bus.Up:
	default:
		w.lost("")
	}
}

// registry takes a signal of the registry, with the lock held.
func (w *Watch) registry(sig *dbus.Signal) {
	switch sig.Name[strings.LastIndexByte(sig.Name, '.')+1:] {
	case "InterfacesAdded":
		path, _ := only[dbus.ObjectPath](sig, 0)
		faces, _ := only[map[string]map[string]dbus.Variant](sig, 1)
		if e, ok, err := readEntry(path, faces); err == nil && ok {
			if w.files != nil {
				w.files[e.uid], w.byPath[path] = e.file, e.uid
			}
			w.emit(Event{SourceAdded, e.uid})
		}
	case "InterfacesRemoved":
		path, _ := only[dbus.ObjectPath](sig, 0)
		w.emit(Event{SourceRemoved, w.byPath[path]})
		delete(w.byPath, path)
	case "PropertiesChanged":
		face, _ := only[string](sig, 0)
		props, _ := only[map[string]dbus.Variant](sig, 1)
		if face != dotted+"Source" {
			return
		}
		uid := w.byPath[sig.Path]
		if data, ok := props["Data"]; ok {
			w.entryChanged(uid, data)
		}
		if _, ok := props["ConnectionStatus"]; ok {
			w.emit(Event{StatusChanged, uid})
		}
	}
}

// entryChanged ignores an entry that says the same about where its items are:
// EDS also notes colours and times there, while it synchronises, and whether it
// reached the server over TLS.
func (w *Watch) entryChanged(uid string, data dbus.Variant) {
	text, ok := data.Value().(string)
	file, err := dataOf(text)
	old, known := w.files[uid]
	if ok && err == nil && known && reflect.DeepEqual(lives(old), lives(file)) {
		return
	}
	if known {
		w.files[uid] = file
	}
	w.emit(Event{SourceChanged, uid})
}

// lives is what an entry says of where its items are.
func lives(file gkeyfile.File) Source {
	s := resolve(entry{file: file}, nil)
	s.Plain = false
	return s
}
