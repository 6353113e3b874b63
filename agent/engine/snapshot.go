package engine

import (
	"context"

	"github.com/clearance-project/clearance/agent/departure"
)

// Snapshot is a departure as it was last seen.
type Snapshot struct {
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
	rec, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return Snapshot{}, nil, err
	}
	r := e.run(id)
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.snap
	s.Record, s.Epoch, s.Progress = rec, r.epoch.Load(), r.progress
	return s, r.news, nil
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
