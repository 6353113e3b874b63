package engine_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/clearance-project/clearance/agent/departure"
	"github.com/clearance-project/clearance/agent/engine"
	"github.com/clearance-project/clearance/agent/engine/enginetest/world"
)

func TestWhatCannotBeSeenIsNotReady(t *testing.T) {
	for name, c := range map[string]struct {
		port  string
		err   error
		check departure.CheckID
	}{
		"no worker":         {"Look", engine.ErrNoWorker, departure.AgentHealthy},
		"a blocked worker":  {"Look", &engine.BlockedError{Why: departure.Reason{Code: "locked", Text: "the keyring is locked"}}, departure.AgentHealthy},
		"no Find My Device": {"State", errors.New("the bus is gone"), departure.FindMyDeviceOff},
	} {
		t.Run(name, func(t *testing.T) {
			r := rigged(t, world.New(), departure.Delete)
			r.reach(ready)
			r.w.Broken[c.port] = c.err
			r.pass()
			if k := r.check(c.check); r.snap().Verdict.Ready || k.Status != departure.Unknown {
				t.Errorf("ready %v, %s %s: %s", r.snap().Verdict.Ready, c.check, k.Status, k.Reason.Text)
			}
			delete(r.w.Broken, c.port)
			r.pass()
			if !r.snap().Verdict.Ready {
				t.Error("it does not see again")
			}
		})
	}
	t.Run("the agent itself", func(t *testing.T) {
		r := &rig{t: t, w: world.New(), rules: &world.Rules{}}
		cfg := r.w.Config(r.rules)
		cfg.Health = func() departure.Health { return departure.Health{} }
		r.e = engine.New(cfg)
		r.ok(r.e.Load(t.Context()))
		defer r.e.Close()
		r.open(departure.Delete)
		r.pass()
		if k := r.check(departure.AgentHealthy); k.Status != departure.Unknown {
			t.Errorf("%s", k.Status)
		}
	})
}

func TestFailedSteps(t *testing.T) {
	blocked := &engine.BlockedError{Why: departure.Reason{Code: "full", Text: "the disk is full"},
		Remedy: departure.Remedy{Code: "destination", Text: "choose another", Command: "clearance destination"}}
	for _, port := range []string{"Backup", "Verify", "Keep", "Seal", "Sweep"} {
		t.Run(port, func(t *testing.T) {
			r := rigged(t, world.New(), departure.Delete)
			r.w.Broken[port] = blocked
			for range 12 {
				r.ok(r.w.Honest(t.Context(), r.e, r.id))
			}
			if s := r.snap(); s.Waiting == nil || s.Waiting.Code != "destination" || s.Retry || s.WaitingWhy != "the disk is full" {
				t.Errorf("waiting for %v %q, retry %v", s.Waiting, s.WaitingWhy, s.Retry)
			}
			r.w.Broken[port] = errors.New("input/output error")
			r.pass()
			if s := r.snap(); !s.Retry || !strings.Contains(s.WaitingWhy, "input/output error") {
				t.Errorf("waiting for %v %q, retry %v", s.Waiting, s.WaitingWhy, s.Retry)
			}
			if r.w.Unbinds != 0 {
				t.Error("signed out over a step that failed")
			}
			delete(r.w.Broken, port)
			r.reach(ready)
		})
	}
}

func TestLoadRevokes(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	r.reach(ready)
	live := engine.Permit{ID: "p", Issued: w.Time, Expires: w.Time.Add(time.Minute)}
	old := engine.Permit{ID: "old", Issued: w.Time.Add(-time.Hour), Expires: w.Time}
	redeemed := engine.Permit{ID: "r", Issued: w.Time, Expires: w.Time.Add(time.Minute), RedeemedAt: w.Time}
	r.ok(r.e.Update(t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Permits = []engine.Permit{live, old, redeemed}
		return nil, nil
	}))
	r.e.Close()
	r.load()
	p := r.snap().Record.Permits
	if p[0].RevokedAt.IsZero() || p[0].RevokedWhy == "" || !p[1].RevokedAt.IsZero() || !p[2].RevokedAt.IsZero() {
		t.Errorf("after a start: %+v", p)
	}
	if err := r.e.Load(t.Context()); err == nil {
		t.Error("loaded twice")
	}
}

func TestOwned(t *testing.T) {
	r := rigged(t, world.New(), departure.Delete)
	r.ok(r.e.Update(t.Context(), r.id, func(rec *engine.Record) ([]engine.Event, error) {
		rec.Permits = []engine.Permit{{ID: "p"}}
		return nil, nil
	}))
	if id, err := r.e.Owned(t.Context(), "p"); err != nil || id != r.id {
		t.Errorf("%q, %v", id, err)
	}
	if _, err := r.e.Owned(t.Context(), "q"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestEachReadsPages(t *testing.T) {
	r := rigged(t, world.New(), departure.SignOut)
	for range 250 {
		rec := r.w.Record(departure.SignOut, world.Me)
		rec.State, rec.Departure.Account.Identity = engine.Finished, rec.Departure.ID
		r.ok(r.e.Open(t.Context(), rec))
	}
	n := 0
	r.ok(r.e.Each(t.Context(), func(*engine.Record) error { n++; return nil }))
	if n != 251 {
		t.Errorf("%d departures", n)
	}
}

// A plan looks and keeps nothing.
func TestSurvey(t *testing.T) {
	w := world.New()
	r := rigged(t, w, departure.Delete)
	writes := w.Writes
	look, trackers, err := r.e.Survey(t.Context(), w.Record(departure.Delete, world.Me), func(engine.Progress) {})
	r.ok(err)
	if len(look.Listings) != 6 || len(trackers.Seen) != 1 || w.Writes != writes || len(w.Ledger) != 0 {
		t.Errorf("%d places, %d trackers, %d writes", len(look.Listings), len(trackers.Seen), w.Writes-writes)
	}
	w.Broken["State"] = errors.New("the bus is gone")
	if _, trackers, err = r.e.Survey(t.Context(), w.Record(departure.Delete, world.Me), func(engine.Progress) {}); err != nil || trackers.Complete || trackers.Why.Text == "" {
		t.Errorf("%+v, %v", trackers, err)
	}
	w.Broken["Look"] = engine.ErrNoWorker
	if _, _, err := r.e.Survey(t.Context(), w.Record(departure.Delete, world.Me), func(engine.Progress) {}); !errors.Is(err, engine.ErrNoWorker) {
		t.Errorf("%v", err)
	}
}
