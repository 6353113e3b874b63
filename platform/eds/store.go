package eds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Store is an opened source. EDS drops it when the factory or the connection
// ends; reading methods open it again once, by themselves. Its methods may be
// called by several goroutines.
type Store struct {
	c      *Client
	source Source

	mu     sync.Mutex
	handle handle
}

// handle is what one opening gave.
type handle struct {
	target       // dest is the bus name that serves the store
	capabilities []string
	folder       string // of the store's own files
	cacheDir     string
}

// face is the D-Bus interface of a store of this kind.
func (k Kind) face() string {
	if k == AddressBook {
		return dotted + "AddressBook"
	}
	return dotted + "Calendar"
}

// Open opens a source that holds items. ErrGone where there is none,
// ErrUnavailable where the factory does not answer.
func (c *Client) Open(ctx context.Context, uid string) (*Store, error) {
	src, err := c.Source(ctx, uid)
	if err != nil {
		return nil, err
	}
	if !src.Kind.Holds() {
		return nil, fmt.Errorf("cannot open source %q: %w: it is a %s", cut(uid, 80), ErrRefused, src.Kind)
	}
	s := &Store{c: c, source: src}
	s.handle, err = s.open(ctx)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// open asks the factory for a store. After a crash it asks once more, for the
// bus starts a new factory. A factory keeps a list of sources of its own that
// lags behind the registry's (measured: it did not know a source that the
// registry had just made), so "no such source" counts only once the registry
// says so too, or the factory still does after lagTimeout.
func (s *Store) open(ctx context.Context) (handle, error) {
	h, err := s.openOnce(ctx)
	if lost(err) && ctx.Err() == nil {
		s.c.forget()
		h, err = s.openOnce(ctx)
	}
	if !errors.Is(err, ErrGone) {
		return h, err
	}
	limited, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	for errors.Is(err, ErrGone) {
		if _, err := s.c.Source(ctx, s.source.UID); err != nil {
			return handle{}, err
		}
		if pause(limited, lagPause) != nil {
			return handle{}, fmt.Errorf("cannot open the %s: %w: the factory does not know it", s.source.Kind, ErrUnavailable)
		}
		h, err = s.openOnce(ctx)
	}
	return h, err
}

const (
	lagTimeout = 5 * time.Second
	lagPause   = 20 * time.Millisecond
)

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (s *Store) openOnce(ctx context.Context) (handle, error) {
	doing := fmt.Sprintf("open the %s", s.source.Kind)
	factory, path, method := factoryOf(s.source.Kind)
	name, err := s.c.name(ctx, factory)
	if err != nil {
		return handle{}, err
	}
	var at, dest string
	if err := s.c.call(ctx, s.c.opts.CallTimeout, target{name, path}, method, []any{s.source.UID}, &at, &dest); err != nil {
		return handle{}, failed(ctx, doing, err)
	}
	h := handle{target: target{dest, dbus.ObjectPath(at)}}
	var props []string
	if err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, s.source.Kind.face()+".Open", nil, &props); err != nil {
		return handle{}, failed(ctx, doing, err)
	}
	if err := s.describe(ctx, &h); err != nil {
		return handle{}, failed(ctx, doing, err)
	}
	return h, nil
}

func factoryOf(k Kind) (service, dbus.ObjectPath, string) {
	calendars := func(method string) (service, dbus.ObjectPath, string) {
		return calendarFactory, slashed + "CalendarFactory", dotted + "CalendarFactory." + method
	}
	switch k {
	case AddressBook:
		return addressBooks, slashed + "AddressBookFactory", dotted + "AddressBookFactory.OpenAddressBook"
	case Calendar:
		return calendars("OpenCalendar")
	case TaskList:
		return calendars("OpenTaskList")
	default:
		return calendars("OpenMemoList")
	}
}

