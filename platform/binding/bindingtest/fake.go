package bindingtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/clearance-project/clearance/platform/binding"
)

// Fake is a place in memory. Its zero value is empty.
type Fake struct {
	// Name is its kind; "" is "fake".
	Name string

	mu      sync.Mutex
	entries []binding.Entry
	left    map[string][]binding.Left
	hints   []binding.Hint
	broken  bool
	next    int
	changed map[int]func()
}

var (
	_ binding.Place  = (*Fake)(nil)
	_ binding.Teller = (*Fake)(nil)
	_ binding.Hinter = (*Fake)(nil)
)

var errBroken = errors.New("the list of accounts cannot be read")

// Kind is the word before the colon.
func (f *Fake) Kind() string {
	if f.Name == "" {
		return "fake"
	}
	return f.Name
}

// SignIn adds an entry with an id of its own, and returns it. What the entry
// says beside that stays.
func (f *Fake) SignIn(e binding.Entry) binding.Entry {
	f.mu.Lock()
	f.next++
	e.ID = fmt.Sprintf("%s:%d", f.Kind(), f.next)
	if e.Name == "" {
		e.Name = e.Who.User + " in a place in memory"
	}
	f.entries = append(f.entries, e)
	f.mu.Unlock()
	f.tell()
	return e
}

// Change changes the entry of an id.
func (f *Fake) Change(id string, change func(*binding.Entry)) {
	f.mu.Lock()
	for i := range f.entries {
		if f.entries[i].ID == id {
			change(&f.entries[i])
		}
	}
	f.mu.Unlock()
	f.tell()
}

// SignOut removes the entry of an id as the person does, and leaves behind what
// is given.
func (f *Fake) SignOut(id string, left ...binding.Left) {
	f.mu.Lock()
	f.entries = slices.DeleteFunc(f.entries, func(e binding.Entry) bool { return e.ID == id })
	if f.left == nil {
		f.left = make(map[string][]binding.Left)
	}
	f.left[id] = left
	f.mu.Unlock()
	f.tell()
}

// Hint adds a use of an account that is only told.
func (f *Fake) Hint(h binding.Hint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hints = append(f.hints, h)
}

// Break makes it a place that cannot be read.
func (f *Fake) Break() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = true
}

// Entries lists them in the order of their signing in.
func (f *Fake) Entries(ctx context.Context) ([]binding.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return nil, errBroken
	}
	return slices.Clone(f.entries), ctx.Err()
}

// Remove removes an entry that is neither guided nor blocked. That it is busy is
// for the caller to heed.
func (f *Fake) Remove(_ context.Context, id string) error {
	f.mu.Lock()
	i := slices.IndexFunc(f.entries, func(e binding.Entry) bool { return e.ID == id })
	broken := f.broken
	var e binding.Entry
	if i >= 0 {
		e = f.entries[i]
	}
	f.mu.Unlock()
	switch {
	case broken:
		return errBroken
	case i < 0:
		return binding.ErrGone
	case e.Guided:
		return binding.ErrGuided
	case e.Blocked != nil:
		return &binding.BlockedError{Why: e.Why, Remedy: *e.Blocked}
	}
	f.SignOut(id)
	return nil
}

// ReadBack is what SignOut left behind, and what is listed still.
func (f *Fake) ReadBack(_ context.Context, id string) ([]binding.Left, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return nil, errBroken
	}
	left := slices.Clone(f.left[id])
	if slices.ContainsFunc(f.entries, func(e binding.Entry) bool { return e.ID == id }) {
		left = append(left, binding.Left{Where: "list of accounts", Name: strings.TrimPrefix(id, f.Kind()+":")})
	}
	return left, nil
}

// Watch calls changed at each change.
func (f *Fake) Watch(changed func()) (stop func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(map[int]func())
	}
	f.next++
	at := f.next
	f.changed[at] = changed
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.changed, at)
	}, nil
}

// Fence returns at once: changes are told as they are made.
func (f *Fake) Fence(ctx context.Context) error { return ctx.Err() }

// Hints are those that were given.
func (f *Fake) Hints(ctx context.Context) ([]binding.Hint, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.hints), ctx.Err()
}

func (f *Fake) tell() {
	f.mu.Lock()
	var all []func()
	for _, changed := range f.changed {
		all = append(all, changed)
	}
	f.mu.Unlock()
	for _, changed := range all {
		changed()
	}
}
