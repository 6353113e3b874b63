// Package enginetest holds a store in memory and the contract that every store
// meets, for tests.
//
// It imports engine and departure.
package enginetest

import (
	"context"
	"encoding/json"
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
	records  map[string][]byte
	events   []engine.Event
	declared []departure.Account
	given    map[string][]engine.GivenSource
}

// NewMemory is an empty store.
func NewMemory() *Memory {
	return &Memory{records: make(map[string][]byte), given: make(map[string][]engine.GivenSource)}
}

var _ engine.Store = (*Memory)(nil)

func (m *Memory) read(id string) (*engine.Record, error) {
	b, ok := m.records[id]
	if !ok {
		return nil, engine.ErrNotFound
	}
	rec := &engine.Record{}
	return rec, json.Unmarshal(b, rec)
}

func (m *Memory) keep(rec *engine.Record, events []engine.Event) error {
	b, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	m.records[rec.Departure.ID] = b
	for _, e := range events {
		e.Seq = uint64(len(m.events) + 1)
		m.events = append(m.events, e)
	}
	return nil
}

// Create keeps a new record.
func (m *Memory) Create(_ context.Context, rec *engine.Record, events ...engine.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id := range m.records {
		old, err := m.read(id)
		if err != nil {
			return err
		}
		a, b := old.Departure.Account, rec.Departure.Account
		if old.State == engine.Open && a.Provider == b.Provider && a.Identity == b.Identity {
			return engine.ErrAlreadyOpen
		}
	}
	rec.Version = 1
	m.order = append(m.order, rec.Departure.ID)
	return m.keep(rec, events)
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
	old, err := m.read(rec.Departure.ID)
	if err != nil {
		return err
	}
	if old.Version != rec.Version {
		return engine.ErrConflict
	}
	rec.Version++
	return m.keep(rec, events)
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
