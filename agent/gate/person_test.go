package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/gate"
)

// plain signs nothing: a token is its type and claims.
type plain struct{}

func (plain) Sign(typ string, claims []byte) (string, error) { return typ + " " + string(claims), nil }

func claimsOf(token string) (c gate.Claims, err error) {
	for i := range token {
		if token[i] == ' ' {
			return c, json.Unmarshal([]byte(token[i+1:]), &c)
		}
	}
	return c, errors.New("no claims")
}

// agent is one run of the agent over a world, which survives it.
type agent struct {
	w      *world
	e      *engine.Engine
	g      *gate.Gate
	cancel context.CancelFunc
}

func start(w *world, path departure.Needs) (*agent, error) {
	ctx, cancel := context.WithCancel(context.Background())
	e := engine.New(engine.Config{
		Store: crashing{w.store, w}, Worker: w, Tracker: phone{w}, Clock: w,
		Catalogue: catalogue{path}, Policy: rules{}, Assured: departure.AssuredPersonal,
		Health: func() departure.Health { return departure.Health{Buses: true, Store: true, Clock: true} },
	})
	a := &agent{w: w, e: e, cancel: cancel,
		g: gate.New(gate.Config{Engine: e, Signer: plain{}, Secret: []byte("secret"), BootID: "boot", Closed: func() string { return "" }})}
	return a, e.Load(ctx)
}

func (a *agent) stop() {
	a.cancel()
	a.e.Close()
}

var me = departure.Account{ID: "me", Provider: "cloud", Identity: "alice@cloud", Name: "alice"}

func (a *agent) open(intent departure.Intent, account departure.Account) (string, error) {
	id := engine.NewID()
	rec := &engine.Record{State: engine.Open, Until: departure.StepTrack,
		Departure: departure.Departure{ID: id, Account: account, Intent: intent, Path: "x", Fate: departure.KeptDevice, Opened: a.w.now}}
	return id, a.e.Open(context.Background(), rec)
}

// honest does the next thing that an honest person would, as the agent's own
// answers ask for it.
func (a *agent) honest(id string) error {
	ctx := context.Background()
	if err := a.e.Pass(ctx, id); err != nil {
		return err
	}
	s, _, err := a.e.Snapshot(ctx, id)
	if err != nil {
		return err
	}
	if s.Record.Destination.Folder == "" {
		return a.e.Update(ctx, id, func(rec *engine.Record) ([]engine.Event, error) {
			rec.Destination.Folder = "/media/disk"
			return nil, nil
		})
	}
	if err := a.answer(id, s); err != nil {
		return err
	}
	if s, _, err = a.e.Snapshot(ctx, id); err != nil {
		return err
	}
	return a.authorise(id, s)
}

// answer says yes to every question, as it is asked.
func (a *agent) answer(id string, s engine.Snapshot) error {
	for _, c := range s.Verdict.Checks.Open() {
		if c.Remedy != nil && c.Remedy.Code == "password" {
			if err := a.e.Credential(context.Background(), id, "right"); err != nil {
				return err
			}
		}
		if c.Remedy != nil && c.Remedy.Code == "sign-in" && !a.w.signedIn() {
			a.w.signIn()
		}
		if c.ID == departure.ServerSeen {
			continue // who knows the password gives it, and accepts nothing unseen
		}
		if c.Ask == nil || c.Ask.Said {
			continue
		}
		w := departure.Word{Check: c.ID, Kind: c.Ask.Kind, Subject: c.Ask.Subject, List: c.Ask.List, Statement: "yes"}
		if w.Kind == departure.Attest && c.ID != departure.FindMyDeviceOff {
			w.Count = int64(len(a.w.folder))
			if c.ID != departure.BackupOf(departure.Photos) {
				w.Count = 0
			}
		}
		if err := a.e.Say(context.Background(), id, w); err != nil {
			return fmt.Errorf("say %s: %w", c.ID, err)
		}
	}
	return nil
}

// authorise gives the owner's leave where the answers say that it is wanted.
func (a *agent) authorise(id string, s engine.Snapshot) error {
	want := false
	for _, c := range s.Verdict.Checks.Open() {
		want = want || (c.Remedy != nil && c.Remedy.Code == "authorise")
	}
	want = want || (s.Waiting != nil && s.Waiting.Code == "authorise")
	for _, w := range s.Record.Words {
		n := len(s.Record.Authorisations)
		want = want || n == 0 || !s.Record.Authorisations[n-1].Carries(w)
	}
	if !want {
		return nil
	}
	err := a.e.Authorize(context.Background(), id, "uid:1000", "right", departure.WordsDigest(s.Record.Words), s.Verdict.Pending)
	var refused *engine.RefusedError
	if errors.As(err, &refused) && refused.Code == "stale" {
		return nil // shown anew in the next round
	}
	return err
}

// permit asks for a permit and redeems it: a receipt, or why there is none.
func (a *agent) permit(id, audience string) (receipt string, err error) {
	ctx := context.Background()
	p, _, err := a.g.Issue(ctx, id, "0123456789abcdef", audience)
	if err != nil {
		return "", err
	}
	receipt, _, err = a.g.Redeem(ctx, p.ID, "fedcba9876543210")
	return receipt, err
}
