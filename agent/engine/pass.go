package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// maxRounds bounds the steps of one pass: each step that holds after it ran is
// not due again, so a departure needs fewer; more means that something keeps
// changing, and the next pass goes on.
const maxRounds = 24

// pass is one turn of a departure: look, evaluate, run what is due, look again.
type pass struct {
	e       *Engine
	r       *run
	rec     *Record
	facts   departure.Facts
	seen    seen
	profile departure.Profile
	policy  departure.Policy
	verdict departure.Verdict
	epoch   uint64 // when the look began
	stops   uint64 // when the pass was wanted
	tried   map[departure.Step]bool
	waits   map[departure.Step]waitFor
}

// waitFor is what a step waits for; retry says that it may pass by itself.
type waitFor struct {
	remedy departure.Remedy
	why    string
	retry  bool
}

// Pass runs one pass of a departure, unless another runs: then it waits for it.
func (e *Engine) Pass(ctx context.Context, id string) error { return e.pass(ctx, id, false) }

// pass runs one pass. A glance is enough to see that all is as it was; where it
// shows that something is to be done, everything is looked at in full first.
func (e *Engine) pass(ctx context.Context, id string, glance bool) error {
	r := e.run(id)
	r.mu.Lock()
	stops := r.stops
	r.mu.Unlock()
	release, err := r.hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	p := &pass{e: e, r: r, stops: stops, tried: make(map[departure.Step]bool), waits: make(map[departure.Step]waitFor)}
	defer p.running("")
	err = p.look(ctx, glance)
	switch {
	case errors.Is(err, ErrDiffers):
		r.doubt()
		err = p.look(ctx, false)
	case err == nil && glance && p.due() != nil:
		err = p.look(ctx, false)
	}
	switch {
	case errors.Is(err, errClosed):
		return nil
	case err != nil:
		return err
	}
	for range maxRounds {
		if p.rec.State != Open {
			break
		}
		s := p.due()
		if s == nil {
			break
		}
		if !p.execute(ctx, s) {
			break
		}
		if err := p.look(ctx, false); err != nil {
			return err
		}
	}
	for i := range steps {
		// What ran and is still due goes on by itself: an item that was written
		// while it was read, a server that failed in between.
		if s := &steps[i]; p.tried[s.id] && s.due(p) {
			if _, told := p.waits[s.id]; !told {
				p.waits[s.id] = waitFor{why: "not everything could be done at once", retry: true,
					remedy: departure.Remedy{Code: "wait", Text: "it is tried again by itself", Command: p.command("leave")}}
			}
		}
	}
	if p.holds(departure.FindMyDeviceOff) || p.rec.State != Open {
		r.holdProof("")
	}
	p.publish()
	return ctx.Err()
}

// errClosed: there is nothing to look at, the departure is closed.
var errClosed = errors.New("this leaving is closed")

// execute runs one step and reports whether the pass goes on.
func (p *pass) execute(ctx context.Context, s *step) bool {
	p.tried[s.id] = true
	sctx, stop := context.WithCancel(ctx)
	defer stop()
	if !p.begin(stop) {
		return p.stopped(s)
	}
	p.running(s.id)
	out := s.run(p, sctx)
	p.r.mu.Lock()
	p.r.stopJob = nil
	p.r.mu.Unlock()
	delete(p.waits, s.id)
	if sctx.Err() != nil && ctx.Err() == nil {
		return p.stopped(s)
	}
	switch out := out.(type) {
	case Done:
		return true
	case RetryAfter:
		p.waits[s.id] = waitFor{why: out.Why, retry: true, remedy: departure.Remedy{Code: "wait", Text: "it is tried again by itself", Command: p.command("leave")}}
		return true
	case WaitFor:
		p.waits[s.id] = waitFor{why: out.Why, remedy: out.Remedy}
		return true
	default:
		p.waits[s.id] = waitFor{why: fmt.Sprintf("step %s ended in a way that is not known", s.id),
			remedy: departure.Remedy{Code: "doctor", Text: "see what is wrong", Command: "clearance doctor"}}
		return false
	}
}

// begin lets a step run, unless somebody stopped the pass since it was wanted.
func (p *pass) begin(stop context.CancelFunc) bool {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if p.r.stops != p.stops {
		return false
	}
	p.r.stopJob = stop
	return true
}

// stopped notes that a step did not end, or begin, because the person stopped
// it: the pass does not go on.
func (p *pass) stopped(s *step) bool {
	p.waits[s.id] = waitFor{why: "you stopped it",
		remedy: departure.Remedy{Code: "resume", Text: "go on where it stopped", Command: p.command("leave")}}
	return false
}

// command is a command line about the pass's account.
func (p *pass) command(verb string) string {
	return departure.Command(verb, p.rec.Departure.Account)
}

