package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/clearance-project/clearance/agent/departure"
)

// maxLooks is how often a look is repeated when something changes under it.
const maxLooks = 3

// ErrBusy: things keep changing, or a step is running; try again later.
var ErrBusy = errors.New("your data keeps changing: wait a moment and try again")

// Looked is what the gate decides on.
type Looked struct {
	Record  *Record
	Facts   departure.Facts
	Verdict departure.Verdict
	Epoch   uint64
}

// Look is a pass without its steps, for the gate: it reads the epoch, looks at
// everything afresh, fences every origin, evaluates, and compares the epoch. If
// that moved it looks again, three times at most, then ErrBusy. decide gets the
// record as it is and may change it; what it changed is saved in one
// transaction, unless the epoch moved while it decided: then it is asked anew.
// Where decide refuses it has changed nothing, and what was seen is kept: a
// permit that no longer counts stays revoked when all is as before again.
func (e *Engine) Look(ctx context.Context, id string, decide func(*Looked) ([]Event, error)) error {
	r := e.run(id)
	release, err := r.hold(ctx)
	if err != nil {
		return ErrBusy
	}
	defer release()
	for range maxLooks {
		again, err := r.lookOnce(ctx, decide)
		if !again {
			return err
		}
	}
	return ErrBusy
}

// errMoved: the epoch moved between the look and the save.
var errMoved = errors.New("something changed")

func (r *run) lookOnce(ctx context.Context, decide func(*Looked) ([]Event, error)) (again bool, err error) {
	e := r.e
	rec, err := e.cfg.Store.Load(ctx, r.id)
	if err != nil {
		return false, err
	}
	r.watch(rec)
	began := e.cfg.Clock.Now()
	epoch := r.epoch.Load()
	s, err := e.observe(ctx, rec, e.job(rec), func(Progress) {})
	if err != nil {
		return false, err
	}
	if err := e.cfg.Worker.Fence(ctx, e.job(rec), s.look); err != nil {
		s.look.Complete = false
		s.look.Why = departure.Reason{Code: "no-fence", Text: "it is not certain that nothing changed just now: " + err.Error()}
	}
	if err := e.cfg.Tracker.Fence(ctx); err != nil {
		s.trackers.Complete = false
		s.trackers.Why = departure.Reason{Code: "no-fence", Text: "it is not certain what Find My Device says just now: " + err.Error()}
	}
	if ctx.Err() != nil {
		return false, fmt.Errorf("the look did not end in time: %w", ctx.Err())
	}
	if r.epoch.Load() != epoch {
		return true, nil
	}
	s.required = began
	p := e.cfg.Catalogue.Profile(rec.Departure)
	pol := e.cfg.Policy.For(rec.Departure)
	var refused error
	err = r.update(ctx, func(rec *Record) ([]Event, error) {
		evs := e.settle(rec, s, p, pol)
		l := &Looked{Record: rec, Facts: s.facts(rec, e.cfg.Assured), Epoch: epoch}
		l.Verdict = departure.Evaluate(l.Facts, p, pol, e.cfg.Clock.Now())
		evs = append(evs, e.revokeOther(rec, l.Verdict)...)
		r.show(l)
		var more []Event
		if more, refused = decide(l); r.epoch.Load() != epoch {
			return nil, errMoved
		}
		return append(evs, more...), nil
	})
	switch {
	case errors.Is(err, errMoved):
		return true, nil
	case err != nil:
		return false, err
	}
	return false, refused
}

// show publishes what the gate's look found.
func (r *run) show(l *Looked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snap.Facts, r.snap.Verdict = l.Facts, l.Verdict
	r.snap.Stale, r.seen = r.epoch.Load() != l.Epoch, l.Epoch
	r.announce()
}

// Epoch is the departure's epoch now.
func (e *Engine) Epoch(id string) uint64 { return e.run(id).epoch.Load() }

// Owned says whose permit this is: the departure that a permit was given for.
func (e *Engine) Owned(ctx context.Context, permit string) (id string, err error) {
	err = e.Each(ctx, func(rec *Record) error {
		for _, p := range rec.Permits {
			if p.ID == permit {
				id = rec.Departure.ID
			}
		}
		return nil
	})
	if err == nil && id == "" {
		err = ErrNotFound
	}
	return id, err
}

// Survey looks once for a plan: it runs no step and keeps nothing.
func (e *Engine) Survey(ctx context.Context, rec *Record, report Report) (departure.Look, departure.Trackers, error) {
	look, err := e.cfg.Worker.Look(ctx, e.job(rec), report)
	if err != nil {
		return look, departure.Trackers{}, err
	}
	trackers, err := e.cfg.Tracker.State(ctx, rec.Departure.Account, rec.Trackers)
	if err != nil {
		trackers = departure.Trackers{Why: departure.Reason{Code: "not-asked", Text: "Find My Device could not be asked: " + err.Error()}}
	}
	return look, trackers, nil
}