// describe reads what stays the same while the store is open.
func (s *Store) describe(ctx context.Context, h *handle) error {
	props, err := s.properties(ctx, *h, s.source.Kind.face())
	if err != nil {
		return err
	}
	if h.capabilities, err = prop[[]string](props, "Capabilities"); err != nil {
		return err
	}
	if h.cacheDir, err = prop[string](props, "CacheDir"); err != nil {
		return err
	}
	h.folder = h.cacheDir
	if s.source.Kind != AddressBook {
		return nil
	}
	// the file backend of books keeps contacts and photos elsewhere than in
	// CacheDir; DirectBook, where there is one, names that folder
	direct, err := s.properties(ctx, *h, dotted+"DirectBook")
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return nil
	}
	if at, err := prop[string](direct, "BackendConfig"); err == nil && strings.HasPrefix(at, "/") {
		h.folder = at
	}
	return nil
}

func (s *Store) properties(ctx context.Context, h handle, face string) (map[string]dbus.Variant, error) {
	var props map[string]dbus.Variant
	err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, propsAll, []any{face}, &props)
	return props, err
}

// current is the handle in use.
func (s *Store) current() handle {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handle
}

// reopen replaces a handle that failed, unless another goroutine did already.
// ErrGone where the source was removed meanwhile.
func (s *Store) reopen(ctx context.Context, bad handle) (handle, error) {
	s.c.forget()
	if _, err := s.c.Source(ctx, s.source.UID); err != nil {
		return handle{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handle.target != bad.target {
		return s.handle, nil
	}
	h, err := s.open(ctx)
	if err != nil {
		return handle{}, err
	}
	s.handle = h
	return h, nil
}

// reading runs f with the handle in use, and once more with a new one where
// the factory was lost.
func (s *Store) reading(ctx context.Context, f func(handle) error) error {
	h := s.current()
	err := f(h)
	if !lost(err) || ctx.Err() != nil {
		return err
	}
	h, reopenErr := s.reopen(ctx, h)
	if reopenErr != nil {
		return reopenErr
	}
	return f(h)
}

// lost tells a factory that went away from one that hangs: asking a hanging
// one again would only double the wait.
func lost(err error) bool {
	return errors.Is(err, ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded)
}

// Close gives the store back to EDS. A store that EDS dropped by itself is
// closed already.
func (s *Store) Close(ctx context.Context) error {
	h := s.current()
	err := s.c.call(ctx, s.c.opts.CallTimeout, h.target, s.source.Kind.face()+".Close", nil)
	if err = failed(ctx, "close the store", err); errors.Is(err, ErrUnavailable) {
		return nil
	}
	return err
}

// Source that the store was opened from, as it was then.
func (s *Store) Source() Source { return s.source }

// Folder is where the store keeps its own files; every file: URI in its items
// that is not the person's own document lies beneath it. "" unknown.
func (s *Store) Folder() string { return s.current().folder }

// State of a store as EDS tells it: never evidence.
type State struct {
	Online   bool   // EDS thinks that it can reach the collection
	Writable bool   // items can be added
	Revision string // changes with every change of the items
	Status   string // ConnectionStatus of the source
}

// State asks for the state as it is now. ErrGone where the source was
// removed; the open store itself goes on answering then.
func (s *Store) State(ctx context.Context) (State, error) {
	var st State
	err := s.reading(ctx, func(h handle) (err error) {
		st, err = s.state(ctx, h)
		return err
	})
	if err != nil {
		return State{}, err
	}
	src, err := s.c.Source(ctx, s.source.UID)
	st.Status = src.Status
	return st, err
}

func (s *Store) state(ctx context.Context, h handle) (State, error) {
	props, err := s.properties(ctx, h, s.source.Kind.face())
	if err != nil {
		return State{}, failed(ctx, "ask for the store's state", err)
	}
	online, err1 := prop[bool](props, "Online")
	writable, err2 := prop[bool](props, "Writable")
	revision, err3 := prop[string](props, "Revision")
	if err := errors.Join(err1, err2, err3); err != nil {
		return State{}, failed(ctx, "ask for the store's state", err)
	}
	return State{Online: online, Writable: writable, Revision: revision}, nil
}

func (h handle) can(capability string) bool { return slices.Contains(h.capabilities, capability) }
