package engine

import (
	"context"

	"github.com/clearance-project/clearance/agent/departure"
)

// Snapshot is a departure as it was last seen. What it points to is shared: it is
// read, and never changed.
type Snapshot struct {
	// Version rises with every news of the departure: two snapshots of one version
	// and one epoch are the same. 0 is like no other.
	Version  uint64
	Record   *Record
	Facts    departure.Facts
	Verdict  departure.Verdict
	Epoch    uint64
	Progress Progress
	// Stale: something changed since the verdict.
	Stale bool
	// Running is the step that runs just now, empty between passes.
	Running departure.Step
	// Waiting is what nothing goes on without; nil where all is done.
	Waiting    *departure.Remedy
	WaitingWhy string
	// Retry: the last pass ended in something that may pass by itself.
	Retry bool
	// Err is why the last pass could not be made at all.
	Err error
}

// Snapshot is the departure as it was last seen, and a channel that closes at
// the next news of it.
func (e *Engine) Snapshot(ctx context.Context, id string) (Snapshot, <-chan struct{}, error) {
	if s, news, ok := e.fromMemory(id); ok {
		return s, news, nil
	}
	saves := e.saves(id)
	rec, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return Snapshot{}, nil, err
	}
	r := e.run(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	s, news := r.snapshot(rec)
	if rec.State == Open && r.saves == saves {
		r.saved = rec
	} else {
		s.Version = 0
	}
	return s, news, nil
}

// fromMemory is the snapshot of a departure whose record is known as it was last
// saved: nobody else saves, so the store would say the same.
func (e *Engine) fromMemory(id string) (s Snapshot, news <-chan struct{}, ok bool) {
	e.mu.Lock()
	r := e.runs[id]
	e.mu.Unlock()
	if r == nil {
		return s, nil, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.saved == nil {
		return s, nil, false
	}
	s, news = r.snapshot(r.saved)
	return s, news, true
}

// saves is how often a departure's record may have changed: what was loaded
// before that moved is not what is known now.
func (e *Engine) saves(id string) uint64 {
	e.mu.Lock()
	r := e.runs[id]
	e.mu.Unlock()
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.saves
}

// snapshot is the departure now, with its record as saved; r.mu is held. The
// epoch is read here: it may have moved before anybody was told.
func (r *run) snapshot(rec *Record) (Snapshot, <-chan struct{}) {
	s := r.snap
	s.Version, s.Record, s.Epoch, s.Progress = r.version+1, rec, r.epoch.Load(), r.progress
	s.Stale = s.Stale || !s.Verdict.At.IsZero() && s.Epoch != r.seen
	return s, r.news
}

// News closes at the next news of any departure.
func (e *Engine) News() <-chan struct{} {
	e.told.Lock()
	defer e.told.Unlock()
	return e.news
}

func (e *Engine) announce() {
	e.told.Lock()
	defer e.told.Unlock()
	close(e.news)
	e.news = make(chan struct{})
}

// Versions are the departures that were open at any time since the start; each
// number rises with every news of its departure.
func (e *Engine) Versions() map[string]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	versions := make(map[string]uint64, len(e.runs))
	for id, r := range e.runs {
		r.mu.Lock()
		versions[id] = r.version
		r.mu.Unlock()
	}
	return versions
}

// Settle asks for a pass and returns once one that began after the call ended:
// nothing more can be done without the person, or without waiting.
func (e *Engine) Settle(ctx context.Context, id string) (Snapshot, error) {
	r := e.run(id)
	r.wake()
	r.mu.Lock()
	want := r.asked
	r.mu.Unlock()
	for {
		s, news, err := e.Snapshot(ctx, id)
		if err != nil {
			return s, err
		}
		r.mu.Lock()
		done := r.settled >= want
		r.mu.Unlock()
		if done || (s.Record.State != Open && !e.launched(r)) {
			return s, s.Err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// Progress is the latest progress, and a channel that closes at the next news.
func (e *Engine) Progress(id string) (Progress, <-chan struct{}) {
	r := e.run(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress, r.news
}

// Interrupt ends the step that runs now, and keeps every pass that was wanted
// before from beginning another: one that looks just now, and one that waits for
// its turn. What was done stays, and a later pass goes on from there.
func (e *Engine) Interrupt(id string) {
	r := e.run(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops++
	if r.stopJob != nil {
		r.stopJob()
	}
}
