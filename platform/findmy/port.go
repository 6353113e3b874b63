package findmy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

var _ engine.Tracker = (*Client)(nil)

// State is the engine's look: the implementers of one account, those that may
// be its, and the others that count. Seen are the names met earlier.
func (c *Client) State(ctx context.Context, account departure.Account, seen []string) (departure.Trackers, error) {
	report, err := c.Look(ctx, seen)
	if err != nil {
		return departure.Trackers{}, err
	}
	ts := departure.Trackers{Complete: report.Complete}
	if !report.Complete {
		ts.Why = departure.Reason{Code: "tracker-incomplete", Text: report.Why}
	}
	for _, i := range report.Implementers {
		if !i.Counts {
			continue
		}
		if ours, tracker := judge(i, account, slices.Contains(seen, i.Name)); ours {
			ts.Seen = append(ts.Seen, tracker)
		} else {
			ts.Others = append(ts.Others, tracker)
		}
	}
	return ts, nil
}

// judge says whether an implementer that counts is to be held against an
// account: one that speaks for it, did so earlier, or may do so.
func judge(i Implementer, account departure.Account, met bool) (ours bool, t departure.Tracker) {
	t = departure.Tracker{Name: i.Name, State: i.State, ConfirmedBy: i.ConfirmedBy, Simulated: i.Simulated}
	if i.State == departure.TrackerUnknown {
		t.Why = departure.Reason{Code: "tracker-unknown", Text: "Find My Device (" + i.Name + ") is not known to be off: " + i.Why}
	}
	target := Target{Name: i.Name, Provider: account.Provider, Account: account.Identity}
	nobody := i.Provider == "" && i.Account == ""
	switch {
	case target.account(i):
		return true, t
	case met && i.State == departure.TrackerOff && nobody:
		return true, t // it forgot the account, as wire.go allows
	case met && i.State != departure.TrackerUnknown:
		t.State = departure.TrackerUnknown
		t.Why = departure.Reason{Code: "tracker-other-account", Text: "Find My Device (" + i.Name + ") no longer says anything of this account"}
		return true, t
	case met, i.State == departure.TrackerUnknown && (i.Provider == "" || i.Account == ""):
		return true, t
	}
	return false, t
}

// Disable turns one implementer off for the engine; the engine reads back too.
func (c *Client) Disable(ctx context.Context, implementer string, account departure.Account, proof string) error {
	r := c.TurnOff(ctx, Target{implementer, account.Provider, account.Identity}, proof)
	return r.problem("cannot turn Find My Device off")
}

// Enable turns one implementer on again for the engine.
func (c *Client) Enable(ctx context.Context, implementer string, account departure.Account, proof string) error {
	r := c.TurnOn(ctx, Target{implementer, account.Provider, account.Identity}, proof)
	return r.problem("cannot turn Find My Device on")
}

// problem is the outcome as an error; wrong proof and not allowed are the
// engine's own.
func (r Result) problem(what string) error {
	why := errors.New("for a reason that it does not give")
	switch {
	case r.Outcome == Done:
		return nil
	case r.Outcome == WrongProof:
		why = engine.ErrProofRefused
	case r.Outcome == NotAllowed:
		why = engine.ErrNotOwner
	case r.Outcome == Unreachable:
		why = errors.New("the provider could not be asked whether the password is right; nothing was changed")
	case r.Why != "":
		why = errors.New(r.Why)
	}
	return fmt.Errorf("%s: %w", what, why)
}
