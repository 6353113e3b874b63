package apitest

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// store keeps records in memory, each as the bytes that it was saved as.
type store struct {
	mu       sync.Mutex
	records  map[string][]byte
	order    []string
	events   []engine.Event
	declared []departure.Account
	given    map[string][]engine.GivenSource
}

func newStore() *store {
	return &store{records: map[string][]byte{}, given: map[string][]engine.GivenSource{}}
}

func (s *store) load(id string) (*engine.Record, error) {
	raw, ok := s.records[id]
	if !ok {
		return nil, engine.ErrNotFound
	}
	rec := &engine.Record{}
	return rec, json.Unmarshal(raw, rec)
}

func (s *store) keep(rec *engine.Record, events []engine.Event) error {
	raw, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	s.records[rec.Departure.ID] = raw
	for _, ev := range events {
		ev.Seq = uint64(len(s.events) + 1)
		s.events = append(s.events, ev)
	}
	return nil
}

func (s *store) Create(_ context.Context, rec *engine.Record, events ...engine.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.records {
		old, err := s.load(id)
		if err != nil {
			return err
		}
		if old.State == engine.Open && old.Departure.Account.ID == rec.Departure.Account.ID {
			return engine.ErrAlreadyOpen
		}
	}
	rec.Version = 1
	s.order = append(s.order, rec.Departure.ID)
	return s.keep(rec, events)
}

func (s *store) Load(_ context.Context, id string) (*engine.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(id)
}

func (s *store) Save(_ context.Context, rec *engine.Record, events ...engine.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, err := s.load(rec.Departure.ID)
	if err != nil {
		return err
	}
	if old.Version != rec.Version {
		return engine.ErrConflict
	}
	rec.Version++
	return s.keep(rec, events)
}

func (s *store) List(_ context.Context, after string, limit int) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := slices.Clone(s.order)
	slices.Reverse(ids)
	if after != "" {
		ids = ids[slices.Index(ids, after)+1:]
	}
	return ids[:min(limit, len(ids))], nil
}

func (s *store) Events(_ context.Context, after uint64, limit int) ([]engine.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.events[min(int(after), len(s.events)):]
	return slices.Clone(left[:min(limit, len(left))]), nil
}

func (s *store) Declare(_ context.Context, account departure.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declared = append(s.declared, account)
	return nil
}

func (s *store) Declared(context.Context) ([]departure.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.declared), nil
}

func (s *store) SetGiven(_ context.Context, account string, given []engine.GivenSource) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given[account] = slices.Clone(given)
	return nil
}

func (s *store) Given(_ context.Context, account string) ([]engine.GivenSource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.given[account]), nil
}
