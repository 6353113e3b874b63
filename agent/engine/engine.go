package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// Catalogue is what the engine asks of the provider catalogue.
type Catalogue interface {
	// Profile is what is known of a departure's provider, with its deletion
	// path. A provider that is not known has a profile under which nothing
	// passes by itself.
	Profile(departure.Departure) departure.Profile
	// PhotoFolders are the folders of the account's files that hold photos.
	PhotoFolders(provider string) []string
}

// Policy is what the engine asks of this device's policy.
type Policy interface {
	For(departure.Departure) departure.Policy
}

// Config is what an engine is made of. Every field is needed.
type Config struct {
	Store     Store
	Worker    Worker
	Tracker   Tracker
	Clock     Clock
	Catalogue Catalogue
	Policy    Policy
	Assured   departure.Assurance
	// Health reports what the engine cannot see itself; its Worker field is
	// overruled by a look that failed.
	Health func() departure.Health
}

// Engine runs the departures of this device.
type Engine struct {
	cfg  Config
	acts sync.Mutex // irreversible acts are serialised on the device

	told sync.Mutex    // innermost: nothing else is taken under it
	news chan struct{} // closes at the next news of any departure

	mu      sync.Mutex
	runs    map[string]*run
	ctx     context.Context // of the goroutines and watches; nil before Load
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	started bool
}

// New makes an engine; nothing runs before [Engine.Start].
func New(cfg Config) *Engine {
	return &Engine{cfg: cfg, runs: make(map[string]*run), news: make(chan struct{})}
}

// Clock is the engine's clock.
func (e *Engine) Clock() Clock { return e.cfg.Clock }

// Load makes ready what was open when the agent last ran: every permit is
// revoked, for nothing is known of what happened in between. It must end before
// anything is served.
func (e *Engine) Load(ctx context.Context) error {
	e.mu.Lock()
	if e.ctx != nil {
		e.mu.Unlock()
		return errors.New("cannot load what is being left: it is loaded already")
	}
	e.ctx, e.cancel = context.WithCancel(ctx)
	e.mu.Unlock()
	if err := e.RevokeAll(ctx, "the agent was started anew"); err != nil {
		return err
	}
	return e.Each(ctx, func(rec *Record) error {
		if rec.State == Open {
			e.run(rec.Departure.ID)
		}
		return nil
	})
}

// Start runs the open departures, each on its own goroutine, until ctx ends or
// [Engine.Close].
func (e *Engine) Start(ctx context.Context) error {
	if err := e.Load(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.started = true
	for _, r := range e.runs {
		e.launch(r)
	}
	return nil
}

// Close ends every goroutine of the engine and waits for them.
func (e *Engine) Close() {
	e.mu.Lock()
	if e.cancel != nil {
		e.cancel()
	}
	e.mu.Unlock()
	e.wg.Wait()
}

// launch runs a departure's goroutine; e.mu is held.
func (e *Engine) launch(r *run) {
	if r.launched || e.ctx.Err() != nil {
		return
	}
	r.launched = true
	e.wg.Go(func() { r.loop(e.ctx) })
}

// landed notes that a departure's goroutine ended: it is closed. What opens it
// again launches it again.
func (e *Engine) landed(r *run) {
	e.mu.Lock()
	r.launched = false
	select {
	case <-r.wakes: // it was opened again while the goroutine ended
		e.launch(r)
	default:
	}
	e.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.announce()
}

// launched reports whether a departure's goroutine runs.
func (e *Engine) launched(r *run) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return r.launched
}

// run is the state in memory of one departure, made at its first use.
func (e *Engine) run(id string) *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	r, ok := e.runs[id]
	if !ok {
		r = newRun(e, id)
		e.runs[id] = r
		e.announce()
		if e.started {
			e.launch(r)
		}
	}
	return r
}

// pageSize bounds each page that the engine reads of the store.
const pageSize = 100

