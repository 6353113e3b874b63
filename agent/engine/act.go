package engine

import (
	"context"
	"errors"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
)

// pendingActs are the effects that may run now: an unused grant is theirs.
func (p *pass) pendingActs(find bool) []departure.Effect {
	var es []departure.Effect
	for _, effect := range p.verdict.Pending {
		if _, ok := effect.Implementer(); ok == find {
			es = append(es, effect)
		}
	}
	return es
}

func (p *pass) findMyDue() bool {
	return p.verdict.Release && len(p.pendingActs(true)) > 0
}

// unbindDue: Find My Device goes off first, for turning it off needs the
// account. For a deletion from this device the sign-out waits for it.
func (p *pass) unbindDue() bool {
	return p.verdict.Release && p.holds(departure.FindMyDeviceOff) && len(p.pendingActs(false)) > 0
}

// findMy turns Find My Device off at one implementer; the look that follows says
// whether another is due.
func (p *pass) findMy(ctx context.Context) Outcome {
	effect := p.pendingActs(true)[0]
	name, _ := effect.Implementer()
	proof := p.r.heldProof()
	if proof == "" {
		return WaitFor{Why: "turning Find My Device off needs the account's password",
			Remedy: departure.Remedy{Code: "authorise", Text: "authorise with your password",
				Command: p.command("authorize")}}
	}
	return p.act(ctx, departure.StepFindMyDevice, effect, func(ctx context.Context) error {
		return p.e.cfg.Tracker.Disable(ctx, name, p.rec.Departure.Account, proof)
	})
}

// unbind removes one sign-in; the look that follows says whether another is due.
func (p *pass) unbind(ctx context.Context) Outcome {
	effect := p.pendingActs(false)[0]
	id, _ := effect.Binding()
	for _, b := range p.facts.Look.Bindings {
		if b.ID == id && b.Blocked != nil {
			return WaitFor{Why: b.Why.Text, Remedy: *b.Blocked}
		}
	}
	return p.act(ctx, departure.StepUnbind, effect, func(ctx context.Context) error {
		return p.e.cfg.Worker.Unbind(ctx, p.e.job(p.rec), id)
	})
}

// act does one irreversible thing: the sweep, the intent row, the thing. Its
// end is read back by the look that follows every step, or, after a crash, by
// the first look of the next start. It is never done again by itself: its
// grant is used up.
func (p *pass) act(ctx context.Context, s departure.Step, effect departure.Effect, do func(context.Context) error) Outcome {
	p.e.acts.Lock()
	defer p.e.acts.Unlock()
	if out := p.sweep(ctx); out != nil {
		return out
	}
	if out := p.intend(ctx, effect); out != nil {
		return out
	}
	err := do(ctx)
	if err == nil {
		p.tried[s] = false // each further effect has a grant of its own
		return Done{}
	}
	if errors.Is(err, ErrProofRefused) {
		p.r.holdProof("") // it is not tried on anyone again
	}
	why := err.Error()
	serr := p.r.update(context.WithoutCancel(ctx), func(rec *Record) ([]Event, error) {
		for i := range rec.Acts {
			if a := &rec.Acts[i]; a.Effect == effect && a.State == departure.ActIntended {
				a.Why = why
			}
		}
		return []Event{p.e.event(rec, "act.error", actText(effect, departure.ActIntended)+", but: "+why)}, nil
	})
	var blocked *BlockedError
	switch {
	case serr != nil:
		return RetryAfter{Why: serr.Error()}
	case errors.As(err, &blocked):
		return WaitFor{Why: blocked.Why.Text, Remedy: blocked.Remedy}
	}
	return WaitFor{Why: why, Remedy: departure.Remedy{Code: "authorise", Text: "authorise again", Command: p.command("authorize")}}
}

// sweep is the quick look right before an act: nothing may have changed since
// the seal. What did breaks its row, and the pass goes on from there.
func (p *pass) sweep(ctx context.Context) Outcome {
	now := p.e.cfg.Clock.Now()
	if p.rec.Seal == nil || now.After(p.rec.Seal.End.Add(departure.SealLife)) {
		return p.again("the last look is more than ten minutes old")
	}
	epoch := p.r.epoch.Load()
	moved, err := p.e.cfg.Worker.Sweep(ctx, p.e.job(p.rec))
	if err != nil {
		return ended("the quick look", err)
	}
	moved = slices.DeleteFunc(moved, func(m Moved) bool {
		row := p.facts.Seal.Row(m.Source)
		return row != nil && p.facts.Sealed(p.profile, row.Source)
	})
	if len(moved) == 0 && p.r.epoch.Load() == epoch && p.r.epoch.Load() == p.epoch {
		return nil
	}
	if err := p.r.breakRows(ctx, moved); err != nil {
		return RetryAfter{Why: err.Error()}
	}
	if i := slices.IndexFunc(moved, func(m Moved) bool { return m.Source == "" }); i >= 0 {
		return RetryAfter{Why: moved[i].Why.Text} // looking again at once sees no more
	}
	return p.again("something changed after the last look")
}

// breakRows breaks the rows of exactly the sources that moved. The first reason
// of a row stays, and a source that no row stands for breaks none: the look that
// follows finds it.
func (r *run) breakRows(ctx context.Context, moved []Moved) error {
	return r.update(ctx, func(rec *Record) ([]Event, error) {
		var evs []Event
		for _, m := range moved {
			row := rec.Seal.Row(m.Source)
			if row == nil || !row.Intact {
				continue
			}
			row.Intact, row.Why = false, m.Why
			if m.Why.Code == "" {
				row.Why = departure.Reason{Code: "changed", Text: row.Source.Name + " changed after the last look"}
			}
			evs = append(evs, r.e.event(rec, "seal.broken", "something changed after the last look"))
		}
		if len(evs) == 0 {
			return nil, errUnchanged
		}
		return evs, nil
	})
}

// again lets the pass run its steps once more before the act.
func (p *pass) again(why string) Outcome {
	clear(p.tried)
	return RetryAfter{Why: why}
}

// intend makes the intent row durable and uses the grant up, in one transaction
// in which everything that was said and granted is judged once more as it is by
// then.
func (p *pass) intend(ctx context.Context, effect departure.Effect) Outcome {
	now := p.e.cfg.Clock.Now()
	err := p.r.update(ctx, func(rec *Record) ([]Event, error) {
		v := departure.Evaluate(p.seen.facts(rec, p.e.cfg.Assured), p.profile, p.policy, now)
		if rec.State != Open || !v.Release || !slices.Contains(v.Pending, effect) {
			return nil, errors.New("something else was said in between")
		}
		for i := range rec.Grants {
			g := &rec.Grants[i]
			if g.Effect != effect || !g.Usable(now) {
				continue
			}
			g.UsedAt = now
			rec.Acts = append(rec.Acts, departure.Act{Grant: g.ID, Effect: effect, State: departure.ActIntended, At: now})
			return []Event{p.e.event(rec, "act.intended", actText(effect, departure.ActIntended))}, nil
		}
		return nil, errors.New("no authorisation is left for it")
	})
	if err != nil {
		return RetryAfter{Why: err.Error()}
	}
	return nil
}

// heldProof and holdProof keep the owner's proof in memory alone, until Find My
// Device is off.
func (r *run) heldProof() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proof
}

func (r *run) holdProof(proof string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.proof = proof
}