// look observes everything afresh, settles the record by it and evaluates.
func (p *pass) look(ctx context.Context, glance bool) error {
	p.running(departure.StepInventory)
	rec, err := p.e.cfg.Store.Load(ctx, p.r.id)
	if err != nil {
		return err
	}
	p.r.watch(rec)
	if rec.State != Open {
		p.r.close(rec)
		return errClosed
	}
	p.epoch = p.r.epoch.Load()
	p.rec = rec
	p.profile = p.e.cfg.Catalogue.Profile(rec.Departure)
	p.policy = p.e.cfg.Policy.For(rec.Departure)
	job := p.e.job(rec)
	job.Glance = glance
	seen, err := p.e.observe(ctx, rec, job, p.r.report)
	if err != nil {
		return err
	}
	err = p.r.update(ctx, func(rec *Record) ([]Event, error) {
		evs := p.e.settle(rec, seen, p.profile, p.policy)
		p.rec, p.seen, p.facts = rec, seen, seen.facts(rec, p.e.cfg.Assured)
		p.verdict = departure.Evaluate(p.facts, p.profile, p.policy, p.e.cfg.Clock.Now())
		evs = append(evs, p.e.reached(rec, p.facts, p.verdict)...)
		evs = append(evs, p.e.revokeOther(rec, p.verdict)...)
		return evs, nil
	})
	if err != nil {
		return fmt.Errorf("cannot keep what was seen: %w", err)
	}
	p.publish()
	return nil
}

// publish shows the verdict, unless something changed since its look began.
func (p *pass) publish() {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	s := &p.r.snap
	s.Record, s.Facts, s.Verdict = p.rec, p.facts, p.verdict
	s.Stale, p.r.seen = p.r.epoch.Load() != p.epoch, p.epoch
	s.Waiting, s.WaitingWhy, s.Retry = p.waiting()
	p.r.announce()
}

func (p *pass) running(s departure.Step) {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	p.r.snap.Running = s
	p.r.progress = Progress{Step: s} // until the step itself reports
	p.r.announce()
}

// waiting is what the departure needs from outside: what the last step said, or
// the first line that is open.
func (p *pass) waiting() (*departure.Remedy, string, bool) {
	for _, s := range departure.Steps {
		if w, ok := p.waits[s]; ok {
			return &w.remedy, w.why, w.retry
		}
	}
	if p.rec.State != Open || p.verdict.Ready || p.verdict.Complete {
		return nil, "", false
	}
	for _, c := range p.verdict.Checks.Open() {
		if c.Remedy != nil && (c.Stage == departure.Release || p.verdict.Release) {
			return c.Remedy, c.Reason.Text, false
		}
	}
	return nil, "", false
}

// seen is what one look found, before it is held against the record.
type seen struct {
	look     departure.Look
	trackers departure.Trackers
	health   departure.Health
	required time.Time // at Issue and Redeem: the server must be listed after this
}

// observe looks at the device and the server. What cannot be looked at stays
// unknown in the answer; only the caller's own end is an error.
func (e *Engine) observe(ctx context.Context, rec *Record, job Job, report Report) (seen, error) {
	s := seen{health: e.cfg.Health()}
	s.health.Worker = true
	look, err := e.cfg.Worker.Look(ctx, job, report)
	if err != nil {
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		if job.Glance && errors.Is(err, ErrDiffers) {
			return s, ErrDiffers
		}
		s.health.Worker = false
		s.health.Why = departure.Reason{Code: "no-look", Text: "nobody could look at your data: " + err.Error()}
		var blocked *BlockedError
		if errors.As(err, &blocked) {
			s.health.Why = blocked.Why
		}
		look = departure.Look{}
	}
	look.Listings = unsealed(rec, e.cfg.Catalogue.Profile(rec.Departure), look.Listings)
	s.look = look
	s.trackers, err = e.cfg.Tracker.State(ctx, rec.Departure.Account, rec.Trackers)
	if err != nil {
		if ctx.Err() != nil {
			return s, ctx.Err()
		}
		s.trackers = departure.Trackers{Why: departure.Reason{Code: "not-asked", Text: "Find My Device could not be asked: " + err.Error()}}
	}
	return s, nil
}

// unsealed are the listings that count: not those of a source that is judged by
// its row in the seal alone.
func unsealed(rec *Record, p departure.Profile, ls []departure.Listing) []departure.Listing {
	f := departure.Facts{Departure: rec.Departure, Seal: rec.Seal, Submitted: rec.Submitted}
	return slices.DeleteFunc(ls, func(l departure.Listing) bool { return f.Sealed(p, l.Source) })
}

// facts puts what was seen and what is on record together.
func (s seen) facts(rec *Record, assured departure.Assurance) departure.Facts {
	f := departure.Facts{
		Departure: rec.Departure, Health: s.health, Look: s.look, Trackers: s.trackers,
		Kinds: rec.Kinds, Sources: rec.Sources, Bindings: rec.Bindings, Separate: rec.Separate, Devices: rec.Devices,
		Words: rec.Words, Grants: rec.Grants, Acts: rec.Acts, Seal: rec.Seal, Ledger: rec.Ledger,
		Submitted: rec.Submitted, Assured: assured, ServerRequired: s.required,
	}
	if n := len(rec.Authorisations); n > 0 {
		a := rec.Authorisations[n-1]
		f.Authorisation = &a
	}
	return f
}
