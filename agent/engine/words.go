package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
)

// NewID is a random name for a departure, a grant, a permit: 128 bits in base32.
func NewID() string { return rand.Text() }

// RefusedError is a refusal of what a person asked for, with a stable code.
type RefusedError struct {
	Code string // "invalid", "stale", "not-ready", "grant-required"
	Text string
}

func (e *RefusedError) Error() string { return e.Text }

// Say keeps a word of the person. It is refused where the check does not ask
// for it, or asks over another list than the one that was shown.
func (e *Engine) Say(ctx context.Context, id string, w departure.Word) error {
	s, _, err := e.Snapshot(ctx, id)
	if err != nil {
		return err
	}
	c, known := s.Verdict.Checks.Get(w.Check)
	switch {
	case !known:
		return &RefusedError{"invalid", fmt.Sprintf("there is no check %q", w.Check)}
	case c.Ask == nil:
		return &RefusedError{"invalid", "nothing is asked there now: " + c.Reason.Text}
	case c.Ask.List != w.List || c.Ask.Subject != w.Subject:
		return &RefusedError{"stale", "the list changed since you were shown it: read it again"}
	case c.Ask.Kind != w.Kind && w.Kind != departure.Waive:
		return &RefusedError{"invalid", fmt.Sprintf("this is answered by %q, not by %q", c.Ask.Kind, w.Kind)}
	case w.Statement == "":
		return &RefusedError{"invalid", "say it in your own words: the statement is empty"}
	case w.Count < 0:
		return &RefusedError{"invalid", "a count cannot be below zero"}
	}
	w.At = e.cfg.Clock.Now()
	return e.Update(ctx, id, func(rec *Record) ([]Event, error) {
		if rec.State != Open {
			return nil, &RefusedError{"invalid", "this leaving is closed"}
		}
		rec.Words = slices.DeleteFunc(rec.Words, func(k departure.Word) bool {
			return k.Check == w.Check && k.Kind == w.Kind && k.Subject == w.Subject
		})
		rec.Words = append(rec.Words, w)
		return []Event{e.event(rec, "word", "you answered: "+w.Check.Spoken())}, nil
	})
}

// Authorize keeps the owner's leave over exactly the words and the effects that
// they were shown: one grant for each effect, good for a day from the end of
// the delay. Earlier grants that were not used are void, and so is an earlier
// proof: what one authorisation proved is not lent to another. The proof stays
// in memory.
func (e *Engine) Authorize(ctx context.Context, id, by, proof string, words departure.Digest, effects []departure.Effect) error {
	s, _, err := e.Snapshot(ctx, id)
	if err != nil {
		return err
	}
	if s.Facts.Look.At.IsZero() {
		return &RefusedError{"not-ready", "nobody has looked at your data yet: wait until it was listed"}
	}
	for _, effect := range effects {
		if !slices.Contains(s.Verdict.Pending, effect) {
			return &RefusedError{"stale", "what is to be done changed since you were shown it: look again"}
		}
	}
	delay := e.cfg.Policy.For(s.Record.Departure).Delay
	err = e.Update(ctx, id, func(rec *Record) ([]Event, error) {
		if rec.State != Open {
			return nil, &RefusedError{"invalid", "this leaving is closed"}
		}
		if departure.WordsDigest(rec.Words) != words {
			return nil, &RefusedError{"stale", "something was answered since you were shown the answers: read them again"}
		}
		e.run(id).holdProof("")
		return e.authorise(rec, by, delay, effects), nil
	})
	if err == nil && proof != "" {
		e.run(id).holdProof(proof)
		e.run(id).wake()
	}
	return err
}

func (e *Engine) authorise(rec *Record, by string, delay time.Duration, effects []departure.Effect) []Event {
	now := e.cfg.Clock.Now()
	for i := range rec.Grants {
		if g := &rec.Grants[i]; g.UsedAt.IsZero() && g.VoidAt.IsZero() {
			g.VoidAt, g.VoidWhy = now, "a later authorisation took its place"
		}
	}
	a := departure.Authorisation{ID: NewID(), At: now, By: by, From: now.Add(delay), Effects: effects}
	for _, w := range rec.Words {
		a.Words = append(a.Words, w.Digest())
	}
	slices.Sort(a.Words)
	rec.Authorisations = append(rec.Authorisations, a)
	for _, effect := range slices.Compact(slices.Sorted(slices.Values(effects))) {
		rec.Grants = append(rec.Grants, departure.Grant{ID: NewID(), Authorisation: a.ID, Effect: effect, From: a.From})
	}
	return []Event{e.event(rec, "authorised", fmt.Sprintf("you authorised %d acts and %d answers", len(effects), len(a.Words)))}
}