// Each calls fn for every departure in the store.
func (e *Engine) Each(ctx context.Context, fn func(*Record) error) error {
	after := ""
	for {
		ids, err := e.cfg.Store.List(ctx, after, pageSize)
		if err != nil {
			return fmt.Errorf("cannot list what is being left: %w", err)
		}
		for _, id := range ids {
			rec, err := e.cfg.Store.Load(ctx, id)
			if err != nil {
				return fmt.Errorf("cannot load leaving %s: %w", id, err)
			}
			if err := fn(rec); err != nil {
				return err
			}
		}
		if len(ids) < pageSize {
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// Open begins a departure and schedules its first pass.
func (e *Engine) Open(ctx context.Context, rec *Record) error {
	ev := e.event(rec, "opened", "leaving began: "+string(rec.Departure.Intent))
	if err := e.cfg.Store.Create(ctx, rec, ev); err != nil {
		return err
	}
	e.run(rec.Departure.ID).wake()
	return nil
}

// Update changes a record in one transaction and schedules a pass. fn sees the
// record as it is now; an error from it changes nothing.
func (e *Engine) Update(ctx context.Context, id string, fn func(*Record) ([]Event, error)) error {
	r := e.run(id)
	if err := r.update(ctx, fn); err != nil {
		return err
	}
	e.mu.Lock()
	if e.started {
		e.launch(r)
	}
	e.mu.Unlock()
	r.wake()
	return nil
}

// Wake schedules a pass of every departure and changes nothing.
func (e *Engine) Wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.runs {
		r.wake()
	}
}

// Credential hands a password to the worker and schedules a pass.
func (e *Engine) Credential(ctx context.Context, id, password string) error {
	rec, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return err
	}
	if err := e.cfg.Worker.Credential(ctx, e.job(rec), password); err != nil {
		return err
	}
	e.run(id).wake()
	return nil
}

// RevokeAll revokes every permit that was not redeemed, and says why.
func (e *Engine) RevokeAll(ctx context.Context, why string) error {
	return e.Each(ctx, func(rec *Record) error {
		if !hasLivePermit(rec, e.cfg.Clock.Now()) {
			return nil
		}
		return e.run(rec.Departure.ID).update(ctx, func(rec *Record) ([]Event, error) {
			return e.revoke(rec, why), nil
		})
	})
}

// Disturbed is called when the agent lost sight of something: a worker, a bus,
// the clock. Every permit is revoked, every answer goes stale, and the next
// look watches anew.
func (e *Engine) Disturbed(ctx context.Context, why string) error {
	e.mu.Lock()
	runs := make([]*run, 0, len(e.runs))
	for _, r := range e.runs {
		runs = append(runs, r)
	}
	e.mu.Unlock()
	for _, r := range runs {
		r.blind.Store(true)
		r.changed("")
	}
	return e.RevokeAll(ctx, why)
}

func hasLivePermit(rec *Record, now time.Time) bool {
	for _, p := range rec.Permits {
		if p.Live(now) {
			return true
		}
	}
	return false
}

// revoke marks every live permit of the record.
func (e *Engine) revoke(rec *Record, why string) []Event {
	now := e.cfg.Clock.Now()
	var evs []Event
	for i := range rec.Permits {
		if p := &rec.Permits[i]; p.Live(now) {
			p.RevokedAt, p.RevokedWhy = now, why
			evs = append(evs, e.event(rec, "permit.revoked", "a permit no longer counts: "+why))
		}
	}
	return evs
}

func (e *Engine) event(rec *Record, kind, text string) Event {
	return Event{At: e.cfg.Clock.Now(), Departure: rec.Departure.ID, Kind: kind, Text: text}
}

// job is what the worker is told of a departure.
func (e *Engine) job(rec *Record) Job {
	d := rec.Departure
	p := e.cfg.Catalogue.Profile(d)
	job := Job{
		Departure:    d,
		Datasets:     p.Datasets,
		PhotoFolders: e.cfg.Catalogue.PhotoFolders(d.Account.Provider),
		Given:        rec.Given,
		Known:        slices.Clone(rec.Sources),
		Destination:  rec.Destination,
		Bindings:     rec.Bindings,
		Unbound:      departure.Unbound(rec.Bindings),
		Keep:         !declined(rec),
	}
	if rec.Seal != nil {
		job.Sealed = rec.Seal.Rows
	}
	return job
}

// Job is what the worker is told of a departure, for calls outside a pass.
func (e *Engine) Job(ctx context.Context, id string) (Job, error) {
	rec, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return Job{}, err
	}
	return e.job(rec), nil
}

// declined reports whether the person said not to keep copies on this device;
// it is respected at once, and counts for the verdict once authorised.
func declined(rec *Record) bool {
	for _, w := range rec.Words {
		if w.Check == departure.KeptHere && w.Kind == departure.Decline {
			return true
		}
	}
	return false
}
