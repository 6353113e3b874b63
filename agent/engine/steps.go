package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/clearance-project/clearance/agent/departure"
)

// Outcome is how a step's run ended: [Done], [RetryAfter] or [WaitFor].
type Outcome interface{ outcome() }

// Done says that the step ran; the look that follows says whether it holds.
type Done struct{}

// RetryAfter says that it may pass by itself; the pass is repeated after a growing wait.
type RetryAfter struct{ Why string }

// WaitFor says that nothing goes on without someone.
type WaitFor struct {
	Why    string
	Remedy departure.Remedy
}

func (Done) outcome()       {}
func (RetryAfter) outcome() {}
func (WaitFor) outcome()    {}

// step is a part of a departure that does something; the steps that only decide
// are lines of the verdict.
type step struct {
	id departure.Step
	// due: what it needs holds, and it does not hold itself.
	due func(*pass) bool
	run func(*pass, context.Context) Outcome
}

// steps are those that do something, in the order in which they are tried.
var steps = []step{
	{id: departure.StepBackup, due: (*pass).backupDue, run: (*pass).backup},
	{id: departure.StepVerify, due: (*pass).verifyDue, run: (*pass).verify},
	{id: departure.StepKeep, due: (*pass).keepDue, run: (*pass).keep},
	{id: departure.StepSeal, due: (*pass).sealDue, run: (*pass).seal},
	{id: departure.StepFindMyDevice, due: (*pass).findMyDue, run: (*pass).findMy},
	{id: departure.StepUnbind, due: (*pass).unbindDue, run: (*pass).unbind},
}

// due is the next step to run in this pass, nil where there is none. Each step
// runs once in a pass, unbind and find-my-device once for each effect.
func (p *pass) due() *step {
	for i := range steps {
		s := &steps[i]
		if s.id.Order() > p.rec.Until.Order() {
			return nil
		}
		if !p.tried[s.id] && s.due(p) {
			return s
		}
	}
	return nil
}

// holds reports whether a step holds, by the lines of the verdict.
func holds(s departure.Step, f departure.Facts, v departure.Verdict) (bool, string) {
	need := map[departure.Step][]departure.CheckID{
		departure.StepInventory:    {departure.InventoryComplete},
		departure.StepBackup:       {"backup.photos", "backup.contacts", "backup.notes", "backup.calendars", "backup.files"},
		departure.StepVerify:       {departure.BackupVerified},
		departure.StepKeep:         {departure.KeptHere},
		departure.StepAcknowledge:  {departure.UncoveredAcknowledged, departure.RecordsPurchases, departure.ConsequencesAcknowledged, departure.RosterSignedOut},
		departure.StepAuthorize:    {departure.AuthorizeGranted},
		departure.StepSeal:         {departure.SealIntact},
		departure.StepFindMyDevice: {departure.FindMyDeviceOff},
		departure.StepUnbind:       {departure.BindingsRemoved},
		departure.StepRecheck:      {departure.BindingsRemoved, departure.FindMyDeviceOff, departure.SealIntact, departure.AccountsSeparate},
	}
	switch s {
	case departure.StepPermit:
		return v.Ready, "deletion is not allowed yet"
	case departure.StepTrack:
		return v.Complete, "the deletion is not closed yet"
	}
	ids, known := need[s]
	if !known {
		return false, "this step is not known"
	}
	for _, id := range ids {
		c, ok := v.Checks.Get(id)
		if !ok {
			return false, "a check is missing"
		}
		if !c.Status.Holds() {
			return false, c.Reason.Text
		}
	}
	return !f.Look.At.IsZero(), "nobody has looked yet"
}

func (p *pass) holds(id departure.CheckID) bool {
	c, ok := p.verdict.Checks.Get(id)
	return ok && c.Status.Holds()
}

// ended turns a worker's error into an outcome.
func ended(what string, err error) Outcome {
	var blocked *BlockedError
	switch {
	case err == nil:
		return Done{}
	case errors.As(err, &blocked):
		return WaitFor{Why: blocked.Why.Text, Remedy: blocked.Remedy}
	default:
		return RetryAfter{Why: fmt.Sprintf("%s did not end: %v", what, err)}
	}
}

func (p *pass) placeUsable() bool {
	c := p.facts.Look.Copy
	return (c.Place == departure.PlaceApart || c.Place == departure.PlaceSameDisk) && c.Present && c.Need <= c.Free
}

func (p *pass) backupDue() bool {
	if p.facts.Look.At.IsZero() || !p.placeUsable() {
		return false
	}
	if p.facts.Look.Copy.Damaged > 0 {
		return true
	}
	for _, l := range p.facts.Look.Listings {
		if p.rec.Departure.Required(l.Source) && l.Missing() > 0 {
			return true
		}
	}
	return false
}