// Submitted notes that the deletion was asked for at the provider.
func (e *Engine) Submitted(ctx context.Context, id string, when time.Time) error {
	return e.Update(ctx, id, func(rec *Record) ([]Event, error) {
		switch {
		case rec.State != Open || rec.Departure.Intent != departure.Delete:
			return nil, &RefusedError{"invalid", "no deletion is under way here"}
		case when.IsZero() || when.After(e.cfg.Clock.Now().Add(time.Minute)):
			return nil, &RefusedError{"invalid", "the time of the deletion lies in the future"}
		}
		rec.Submitted = when
		return []Event{e.event(rec, "submitted", "the deletion was asked for at the provider")}, nil
	})
}

// AddShared asks for what other people share with the account, too.
func (e *Engine) AddShared(ctx context.Context, id string) error {
	return e.Update(ctx, id, func(rec *Record) ([]Event, error) {
		switch {
		case rec.State != Open:
			return nil, &RefusedError{"invalid", "this leaving is closed"}
		case rec.Departure.Shared:
			return nil, errUnchanged
		}
		rec.Departure.Shared = true
		return []Event{e.event(rec, "shared-added", "what others share with the account is copied too")}, nil
	})
}

// Raise turns a departure that ends in a sign-out, or that ended in one, into a
// deletion. It is ErrAlreadyOpen where the account is being left anew by now.
func (e *Engine) Raise(ctx context.Context, id, path string) error {
	rec, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return err
	}
	err = e.Each(ctx, func(other *Record) error {
		a, b := other.Departure, rec.Departure
		if other.State == Open && a.ID != b.ID && a.Account.Provider == b.Account.Provider && a.Account.Identity == b.Account.Identity {
			return ErrAlreadyOpen
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.Update(ctx, id, func(rec *Record) ([]Event, error) {
		switch {
		case rec.State == Cancelled:
			return nil, &RefusedError{"invalid", "this leaving was cancelled: begin anew"}
		case rec.Departure.Intent == departure.Delete:
			return nil, errUnchanged
		}
		rec.Departure.Intent, rec.Departure.Path, rec.State, rec.Closed = departure.Delete, path, Open, time.Time{}
		return []Event{e.event(rec, "raised", "leaving goes on to the deletion of the account")}, nil
	})
}

// Cancel gives a departure up. It deletes no copy. Find My Device is switched
// on again only where the person says that the deletion was not submitted, we
// had switched it off, and they prove who they are.
func (e *Engine) Cancel(ctx context.Context, id string, notSubmitted bool, proof string) error {
	r := e.run(id)
	release, err := r.hold(ctx)
	if err != nil {
		return ErrBusy
	}
	defer release()
	rec, err := e.cfg.Store.Load(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case rec.State != Open:
		return &RefusedError{"invalid", "this leaving is closed already"}
	case !rec.Submitted.IsZero():
		return &RefusedError{"invalid", "the deletion was submitted: there is nothing left to cancel here"}
	}
	var undone error
	if notSubmitted && proof != "" {
		undone = e.enable(ctx, rec, proof)
	}
	err = r.update(ctx, func(rec *Record) ([]Event, error) {
		rec.State, rec.Closed = Cancelled, e.cfg.Clock.Now()
		evs := e.revoke(rec, "the leaving was cancelled")
		return append(evs, e.event(rec, "cancelled", "the leaving was cancelled; your copy stays")), nil
	})
	r.holdProof("")
	r.wake()
	if err == nil && undone != nil {
		return &RefusedError{"unavailable", "the leaving is cancelled, but Find My Device stays off: " + undone.Error()}
	}
	return err
}

// enable turns on again what we had turned off, where the server, asked just
// now, still shows the account: a device must not lock itself to one that is
// gone.
func (e *Engine) enable(ctx context.Context, rec *Record, proof string) error {
	var off []string
	for _, a := range rec.Acts {
		if name, ok := a.Effect.Implementer(); ok && a.State == departure.ActDone && !slices.Contains(off, name) {
			off = append(off, name)
		}
	}
	if len(off) == 0 {
		return nil
	}
	s, err := e.observe(ctx, rec, e.job(rec), func(Progress) {})
	if err != nil {
		return err
	}
	if !shows(rec, s.look) {
		return errors.New("the server does not show that the account is still there")
	}
	var errs []error
	for _, name := range off {
		errs = append(errs, e.cfg.Tracker.Enable(ctx, name, rec.Departure.Account, proof))
	}
	return errors.Join(errs...)
}

// shows reports whether the server, as it was just listed, still has the account.
// One that takes the password and has nothing of what it held shows what a
// deletion leaves, and one that refuses it anywhere shows nothing.
func shows(rec *Record, look departure.Look) bool {
	there := false
	for _, l := range look.Listings {
		if !l.Source.Remote || !l.Source.OfAccount {
			continue
		}
		if l.Why.Code == "unauthorized" {
			return false
		}
		held := slices.ContainsFunc(rec.Sources, func(k departure.KnownSource) bool { return k.Source.ID == l.Source.ID && k.Items > 0 })
		there = there || l.Complete && (l.Items > 0 || !held)
	}
	return there
}
