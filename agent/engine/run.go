package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

const (
	// quiet is how long a departure's sources must rest before a change wakes
	// a pass; ceiling is the most that a busy source puts it off.
	quiet   = 300 * time.Millisecond
	ceiling = 2 * time.Second
	// watchEvery is how often a departure that is ready is looked at: the server
	// is asked at least once a minute, by a glance.
	watchEvery = 50 * time.Second
	// idleEvery is how often one that is not ready is looked at, besides
	// changes.
	idleEvery = 10 * time.Minute
	// retryFirst and retryMost bound the waits after a step that failed.
	retryFirst = 5 * time.Second
	retryMost  = 10 * time.Minute
)

// run is one departure in memory.
type run struct {
	e     *Engine
	id    string
	epoch atomic.Uint64
	wakes chan struct{} // capacity 1: a pass is wanted
	moves chan struct{} // capacity 1: something changed
	turn  chan struct{} // capacity 1: whoever holds it may pass or look
	save  sync.Mutex    // serialises load-change-save

	launched bool
	watched  departure.Digest   // what the running watch is over; of whoever has the turn
	unwatch  context.CancelFunc // ends it; likewise
	blind    atomic.Bool        // the running watch may have lost sight

	mu       sync.Mutex
	asked    uint64 // passes asked for
	settled  uint64 // the last of them that ended
	news     chan struct{}
	version  uint64 // raised at each news
	snap     Snapshot
	seen     uint64  // the epoch that the verdict is of
	saved    *Record // as it was last saved, while it is open and that is certain
	saves    uint64  // raised before and after each try to save
	progress Progress
	proof    string             // the owner's proof, until the implementer had it
	stopJob  context.CancelFunc // ends the running pass's steps
	stops    uint64             // how often somebody wanted it to stop
	retry    time.Duration
}

// newRun begins at a random epoch, so that none equals one of an earlier start.
func newRun(e *Engine, id string) *run {
	r := &run{
		e: e, id: id,
		wakes: make(chan struct{}, 1), moves: make(chan struct{}, 1), turn: make(chan struct{}, 1),
		news: make(chan struct{}),
	}
	r.epoch.Store(rand.Uint64() >> 1)
	return r
}

// wake schedules a pass.
func (r *run) wake() {
	r.mu.Lock()
	r.asked++
	r.mu.Unlock()
	select {
	case r.wakes <- struct{}{}:
	default:
	}
}

// changed raises the epoch, at once and undebounced: from here on no answer
// given before still stands. The pass that finds out is put off a little.
func (r *run) changed(departure.SourceID) {
	r.epoch.Add(1)
	r.mu.Lock()
	r.snap.Stale = true
	r.announce()
	r.mu.Unlock()
	select {
	case r.moves <- struct{}{}:
	default:
	}
}

// doubt takes the last answer back while everything is looked at in full.
func (r *run) doubt() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snap.Stale = true
	r.announce()
}

// announce tells every waiter that something is new; r.mu is held.
func (r *run) announce() {
	close(r.news)
	r.news = make(chan struct{})
	r.version++
	r.e.announce()
}

// loop is the departure's goroutine.
func (r *run) loop(ctx context.Context) {
	defer r.e.landed(r)
	glance := false
	for {
		closed, next := r.turnOnce(ctx, glance)
		if closed || ctx.Err() != nil {
			return
		}
		timer, stop := r.e.cfg.Clock.After(next)
		glance = false
		select {
		case <-ctx.Done():
		case <-r.wakes:
		case <-timer:
			glance = next == watchEvery
		case <-r.moves:
			r.settle(ctx)
		}
		stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// settle waits until changes pause, or the ceiling.
func (r *run) settle(ctx context.Context) {
	most, stopMost := r.e.cfg.Clock.After(ceiling)
	defer stopMost()
	for {
		rest, stop := r.e.cfg.Clock.After(quiet)
		select {
		case <-ctx.Done():
		case <-most:
		case <-rest:
		case <-r.wakes:
		case <-r.moves:
			stop()
			continue
		}
		stop()
		return
	}
}

// watch begins to watch the departure's sources, and begins anew where they are
// others than before; where it cannot yet, the next look tries again. The fence
// of a look that no watch covers lists twice. Whoever has the turn calls it.
func (r *run) watch(rec *Record) {
	if rec.State != Open {
		if r.unwatch != nil {
			r.unwatch()
			r.watched, r.unwatch = "", nil
		}
		return
	}
	job := r.e.job(rec)
	over := departure.DigestOf(job.Given, job.Destination, job.Unbound)
	if r.blind.Swap(false) {
		r.watched = ""
	}
	if r.watched == over {
		return
	}
	r.e.mu.Lock()
	ctx := r.e.ctx
	r.e.mu.Unlock()
	ctx, stop := context.WithCancel(ctx)
	if r.e.cfg.Worker.Watch(ctx, job, r.changed) != nil || r.e.cfg.Tracker.Watch(ctx, func() { r.changed("") }) != nil {
		stop()
		return
	}
	if r.unwatch != nil {
		r.unwatch()
		r.changed("") // what happened between the two watches is not known
	}
	r.watched, r.unwatch = over, stop
}

// turnOnce runs one pass and says when the next is due by itself.
func (r *run) turnOnce(ctx context.Context, glance bool) (closed bool, next time.Duration) {
	r.mu.Lock()
	mine := r.asked
	r.mu.Unlock()
	err := r.e.pass(ctx, r.id, glance)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settled = max(r.settled, mine)
	r.snap.Err = err
	defer r.announce()
	switch {
	case r.snap.Record != nil && r.snap.Record.State != Open:
		return true, 0
	case err != nil || r.snap.Retry:
		r.retry = min(max(2*r.retry, retryFirst), retryMost)
		return false, r.retry
	}
	r.retry = 0
	if r.snap.Verdict.Ready {
		return false, watchEvery
	}
	return false, idleEvery
}

// close notes that the departure is closed, and forgets what only an open one
// needs.
func (r *run) close(rec *Record) {
	r.holdProof("")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.snap.Record = rec
	r.snap.Waiting, r.snap.WaitingWhy, r.snap.Retry = nil, "", false
	r.announce()
}

// hold takes the departure's turn, so that one pass or look runs at a time.
func (r *run) hold(ctx context.Context) (release func(), err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	select {
	case r.turn <- struct{}{}:
		return func() { <-r.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot look now, something else is running: %w", ctx.Err())
	}
}

// errUnchanged ends an update that has nothing to save.
var errUnchanged = errors.New("nothing changed")

// update loads, changes and saves the record as one.
func (r *run) update(ctx context.Context, fn func(*Record) ([]Event, error)) error {
	r.save.Lock()
	defer r.save.Unlock()
	rec, err := r.e.cfg.Store.Load(ctx, r.id)
	if err != nil {
		return err
	}
	evs, err := fn(rec)
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.saves++
	r.mu.Unlock()
	err = r.e.cfg.Store.Save(ctx, rec, evs...)
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.announce()
	r.saves++
	r.saved = nil // a save that failed may have been made all the same
	if err != nil {
		return err
	}
	if rec.State == Open {
		r.saved = rec
	}
	r.snap.Record = rec
	return nil
}

func (r *run) report(p Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = p
	r.announce()
}
