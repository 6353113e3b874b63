// Package enginetest holds a store in memory and the contract that every store
// meets, for tests.
//
// It imports engine and departure.
package enginetest

import (
	"context"
	"slices"
	"sync"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Memory is a store in memory. What it keeps survives the engine that wrote it,
// as a disk would.
type Memory struct {
	mu       sync.Mutex
	order    []string
	records  map[string]*engine.Record
	events   []engine.Event
	declared []departure.Account
	given    map[string][]engine.GivenSource
}

// NewMemory is an empty store.
func NewMemory() *Memory {
	return &Memory{records: make(map[string]*engine.Record), given: make(map[string][]engine.GivenSource)}
}

var _ engine.Store = (*Memory)(nil)

func (m *Memory) read(id string) (*engine.Record, error) {
	rec, ok := m.records[id]
	if !ok {
		return nil, engine.ErrNotFound
	}
	return clone(rec), nil
}

func (m *Memory) keep(rec *engine.Record, events []engine.Event) {
	m.records[rec.Departure.ID] = clone(rec)
	for _, e := range events {
		e.Seq = uint64(len(m.events) + 1)
		m.events = append(m.events, e)
	}
}

// opened reports whether another departure of the record's account is open.
func (m *Memory) opened(rec *engine.Record) bool {
	for id, old := range m.records {
		a, b := old.Departure.Account, rec.Departure.Account
		if id != rec.Departure.ID && old.State == engine.Open && rec.State == engine.Open && a.Provider == b.Provider && a.Identity == b.Identity {
			return true
		}
	}
	return false
}

// Create keeps a new record.
func (m *Memory) Create(_ context.Context, rec *engine.Record, events ...engine.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opened(rec) {
		return engine.ErrAlreadyOpen
	}
	rec.Version = 1
	m.order = append(m.order, rec.Departure.ID)
	m.keep(rec, events)
	return nil
}

// Load reads a record.
func (m *Memory) Load(_ context.Context, id string) (*engine.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read(id)
}

// Save replaces a record by its next version.
func (m *Memory) Save(_ context.Context, rec *engine.Record, events ...engine.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.records[rec.Departure.ID]
	switch {
	case !ok:
		return engine.ErrNotFound
	case old.Version != rec.Version:
		return engine.ErrConflict
	case m.opened(rec):
		return engine.ErrAlreadyOpen
	}
	rec.Version++
	m.keep(rec, events)
	return nil
}

// List pages through the ids, newest first.
func (m *Memory) List(_ context.Context, after string, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := slices.Clone(m.order)
	slices.Reverse(ids)
	if i := slices.Index(ids, after); i >= 0 {
		ids = ids[i+1:]
	}
	return ids[:min(limit, len(ids))], nil
}

// Events reads events after a sequence number.
func (m *Memory) Events(_ context.Context, after uint64, limit int) ([]engine.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	evs := slices.Clone(m.events[min(after, uint64(len(m.events))):])
	return evs[:min(limit, len(evs))], nil
}

// Declare keeps an account.
func (m *Memory) Declare(_ context.Context, a departure.Account) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.declared, a) {
		m.declared = append(m.declared, a)
	}
	return nil
}

// Declared lists the accounts kept.
func (m *Memory) Declared(context.Context) ([]departure.Account, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.declared), nil
}

// SetGiven replaces an account's sources.
func (m *Memory) SetGiven(_ context.Context, account string, given []engine.GivenSource) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.given[account] = slices.Clone(given)
	return nil
}

// Given lists an account's sources.
func (m *Memory) Given(_ context.Context, account string) ([]engine.GivenSource, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.given[account]), nil
}
