package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
)

// Rules is what the engine knows of the provider and of the device's policy.
// The zero value allows everything and waits for nothing.
type Rules struct {
	Needs    departure.Needs // of the deletion path
	Delay    time.Duration
	Forbid   string // why the policy forbids it, empty where it does not
	Waivable []departure.CheckID
	// Consequences are told besides the one that every account has.
	Consequences []departure.Line
}

// Profile is the provider's, as the rules have it.
func (r *Rules) Profile(d departure.Departure) departure.Profile {
	p := departure.Profile{
		Provider: d.Account.Provider, Name: "Cloud", Datasets: departure.Datasets, NoTracker: !d.Account.Declared,
		Consequences: []departure.Line{{ID: "c", Text: "the account is gone"}},
		Purchases:    []departure.Line{{ID: "p", Text: "proofs of purchase are gone"}},
		Uncovered:    []departure.Line{{ID: "u", Text: "messages are gone"}},
		Path:         departure.Path{ID: "x", Needs: r.Needs},
	}
	p.Consequences = append(p.Consequences, r.Consequences...)
	return p
}

// PhotoFolders are none.
func (*Rules) PhotoFolders(string) []string { return nil }

// For is the device's policy.
func (r *Rules) For(departure.Departure) departure.Policy {
	return departure.Policy{Allows: r.Forbid == "", Why: departure.Reason{Code: "policy", Text: r.Forbid}, Delay: r.Delay, Waivable: r.Waivable,
		Digest: departure.DigestOf(r.Forbid, r.Delay, r.Waivable)}
}

// Config is an engine's, over the world.
func (w *World) Config(rules *Rules) engine.Config {
	return engine.Config{
		Store: w.Storage(), Worker: w.Worker(), Tracker: w.Phone(), Clock: w.Clock(),
		Catalogue: rules, Policy: rules, Assured: departure.AssuredPersonal,
		Health: func() departure.Health { return departure.Health{Buses: true, Store: true, Clock: true} },
	}
}

// Record is a new departure of an account, as a person would begin it.
func (w *World) Record(intent departure.Intent, account departure.Account) *engine.Record {
	return &engine.Record{State: engine.Open, Until: departure.StepTrack,
		Departure: departure.Departure{ID: engine.NewID(), Account: account, Intent: intent, Path: "x", Fate: departure.KeptDevice, Opened: w.Clock().Now()}}
}

// Honest does the next thing that an honest person would, as the agent's own
// answers ask for it, after a pass.
func (w *World) Honest(ctx context.Context, e *engine.Engine, id string) error {
	if err := e.Pass(ctx, id); err != nil {
		return err
	}
	return w.Answer(ctx, e, id)
}

// Answer gives every answer that is asked for now: the place, the words, the
// password, the owner's leave.
func (w *World) Answer(ctx context.Context, e *engine.Engine, id string) error {
	s, _, err := e.Snapshot(ctx, id)
	if err != nil {
		return err
	}
	if s.Record.Destination.Folder == "" {
		return e.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
			rec.Destination.Folder = "/media/disk"
			return nil, nil
		})
	}
	if err := w.Say(ctx, e, id, s); err != nil {
		return err
	}
	if s, _, err = e.Snapshot(ctx, id); err != nil {
		return err
	}
	return Authorise(ctx, e, id, s)
}

// Say says yes to every question, as it is asked.
func (w *World) Say(ctx context.Context, e *engine.Engine, id string, s engine.Snapshot) error {
	for _, c := range s.Verdict.Checks.Open() {
		if c.Remedy != nil && c.Remedy.Code == "password" {
			if err := e.Credential(ctx, id, "right"); err != nil {
				return err
			}
		}
		if c.Remedy != nil && c.Remedy.Code == "sign-in" {
			w.Do(func() {
				if !w.SignedIn() {
					w.SignIn()
				}
			})
		}
		if c.Remedy != nil && c.Remedy.Code == "by-hand" {
			w.Do(func() {
				w.Bindings[ByHand] = false
				w.Touch("")
			})
		}
		if c.ID == departure.ServerSeen || c.ID == departure.KeptHere {
			continue // who knows the password gives it, who wants their contacts keeps them
		}
		if c.Ask == nil || c.Ask.Said {
			continue
		}
		if err := e.Say(ctx, id, w.word(c)); err != nil {
			return fmt.Errorf("say %s: %w", c.ID, err)
		}
	}
	return nil
}

func (w *World) word(c departure.Check) departure.Word {
	word := departure.Word{Check: c.ID, Kind: c.Ask.Kind, Subject: c.Ask.Subject, List: c.Ask.List, Statement: "yes"}
	if c.ID == departure.BackupOf(departure.Photos) && c.Ask.Kind == departure.Attest {
		w.Do(func() { word.Count = int64(len(w.Folder)) })
	}
	return word
}

// Authorise gives the owner's leave where the answers say that it is wanted.
func Authorise(ctx context.Context, e *engine.Engine, id string, s engine.Snapshot) error {
	want := false
	for _, c := range s.Verdict.Checks.Open() {
		want = want || (c.Remedy != nil && c.Remedy.Code == "authorise")
	}
	want = want || (s.Waiting != nil && s.Waiting.Code == "authorise")
	for _, k := range s.Record.Words {
		n := len(s.Record.Authorisations)
		want = want || n == 0 || !s.Record.Authorisations[n-1].Carries(k)
	}
	if !want {
		return nil
	}
	err := e.Authorize(ctx, id, "uid:1000", "right", departure.WordsDigest(s.Record.Words), s.Verdict.Pending)
	var refused *engine.RefusedError
	if errors.As(err, &refused) && refused.Code == "stale" {
		return nil // shown anew in the next round
	}
	return err
}