func (p *pass) backup(ctx context.Context) Outcome {
	res, err := p.e.cfg.Worker.Backup(ctx, p.e.job(p.rec), p.r.report)
	return p.copied(ctx, "copying", res, err)
}

// copied keeps what a run of the copy or the read-back left, even one that did
// not end: what is in the copy counts.
func (p *pass) copied(ctx context.Context, what string, res CopyResult, err error) Outcome {
	if res.Ledger == "" {
		return ended(what, err)
	}
	serr := p.r.update(context.WithoutCancel(ctx), func(rec *Record) ([]Event, error) {
		rec.Ledger = res.Ledger
		// A place that was chosen meanwhile has a copy of its own.
		if res.BagID != "" && rec.Destination.Folder == p.rec.Destination.Folder {
			rec.Destination.BagID, rec.Destination.Disk = res.BagID, res.Disk
		}
		events := []Event{p.e.event(rec, "copy", fmt.Sprintf("%s: %d items, %d could not be", what, res.Done, res.Failed))}
		if res.Beside != "" {
			events = append(events, p.e.event(rec, "copy", "your copy is not touched by this: "+res.Beside))
		}
		if res.Mended != "" {
			events = append(events, p.e.event(rec, "copy", res.Mended))
		}
		if res.Earlier > 0 {
			events = append(events, p.e.event(rec, "copy", fmt.Sprintf("%d earlier versions in your copy were damaged, and are put aside; what they are versions of is whole", res.Earlier)))
		}
		return events, nil
	})
	return ended(what, errors.Join(err, serr))
}

func (p *pass) verifyDue() bool {
	c := p.facts.Look.Copy
	if p.facts.Look.At.IsZero() || !c.Present || c.BagID == "" {
		return false
	}
	return !p.holds(departure.BackupVerified) && c.Damaged == 0
}

func (p *pass) verify(ctx context.Context) Outcome {
	// Half a day early, so that a departure that is ready does not go stale in
	// the middle of a deletion.
	before := p.e.cfg.Clock.Now().Add(-departure.ReadLife / 2)
	if p.facts.Ledger != p.facts.Look.Copy.Ledger {
		before = p.e.cfg.Clock.Now()
	}
	res, err := p.e.cfg.Worker.Verify(ctx, p.e.job(p.rec), before, p.r.report)
	return p.copied(ctx, "reading back", res, err)
}

func (p *pass) keepDue() bool {
	k := p.facts.Look.Kept
	return k.Known && k.Present < k.Needed && !declined(p.rec) && !p.holds(departure.KeptHere) && p.holds(departure.BackupVerified)
}

func (p *pass) keep(ctx context.Context) Outcome {
	_, err := p.e.cfg.Worker.Keep(ctx, p.e.job(p.rec), p.r.report)
	return ended("keeping", err)
}

// sealDue: every line before the release holds but those that the seal itself
// and the authorisation answer, and there is no seal that could be used.
func (p *pass) sealDue() bool {
	for _, c := range p.verdict.Checks {
		if c.Stage != departure.Release || c.ID == departure.SealRecent || c.ID == departure.AuthorizeGranted {
			continue
		}
		if !c.Status.Holds() {
			return false
		}
	}
	if p.rec.Seal == nil {
		return true
	}
	if p.irreversible() && len(p.verdict.Pending) == 0 {
		return false // rows heal one by one
	}
	if !p.holds(departure.SealIntact) {
		return true
	}
	return len(p.verdict.Pending) > 0 && p.holds(departure.AuthorizeGranted) && !p.holds(departure.SealRecent)
}

func (p *pass) irreversible() bool {
	if departure.Unbound(p.rec.Bindings) {
		return true
	}
	for _, a := range p.rec.Acts {
		if a.State != departure.ActInterrupted {
			return true
		}
	}
	return false
}

func (p *pass) seal(ctx context.Context) Outcome {
	res, err := p.e.cfg.Worker.Seal(ctx, p.e.job(p.rec), p.r.report)
	if err != nil {
		return ended("the last look", err)
	}
	if res.Missing.Code != "" {
		return RetryAfter{Why: "the last look did not end: " + res.Missing.Text}
	}
	if res.Differs > 0 {
		p.tried[departure.StepBackup], p.tried[departure.StepVerify] = false, false
		return RetryAfter{Why: fmt.Sprintf("%d items changed without a trace since they were copied; they are copied again", res.Differs)}
	}
	rows := p.facts.Reseal(p.profile, res.Rows)
	err = p.r.update(ctx, func(rec *Record) ([]Event, error) {
		rec.Seal = &departure.Seal{At: res.At, End: res.End, Rows: rows}
		return []Event{p.e.event(rec, "sealed", "the last look was taken")}, nil
	})
	return ended("the last look", err)
}
